import numpy as np
import pytest
import tensorflow as tf

from tfp_ebm import conditionals
from tfp_ebm.conditionals.conditional_flow import ConditionalFlow

NETWORK = {"num_filters": 4, "num_blocks": 0, "num_couplings": 1}
CONDITIONALS = {
    "noise": (lambda: conditionals.VariationalNoise((2, 2, 1), 17, **NETWORK), (2, 2, 1)),
    "normal": (lambda: conditionals.NormalPosterior(2), (3,)),
    "Gaussian": (lambda: conditionals.GaussianPosterior(3, 2, (4,)), (3,)),
    "flow": (lambda: conditionals.FlowPosterior(3, 2, hidden_units=(4,)), (3,)),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", CONDITIONALS)
def test_a_graph_draws_for_any_batch_and_for_none(name):
    make, event_shape = CONDITIONALS[name]
    conditional = make()

    @tf.function(input_signature=[tf.TensorSpec([None, *event_shape])])
    def draw(x):
        made = conditional(x)
        sample, log_prob = made.experimental_sample_and_log_prob(seed=(0, 1))
        # A new tensor, which no cache knows.
        return sample, log_prob, made.log_prob(sample + 0)

    for count in (5, 0):
        x = np.random.default_rng(0).uniform(0, 17, [count, *event_shape]).astype(np.float32)
        sample, log_prob, again = draw(x)
        assert sample.shape[0] == count and log_prob.shape == (count,)
        np.testing.assert_allclose(again, log_prob, rtol=1e-3)
        expected = conditional(tf.constant(x)).sample(seed=(0, 1))
        np.testing.assert_allclose(sample, expected, atol=1e-5)
    assert isinstance(conditional(x), ConditionalFlow) == (name in ("noise", "flow"))
