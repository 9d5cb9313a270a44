"""Faults of the chains."""

TESTS = {
    "contrastive_divergence": "chains",
    "diagnostics": "chains",
    "kernel": "block_gibbs",
    "methods": "chains",
    "parallel_tempering": "chains",
    "persistent_chains": "chains",
    "replay_buffer": "chains",
}

FAULTS = {
    "block_gibbs": [
        ("samplers.fold_in(seed, first + index)", "seed"),
        ("lambda index, _: index < num_steps", "lambda index, _: index <= num_steps"),
        (
            "machine = tf.nest.map_structure(tf.stop_gradient, machine)",
            "machine = tf.nest.map_structure(tf.identity, machine)",
        ),
        ("start = tf.transpose(units) if side_by_side else units", "start = units"),
        ("tf.not_equal(units, before)", "tf.equal(units, before)"),
    ],
    "contrastive_divergence": [
        ("if data_units is None:", "if data_units is not None:"),
        ("data_units, self._num_sweeps, seed)", "data_units, 0, seed)"),
        ("data_units, self._num_sweeps, seed)", "self.units, self._num_sweeps, seed)"),
    ],
    "diagnostics": [
        ("total / size,", "size / total,"),
        (
            "tf.shape(distinct)[0] / tf.shape(flat)[0]",
            "1 - tf.shape(distinct)[0] / tf.shape(flat)[0]",
        ),
        (
            "tf.reduce_sum(tfp.mcmc.effective_sample_size(statistic), axis=0)",
            "tf.reduce_mean(tfp.mcmc.effective_sample_size(statistic), axis=0)",
        ),
    ],
    "kernel": [
        (
            'parameters["num_sweeps"] - 1, run_seed, beta',
            'parameters["num_sweeps"], run_seed, beta',
        ),
        ("block_gibbs.init(units), last_seed, beta", "block_gibbs.init(units), last_seed, 1.0"),
        (
            "block_gibbs.init(units), last_seed, beta",
            "block_gibbs.init(current_state), last_seed, beta",
        ),
    ],
    "methods": [
        ('"replay": ReplayBuffer,', '"replay": PersistentChains,'),
    ],
    "parallel_tempering": [
        ("tf.math.log(uniform) < log_ratio", "tf.math.log(uniform) > log_ratio"),
        ("replicas[1:], betas[1:], betas[:-1])", "replicas[1:], betas[:-1], betas[1:])"),
        (
            "tf.roll(replicas, -1, axis=0), tf.roll(replicas, 1, axis=0)",
            "tf.roll(replicas, 1, axis=0), tf.roll(replicas, -1, axis=0)",
        ),
        ("self.units.assign(replicas[-1])", "self.units.assign(replicas[0])"),
        ("np.all(np.diff(betas) > 0)", "np.all(np.diff(betas) >= 0)"),
    ],
    "persistent_chains": [
        ("tf.range(num_samples) % self.num_chains", "tf.range(num_samples) // self.num_chains"),
        (
            "order = tf.argsort(samplers.uniform([self.num_chains], seed=seed))",
            "order = tf.range(self.num_chains)",
        ),
        (
            "self.units.assign(machine.sample_reference(self.num_chains, seed))",
            "self.units.assign(self.units)",
        ),
    ],
    "replay_buffer": [
        ("seed=mask_seed) < self._rate", "seed=mask_seed) < 0.0"),
        ("seed=mask_seed) < self._rate", "seed=mask_seed) > self._rate"),
        ("self.states.scatter_nd_update(indices, units)", "pass"),
        (
            "order = tf.argsort(samplers.uniform([size], seed=choice_seed))[: self.num_chains]",
            "order = tf.range(self.num_chains)",
        ),
        ("units = block_gibbs.run(machine, units, num_steps, run_seed)", "del run_seed"),
    ],
}
