"""Faults of the distributions and their machines."""

# Modules whose tests have another name.
TESTS = {
    "carried_state": "boltzmann_machine",
    "smoothed_spins": "smoothed_rbm",
}

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
    "bipartite_normal": [
        ("- log_determinant)", "+ log_determinant)"),
        ("return -0.5 * tf.reduce_sum(value", "return -tf.reduce_sum(value"),
    ],
    "bipartite_precision": [
        ("if is_init == (tensor_util", "if is_init != (tensor_util"),
        ("tf.reduce_any(norm >= delta)", "tf.reduce_any(norm > delta)"),
        ("weights * tf.minimum(tf.ones_like(bound), limit / bound)", "weights * (limit / bound)"),
        ("MAX_COUPLING * self.delta, weights.dtype", "MAX_COUPLING, weights.dtype"),
        (
            "sum(self.sizes) * tf.math.log(self.delta) + 2 *",
            "sum(self.sizes) * tf.math.log(self.delta) +",
        ),
        ("schur = identity - tf", "schur = identity + tf"),
        ("return self.delta - tf.linalg.svd", "return self.delta + tf.linalg.svd"),
        (
            "return tf.concat([visible, hidden], axis=-1)",
            "return tf.concat([hidden, visible], axis=-1)",
        ),
        (
            "multiply_rows(hidden, self.weights, transpose=True),",
            "2 * multiply_rows(hidden, self.weights, transpose=True),",
        ),
    ],
    "boltzmann_machine": [
        (
            "return tf.stop_gradient(estimate) + negative_phase +",
            "return tf.stop_gradient(estimate) +",
        ),
        (
            "return tf.stop_gradient(estimate) + negative_phase +",
            "return estimate - negative_phase +",
        ),
        ("negative_phase + self.log_partition_offset()", "negative_phase"),
        (
            "tf.exp(log_marginal - tf.stop_gradient(log_marginal))",
            "tf.exp(tf.stop_gradient(log_marginal) - log_marginal)",
        ),
        (
            "of_machine = estimate.mapped(lambda value: value - offset)",
            "of_machine = estimate",
        ),
        (
            "return tf.stop_gradient(machine.complete(state, unit_seed))",
            "return machine.complete(state, unit_seed)",
        ),
    ],
    "carried_state": [
        ("copied._stored_log_partition = self", "self._stored_log_partition = self"),
        ("return super().copy(chains=None, **overrides)", "return super().copy(**overrides)"),
        ("lambda states: cut(states, 1)", "lambda states: tf.identity(states)"),
        ("now = stored.fingerprint if is_stale else", "now ="),
        ("if bool(self.are_chains_stale()):", "if False:"),
        ("[*leading, *[1] * (len(target) - rank), *own,", "[*leading, *own,"),
    ],
    "convolutional_rbm": [
        ("return max(3, stride + 1 - stride % 2)", "return max(3, stride)"),
        ("if kernel[0] < stride[0] or", "if kernel[0] <= stride[0] or"),
    ],
    "dequantized_table": [
        ("**kwargs) - hidden_log_prob", "**kwargs) + hidden_log_prob"),
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
    "dequantized": [
        ("condition &= tf.equal(exact, tf.floor(exact))", "pass"),
        ("(noise >= 0) & (noise <= 1), message", "noise <= 1, message"),
        ("if num_levels > 2 ** (bits - 1):", "if num_levels > 2**bits:"),
        (
            "value if value.dtype.size > dtype.size else tf.cast(value, dtype)",
            "tf.cast(value, dtype)",
        ),
        ("**kwargs) - noise_log_prob", "**kwargs) + noise_log_prob"),
        (
            "self._distribution.dtype, self._num_levels - 1\n",
            "self._distribution.dtype, self._num_levels\n",
        ),
        ("tf.floor(sample), 0, highest", "tf.round(sample), 0, highest"),
        ("self._num_levels - 1, sample.dtype)", "self._num_levels, sample.dtype)"),
        ("if num_levels <= 2**8:", "if num_levels < 2**8:"),
    ],
    "discrete_mixture": [
        (
            "return 1 - tf.tanh(tf.convert_to_tensor(self._bias)) ** 2 + 1 / delta",
            "return 1 - tf.tanh(tf.convert_to_tensor(self._bias)) ** 2 + delta",
        ),
        (
            "(math.log(2 * math.pi) - tf.math.log(delta) + delta)",
            "(math.log(2 * math.pi) + tf.math.log(delta) + delta)",
        ),
        ("noise * tf.math.rsqrt(", "noise * tf.sqrt("),
        ("return tf.broadcast_to(mean, shape)", "return mean"),
    ],
    "gaussian_visible": [
        ("logits=logits + machine.hidden_bias", "logits=logits"),
        (
            "tf.fill([1, machine.num_enumerated], tf.constant(0.5",
            "tf.fill([1, machine.num_enumerated], tf.constant(0.0",
        ),
        ("tf.maximum(tf.sqrt(variance), lowest)", "tf.maximum(variance, lowest)"),
    ],
    "independent_spins": [
        ("return 1 - self._mean() ** 2", "return 1 - self._mean()"),
        ("log_2cosh(field) - field * tf.tanh(field)", "log_2cosh(field) + field * tf.tanh(field)"),
        (
            "return tf.tanh(tf.convert_to_tensor(self._field))",
            "return tf.sigmoid(tf.convert_to_tensor(self._field))",
        ),
    ],
    "labeled_rbm": [
        ("labels == -1, marginal, chosen)", "labels == -1, chosen, marginal)"),
        ("* tf.reduce_sum(rows, axis=-1, keepdims=True)", ""),
        ("tf.gather(drawn, labels, axis", "tf.gather(drawn, 0 * labels, axis"),
        ("logits += machine.hidden_bias_given(labels)", "logits += machine.hidden_bias"),
    ],
    "restricted_boltzmann_machine": [
        ("mean = (1 + mean) / 2 if", "mean = mean / 2 if"),
        ("covariance = covariance / 4 if", "covariance = covariance / 2 if"),
        ("weights / 4, bias / 2 +", "weights / 4, bias / 2 -"),
        (
            "log_marginal(self._spins(value)) + self.log_partition_offset()",
            "log_marginal(self._spins(value))",
        ),
        ("log_marginal(self._spins(value))", "log_marginal(value)"),
        ("return IndependentSpins(log_odds / 2)", "return IndependentSpins(log_odds)"),
        ("visible_bias = log_odds if self._binary else log_odds / 2", "visible_bias = log_odds"),
        ("+ 0.5) / (count + 1)", "+ 0.5) / count"),
        ("covariance[..., :kept, :kept]", "covariance[..., :kept]"),
    ],
    "smoothed_boltzmann_machine": [
        (
            "return broadcast_batch(singular_values[..., -1] ** 2",
            "return broadcast_batch(singular_values[..., 0] ** 2",
        ),
        ("tf.linalg.set_diag(factor, tf.zeros_like(factor[..., 0]))", "factor"),
    ],
    "smoothed_rbm": [
        ("- 0.5 * precision.log_abs_determinant()", "+ 0.5 * precision.log_abs_determinant()"),
        ("+ 0.5 * size * precision.delta", "- 0.5 * size * precision.delta"),
        ("[..., : self.num_visible]", "[..., self.num_visible :]"),
    ],
    "smoothed_spins": [
        ("return spins + self._color(noise)", "return spins - self._color(2 * noise)"),
    ],
    "staleness": [
        ("_is_used(chains.fingerprint):", "False:"),
        ("and bool(self._base.are_chains_stale()):", "and False:"),
        ("outer is variable.handle", "outer is variable"),
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
