"""Faults of what all share."""

TESTS = {}

FAULTS = {
    "enumeration": [
        ("tf.cast(start, tf.int64) + tf.range", "tf.range"),
        ("tf.range(num_units, dtype=tf.int64)) % 2", "tf.range(num_units, dtype=tf.int64)) % 3"),
        ("lambda start, _: start < 2**num_units", "lambda start, _: start < 2**num_units - count"),
        (
            "tf.reduce_logsumexp([total, block(start)], 0)",
            "tf.reduce_max([total, block(start)], 0)",
        ),
        ("[count] + [1] * batch_rank + [num_units]", "[count] + [num_units]"),
    ],
    "numeric": [
        ("return tf.nn.softplus(2 * x) - x", "return tf.nn.softplus(2 * x) + x"),
        ("transpose_a=not transpose", "transpose_a=transpose"),
        ("order.insert(destination % rank, axis)", "order.insert(source % rank, axis)"),
        ("return largest * tf.exp(0.5 * log_bound)", "return tf.exp(0.5 * log_bound)"),
        ("tf.sqrt(-2.0 * tf", "tf.sqrt(-1.0 * tf"),
    ],
    "seeds": [
        ("scope[1] += 1", "pass"),
        ("if seed is None and scope is not None:", "if scope is not None:"),
        ("_LOCAL.scope = previous", "_LOCAL.scope = None"),
        ("_LOCAL = threading.local()", "_LOCAL = threading"),
    ],
}
