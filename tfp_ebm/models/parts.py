"""The one place that knows how a model is put together: it is taken apart here."""

from collections.abc import Callable
from typing import Any, NamedTuple

import tensorflow as tf
import tensorflow_probability as tfp

from tfp_ebm.bijectors import Residual
from tfp_ebm.distributions import (
    Augmented,
    Dequantized,
    DequantizedTable,
    IntegerEvents,
    StochasticBound,
)
from tfp_ebm.internal.tfp_private import TransformedDistribution, samplers
from tfp_ebm.internal.types import Distribution, Seed, TensorLike

__all__ = [
    "Parts",
    "flow_input",
    "has_columns",
    "latents",
    "log_determinants",
    "num_levels",
    "parts",
]

tfb, tfd = tfp.bijectors, tfp.distributions


class Parts(NamedTuple):
    """What a model is made of.

    >>> from tfp_ebm import models
    >>> model = models.build(models.ModelSpec(models.DataSpec((4,)), flow="affine", base="rbm"))
    >>> found = models.parts(model)
    >>> found.base.name, found.noise
    ('SmoothedRBM', None)

    Attributes:
      base: the distribution of the latents; of a model without a flow the model itself.
      flow: the bijector from latents to events; None: there is none.
      noise: the dequantisation noise; None: uniform, or none.
      posterior: distribution of the extra dimensions given an event; None: there are none.
      density: the continuous density, a flow of the base, over events and extra dimensions.
      num_augmented: number of extra channels or coordinates.
    """

    base: Distribution
    flow: Any = None
    noise: Callable | None = None
    posterior: Callable | None = None
    density: Distribution | None = None
    num_augmented: int = 0


def parts(model: Distribution) -> Parts:
    """Returns the parts of a model of this package, or of any flow or wrapper made by hand.

    >>> from tfp_ebm import models
    >>> model = models.d_flow((4, 4, 1), 17, num_filters=4, num_couplings=(1, 1, 1))
    >>> parts(model).base is model.distribution.distribution, parts(model).noise
    (True, None)

    Args:
      model: the distribution.
    """
    noise, posterior, num_augmented = None, None, 0
    while isinstance(model, StochasticBound | IntegerEvents):
        if isinstance(model, Augmented):
            posterior, num_augmented = model.posterior, model.num_augmented
        else:
            noise = getattr(model, "noise", None)
        model = model.distribution
    if isinstance(model, TransformedDistribution) and not _is_named(model):
        return Parts(model.distribution, model.bijector, noise, posterior, model, num_augmented)
    return Parts(model, None, noise, posterior, model, num_augmented)


def latents(model: Distribution, events: TensorLike, seed: Seed = None) -> tf.Tensor:
    """Returns what the base of a model sees of events.

        z = flow^-1(x + u, e),   u ~ noise(x),   e ~ posterior(x)

    >>> from tfp_ebm import models
    >>> model = models.build(models.ModelSpec(models.DataSpec((4,)), flow="affine", base="rbm"))
    >>> models.latents(model, tf.zeros([3, 4])).shape
    TensorShape([3, 4])

    Args:
      model: a model of this package, or any flow or wrapper made by hand; of a conditional one
        `conditional(condition)`.
      events: `[..., *event_shape]`.
      seed: seed of noise and posterior; a pair of integers repeats exactly.

    Returns:
      `[..., *parts(model).base.event_shape]`.
    """
    x, given = flow_input(model, events, seed)
    found = parts(_unconditioned(model))
    return tf.cast(x, found.density.dtype) if found.flow is None else found.flow.inverse(x, **given)


def flow_input(
    model: Distribution, events: TensorLike, seed: Seed = None
) -> tuple[tf.Tensor, dict[str, Any]]:
    """Returns what the flow of a model sees of events, (x + u, e), and further keywords for it.

    Args:
      model: as for `latents`.
      events: `[..., *event_shape]`.
      seed: seed of noise and posterior; a pair of integers repeats exactly.
    """
    x, given = tf.convert_to_tensor(events), {}
    conditioned, model = model, _unconditioned(model)
    if conditioned is not model:
        x, given = conditioned.for_every_condition(x), conditioned.bijector_kwargs()
    if isinstance(model, IntegerEvents):
        x, model = model.whole_numbers(x), model.distribution
    while isinstance(model, StochasticBound):
        if isinstance(model, Augmented):
            x = tf.cast(x, model.distribution.dtype)
            x = tf.concat([x, model.posterior(x).sample(seed=seed)], axis=-1)
        else:
            x = model.dequantize(x, seed=seed)
        model = model.distribution
        if seed is not None:
            seed = samplers.fold_in(samplers.sanitize_seed(seed), 1)
    return x, given


def num_levels(model: Distribution) -> int | None:
    """Returns the number of levels of a model of integers 0 ... num_levels - 1; None of others."""
    model = _unconditioned(model)
    levels = getattr(model, "num_levels", None)
    has_levels = isinstance(model, Dequantized | IntegerEvents) and isinstance(levels, int)
    return levels if has_levels else None


def log_determinants(model: tf.Module) -> str:
    """Returns what the log-determinants of a model are: exact, or the worst estimate among them.

    >>> from tfp_ebm.models import DataSpec, ModelSpec, build
    >>> spec = ModelSpec(DataSpec((40,)), flow=("residual", {"num_steps": 1}), base="normal")
    >>> log_determinants(build(spec))
    'unbiased estimate'

    Args:
      model: a model, or a flow.
    """
    kinds = {part.log_det_kind for part in (model, *model.submodules) if isinstance(part, Residual)}
    return next((k for k in ("truncated estimate", "unbiased estimate") if k in kinds), "exact")


def has_columns(model: Distribution) -> bool:
    """Whether events are the rows of a table, whole numbers and categories among their cells."""
    model = _unconditioned(model)
    is_row = isinstance(model, IntegerEvents) and num_levels(model) is None
    return is_row or isinstance(model, DequantizedTable)


def _unconditioned(model):
    """Returns the model that has got a condition, of `Conditional`, or the model itself."""
    return model.distribution if hasattr(model, "condition") else model


def _is_named(model):
    """Whether a flow is a distribution of TensorFlow Probability with a name of its own.

    Such as its multivariate normal, which is a base and not a flow to those who use it.
    """
    kind = type(model)
    is_theirs = kind.__module__.startswith("tensorflow_probability")
    return is_theirs and not kind.__name__.endswith("TransformedDistribution")
