import inspect

import pytest
import tensorflow as tf

from tfp_ebm import flows
from tfp_ebm.flows.flow_options import shared

FLOWS = ("flow_plus_plus", "glow", "image_real_nvp", "jet", "nice", "real_nvp", "spline_flow")


@pytest.mark.parametrize("name", [*FLOWS, "vector_flow"])
def test_all_flows_with_networks_take_the_same(name):
    parameters = inspect.signature(getattr(flows, name)).parameters
    defaults = {key: parameters[key].default for key in ("num_context", "dtype", "network_policy")}
    assert defaults == {"num_context": 0, "dtype": tf.float32, "network_policy": None}
    with pytest.raises(TypeError, match=f"`{name}` has no argument 'num_contexts'; all flows take"):
        getattr(flows, name)((4, 4, 1), num_contexts=2)


def test_defaults_stand_in_place_of_what_is_not_given():
    assert shared("glow", {}) == (0, tf.float32, tf.float32, "glow")
    given = {"num_context": 2, "dtype": tf.float64, "name": "mine"}
    assert shared("glow", given) == (2, tf.float64, tf.float64, "mine")
    assert shared("glow", {"network_policy": "mixed_bfloat16"}).policy == "mixed_bfloat16"
    with pytest.raises(ValueError, match="`num_context` must be an integer of at least 0, got -1"):
        shared("glow", {"num_context": -1})


def test_networks_have_their_policy_and_the_flow_its_dtype_and_name():
    flow = flows.vector_flow(3, 1, [4], network_policy="mixed_bfloat16", name="mine")
    assert flow.name == "mine" and {v.dtype for v in flow.trainable_variables} == {tf.float32}
    policies = {layer.dtype_policy.name for layer in flow.submodules if hasattr(layer, "call")}
    assert policies == {"mixed_bfloat16"}
    assert flow.forward(tf.zeros([2, 3])).dtype == tf.float32
