"""Faults of the models."""

TESTS = {
    "glow": "image_flows",
    "flow_plus_plus": "image_flows",
    "initialization": "image_flows",
    "coupling_steps": "image_flows",
    "vector_steps": "vector_flow",
    "condition_paths": "conditional",
    "conditioned": "conditional",
}

FAULTS = {
    "conditional": [
        ("tf.where(labels[..., tf.newaxis] < 0, unknown, vectors)", "vectors"),
        ("if num_classes != self._num_context:", "if False:"),
        ("tf.range(num_samples) % self._num_classes", "tf.zeros([num_samples], tf.int32)"),
        ("labels = checks.labels(condition, self._num_classes)", "labels = tf.constant(condition)"),
    ],
    "conditioned": [
        ("condition = checks.valid(condition, tf.math.is_finite(condition), message)", "pass"),
        ("self._for_every_model(value), seed, **kwargs)", "value, seed, **kwargs)"),
        ("return ps.shape(self._condition)[:-1]", "return ps.shape(self._condition)[:0]"),
        ("ParameterProperties(event_ndims=1)", "ParameterProperties(event_ndims=0)"),
    ],
    "condition_paths": [
        ("if len({_takes(part) for part in same}) > 1:", "if False:"),
        ("and _takes(part) and id(part) not in reached:", "and False:"),
        ("if len(sizes) > 1:", "if False:"),
        ("_leaves(part, (*path, part.name))", "_leaves(part, (part.name,))"),
    ],
    "nice": [
        ("tf.constant(1 / num_levels, dtype)", "tf.constant(1 / (num_levels - 1), dtype)"),
        ("swap=bool(step % 2)", "swap=True"),
        ("if num_levels is not None:", "if False:"),
        ("if size > 1:", "if size > 0:"),
    ],
    "spline_flow": [
        ("tf.reshape(parameters, shape), self.bound)", "tf.reshape(parameters, shape), 4.0)"),
        ("hidden_units, zero_output=True", "hidden_units, zero_output=False"),
    ],
    "vector_flow": [
        ("hidden_units, zero_output=True", "hidden_units, zero_output=False"),
        ("if num_dims == 1:", "if False:"),
    ],
    "vector_posteriors": [
        ("networks.MLP(given + num_dims, 2 * moved", "networks.MLP(moved + num_dims, 2 * moved"),
        ("tf.exp(3 * tf.tanh(log_scale / 3))", "tf.exp(3 * tf.tanh(loc / 3))"),
    ],
    "vector_steps": [
        ("swap=bool(step % 2)", "swap=False"),
        ("(last, num_dims - last) if step % 2", "(num_dims - last, last) if step % 2"),
        ("num_steps if num_dims > 1 else 0", "num_steps - 1"),
        ("tfb.Chain(steps[::-1])", "tfb.Chain(steps)"),
    ],
    "conditional_flow": [
        ("return self.distribution", "return super()._maybe_broadcast_distribution_batch_shape()"),
    ],
    "presets": [
        (
            "image_shape, num_levels=num_levels, processor_filters=32",
            "image_shape, processor_filters=32",
        ),
        ("num_channels=num_augmented,", "num_channels=3,"),
        ("    for option in options:\n", "    for option in ():\n"),
    ],
    "consistency": [
        ("if found != num_levels:", "if False:"),
        ("if shape != tuple(image_shape):", "if False:"),
        ("if num_scales is not None and len(squeezes) != num_scales:", "if False:"),
        ("flow.forward_dtype(dtype)", "pass"),
    ],
    "codes": [
        (
            "model.distribution.bijector.inverse(model.dequantize(images, seed=seed))",
            "model.distribution.bijector.forward(model.dequantize(images, seed=seed))",
        ),
    ],
    "multi_scale": [
        ("return shapes[::-1]", "return shapes"),
        ("channels //= 2", "pass"),
    ],
}
