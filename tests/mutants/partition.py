"""Faults of the log partition functions."""

TESTS = {"negative_phase": "distributions/boltzmann_machine"}

FAULTS = {
    "negative_phase": [
        (
            "return tf.stop_gradient(estimate) + watch(base, negative_phase, machine, kept)",
            "return tf.stop_gradient(estimate)",
        ),
        (
            "return tf.stop_gradient(estimate) + watch(base, negative_phase, machine, kept)",
            "return estimate - watch(base, negative_phase, machine, kept)",
        ),
        (
            "tf.exp(log_marginal - tf.stop_gradient(log_marginal))",
            "tf.exp(tf.stop_gradient(log_marginal) - log_marginal)",
        ),
        (
            "return tf.stop_gradient(machine.complete(state, unit_seed))",
            "return machine.complete(state, unit_seed)",
        ),
        ("lambda states: cut(states, 1)", "lambda states: tf.identity(states)"),
        ("now = self.stored.fingerprint if is_stale else", "now ="),
        ("if bool(self.are_chains_stale(machine)):", "if False:"),
        ("[*leading, *[1] * (len(target) - batch_rank), *own,", "[*leading, *own,"),
    ],
    "staleness": [
        ("_is_used(chains.fingerprint):", "False:"),
        ("and bool(self._base.are_chains_stale()):", "and False:"),
        ("outer is variable.handle", "outer is variable"),
    ],
    "bidirectional_annealing": [
        ("~disagree(gap, own_variance + variance)", "disagree(gap, own_variance + variance)"),
        (
            "(path.forward - value, path.forward_error**2)",
            "(value - path.forward, path.forward_error**2)",
        ),
        (
            "(value - path.reverse, path.reverse_error**2)",
            "(path.reverse - value, path.reverse_error**2)",
        ),
        ("best = tf.argmin(variances, axis=0)", "best = tf.argmax(variances, axis=0)"),
        ("random_states(machine, reference, state_seed)]", "reference]"),
        ("is_consistent = tf.reduce_any(", "is_consistent = tf.reduce_all("),
        ("[tf.where(p.is_usable, p.variance, 1e12) for p in paths]", "[p.variance for p in paths]"),
        ("value - 2 * tf.sqrt(variance)", "value - tf.sqrt(variance)"),
        ("[forward + reference, from_posterior]", "[forward, from_posterior]"),
        ("num_steps, progress = _GROWTH * num_steps, None", "progress = None"),
        ("bennett.log_ratio + reference,", "bennett.log_ratio,"),
        ("reference - negative,", "reference + negative,"),
    ],
    "posterior_annealing": [
        ("following - beta) * point.log_ratio()", "following - beta) * point.log_machine"),
        ("(beta - previous) * point.log_ratio()", "(previous - beta) * point.log_ratio()"),
        ("return self.log_mixture + beta * self.log_ratio()", "return beta * self.log_ratio()"),
        (
            "return proposed, point.log_mixture - proposed.log_mixture",
            "return proposed, proposed.log_mixture - point.log_mixture",
        ),
        (
            "return proposed, point.log_machine - proposed.log_machine",
            "return proposed, tf.zeros_like(point.log_machine)",
        ),
        (
            "return _point(machine, mixture, bits), log_bias",
            "return _point(machine, mixture, bits), 0.0",
        ),
        ("tf.where(accepted, proposed.log_machine, point.log_machine)", "point.log_machine"),
        (
            "point = _move(machine, mixture, point, following,",
            "point = _move(machine, mixture, point, beta,",
        ),
    ],
    "annealed_importance_sampling": [
        (
            "log_weights + tf.cast(increment, tf.float64)\n\n    _, state",
            "log_weights - tf.cast(increment, tf.float64)\n\n    _, state",
        ),
        ("offset = machine.reference_log_partition() + base", "offset = base"),
        ("offset = machine.reference_log_partition() + base", "offset = 2 * machine.log_z + base"),
        (
            "offset = -(machine.reference_log_partition() + base.log_partition_offset())",
            "offset = -machine.reference_log_partition()",
        ),
        (
            "offset = machine.reference_log_partition() + base.log_partition_offset()",
            "offset = machine.reference_log_partition()",
        ),
        (
            "log_mean = log_mean_exp(log_weights)",
            "log_mean = tf.reduce_mean(log_weights, axis=0)",
        ),
        (
            "log_mean = log_mean_exp(log_weights)",
            "log_mean = tf.reduce_logsumexp(log_weights, axis=0)",
        ),
        ("relative = tf.exp(log_weights - log_mean)", "relative = tf.exp(log_weights)"),
        ("tf.sqrt(variance / count)", "tf.sqrt(variance)"),
        ("tf.sqrt(variance / count)", "variance / count"),
        (
            "variance = tf.math.reduce_variance(relative, axis=0) * count / (count - 1)",
            "variance = tf.math.reduce_variance(relative, axis=0)",
        ),
        ("* count / (count - 1)", "* count / tf.maximum(count - 1, 1)"),
        ("count / tf.reduce_mean(relative**2, axis=0)", "count / tf.reduce_mean(relative, axis=0)"),
        ("count / tf.reduce_mean(relative**2, axis=0)", "1 / tf.reduce_mean(relative**2, axis=0)"),
        ("log_inverse_weights = -anneal", "log_inverse_weights = anneal"),
        ("return record._replace(value=-record.value)", "return record"),
        (
            "if effective_sample_size < 0.1 * num_chains:",
            "if effective_sample_size > 0.1 * num_chains:",
        ),
        ("if effective_sample_size < 0.1 * num_chains:", "if effective_sample_size < 0.1:"),
        ('if method == "AIS" and tf', 'if method == "RAISE" and tf'),
        (
            "machine.sweep(state, stop, samplers.fold_in(seed, index))\n        moved = tf.ensure_shape(moved, state.shape)\n        return index + 1",
            "machine.sweep(state, stop, seed)\n        moved = tf.ensure_shape(moved, state.shape)\n        return index + 1",
        ),
        (
            "machine.sweep(state, stop, samplers.fold_in(seed, index))\n        moved = tf.ensure_shape(moved, state.shape)\n        return index + 1",
            "machine.sweep(state, start, samplers.fold_in(seed, index))\n        moved = tf.ensure_shape(moved, state.shape)\n        return index + 1",
        ),
        (
            "machine.sweep(state, stop, samplers.fold_in(seed, index))\n        moved = tf.ensure_shape(moved, state.shape)\n        return moved, ",
            "machine.sweep(state, stop, seed)\n        moved = tf.ensure_shape(moved, state.shape)\n        return moved, ",
        ),
        (
            "machine.sweep(state, stop, samplers.fold_in(seed, index))\n        moved = tf.ensure_shape(moved, state.shape)\n        return moved, ",
            "machine.sweep(state, start, samplers.fold_in(seed, index))\n        moved = tf.ensure_shape(moved, state.shape)\n        return moved, ",
        ),
        (
            "machine.log_marginal_increment(moved, start, stop)",
            "machine.log_marginal_increment(state, start, stop)",
        ),
        (
            "machine.log_marginal_increment(moved, start, stop)",
            "machine.log_marginal_increment(moved, stop, start)",
        ),
        (
            "start, stop = betas[index], betas[index + 1]",
            "stop, start = betas[index], betas[index + 1]",
        ),
        ("lambda index, *_: index < end,", "lambda index, *_: index < end - 1,"),
        ("lambda index, *_: index > 0,", "lambda index, *_: index > 1,"),
        ("        start = end\n", ""),
        ("progress(end / ends[-1])", "progress(ends[-1] / end)"),
        (
            "copies = tf.repeat(value[tf.newaxis], num_chains, axis=0)",
            "copies = tf.repeat(value[tf.newaxis], 1, axis=0)",
        ),
        ("num_chains: int = 16", "num_chains: int = 1"),
        ("num_steps,\n        num_chains,", "num_chains,\n        num_steps,"),
        (
            'checks.positive_integer("num_chains", num_chains, minimum=2)',
            'checks.positive_integer("num_chains", num_chains)',
        ),
        ("start_seed, loop_seed = samplers", "loop_seed, loop_seed = samplers"),
        (
            "tf.zeros(tf.shape(state)[:-1], tf.float64)\n    if",
            "tf.zeros(tf.shape(state)[:-1], tf.float64) + 1\n    if",
        ),
    ],
    "bounds": [
        (
            "unnormalized - reverse.value, unnormalized - forward.value",
            "unnormalized - forward.value, unnormalized - reverse.value",
        ),
        (
            "unnormalized - reverse.value, unnormalized - forward.value",
            "unnormalized + reverse.value, unnormalized - forward.value",
        ),
        (
            "num_reverse_chains, num_steps, schedule, reverse_seed",
            "num_chains, num_steps, schedule, reverse_seed",
        ),
        (
            "num_chains, num_steps, schedule, forward_seed",
            "num_steps, num_chains, schedule, forward_seed",
        ),
        ("num_steps, schedule, reverse_seed", 'num_steps, "linear", reverse_seed'),
        ("num_chains: int = 256", "num_chains: int = 16"),
        ("num_reverse_chains: int = 16", "num_reverse_chains: int = 1"),
    ],
    "enumeration": [
        (
            "LogPartition.exact(_enumerate(machine) + base.log_partition_offset())",
            "LogPartition.exact(_enumerate(machine))",
        ),
        (
            "LogPartition.exact(_enumerate(machine) + base.log_partition_offset())",
            "LogPartition.exact(_enumerate(machine) - base.log_partition_offset())",
        ),
        (
            "machine.num_enumerated > MAX_ENUMERATED_UNITS",
            "machine.num_enumerated >= MAX_ENUMERATED_UNITS",
        ),
        ("MAX_ENUMERATED_UNITS = 25", "MAX_ENUMERATED_UNITS = 26"),
    ],
    "log_partition": [
        (
            "self.effective_sample_size < 0.1 * self.num_chains",
            "self.effective_sample_size > 0.1 * self.num_chains",
        ),
        ("tf.reduce_any(self.effective_sample_size", "tf.reduce_all(self.effective_sample_size"),
        ("return self.method_index > 0", "return self.method_index >= 0"),
        ("self.standard_error.assign(tf.cast(estimate.standard_error, dtype))", "pass"),
        (
            "self.effective_sample_size.assign(tf.cast(estimate.effective_sample_size, dtype))",
            "pass",
        ),
        ("self.fingerprint.assign(fingerprint)", "pass"),
        ("            self.value.read_value(),", "            self.value,"),
        ('"AIS": "lower bound in expectation"', '"AIS": "upper bound in expectation"'),
        ('"exact", "given", "AIS"', '"exact", "AIS", "given"'),
        ('float("inf")', "0.0"),
        (
            "record = cls(value, tf.zeros_like(value), infinite,",
            "record = cls(value, infinite, tf.zeros_like(value),",
        ),
        ("self.num_steps.assign(estimate.num_steps)", "self.num_steps.assign(estimate.num_chains)"),
        ("trainable=False", "trainable=True"),
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
        ("np.maximum(deviation, 0.1 * deviation.mean())", "deviation"),
        (
            "np.maximum(deviation, 0.1 * deviation.mean())",
            "np.maximum(deviation, deviation.mean())",
        ),
        ("+ 1e-12", ""),
        (".max(axis=1)", ".min(axis=1)"),
        (".max(axis=1)", ".mean(axis=1)"),
        ("not np.all(np.diff(betas) > 0)", "not np.all(np.diff(betas) >= 0)"),
        ("betas[0] != 0 or betas[-1] != 1 or", "betas[0] != 0 or"),
        ("betas[0] != 0 or betas[-1] != 1 or", "betas[-1] != 1 or"),
        ("increments.std(axis=1)", "increments.mean(axis=1)"),
        ("_FIRST_GEOMETRIC = 1e-3", "_FIRST_GEOMETRIC = 1e-2"),
        ("np.linspace(0.0, 1.0, num_steps + 1)", "np.linspace(0.0, 1.0, num_steps)"),
        (
            "np.interp(np.linspace(0.0, length[-1], num_steps + 1), length, pilot)",
            "np.interp(np.linspace(0.0, 1.0, num_steps + 1), pilot, length / length[-1])",
        ),
        (
            'samplers.sanitize_seed(seed, salt="adaptive_schedule")',
            "samplers.sanitize_seed((0, 1))",
        ),
        ("betas[index], betas[index + 1])", "betas[0], betas[index + 1])"),
        ("return tf.constant(betas, dtype)", "return tf.constant(betas)"),
    ],
}
