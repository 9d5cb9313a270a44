"""Faults of the models."""

TESTS = {
    "bases": "build",
    "parts": "build",
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
    "bases": [
        ("latents.size // 2 if num_hidden is None else num_hidden", "latents.size // 2"),
        ("return latents.size - num_hidden, num_hidden", "return num_hidden, latents.size"),
        ("if not 0 < num_hidden < latents.size:", "if not 0 < num_hidden <= latents.size:"),
        ("if latents.num_classes is None:", "if False:"),
        ("if latents.part_shapes is None:", "if False:"),
    ],
    "build": [
        ("middle = 0.5 if column == INTEGER else 0.0", "middle = 0.0"),
        ("[1 / value for value in scale]", "[value for value in scale]"),
        ("location += [0.0] * num_augmented", "location += [1.0] * num_augmented"),
        ("{**shared, **options}", "{**options, **shared}"),
        ("channels + spec.num_augmented", "channels"),
        ("if is_whole:", "if True:"),
        ('("noise", noise), ("posterior", posterior)', '("noise", noise),'),
        ("_check_base(base, _joint_size(spec))", "pass"),
    ],
    "specification": [
        (
            "column if isinstance(column, int) else 1 for column in self.columns",
            "1 for column in self.columns",
        ),
        ("np.where(is_category, 0.0, mean)", "mean"),
        ("np.where(is_category, 1.0, deviation)", "np.ones(len(is_category))"),
        ("np.sqrt(squares / len(rows))", "np.sqrt(squares / _BLOCK)"),
        ("if value != field.default:", "if value == field.default:"),
        (
            "num_classes = data.num_classes if with_labels else None",
            "num_classes = data.num_classes",
        ),
        ("tuple(map(_as_tuples, value))", "tuple(value)[:1]"),
    ],
    "named_specs": [
        ("{**before, **own}", "own"),
        ("found.setdefault(name, field)", "found[name] = field"),
        ("(value,) if is_single else value", "value"),
        ("fields[name] = getattr(spec, name)", "pass"),
    ],
    "registry": [
        ("return {**own, **_options_of(part.function)}", "return _options_of(part.function)"),
        ("if option not in part.sets}", "}"),
        ('options.get("num_scales", default)', 'options.get("num_scales", 2)'),
        ("taken is not None and taken.function is not part.function", "False"),
        ('data = ("images", "vectors")\n    _register', 'data = ("vectors",)\n    _register'),
    ],
    "parts": [
        (
            "tf.concat([x, model.posterior(x).sample(seed=seed)], axis=-1)",
            "tf.concat([x, x], axis=-1)",
        ),
        ("flow.inverse(x, **given)", "flow.forward(x, **given)"),
        ("and not _is_named(model)", ""),
    ],
    "consistency": [
        ("if found != num_levels:", "if False:"),
        ("if shape != tuple(image_shape):", "if False:"),
        ("if num_scales is not None and len(squeezes) != num_scales:", "if False:"),
        ("flow.forward_dtype(dtype)", "pass"),
    ],
    "codes": [
        ("latents(model, events, seed)", "latents(model, events)"),
        ("tf.shape(spins)[:-1]", "tf.shape(spins)[1:]"),
    ],
}
