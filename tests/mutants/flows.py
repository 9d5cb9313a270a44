"""Faults of the flows."""

TESTS = {
    "glow": "models/named_models",
    "flow_plus_plus": "models/named_models",
    "image_preprocessing": "models/vflow",
    "initialization": "models/named_models",
    "coupling_steps": "models/named_models",
    "vector_steps": "vector_flow",
    "condition_paths": "models/conditional",
    "affine_maps": "real_nvp",
}

FAULTS = {
    "integer_flow": [
        ("_PLACES = (0, 3, 1, 2)", "_PLACES = (0, 1, 2, 3)"),
    ],
    "integer_scaling": [
        ("middle = [m if c else float(g)", "middle = [float(g)"),
    ],
    "residual": [
        ("tf.constant(1 / num_levels, make_steps.dtype)", "tf.constant(1.0, make_steps.dtype)"),
        ("[make_steps] * num_scales", "[make_steps]"),
        ('shape[-1], options["num_augmented"], ', "shape[-1], 0, "),
    ],
    "nice": [
        ("tf.constant(1 / num_levels, dtype)", "tf.constant(1 / (num_levels - 1), dtype)"),
        ("swap=bool(step % 2)", "swap=True"),
        ("if num_levels is not None:", "if False:"),
        ("if size > 1:", "if size > 0:"),
    ],
    "affine_maps": [
        (
            'tf.Variable(tf.zeros([], dtype), name="alpha")',
            'tf.Variable(tf.ones([], dtype), name="alpha")',
        ),
        ("2 * tf.tanh(log_scale / 2)", "tf.tanh(log_scale)"),
    ],
    "autoregressive_flows": [
        ("chain += [tfb.Invert(steps.autoregressive()), ", "chain += [steps.autoregressive(), "),
        (
            "chain += [*steps.permutation(step), steps.autoregressive()]",
            "chain += [steps.autoregressive()]",
        ),
        ("seed=step)", "seed=0)"),
        ("self._entry_map.inverted, self", "self._entry_map, self"),
        ('if len(checks.permutation("order", order)) != num_dims:', "if False:"),
    ],
    "entry_maps": [
        ("closed = tf.sigmoid(-second)", "closed = tf.sigmoid(second)"),
        ("limit * tf.atan(second / limit)", "tf.atan(second)"),
        ("return [0.0, 2.0] if", "return [2.0, 0.0] if"),
    ],
    "image_real_nvp": [
        ('"checkerboard", swap=bool(index % 2)', '"checkerboard", swap=False'),
        ("between_channels if scales.conditional else None", "between_channels"),
        ("zero_output=not rezero", "zero_output=False"),
        ("            if mixing:", "            if not mixing:"),
    ],
    "jet": [
        ("math.log(2.0) + tf.math", "tf.math"),
        ("index % _SPATIAL_EVERY == _SPATIAL_EVERY - 1", "index % _SPATIAL_EVERY == 0"),
        ("Permutation.random(channels, seed=index)", "Permutation.random(channels, seed=0)"),
        ("swap = bool(index // _SPATIAL_EVERY % 2)", "swap = False"),
    ],
    "real_nvp": [
        ("swap=bool(size % 2 and step % 2)", "swap=False"),
        ("tfb.Split([*coupling_sizes(size, step)])", "bijectors.ChannelSplit(event_rank=1)"),
        ("RezeroAffine(dtype) if rezero else affine", "affine"),
        ("zero_output=not rezero,", "zero_output=False,"),
    ],
    "simple_flows": [
        ("tfb.Chain([matrix, norm])", "tfb.Chain([norm])"),
        ("np.log(2.0 / num_components)", "5.0"),
        ('if transform == "spline":', 'if transform == "mixture":'),
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
        ("class _Chain(EqualByIdentity, ", "class _Chain("),
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
