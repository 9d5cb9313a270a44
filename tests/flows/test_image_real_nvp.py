import numpy as np
import pytest
import tensorflow as tf

from tests.flows.test_vector_flow import moved
from tfp_ebm import bijectors, flows

OPTIONS = {"num_levels": 5, "num_filters": 3, "num_blocks": 1, "dtype": tf.float64}


def kinds(flow):
    return [type(part).__name__ for part in flow.submodules if isinstance(part, bijectors.Coupling)]


@pytest.mark.slow
@pytest.mark.parametrize("improved", [False, True])
def test_log_determinant_by_autodiff_and_round_trip(improved):
    flow = moved(
        flows.image_real_nvp((4, 4, 1), num_steps=2, mixing=improved, rezero=improved, **OPTIONS),
        0.1,
    )
    x = tf.constant(np.random.default_rng(0).uniform(0.5, 4.5, size=[1, 4, 4, 1]))
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(x)
        z = flow.inverse(x)
    jacobian = tape.jacobian(z, x, experimental_use_pfor=False).numpy().reshape(16, 16)
    log_det = flow.inverse_log_det_jacobian(x + 0, event_ndims=3)
    np.testing.assert_allclose(log_det, [np.linalg.slogdet(jacobian)[1]], rtol=1e-9)
    np.testing.assert_allclose(flow.forward(tf.constant(z.numpy())), x, rtol=1e-8)


def test_both_kinds_of_couplings_at_every_scale_and_one_for_what_is_left():
    flow = flows.image_real_nvp((4, 4, 1), num_steps=2, **OPTIONS)
    splits = [part.split for part in flow.submodules if isinstance(part, bijectors.Coupling)]
    boards = [split for split in splits if isinstance(split, bijectors.CheckerboardSplit)]
    assert len(boards) == 4 and {split.pattern for split in boards} == {"checkerboard"}
    assert sorted(split.swap for split in boards) == [False, False, True, True]
    assert len(splits) == 4 + 4 + 1
    plain = flows.image_real_nvp((4, 4, 1), num_steps=2, conditional=False, **OPTIONS)
    assert len(kinds(plain)) == 8


@pytest.mark.parametrize("rezero", [False, True])
def test_starts_as_a_permutation_of_the_logits(rezero):
    flow = flows.image_real_nvp((4, 4, 1), num_steps=1, rezero=rezero, **OPTIONS)
    x = np.random.default_rng(0).uniform(0.5, 4.5, size=[3, 4, 4, 1])
    logits = bijectors.ImageToLogit(5).forward(x).numpy().reshape(3, 16)
    np.testing.assert_allclose(np.sort(flow.inverse(x)), np.sort(logits), rtol=1e-9)


def test_errors():
    with pytest.raises(ValueError, match="multiples of 4 for 2 levels"):
        flows.image_real_nvp((6, 8, 1))
    with pytest.raises(ValueError, match="`num_steps` must be an integer of at least 1"):
        flows.image_real_nvp((8, 8, 1), num_steps=0)
