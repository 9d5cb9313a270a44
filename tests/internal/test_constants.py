import numpy as np
import tensorflow_probability as tfp

from tfp_ebm import distributions
from tfp_ebm.internal.constants import constants, differing


def test_constants_of_all_parts_and_no_variables():
    scale = tfp.bijectors.Scale(tfp.util.TransformedVariable(3.0, tfp.bijectors.Exp()))
    chain = tfp.bijectors.Chain([tfp.bijectors.Shift([1.0, 2.0]), tfp.bijectors.Shift(5.0), scale])
    model = tfp.distributions.TransformedDistribution(
        tfp.distributions.Sample(tfp.distributions.Normal(0.0, np.float32(2.0)), 2), chain
    )
    found = constants(model)
    assert found["Normal.scale"] == 2.0 and "Scale.scale" not in found
    assert sorted([found["Shift.shift"], found["Shift[1].shift"]], key=str) == [5.0, [1.0, 2.0]]


def test_what_differs_is_told_and_what_one_lacks_is_not():
    own = {"a": 1.0, "b": [1.0, 2.0], "c": "x", "d": 3.0, "e": float("nan")}
    saved = {"a": 2.0, "b": [1.0, 2.0], "c": "y", "e": float("nan"), "f": 1.0}
    assert differing(saved, own) == ["a (2.0 there, 1.0 here)", "c (y there, x here)"]
    assert differing({"b": [1.0]}, {"b": [1.0, 2.0]}) == ["b ([1.0] there, [1.0, 2.0] here)"]


def test_rows_of_several_lengths_are_kept():
    base = distributions.SmoothedBoltzmannMachine.create_block(2, 3)
    found = constants(base)["SmoothedBoltzmannMachine.colors"]
    assert found == [[2.0, 3.0, 4.0], [0.0], [1.0]]
    assert differing({"colors": found}, {"colors": found}) == []
    assert differing({"colors": found}, {"colors": [[0.0], [1.0], [2.0, 3.0, 4.0]]})
