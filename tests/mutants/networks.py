"""Faults of the networks."""

TESTS = {}

FAULTS = {
    "keras3_network": [
        ("training=bool(training)", "training=False"),
        ("self._values = values", "self._values = ()"),
        ("if value.trainable and not variable.trainable:", "if False:"),
        ("value.dtype.name != self.network.variable_dtype", "False"),
    ],
    "residual_net": [
        ('convolution(num_filters, "zeros")', "convolution(num_filters)"),
        ("y += outer(", "y = outer("),
    ],
    "translation": [
        ("self._bound * tf.tanh(output / self._bound)", "output"),
    ],
    "lipschitz_layers": [
        ("kernel / tf.maximum(_MARGIN * _norm_bound(kernel, image_size), 1)", "kernel"),
        ("_SWISH_SLOPE = 1.1", "_SWISH_SLOPE = 1.0"),
        ("_CONCATENATED_SLOPE = 1.004", "_CONCATENATED_SLOPE = 1.0"),
        ("tf.concat([x, -x], axis=-1)", "tf.concat([x, x], axis=-1)"),
        ("if kernel_size % 2 == 0:", "if False:"),
    ],
    "lipschitz_net": [
        ("self.coefficient * self.output_layer", "self.output_layer"),
        ("tensors[1] += moved", "tensors[1] -= moved"),
        ("not 0 < coefficient < 1", "not 0 < coefficient <= 1"),
        ("[tf.constant(math.sqrt(0.5), x.dtype)] * 2", "[tf.constant(1.0, x.dtype)] * 2"),
        ("[weights[0] * x, weights[1] * y]", "[x, weights[1] * y]"),
        ("_WEIGHTS_LENGTH * tf.math.rsqrt", "tf.math.rsqrt"),
    ],
    "spectral_norm": [
        ("image_shape[0] + height - 1", "image_shape[0]"),
        ("tf.concat([real, -imaginary], axis=-1)", "tf.concat([real, imaginary], axis=-1)"),
        ("np.arange(columns // 2 + 1)", "np.arange(columns // 2)"),
    ],
    "conv_net": [
        ('convolution(num_outputs, 3, "zeros")', 'convolution(num_outputs, 3, "he_normal")'),
        (
            'convolution(num_filters, 1, "he_normal", "relu")',
            'convolution(num_filters, 1, "he_normal")',
        ),
        ("tf.cast(restore_leading_axes(y, x), self.dtype)", "restore_leading_axes(y, x)"),
    ],
    "dropout": [],
    "masked_mlp": [
        ("self.kernel * tf.constant(self.mask, self.kernel.dtype)", "self.kernel"),
        ("before[:, np.newaxis] < after if", "before[:, np.newaxis] <= after if"),
        ("first = 0 if num_context else 1", "first = 1"),
        ("bias=np.tile(bias, size)", "bias=np.repeat(bias, size)"),
        ("if units < min(2, last - first + 1):", "if False:"),
        (" * tf.constant(counts[..., np.newaxis], kernel.dtype)", ""),
        ("sums[0] += tf.matmul(kernels[0][size:]", "sums[0] -= tf.matmul(kernels[0][size:]"),
        ("sums[0] += kernels[0][i, :, tf.newaxis] * entry", "sums[0] += 0 * entry"),
        ("[size, self.num_outputs, batch])[i]", "[size, self.num_outputs, batch])[0]"),
        ("units = layer.activation(tf.gather", "units = tf.nn.tanh(2 * tf.gather"),
    ],
    "transformer": [
        ("query / math.sqrt(size)", "query"),
        ("tokens += tf.cast(self.position", "tokens += 0 * tf.cast(self.position"),
        ("self.norms[1](x)", "self.norms[0](x)"),
        ("x * -math.sqrt(0.5)", "x * math.sqrt(0.5)"),
        ("tf.transpose(heads, [0, 2, 1, 3])", "heads"),
        ("self.dropout(self.attended(attended), training=training)", "self.attended(attended)"),
        ('kernel_initializer="zeros",', 'kernel_initializer="glorot_uniform",'),
    ],
    "gated_attention": [
        ("scores / math.sqrt(channels // self.num_heads)", "scores / math.sqrt(channels)"),
        ("x if position is None else x + position", "x"),
        ("return x + a * tf.sigmoid(b)", "return a * tf.sigmoid(b)"),
        ("dropout(attended, self.dropout_rate, seed)", "attended"),
        ("VarianceScaling(0.01)", "VarianceScaling(1.0)"),
        ("attended = tf.ensure_shape(attended, x.shape)", "attended = tf.stop_gradient(attended)"),
    ],
    "gated_resnet": [
        (
            "tf.concat([tf.nn.elu(x), tf.nn.elu(-x)], axis=-1)",
            "tf.concat([tf.nn.elu(x), tf.nn.elu(x)], axis=-1)",
        ),
        (
            "hidden += self.from_context(concat_elu(context))",
            "hidden += self.from_context(concat_elu(-context))",
        ),
        ("gate += self.from_context(context)", "pass"),
        (
            "attention_seed = None if seed is None else samplers.fold_in(seed, 1)",
            "attention_seed = seed",
        ),
        ("if training and self.dropout_rate:", "if self.dropout_rate:"),
        (
            'samplers.split_seed(sanitize_seed(None), n=len(self.blocks), salt="dropout")',
            "[sanitize_seed(None)] * len(self.blocks)",
        ),
        (
            'samplers.split_seed(sanitize_seed(None), n=len(self.blocks), salt="dropout")',
            "[samplers.fold_in(sanitize_seed(None), 2 * i) for i in range(len(self.blocks))]",
        ),
    ],
    "layer_norm": [
        (
            "precise - tf.reduce_mean(precise, axis=-1, keepdims=True)",
            "precise - tf.stop_gradient(tf.reduce_mean(precise, axis=-1, keepdims=True))",
        ),
        ("variance + self.epsilon", "variance"),
        ("self.beta, x.dtype)", "self.beta, self.gamma.dtype)"),
    ],
    "mlp": [
        ("y = self.dropout(layer(y), training=training)", "y = layer(y)"),
        ('"zeros" if zero_output else', '"glorot_uniform" if zero_output else'),
        (
            "restore_leading_axes(self.output_layer(y), x)",
            "restore_leading_axes(self.output_layer(-y), x)",
        ),
        (
            "tf.cast(restore_leading_axes(self.output_layer(y), x), self.dtype)",
            "restore_leading_axes(self.output_layer(y), x)",
        ),
    ],
    "recomputation": [
        ("tf.recompute_grad(function)(*tensors)", "function(*tensors)"),
        ("_after(bar, part) for part in floating", "part for part in floating"),
        ("(of_tensors, slopes[1]) if variables", "(of_tensors, slopes[1][::-1]) if variables"),
        ("output_gradients=bar", "output_gradients=tf.stop_gradient(bar)"),
        ("    first = tf.reduce_max", "    return tensor\n    first = tf.reduce_max"),
    ],
}
