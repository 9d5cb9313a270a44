"""Faults of the noise and posteriors."""

TESTS = {}

FAULTS = {
    "vector_posteriors": [
        ("networks.MLP(given + num_dims, 2 * moved", "networks.MLP(moved + num_dims, 2 * moved"),
        ("tf.exp(3 * tf.tanh(log_scale / 3))", "tf.exp(3 * tf.tanh(loc / 3))"),
    ],
    "conditional_flow": [
        ("return self.distribution", "return super()._maybe_broadcast_distribution_batch_shape()"),
    ],
}
