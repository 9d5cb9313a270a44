"""Faults of what all share."""

TESTS = {}

FAULTS = {
    "logistic_mass": [
        ("tf.math.log_sigmoid(-a)", "tf.math.log_sigmoid(a)"),
        ("tfp.math.log1mexp(width), zero)", "zero, zero)"),
    ],
    "construction": [
        ('getattr(instance, f"_{self._name}")', "getattr(instance, self._name, None)"),
        ("dtype_hint=tf.float32", "dtype_hint=tf.float64"),
        ('"allow_nan_stats": parameters["allow_nan_stats"]', '"allow_nan_stats": True'),
    ],
    "unit_cells": [
        ("end = level + 1", "end = level + 2"),
        ("point = level + noise", "point = level - noise"),
        ("tf.maximum(tf.abs(end), 1) * step", "tf.abs(end) * step"),
        ("end - tf.maximum(tf.abs(end), 1) * step", "end * (1 - step)"),
        ("1.25 * 2.0", "0.5 * 2.0"),
    ],
    "constants": [
        ("if name in saved and not _is_same", "if name in saved and _is_same"),
        ('prefix = f"{kind}[{index}]" if index else kind', "prefix = kind"),
        ("equal_nan=True", "equal_nan=False"),
    ],
    "copying": [
        ("copyreg.pickle(base, _reduce)", "pass"),
        ("for base in (cls, *_without_composite_tensors(cls)):", "for base in (cls,):"),
    ],
    "leading_axes": [
        ("tf.shape(flat)[0] < 1", "tf.shape(flat)[0] < 0"),
        ("y = y[: tf.reduce_prod(tf.shape(x)[:-event_ndims])]", "pass"),
    ],
    "enumeration": [
        ("tf.cast(start, tf.int64) + tf.range", "tf.range"),
        ("tf.range(num_units, dtype=tf.int64)) % 2", "tf.range(num_units, dtype=tf.int64)) % 3"),
        ("lambda start, _: start < 2**num_units", "lambda start, _: start < 2**num_units - count"),
        (
            "tf.reduce_logsumexp([total, block(start)], 0)",
            "tf.reduce_max([total, block(start)], 0)",
        ),
        ("[count] + [1] * batch_rank + [num_units]", "[count] + [num_units]"),
        ("self.variances + (self.means", "(self.means"),
        ("(self.means - self.mean()) ** 2", "self.means ** 2"),
        ("tf.matmul(weighted, rows, transpose_a=True)", "tf.matmul(rows, rows, transpose_a=True)"),
    ],
    "checks": [
        ("condition &= tf.equal(exact, tf.floor(exact))", "condition &= True"),
        ("condition = (exact >= low) & (exact <= high)", "condition = exact >= low"),
        ("elif value.dtype.size < dtype.size:", "elif value.dtype.size != dtype.size:"),
        ("exact = tf.cast(value, tf.int64)", "exact = tf.cast(value, dtype)"),
        (
            'return tf.where(condition, value, tf.constant(float("nan"), value.dtype))',
            "return value",
        ),
        ("tf.where(in_range, value, lowest - 1)", "value"),
        ("value = tf.cast(value, tf.int64)", "value = tf.cast(value, tf.int32)"),
        ("tf.equal(tf.abs(value), 1)", "tf.abs(value) <= 1"),
        ("if a.event_shape != b.event_shape:", "if False:"),
    ],
    "fingerprint": [
        ("tf.bitwise.bitwise_xor(rows, tf.bitwise.right_shift(rows, 32))", "rows"),
        ("_odd_numbers(2 * place, _ROW)", "1"),
        ("_odd_numbers(2 * place + 1, tf.shape(rows)[0])", "1"),
        ("if not field.endswith(_DERIVED):", "if True:"),
        ("-tf.size(flat) % (share * _ROW)", "0 * tf.size(flat)"),
    ],
    "parameter_shapes": [
        ("lambda sample_shape: sample_shape[:-1]", "lambda sample_shape: sample_shape"),
        ("low=dtype_util.eps(dtype)", "low=dtype_util.eps(tf.float32)"),
    ],
    "numeric": [
        ("return tf.nn.softplus(2 * x) - x", "return tf.nn.softplus(2 * x) + x"),
        ("transpose_a=not transpose", "transpose_a=transpose"),
        ("move_axis(rows, 0, -2), matrix, transpose_b=transpose", "move_axis(rows, 0, -2), matrix"),
        ("product = move_axis(product, -2, 0)", "product = move_axis(product, 1, 0)"),
        ("ps.broadcast_shape(shape[:split], batch_shape)", "ps.broadcast_shape([], batch_shape)"),
        ("order.insert(destination % rank, axis)", "order.insert(source % rank, axis)"),
        ("return largest * tf.exp(0.5 * log_bound)", "return tf.exp(0.5 * log_bound)"),
        ("tf.reduce_all(bound <= tf.cast", "tf.reduce_any(bound <= tf.cast"),
        ("tf.sqrt(-2.0 * tf", "tf.sqrt(-1.0 * tf"),
        ("return tf.ensure_shape(tf.linalg.", "return tf.linalg.matrix_transpose(matrix)  # "),
        ("[[0, added]])", "[[added, 0]])"),
        ("% 2048 == 0", "% 2048 != 0"),
    ],
    "seeds": [
        ("scope[1] += 1", "pass"),
        ("if seed is None and scope is not None:", "if scope is not None:"),
        ("_LOCAL.scope = previous", "_LOCAL.scope = None"),
        ("_LOCAL = threading.local()", "_LOCAL = threading"),
    ],
}
