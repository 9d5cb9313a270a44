"""Where the first number that is not finite comes from."""

from collections.abc import Iterator

import tensorflow as tf
import tensorflow_probability as tfp

from tfp_ebm.distributions import Augmented, EnergyBased, IntegerEvents, StochasticBound
from tfp_ebm.internal.tfp_private import Blockwise, Chain, Invert, TransformedDistribution
from tfp_ebm.internal.types import Bijector, Distribution, TensorLike
from tfp_ebm.models.conditioned import Conditioned
from tfp_ebm.partition import StoredLogPartition

__all__ = ["first_nonfinite"]

tfb, tfd = tfp.bijectors, tfp.distributions


def _is_finite(value: TensorLike) -> bool:
    parts = [tf.convert_to_tensor(part) for part in tf.nest.flatten(value)]
    return all(
        bool(tf.reduce_all(tf.math.is_finite(part))) for part in parts if part.dtype.is_floating
    )


def _steps(bijector: Bijector, is_inverted: bool) -> Iterator[tuple[Bijector, bool]]:
    """Yields the innermost bijectors from data to latent, and whether each is used inverted."""
    if isinstance(bijector, tfb.Invert | Invert):
        yield from _steps(bijector.bijector, not is_inverted)
    elif isinstance(bijector, tfb.Chain | Chain):
        parts = bijector.bijectors if is_inverted else bijector.bijectors[::-1]
        for part in parts:
            yield from _steps(part, is_inverted)
    else:
        yield bijector, is_inverted


def _walk(model: Distribution, x: tf.Tensor, given: TensorLike | None = None) -> str | None:
    """Follows events, given a condition if any, through the layers; returns the first bad one."""
    if isinstance(model, Conditioned):
        return _walk(model.distribution, model.for_every_condition(x), model.condition)
    if isinstance(model, StochasticBound):
        return _walk_bound(model, x, given)
    if isinstance(model, IntegerEvents):
        return _walk(model.distribution, tf.cast(x, model.distribution.dtype), given)
    if isinstance(model, TransformedDistribution):
        steps = list(_steps(model.bijector, is_inverted=True))
        for index, (step, is_inverted) in enumerate(steps):
            kwargs = {"condition": given} if getattr(step, "num_context", 0) else {}
            y = (step.inverse if is_inverted else step.forward)(x, **kwargs)
            log_det = (
                step.inverse_log_det_jacobian(x, **kwargs)
                if is_inverted
                else step.forward_log_det_jacobian(x, **kwargs)
            )
            if not _is_finite((y, log_det)):
                return f"bijector {index + 1} of {len(steps)} from the data, {step.name}"
            x = y
        return _walk(model.distribution, x)
    if isinstance(model, Blockwise):
        return _walk_parts(tf.nest.flatten(model.distributions), x)
    log_prob = (
        model.unnormalized_log_prob(x) if isinstance(model, EnergyBased) else model.log_prob(x)
    )
    if not _is_finite(log_prob):
        return f"the density of the base, {model.name}"
    if not _is_finite(model.log_prob(x)):
        return f"the log partition function of the base, {model.name}"
    return None


def _walk_bound(model: StochasticBound, x: tf.Tensor, given: TensorLike | None) -> str | None:
    """Draws the hidden variables of a bound, and follows them with the event."""
    if isinstance(model, Augmented):
        extra, log_prob = model.posterior(x).experimental_sample_and_log_prob()
        if not _is_finite((extra, log_prob)):
            return "the posterior of the extra dimensions"
        return _walk(model.distribution, tf.concat([x, extra], axis=-1), given)
    if getattr(model, "noise", None) is None:
        return _walk(model.distribution, model.dequantize(x), given)
    # Drawn here: `dequantize` raises for noise that is not finite, and names no layer.
    levels = tf.cast(x, model.distribution.dtype)
    noise, log_prob = model.noise(levels).experimental_sample_and_log_prob()
    if not _is_finite((noise, log_prob)):
        return "the dequantisation noise"
    return _walk(model.distribution, levels + noise, given)


def _walk_parts(parts: list[Distribution], x: tf.Tensor) -> str | None:
    """Looks at the parts of a base, of which each has some of the latents."""
    values = tf.split(x, [part.event_shape.num_elements() for part in parts], axis=-1)
    for index, (part, value) in enumerate(zip(parts, values, strict=True)):
        bad = _walk(part, value)
        if bad is not None:
            return f"{bad}, part {index + 1} of {len(parts)}"
    return None


def _is_lost(variable: tf.Variable) -> bool:
    """Whether a variable holds what it should not: one that is not trained may be infinite."""
    value = tf.convert_to_tensor(variable)
    if not value.dtype.is_floating:
        return False
    if variable.trainable:
        return not _is_finite(value)
    return bool(tf.reduce_any(tf.math.is_nan(value)))


def _lost_variable(model: tf.Module) -> tf.Variable | None:
    stored = [part for part in model.submodules if isinstance(part, StoredLogPartition)]
    exempt = {variable.ref() for part in stored for variable in part.qualifiers}
    lost = (v for v in model.variables if v.ref() not in exempt and _is_lost(v))
    return next(lost, None)


def first_nonfinite(model: Distribution, x: TensorLike | None = None) -> str | None:
    """Names the first part of a model that holds or gives a number that is not finite.

    Looked at are, in this order, the variables, the layers from the data to the base, and the
    gradients. Variables that are not trained may be infinite, and what qualifies an estimate of
    log Z may be unknown.

    >>> scale = tfb.Scale(tf.constant(float("inf")), name="too_large")
    >>> density = tfd.TransformedDistribution(tfd.Normal(0.0, 1.0), tfb.Chain([tfb.Exp(), scale]))
    >>> first_nonfinite(density, tf.constant([1.0]))
    'bijector 2 of 2 from the data, too_large'

    Args:
      model: the distribution.
      x: a batch of events; None: only the variables are looked at.

    Returns:
      A description, or None if everything is finite.
    """
    variable = _lost_variable(model)
    if variable is not None:
        return f"the variable {variable.name}"
    if x is None:
        return None
    with tf.GradientTape() as tape:
        bad = _walk(model, x)
        if bad is not None:
            return bad
        loss = -tf.reduce_mean(model.log_prob(x))
    variables = model.trainable_variables
    for variable, gradient in zip(variables, tape.gradient(loss, variables), strict=True):
        if gradient is not None and not _is_finite(gradient):
            return f"the gradient of the variable {variable.name}"
    return None
