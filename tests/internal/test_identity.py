"""Equality of bijectors that own networks: by identity, without a look at their parameters."""

import tensorflow_probability as tfp

from tfp_ebm import bijectors
from tfp_ebm.internal.identity import EqualByIdentity


class Costly:
    """Stands for a parameter that nobody should hash."""

    def __hash__(self):
        raise AssertionError("hashed")


class Shift(EqualByIdentity, tfp.bijectors.Shift):
    """A bijector whose twin is another one."""


def test_a_twin_is_another_one():
    one, other = Shift(1.0), Shift(1.0)
    assert one == one and one != other
    assert len({one, other}) == 2 and hash(one) == hash(one)


def test_parameters_are_not_hashed():
    bijector = Shift(1.0)
    bijector.parameters["costly"] = Costly()
    assert isinstance(hash(bijector), int)


def test_couplings_of_integers_have_it():
    for cls in (bijectors.GeneralCoupling, bijectors.FactorOut):
        assert cls.__hash__ is EqualByIdentity.__hash__ and cls.__eq__ is EqualByIdentity.__eq__
