"""Faults of the log partition functions."""

TESTS = {
    "annealed_importance_sampling": "log_partition",
    "enumeration": "log_partition",
    "schedules": "log_partition",
}

FAULTS = {
    "annealed_importance_sampling": [
        (
            "log_weights + tf.cast(increment, tf.float64)\n\n    _, state",
            "log_weights - tf.cast(increment, tf.float64)\n\n    _, state",
        ),
        ("offset = machine.reference_log_partition() + base", "offset = base"),
        (
            "offset = -(machine.reference_log_partition() + base.log_partition_offset())",
            "offset = -machine.reference_log_partition()",
        ),
        (
            "tf.reduce_logsumexp(log_weights, axis=0) - tf.math.log(count)",
            "tf.reduce_mean(log_weights, axis=0)",
        ),
        ("tf.sqrt(variance / count)", "tf.sqrt(variance)"),
        (
            "variance = tf.math.reduce_variance(relative, axis=0) * count / (count - 1)",
            "variance = tf.math.reduce_variance(relative, axis=0)",
        ),
        ("count / tf.reduce_mean(relative**2, axis=0)", "count / tf.reduce_mean(relative, axis=0)"),
        ("log_inverse_weights = -_anneal", "log_inverse_weights = _anneal"),
        ("return record._replace(value=-record.value)", "return record"),
        (
            "if effective_sample_size < 0.1 * num_chains:",
            "if effective_sample_size > 0.1 * num_chains:",
        ),
        (
            "moved = machine.sweep(state, stop, samplers.fold_in(seed, index))\n        moved = tf.ensure_shape(moved, state.shape)\n        return index + 1",
            "moved = machine.sweep(state, stop, seed)\n        moved = tf.ensure_shape(moved, state.shape)\n        return index + 1",
        ),
        (
            "start, stop = betas[index], betas[index + 1]",
            "stop, start = betas[index], betas[index + 1]",
        ),
        (
            'checks.positive_integer("num_chains", num_chains, minimum=2)',
            'checks.positive_integer("num_chains", num_chains)',
        ),
    ],
    "bounds": [
        (
            "unnormalized - reverse.value, unnormalized - forward.value",
            "unnormalized - forward.value, unnormalized - reverse.value",
        ),
        (
            "num_reverse_chains, num_steps, schedule, reverse_seed",
            "num_chains, num_steps, schedule, reverse_seed",
        ),
    ],
    "enumeration": [
        (
            "LogPartition.exact(_enumerate(machine) + base.log_partition_offset())",
            "LogPartition.exact(_enumerate(machine))",
        ),
        (
            "machine.num_enumerated > MAX_ENUMERATED_UNITS",
            "machine.num_enumerated >= MAX_ENUMERATED_UNITS",
        ),
    ],
    "log_partition": [
        (
            "self.effective_sample_size < 0.1 * self.num_chains",
            "self.effective_sample_size > 0.1 * self.num_chains",
        ),
        ("return self.method_index > 0", "return self.method_index >= 0"),
        ("self.standard_error.assign(tf.cast(estimate.standard_error, dtype))", "pass"),
        ('"AIS": "lower bound in expectation"', '"AIS": "upper bound in expectation"'),
        ('float("inf")', "0.0"),
        ("self.num_steps.assign(estimate.num_steps)", "self.num_steps.assign(estimate.num_chains)"),
    ],
    "schedules": [
        (
            "np.geomspace(_FIRST_GEOMETRIC, 1.0, num_steps)",
            "np.linspace(_FIRST_GEOMETRIC, 1.0, num_steps)",
        ),
        (
            "rate = np.maximum(deviation, 0.1 * deviation.mean()) + 1e-12",
            "rate = 1 / (np.maximum(deviation, 0.1 * deviation.mean()) + 1e-12)",
        ),
        ("not np.all(np.diff(betas) > 0)", "not np.all(np.diff(betas) >= 0)"),
        ("increments.std(axis=1)", "increments.mean(axis=1)"),
    ],
}
