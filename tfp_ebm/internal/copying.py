"""`copy.deepcopy` and `pickle` for the compositions of TensorFlow Probability.

Python's protocol makes a blank instance first, but the constructors of `Chain`, `Invert`,
`TransformedDistribution` and their like choose a class from their arguments and fail without any.
Others keep their parts in closures, which a copy would share with the original, weights and all. As
their own method `copy` does, the functions here make them anew, from copies of their arguments.
"""

import copyreg
from collections.abc import Callable
from typing import Any

import tensorflow_probability as tfp

__all__ = ["make_copyable"]

_KINDS = (tfp.bijectors.Bijector, tfp.distributions.Distribution)
_WITH_CLOSURES = (tfp.bijectors.MaskedAutoregressiveFlow, tfp.bijectors.RealNVP)


def make_copyable() -> None:
    """Registers with Python how compositions are copied and pickled."""
    for module in (tfp.bijectors, tfp.distributions):
        for cls in vars(module).values():
            if isinstance(cls, type) and issubclass(cls, _KINDS) and _is_composition(cls):
                for base in (cls, *_without_composite_tensors(cls)):
                    copyreg.pickle(base, _reduce)


def _is_composition(cls):
    return cls.__new__ is not object.__new__ or cls in _WITH_CLOSURES


def _without_composite_tensors(cls):
    """Returns the private class that stands for `cls` where parts are no composite tensors."""
    return [base for base in cls.__bases__ if base.__name__ == f"_{cls.__name__}"]


def _reduce(instance: Any) -> tuple[Callable, tuple]:
    return _make, (type(instance), dict(instance.parameters))


def _make(cls, arguments):
    return cls(**arguments)
