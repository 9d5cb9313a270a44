import numpy as np
import pytest
import tensorflow as tf

from tfp_ebm.networks import MLP


def test_zero_output():
    np.testing.assert_array_equal(MLP(3, 2, [4], zero_output=True)(tf.ones([1, 3])), [[0.0, 0.0]])


def test_errors():
    with pytest.raises(ValueError, match="`hidden_units`"):
        MLP(3, 3, [0])
