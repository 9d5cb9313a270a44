"""Faults of the flows."""

TESTS = {
    "glow": "models/named_models",
    "flow_plus_plus": "models/named_models",
    "image_preprocessing": "models/vflow",
    "initialization": "models/named_models",
    "coupling_steps": "models/named_models",
    "vector_steps": "vector_flow",
    "condition_paths": "models/conditional",
}

FAULTS = {
    "residual": [
        ("tf.constant(1 / num_levels, make_steps.dtype)", "tf.constant(1.0, make_steps.dtype)"),
        ("[make_steps] * num_scales", "[make_steps]"),
        ("num_levels, shape[-1], num_augmented, alpha", "num_levels, shape[-1], 0, alpha"),
    ],
    "nice": [
        ("tf.constant(1 / num_levels, dtype)", "tf.constant(1 / (num_levels - 1), dtype)"),
        ("swap=bool(step % 2)", "swap=True"),
        ("if num_levels is not None:", "if False:"),
        ("if size > 1:", "if size > 0:"),
    ],
    "vector_flow": [
        ("hidden_units, zero_output=True", "hidden_units, zero_output=False"),
        ("if num_dims == 1:", "if False:"),
    ],
    "spline_flow": [
        ("tf.reshape(parameters, shape), self.bound)", "tf.reshape(parameters, shape), 4.0)"),
        ("zero_output=True,", "zero_output=False,"),
    ],
    "multi_scale": [
        ("return shapes[::-1]", "return shapes"),
        ("channels //= 2", "pass"),
    ],
    "vector_steps": [
        ("swap=bool(step % 2)", "swap=False"),
        ("(last, num_dims - last) if step % 2", "(num_dims - last, last) if step % 2"),
        ("num_steps if num_dims > 1 else 0", "num_steps - 1"),
        ("tfb.Chain(steps[::-1])", "tfb.Chain(steps)"),
    ],
    "image_preprocessing": [
        ("[to_logit, tfb.Identity()]", "[tfb.Identity(), tfb.Identity()]"),
    ],
    "condition_paths": [
        ("if len({_takes(part) for part in same}) > 1:", "if False:"),
        ("and _takes(part) and id(part) not in reached:", "and False:"),
        ("if len(sizes) > 1:", "if False:"),
        ("_leaves(part, (*path, part.name))", "_leaves(part, (part.name,))"),
    ],
}
