"""Faults of the bijectors."""

# Modules whose tests have another name.
TESTS = {"conditioners": "coupling", "image_bijector": "checkerboard_split"}

FAULTS = {
    "general_coupling": [
        ("reversed(range(len(parts)))", "range(len(parts))"),
        ("in reversed(self._changes(parts, index))", "in self._changes(parts, index)"),
        ("if place != index]", "if place > index]"),
    ],
    "integer_operations": [
        ("lambda y_bar: y_bar", "lambda y_bar: 0 * y_bar"),
        ("y - round_straight_through(t)", "y - tf.floor(t)"),
        ("tf.math.floormod(value, modulus)", "tf.clip_by_value(value, 0, modulus - 1)"),
    ],
    "factor_out": [
        ("tf.concat([x, *parts[::-1]], axis=-1)", "tf.concat([x, *parts], axis=-1)"),
    ],
    "contraction_root": [
        ("is_better = after <= self.coefficient * before", "is_better = after >= 0"),
        ("is_good = found.residual <= found.allowed", "is_good = found.residual >= 0"),
        ("function(root, *inputs)", "function(y, *inputs)"),
        ("self.solve(_transposed(function), x_bar, [root, *inputs])", "x_bar"),
        ("candidate = x - residual", "candidate = x + residual"),
        ("tf.where(taken, state.candidate, state.x)", "state.candidate"),
    ],
    "power_series": [
        ("tf.cast(sign / state.k, probe.dtype)", "tf.cast(sign, probe.dtype)"),
        (
            "tf.cast(drawn < probability, row.dtype), probability",
            "tf.cast(drawn < probability, row.dtype), 1.0",
        ),
        ("scale = self._over_event(-tf.cast", "scale = self._over_event(tf.cast"),
        ("(state.k < self.num_terms)", "(state.k <= self.num_terms)"),
        ("tf.eye(size, dtype=x.dtype) + jacobian", "tf.eye(size, dtype=x.dtype) - jacobian"),
    ],
    "residual": [
        ("if wants_exact():", "if False:"),
        ("return x + value, log_det", "return value, log_det"),
        ("_FEW = 16", "_FEW = 1"),
        ("if not 0 < coefficient < 1:", "if False:"),
        ('seed = sanitize_seed(seed, salt="residual")', "seed = sanitize_seed(None)"),
    ],
    "conditioners": [("if hidden:", "if not hidden:")],
    "act_norm": [
        ("enumerate(shape) if size == 1]", "enumerate(shape) if size == 1][:1]"),
        (
            "return x if x.shape.rank is None else tf.ensure_shape(x, [*x.shape[:-1], expected[-1]])",
            "return x",
        ),
        ('"shift": properties, "log_scale": properties,', '"shift": flag, "log_scale": flag,'),
        ("return total * tf.cast(positions // own_positions, total.dtype)", "return total"),
        ("own_positions = ps.reduce_prod(ps.shape(log_scale)[-rank:-1])", "own_positions = 1"),
        ("tf.reshape(-tf.math.log(deviation),", "tf.reshape(tf.math.log(deviation),"),
        ("tf.reshape(-mean / deviation,", "tf.reshape(-mean,"),
        ("(y - self._shift) * tf.exp(", "(y + self._shift) * tf.exp("),
        ("tf.maximum(tf.sqrt(variance), _MIN", "tf.maximum(variance, _MIN"),
        ("self._is_initialized.assign(True)", "pass"),
    ],
    "context": [
        ("_check_shape(condition.shape, part.shape[:leading_rank], num_context)", "pass"),
        ("ones = [1] * (event_ndims - 1)", "ones = [1] * event_ndims"),
        (
            "tf.concat([part, tf.broadcast_to(condition, target)], axis=-1)",
            "tf.concat([tf.broadcast_to(condition, target), part], axis=-1)",
        ),
        ("if condition.dtype != part.dtype:", "if False:"),
        ("        if condition is not None:", "        if False:"),
    ],
    "channel_split": [
        ("tf.split(x, 2, axis=-1)", "tf.split(x, 2, axis=-1)[::-1]"),
        ("[size - size // 2, size // 2], axis=-1)", "[size // 2, size - size // 2], axis=-1)"),
        ("dims[2] // 2", "dims[2]"),
    ],
    "checkerboard_split": [
        ("% 2 == 1, [-1, 1, 1])", "% 2 == 0, [-1, 1, 1])"),
        ("tf.where(is_odd_row, even, odd)", "tf.where(is_odd_row, odd, even)"),
        ('if self._pattern == "columns":', 'if self._pattern != "columns":'),
    ],
    "image_bijector": [
        ("list(parts)[::-1] if self._swap else list(parts)", "list(parts)"),
        ("size + -size % factor", "size - size % factor"),
        ("[size - size // 2, size // 2])", "[size // 2, size - size // 2])"),
        ("if size < 2:", "if size < 1:"),
        ("shape[-1:] - shape[-1:] // 2, shape[-1:] // 2]", "shape[-1:] // 2, shape[-1:] // 2]"),
    ],
    "coupling": [
        ("return x, -log_det", "return x, log_det"),
        (
            "self._split.inverse([first, result]), log_det",
            "self._split.inverse([result, first]), log_det",
        ),
        ("self._bijector_fn(self._condition(first))", "self._bijector_fn(self._condition(second))"),
        ("event_ndims=self._part_event_ndims[1])", "event_ndims=self._part_event_ndims[0] - 1)"),
        ("self._split.forward_event_shape(shape)  # Raises", "pass  # Raises"),
    ],
    "autoregressive": [
        ("return y, -bijector.inverse_log_det", "return y, bijector.inverse_log_det"),
        ("return x, -bijector.inverse_log_det", "return x, bijector.inverse_log_det"),
        (
            "with_context(y, condition, self._num_context",
            "with_context(y, None, 0 * self._num_context",
        ),
        (
            "bijector.forward(entries[i][:, tf.newaxis])",
            "bijector.forward(entries[0][:, tf.newaxis])",
        ),
        ("entries, context = tf.split(", "context, entries = tf.split("),
        ("if entry.shape[-1] not in (None, 1):", "if False:"),
        ("class Autoregressive(EqualByIdentity, ", "class Autoregressive("),
    ],
    "permutation": [
        ("tf.gather(y, np.argsort(self._order), axis=-1)", "tf.gather(y, self._order, axis=-1)"),
        (
            'range(checks.positive_integer("size", size))[::-1]',
            'range(checks.positive_integer("size", size))',
        ),
        ("if size not in (None, len(self._order)):", "if False:"),
    ],
    "scale_matvec_qr": [
        ("tf.linalg.solve(one + skew, one - skew)", "tf.linalg.solve(one + skew, one + skew)"),
        (
            "diagonal = tf.exp(tf.linalg.diag_part(kernel))",
            "diagonal = tf.linalg.diag_part(kernel)",
        ),
        ("below - tf.linalg.matrix_transpose(below)", "below + tf.linalg.matrix_transpose(below)"),
        ("if kernel_rank > 2:", "if kernel_rank > 3:"),
    ],
    "image_to_logit": [
        ("ImageToLogit(Increasing, ", "ImageToLogit("),
        ("assert_positive(tf.minimum(low, high)", "assert_positive(low"),
        (
            "return tf.math.log(low) - tf.math.log(high)",
            "return tf.math.log(low) + tf.math.log(high)",
        ),
        ("math.log(self._slope) - tf.math.log(low)", "-tf.math.log(low)"),
        (
            "return (1 - 2 * self._alpha) / self._num_levels",
            "return (1 - self._alpha) / self._num_levels",
        ),
        (
            "return (1 - 2 * self._alpha) / self._num_levels",
            "return (1 - 2 * self._alpha) / (self._num_levels - 1)",
        ),
        ("-tf.nn.softplus(y) - tf.nn.softplus(-y) -", "-tf.nn.softplus(y) - tf.nn.softplus(y) -"),
    ],
    "monotone_spline": [
        ("log_slope = found.log_slope_at(place) -", "log_slope = found.log_slope_at(place) +"),
        ("return share, _within(slope, _SLOPE_RATIO), knot", "return share, slope, knot"),
        ("_within(_picked(knot, knot_index), _KNOT_RATIO)", "_picked(knot, knot_index)"),
        ("(own + _picked(slope, neighbour)) / 2", "own"),
        ("point = tf.where(inside, x, tf.zeros_like(x))", "point = x"),
        ("tf.abs(x) < self._bound", "tf.abs(x) < self._bound / 2"),
        ("limit * tf.tanh(log_ratio / limit)", "limit * tf.tanh(log_ratio)"),
        ("(1 - _SMALLEST_WIDTH) * tf.nn.softmax(width)", "tf.nn.softmax(width)"),
        ("at_knot(later - 1, later)", "at_knot(later, later)"),
        ("tf.where(index == final, total, ", "tf.where(index < 0, total, "),
        ("ends[..., 1:-1]", "ends[..., :-2]"),
        ("unit * total if invert else unit)[", "unit)["),
        ("first * rest**2", "first * place**2"),
        ("if values.shape[:-1] != index.shape:", "if False:"),
    ],
    "invertible_1x1_conv": [
        ("if index.shape.rank == 1:", "if True:"),
        ("ps.shape(rows)[:-2]", "shape[:-event_rank]"),
        ("tf.sort(self._permutation, axis=-1)", "self._permutation"),
        (
            "return x if x.shape.rank is None else tf.ensure_shape(x, [*x.shape[:-1], expected])",
            "return x",
        ),
        ("x.dtype) * tf.cast(positions, x.dtype)", "x.dtype)"),
        ("transpose_b=True)", "transpose_b=False)"),
        ("tf.linalg.qr(tf.cast(kernel, tf.float64)).r", "tf.linalg.qr(kernel).r"),
        ("tf.argsort(permutation, axis=-1)", "permutation"),
        (
            "tf.math.log(tf.abs(tf.linalg.diag_part(kernel)))",
            "tf.math.log(tf.linalg.diag_part(kernel))",
        ),
        ("ps.shape(x)[-self._event_rank : -1]", "ps.shape(x)[-self._event_rank :]"),
        ("ps.reduce_prod(shape[-event_rank:-1])", "1"),
        ("columns, lower=False)", "columns)"),
        ('if init == "rotation":', 'if init != "rotation":'),
    ],
    "mix_log_cdf": [
        ("logit_cdf(x, *parameters)[1], shape)", "logit_cdf(x, *parameters)[0], shape)"),
        ("return tf.reshape(value - y, shape)", "return tf.reshape(y - value, shape)"),
    ],
    "mix_log_cdf_coupling": [
        ("tf.tanh(log_scale[..., 0])", "log_scale[..., 0]"),
        (
            "per_entry = 2 + 3 * self._num_components\n",
            "per_entry = 2 + 2 * self._num_components\n",
        ),
        ("log_scale, shift, *mixture = tf.split", "shift, log_scale, *mixture = tf.split"),
    ],
    "mixture_logistic": [
        ("tf.maximum(log_scales, MIN_LOG_SCALE)", "log_scales"),
        ("tf.where(is_negative, z, -z), -limit", "-tf.abs(z), -limit"),
        ("is_free = log_scales >= MIN", "is_free = log_scales < MIN"),
        ("weights * (\n        for_cdf * sigmoid", "weights * (\n        for_cdf"),
        ("(complement - sigmoid))", "(sigmoid - complement))"),
        ("with_x(*tf.cond(is_plain, plain, far)), again", "with_x(*plain()), again"),
        ("is_plain = tf.reduce_min(tf.stack(sums)) >", "is_plain = tf.reduce_min(sums[0]) >"),
        ("given = here(*given)", "pass"),
        ("* 2.0**40)", "* 2.0**-40)"),
    ],
    "mixture_logistic_far": [
        ("terms - rest\n", "terms + largest - (largest + rest)\n"),
        ("tf.exp(tf.where(is_negative, z, -z))", "tf.exp(-tf.abs(z))"),
        ("log_cdf < log_survival", "log_cdf > log_survival"),
        ("tf.maximum(log_cdf, log_survival)", "log_survival"),
        ("log_derivative_bar * tf.exp(log_weights)", "tf.exp(log_weights)"),
        ("* tf.sigmoid(z)\n", "* tf.sigmoid(-z)\n"),
    ],
    "mixture_logistic_inverse": [
        ("is_left & (count <= enough)", "is_left"),
        ("(share_left * size > rounding) &", "(size > 100 * rounding) &"),
        ("share_left < 0.5, newton, x", "share_left < np.inf, newton, x"),
        ("(size < 0.5 * smallest)", "(size < np.inf)"),
        ("low = tf.where(residual < 0", "low = tf.where(residual > 0"),
        ("solution = _as_solution(x, y, *given)", "solution = x"),
        ("output_gradients=-y_bar", "output_gradients=y_bar"),
        ("_MAX_STEPS = 128", "_MAX_STEPS = 12"),
    ],
    "one_pass": [
        ('return y, {"ildj": -log_det}', 'return y, {"ildj": log_det}'),
        ('return x, {"ildj": -log_det}', 'return x, {"ildj": log_det}'),
        ('return x, {"ildj": -log_det}', "return x, {}"),
        ("return -self._inverse_and_log_det(y", "return self._inverse_and_log_det(y"),
    ],
    "squeeze": [
        (
            "tf.nn.space_to_depth(images, self._factor)",
            "tf.nn.space_to_depth(tf.reverse(images, [1]), self._factor)",
        ),
        ("shape[-1:] * f * f]", "shape[-1:] * f]"),
        (
            "None if height is None else height // self._factor",
            "None if height is None else height * self._factor",
        ),
    ],
}
