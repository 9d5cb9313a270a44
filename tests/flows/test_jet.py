import numpy as np
import pytest
import tensorflow as tf

from tests.flows.test_vector_flow import moved
from tfp_ebm import bijectors, flows

OPTIONS = {"num_levels": 5, "num_filters": 4, "num_blocks": 1, "num_heads": 2, "dtype": tf.float64}


@pytest.mark.slow
def test_log_determinant_by_autodiff_and_round_trip():
    flow = moved(flows.jet((4, 4, 1), num_couplings=5, **OPTIONS), 0.2)
    x = tf.constant(np.random.default_rng(0).uniform(0.5, 4.5, size=[1, 4, 4, 1]))
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(x)
        z = flow.inverse(x)
    jacobian = tape.jacobian(z, x, experimental_use_pfor=False).numpy().reshape(16, 16)
    log_det = flow.inverse_log_det_jacobian(x + 0, event_ndims=3)
    np.testing.assert_allclose(log_det, [np.linalg.slogdet(jacobian)[1]], rtol=1e-9)
    np.testing.assert_allclose(flow.forward(tf.constant(z.numpy())), x, rtol=1e-8)


def test_starts_as_a_permutation_of_the_logits():
    flow = flows.jet((4, 4, 1), num_couplings=6, **OPTIONS)
    x = np.random.default_rng(0).uniform(0.5, 4.5, size=[3, 4, 4, 1])
    logits = bijectors.ImageToLogit(5).forward(x).numpy().reshape(3, 16)
    np.testing.assert_allclose(np.sort(flow.inverse(x)), np.sort(logits), rtol=1e-12)


def test_one_split_of_the_positions_for_four_of_the_channels():
    flow = flows.jet((4, 4, 2), num_couplings=10, **OPTIONS)
    steps = [type(step).__name__ for step in flow.bijector.bijectors[::-1]]
    channels = 4 * ["Permutation", "Coupling"]
    assert steps == ["ImageToLogit", "Squeeze", *2 * [*channels, "Coupling"], "Reshape"]
    splits = [step.split for step in flow.bijector.bijectors[::-1] if hasattr(step, "split")]
    names = [type(split).__name__ for split in splits]
    assert names == 2 * [*4 * ["ChannelSplit"], "CheckerboardSplit"]
    assert [split.swap for split in splits[4::5]] == [False, True]
    orders = {step.order for step in flow.bijector.bijectors if hasattr(step, "order")}
    assert len(orders) == 8


@pytest.mark.parametrize(
    ("shape", "options", "message"),
    [
        ((6, 6, 1), {}, "width that is one of 4 for patches of size 2"),
        ((3, 2, 1), {"patch_size": 1}, "`patch_size` 1 must give an even number of entries"),
        ((4, 4, 1), {"num_heads": 3}, "`num_filters` must be a multiple of `num_heads`"),
        ((4, 4, 1), {"num_couplings": 0}, "`num_couplings` must be an integer of at least 1"),
    ],
)
def test_errors(shape, options, message):
    with pytest.raises(ValueError, match=message):
        flows.jet(shape, **{**OPTIONS, **options})
