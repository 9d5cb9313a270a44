"""Faults of the wrappers."""

TESTS = {"dequantizing": "dequantized_table"}

FAULTS = {
    "augmented": [
        ("**kwargs) - extra_log_prob", "**kwargs) + extra_log_prob"),
        ("self._inner_log_prob(joint, joint_seed, **kwargs) -", "-"),
        ("tf.concat([value, extra], axis=-1)", "tf.concat([extra, value], axis=-1)"),
        (
            "sample[..., : sample.shape[-1] - self._num_augmented]",
            "sample[..., self._num_augmented :]",
        ),
    ],
    "dequantized": [
        ("(noise >= 0) & (noise <= 1), message", "noise <= 1, message"),
        ("if num_levels > 2 ** (bits - 1):", "if num_levels > 2**bits:"),
        ("return tf.zeros([], dtype)", "return -tf.ones([], dtype)"),
        (
            "self._distribution.dtype, self._num_levels - 1\n",
            "self._distribution.dtype, self._num_levels\n",
        ),
        ("tf.floor(sample), 0, highest", "tf.round(sample), 0, highest"),
        ("self._num_levels - 1, sample.dtype)", "self._num_levels, sample.dtype)"),
        ("if num_levels <= 2**8:", "if num_levels < 2**8:"),
    ],
    "dequantizing": [
        ("**kwargs) - hidden_log_prob", "**kwargs) + hidden_log_prob"),
    ],
    "dequantized_table": [
        ("- sum(map(math.log, counts))", "+ sum(map(math.log, counts))"),
        ("-0.5 * tf.reduce_sum(normals**2", "-1.0 * tf.reduce_sum(normals**2"),
        ('where(self._is("integer"), in_cell(value, noise), value)', "where(True, value, value)"),
        ("in_cell(value, noise), value)", "in_cell(value, noise / 2), value)"),
        ("tf.where(top, displaced, normals)", "normals"),
        ("tf.argmax(normals, axis=-1)", "tf.argmin(normals, axis=-1)"),
        ("return led + 0 * index", "return led"),
        ("(-largest, largest - 1)", "(-largest, largest)"),
        ("(0.0, c - 1.0)", "(0.0, c + 0.0)"),
        ("(0.0, c - 1.0)", "(-1.0, c - 1.0)"),
        ('self._is("continuous") | tf.equal(exact, tf.floor(exact))', "True"),
        (
            "float(self.dtype.min), float(self.dtype.max)",
            '-float("inf"), float("inf")',
        ),
        ("tf.floor(hidden), lowest, highest", "tf.round(hidden), lowest, highest"),
        ("tf.argmax(hidden, axis=-1)", "tf.argmin(hidden, axis=-1)"),
        ("or value.dtype.size < self.dtype.size", ""),
        ("return tf.where(is_number, cell,", "return tf.where(True, cell,"),
    ],
    "stochastic_bound": [
        ("axes = ps.range(-self.event_shape.rank, 0)", "axes = ps.range(-1, 0)"),
        ("if self.batch_shape.rank == 0:", "if True:"),
        ("        if kwargs:\n", "        if False:\n"),
        (
            "return tf.where(unknown, tf.constant(math.nan, log_prob.dtype), log_prob)",
            "return log_prob",
        ),
        ("seed=bound_seed, **kwargs", "**kwargs"),
        ("if not made.batch_shape.is_compatible_with(batch_shape):", "if False:"),
        ("total - tf.math.log(tf.cast(num_samples, tf.float64))", "total"),
        ("samplers.fold_in(seed, index)", "seed"),
        ("tf.where(counts, tf.cast(", "tf.where(True, tf.cast("),
        (
            "distribution.log_prob(value, seed=seed, **kwargs)",
            "distribution.log_prob(value, **kwargs)",
        ),
    ],
}
