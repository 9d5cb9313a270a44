import numpy as np
import pytest

from tests.flows.test_vector_flow import moved
from tfp_ebm import models
from tfp_ebm.internal.keras import keras
from tfp_ebm.models import DataSpec, ModelSpec
from tfp_ebm.runs.sample import _check_flow


@pytest.mark.parametrize("data", [DataSpec((4,)), DataSpec((2, 2, 1), 5)], ids=["points", "images"])
def test_samples_of_a_flow_that_no_longer_inverts_are_refused(data):
    keras.utils.set_random_seed(0)
    options = {"num_couplings": 40, "hidden_units": (4,)}
    model = models.build(ModelSpec(data, ("real_nvp", options)))
    events = np.random.default_rng(0).integers(0, 5, [8, *data.event_shape]).astype(np.float32)
    _check_flow(model, events, seed=0)
    moved(model, 0.7)
    with pytest.raises(ValueError, match="does not invert in float32"):
        _check_flow(model, events, seed=0)
