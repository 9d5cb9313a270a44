"""The parts of a model that may train at rates of their own."""

from collections.abc import Iterable
from typing import Any

import tensorflow as tf

from tfp_ebm.distributions import EnergyBased, StochasticBound
from tfp_ebm.internal.tfp_private import TransformedDistribution
from tfp_ebm.internal.types import Distribution
from tfp_ebm.training.trained_variables import make_variables, trained_variables

__all__ = ["GROUPS", "parameter_groups"]

GROUPS = ("flow", "base", "noise")


def _variables(part: Any) -> list[tf.Variable]:
    return list(getattr(part, "trainable_variables", ()))


def parameter_groups(
    model: Distribution, frozen: Iterable[tf.Variable] = ()
) -> dict[str, list[tf.Variable]]:
    """Returns the variables of a model that are to be trained, in three groups.

    * `"noise"`: networks of the dequantisation noise and of VFlow's posterior;
    * `"base"`: energy-based distributions, and the base of any `TransformedDistribution`;
    * `"flow"`: everything else.

    A model that has not been called yet is called once, so that networks that are built by their
    first call are among them. Left out are variables of Keras layers with `layer.trainable =
    False`.

    >>> import tensorflow as tf
    >>> from tfp_ebm import models
    >>> groups = parameter_groups(models.gaussian_flow((4, 4, 1), num_filters=4, num_blocks=1))
    >>> [bool(groups[name]) for name in GROUPS]
    [True, False, False]

    Args:
      model: the model.
      frozen: further variables to leave out.
    """
    make_variables(model)
    names = {}
    for part in (model, *model.submodules):
        if isinstance(part, StochasticBound):
            inside = {variable.ref() for variable in _variables(part.distribution)}
            own = [variable.ref() for variable in _variables(part)]
            names |= {ref: "noise" for ref in own if ref not in inside}
        if isinstance(part, EnergyBased):
            names |= {variable.ref(): "base" for variable in _variables(part)}
        if isinstance(part, TransformedDistribution):
            names |= {variable.ref(): "base" for variable in _variables(part.distribution)}
    groups = {name: [] for name in GROUPS}
    for variable in trained_variables(model, frozen)[0]:
        groups[names.get(variable.ref(), "flow")].append(variable)
    return groups
