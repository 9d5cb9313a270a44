import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp

from tfp_ebm.internal.construction import (
    Given,
    bijector_arguments,
    converted,
    distribution_arguments,
)


class Scale:
    factor = Given[float]("The factor.")

    def __init__(self, factor):
        self._factor = factor


def test_what_was_given_is_read_and_cannot_be_set():
    assert Scale(2.0).factor == 2.0
    assert Scale.factor.__doc__ == "The factor."
    with pytest.raises(AttributeError, match="`factor` cannot be set"):
        Scale(2.0).factor = 3.0


def test_parameters_get_their_common_dtype_and_variables_stay():
    variable = tf.Variable(np.float64(1.0))
    dtype, (first, second) = converted(first=variable, second=2)
    assert dtype == tf.float64 and first is variable and second.dtype == tf.float64
    assert converted(only=[1, 2])[0] in (tf.float32, tf.int32)
    assert converted(only=2.0)[0] == tf.float32


def test_arguments_of_both_base_classes():
    parameters = {"validate_args": True, "allow_nan_stats": False}
    found = distribution_arguments(tf.float64, parameters, "mine")
    assert found["parameters"] is parameters and found["name"] == "mine"
    assert found["validate_args"] is True and found["allow_nan_stats"] is False
    assert found["reparameterization_type"] == tfp.distributions.NOT_REPARAMETERIZED
    kind = tfp.distributions.FULLY_REPARAMETERIZED
    found = distribution_arguments(tf.float64, parameters, "mine", kind)
    assert found["reparameterization_type"] == kind
    assert bijector_arguments(parameters, "mine", 3, dtype=tf.float64) == {
        "validate_args": True,
        "forward_min_event_ndims": 3,
        "dtype": tf.float64,
        "parameters": parameters,
        "name": "mine",
    }
