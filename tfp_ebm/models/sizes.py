"""How large models are."""

import math

from tfp_ebm.internal.types import Distribution

__all__ = ["num_parameters"]


def num_parameters(model: Distribution) -> int:
    """Returns the number of trainable parameters of a model.

    >>> from tfp_ebm import models
    >>> model = models.build(models.ModelSpec(models.DataSpec((2,)), "affine", "normal"))
    >>> models.num_parameters(model)
    8

    Args:
      model: any `tf.Module`, such as a distribution.
    """
    return sum(math.prod(variable.shape) for variable in model.trainable_variables)
