"""Faults of the coder."""

TESTS = {}

FAULTS = {
    "codec": [
        ("if header.fingerprint != fingerprint(model):", "if False:"),
        ("if _checksum(events) != header.checksum:", "if False:"),
        ("min(header.block_size, header.num_events - start)", "header.block_size"),
    ],
    "entropy": [
        ("except AssertionError:", "except ZeroDivisionError:"),
    ],
    "container": [
        ("_digest(body) != digest", "False"),
        ("if data[4] != _FORMAT:", "if False:"),
    ],
    "decisions": [
        ("tf.where(middle > distribution.high, ", "tf.where(middle > math.inf, "),
        ("numerator, 1, 2**PRECISION - 1", "numerator, 0, 2**PRECISION"),
    ],
    "block_coder": [
        ("decisions[:count] = stream.read", "decisions[:] = stream.read"),
    ],
}
