import numpy as np
import pytest
import tensorflow as tf

from tfp_ebm.internal import parameter_shapes


def test_scalars_have_the_shape_of_the_batch():
    properties = parameter_shapes.positive_scalar(tf.float32)
    assert list(properties.shape_fn([4, 2, 3])) == [4, 2]
    assert list(properties.shape_fn([3])) == [] and properties.event_ndims == 0


def test_what_samples_do_not_tell_is_named():
    properties = parameter_shapes.undetermined("weights", "[..., num_visible, num_hidden]", 2)
    assert properties.event_ndims == 2
    with pytest.raises(
        NotImplementedError, match=r"`weights` has shape .* \[7\], does not tell: pass"
    ):
        properties.shape_fn([7])


@pytest.mark.parametrize("dtype", [tf.float32, tf.float64])
def test_positive_numbers_of_any_dtype(dtype):
    bijector = parameter_shapes.positive(dtype)()
    value = bijector(tf.constant([-1e3, 0.0, 3.0], dtype))
    assert value.dtype == dtype
    np.testing.assert_allclose(value[1:], np.log1p(np.exp([0.0, 3.0])), rtol=1e-5)
    assert 0 < float(value[0]) < 1e-6
