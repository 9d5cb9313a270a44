import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp

from tests.flows.test_vector_flow import moved
from tfp_ebm import flows
from tfp_ebm.flows.round_trip import check_round_trip
from tfp_ebm.internal.keras import keras

tfb = tfp.bijectors


def deep(dtype):
    keras.utils.set_random_seed(0)
    return moved(flows.real_nvp((4,), None, 16, [4], dtype=dtype), 0.5)


def test_a_depth_at_which_float32_no_longer_inverts():
    z = np.random.default_rng(0).normal(size=[8, 4])
    assert check_round_trip(deep(tf.float64), z, 1e-3) < 1e-3
    with pytest.raises(ValueError, match=r"does not invert in float32.*build it in float64"):
        check_round_trip(deep(tf.float32), z.astype(np.float32), 1e-3)


def test_the_error_is_relative_and_past_the_cache():
    class Wrong(tfb.Shift):
        def _inverse(self, y):
            return y - self.shift + 0.3

    error = check_round_trip(Wrong(1.0), tf.constant([[2.0], [-0.5]]), tolerance=1.0)
    np.testing.assert_allclose(error, 0.3 / 1.5, rtol=1e-5)
    with pytest.raises(ValueError, match=r"an error of 0\.2, above 0\.1"):
        check_round_trip(Wrong(1.0), tf.constant([[2.0], [-0.5]]), tolerance=0.1)


def test_what_is_no_number_is_no_inverse():
    with pytest.raises(ValueError, match="an error of nan"):
        check_round_trip(tfb.Log(), tf.constant([[-1.0]]))
