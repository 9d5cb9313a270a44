import inspect

import pytest
import tensorflow as tf

from tfp_ebm import networks

NETWORKS = ("ConvNet", "GatedResNet", "LipschitzNet", "MLP", "MaskedMLP", "ResidualNet")


@pytest.mark.parametrize("name", [*NETWORKS, "Transformer"])
def test_every_network_says_its_dtype_and_name(name):
    kind = getattr(networks, name)
    parameters = inspect.signature(kind.__init__).parameters
    assert parameters["dtype"].default == tf.float32 and parameters["name"].default is None
    assert "dtype: dtype of the variables, or a Keras policy" in inspect.getdoc(kind.__init__)


def test_the_policy_is_that_of_the_dtype():
    network = networks.MLP(2, 3, [4], dtype=tf.float64, name="mine")
    assert network.name == "mine" and network(tf.zeros([1, 2], tf.float64)).dtype == tf.float64
    assert networks.MLP(2, 3, [4]).dtype_policy.name == "float32"
    with pytest.raises(ValueError, match=r"`dtype` must be one of .*mixed_bfloat16"):
        networks.MLP(2, 3, dtype="mixed_bfloat17")
