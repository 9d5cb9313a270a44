"""Faults of the machines."""

TESTS = {"gaussian_units": "gaussian_machine"}

FAULTS = {
    "bipartite_precision": [
        ("if is_init == (tensor_util", "if is_init != (tensor_util"),
        ("tf.reduce_any(norm >= delta)", "tf.reduce_any(norm > delta)"),
        ("weights * tf.minimum(tf.ones_like(bound), limit / bound)", "weights * (limit / bound)"),
        ("MAX_COUPLING * self.delta, weights.dtype", "MAX_COUPLING, weights.dtype"),
        ("return -2 * upstream[", "return -1 * upstream["),
        ("dtype=relative.dtype) - gram", "dtype=relative.dtype) + gram"),
        (
            "if columns <= rows else tf.matmul(inverse, relative)",
            "if columns <= rows else tf.matmul(inverse, -relative)",
        ),
        ("(weights, enough=limit)", "(weights, enough=2 * limit)"),
        ("return self.delta - tf.linalg.svd", "return self.delta + tf.linalg.svd"),
        ("self._check_definite(value)", "pass"),
        ("self._check_definite(factor)", "pass"),
        (
            "return tf.concat([visible, hidden], axis=-1)",
            "return tf.concat([hidden, visible], axis=-1)",
        ),
        (
            "multiply_rows(hidden, self.weights, transpose=True),",
            "2 * multiply_rows(hidden, self.weights, transpose=True),",
        ),
    ],
    "bits": [
        ("weights / 4, bias / 2 +", "weights / 4, bias / 2 -"),
        ("for axis in (-1, -2)]", "for axis in (-2, -1)]"),
        ("four = tf.constant(4,", "four = tf.constant(2,"),
        ("return -2 * _signals", "return 2 * _signals"),
        (
            "DeferredTensor(spin_weights, _shift,",
            "DeferredTensor(tf.identity(spin_weights), _shift,",
        ),
    ],
    "connected_machine": [
        ("threshold = 0.5 * (tf.math.log(noise)", "threshold = (tf.math.log(noise)"),
        ("- tf.math.log1p(-noise))", "+ tf.math.log1p(-noise))"),
        ("0.5 * tf.reduce_sum(within * rest, axis=-1)", "tf.reduce_sum(within * rest, axis=-1)"),
        ("return step * quadratic + tf", "return tf"),
        ("return self.rest.shape[0]", "return self.summed.shape[0]"),
        (
            "field = inverse_temperature * signal + tf.gather(self.bias, self.summed",
            "field = signal + tf.gather(self.bias, self.summed",
        ),
    ],
    "convolutional_machine": [
        ("self.hidden_image.dtype) / self.scale", "self.hidden_image.dtype)"),
        (
            "[height // self.hidden_image.shape[0], width //",
            "[width // self.hidden_image.shape[1], width //",
        ),
    ],
    "gaussian_machine": [
        ("laid_out_apart(weights / scale[..., tf.newaxis])", "laid_out_apart(weights)"),
        ("[..., : self.weights.shape[-1]]", ""),
        ("columns / scale)", "columns)"),
    ],
    "gaussian_units": [
        ("uniform < tf.sigmoid(logits)", "uniform > tf.sigmoid(logits)"),
        ("self.scale * (signal + noise)", "self.scale * signal + noise"),
        ("+ 0.5 * tf.reduce_sum(pushed**2, axis=-1)", "- 0.5 * tf.reduce_sum(pushed**2, axis=-1)"),
        ("self.multiply(hidden), self.scale**2", "self.multiply(hidden), self.scale"),
        (
            "log_scale = tf.broadcast_to(tf.math.log(self.scale), tf.shape(self.visible_bias))",
            "log_scale = tf.math.log(self.scale)",
        ),
        (
            "inverse_temperature * self.hidden_signal(visible) + self.hidden_bias",
            "inverse_temperature * (self.hidden_signal(visible) + self.hidden_bias)",
        ),
        ("signal = inverse_temperature * self.multiply(hidden)", "signal = self.multiply(hidden)"),
        ("return bits + self.log_gaussian_volume()", "return bits"),
        (
            "start * signal + self.hidden_bias\n        )\n        return tf.reduce_sum(change, axis=-1)",
            "stop * signal + self.hidden_bias\n        )\n        return tf.reduce_sum(change, axis=-1)",
        ),
    ],
    "labeled_machine": [
        (
            "labels = tf.reduce_logsumexp(self.label_bias, axis=-1)",
            "labels = tf.reduce_sum(self.label_bias, axis=-1)",
        ),
        ("tf.argmax(logits + noise, axis=-1)", "tf.argmax(logits - noise, axis=-1)"),
        ("labels * self.label_bias, axis=-1)", "labels, axis=-1)"),
        ("logits + self.machine.log_visible(points)[..., tf.newaxis]", "logits"),
    ],
    "positive_definite": [
        ("half:, half:] - tf.matmul(", "half:, half:] + tf.matmul("),
        ("corner - tf.matmul(beside, weighted)", "corner + tf.matmul(beside, weighted)"),
        ("beside = -tf.matmul(", "beside = tf.matmul("),
        ("first + second", "first - second"),
        ("return inverse, 2 * tf", "return inverse, tf"),
    ],
    "spin_machine": [
        ("uniform < tf.sigmoid(2 * field)", "uniform < tf.sigmoid(field)"),
        ("uniform < tf.sigmoid(2 * field)", "uniform <= 1 - tf.sigmoid(2 * field)"),
        (
            "field = add_field(inverse_temperature * self.visible_signal(hidden), self.visible_bias)",
            "field = add_field(self.visible_signal(hidden), self.visible_bias)",
        ),
        (
            "if machine is self:\n            return small",
            "if machine is not self:\n            return small",
        ),
        (
            "2 * sample_states(*self._enumeration(), num_samples, state_seed) - 1",
            "2 * sample_states(*self._enumeration(), num_samples, state_seed)",
        ),
        (
            "<= self.weights.shape[-1] else self.transposed()",
            ">= self.weights.shape[-1] else self.transposed()",
        ),
        (
            "return 2 * (self.hidden_signal(state) + self.hidden_bias)",
            "return self.hidden_signal(state) + self.hidden_bias",
        ),
        ("(of_large - log_share)", "(of_large + log_share)"),
        (
            "[small, large] if machine is self else [large, small]",
            "[large, small] if machine is self else [small, large]",
        ),
    ],
}
