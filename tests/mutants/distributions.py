"""Faults of the distributions and their machines."""

# Modules whose tests have another name.
TESTS = {
    "smoothed_spins": "smoothed_rbm",
}

FAULTS = {
    "bipartite_normal": [
        ("- log_determinant)", "+ log_determinant)"),
        ("return -0.5 * tf.reduce_sum(value", "return -tf.reduce_sum(value"),
    ],
    "boltzmann_machine": [
        ("copied._own(self._negative_phase)", "self._own(copied._negative_phase)"),
        ("return super().copy(chains=None, **overrides)", "return super().copy(**overrides)"),
        (
            "of_machine = estimate.mapped(lambda value: value - offset)",
            "of_machine = estimate",
        ),
        ("return log_partition + self.log_partition_offset()", "return log_partition"),
    ],
    "convolutional_rbm": [
        ("return max(3, stride + 1 - stride % 2)", "return max(3, stride)"),
        ("if kernel[0] < stride[0] or", "if kernel[0] <= stride[0] or"),
    ],
    "discrete_mixture": [
        (
            "return 1 - tf.tanh(tf.convert_to_tensor(self._bias)) ** 2 + 1 / delta",
            "return 1 - tf.tanh(tf.convert_to_tensor(self._bias)) ** 2 + delta",
        ),
        (
            "(math.log(2 * math.pi) - tf.math.log(delta) + delta)",
            "(math.log(2 * math.pi) + tf.math.log(delta) + delta)",
        ),
        ("noise * tf.math.rsqrt(", "noise * tf.sqrt("),
        ("return tf.broadcast_to(mean, shape)", "return mean"),
    ],
    "gaussian_visible": [
        ("logits=logits + machine.hidden_bias", "logits=logits"),
        (
            "tf.fill([1, machine.num_enumerated], tf.constant(0.5",
            "tf.fill([1, machine.num_enumerated], tf.constant(0.0",
        ),
        ("tf.maximum(tf.sqrt(variance), lowest)", "tf.maximum(variance, lowest)"),
    ],
    "independent_spins": [
        ("return 1 - self._mean() ** 2", "return 1 - self._mean()"),
        ("log_2cosh(field) - field * tf.tanh(field)", "log_2cosh(field) + field * tf.tanh(field)"),
        (
            "return tf.tanh(tf.convert_to_tensor(self._field))",
            "return tf.sigmoid(tf.convert_to_tensor(self._field))",
        ),
    ],
    "labeled_rbm": [
        ("labels == -1, marginal, chosen)", "labels == -1, chosen, marginal)"),
        ("* tf.reduce_sum(rows, axis=-1, keepdims=True)", ""),
        ("tf.gather(drawn, labels, axis", "tf.gather(drawn, 0 * labels, axis"),
        ("logits += machine.hidden_bias_given(labels)", "logits += machine.hidden_bias"),
    ],
    "restricted_boltzmann_machine": [
        ("mean = (1 + mean) / 2 if", "mean = mean / 2 if"),
        ("covariance = covariance / 4 if", "covariance = covariance / 2 if"),
        ("weights, bias = bits_of_spins(weights, bias)", "pass"),
        (
            "log_marginal(self._spins(value)) + self.log_partition_offset()",
            "log_marginal(self._spins(value))",
        ),
        ("log_marginal(self._spins(value))", "log_marginal(value)"),
        ("return IndependentSpins(log_odds / 2)", "return IndependentSpins(log_odds)"),
        ("if self._binary and not is_held_as_spins else", "if self._binary else"),
        ("if self._binary and not is_held_as_spins else", "if not is_held_as_spins else"),
        ("+ 0.5) / (count + 1)", "+ 0.5) / count"),
        ("covariance[..., :kept, :kept]", "covariance[..., :kept]"),
    ],
    "smoothed_boltzmann_machine": [
        (
            "return broadcast_batch(singular_values[..., -1] ** 2",
            "return broadcast_batch(singular_values[..., 0] ** 2",
        ),
        ("tf.linalg.set_diag(factor, tf.zeros_like(factor[..., 0]))", "factor"),
    ],
    "smoothed_rbm": [
        ("- 0.5 * precision.log_abs_determinant()", "+ 0.5 * precision.log_abs_determinant()"),
        ("+ 0.5 * size * precision.delta", "- 0.5 * size * precision.delta"),
        ("[..., : self.num_visible]", "[..., self.num_visible :]"),
    ],
    "smoothed_spins": [
        ("return spins + self._color(noise)", "return spins - self._color(2 * noise)"),
    ],
}
