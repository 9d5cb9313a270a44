"""Data-dependent initialisation of a whole flow."""

import contextlib
import functools
from collections.abc import Iterator

import tensorflow as tf
import tensorflow_probability as tfp

from tfp_ebm import bijectors
from tfp_ebm.internal.keras import keras
from tfp_ebm.internal.tfp_private import Chain, Invert, JointMap
from tfp_ebm.internal.types import Bijector, Data

__all__ = ["initialize_from_data", "is_trained_scale"]

tfb = tfp.bijectors


# Standard deviations after the initialisation: of layers that end a residual or a network, and of
# all others.
_SMALL, _UNIT = 0.1, 1.0
_MIN_STANDARD_DEVIATION = 1e-3


def initialize_from_data(flow: Bijector, data: Data, networks: bool = False) -> tf.Tensor:
    """Sets every `ActNorm` of a flow so that it whitens a batch of data, in the data's order.

    Runs once through the flow; where an `ActNorm` stands, its output then has mean 0 and standard
    deviation 1; after a trained scale of every entry, as NICE ends with, a mean square of 1. Found
    inside `Chain`, `Invert` and `JointMap`. With `networks`, the convolutions and dense layers of
    the couplings' networks are scaled and shifted as well, in the order in which they are met: each
    channel of their outputs then has mean 0 and standard deviation 1, or 0.1 after a gate's and a
    network's last layer. Channels that do not vary stay as they are.

    >>> import tensorflow as tf
    >>> from tfp_ebm import flows
    >>> flow = flows.glow((4, 4, 1), num_levels=17, num_scales=1, num_steps=1, num_filters=4)
    >>> initialize_from_data(flow, tf.random.stateless_uniform([64, 4, 4, 1], (0, 1)) * 16).shape
    TensorShape([64, 16])

    Args:
      flow: a bijector from latents to data, as in `tfd.TransformedDistribution`.
      data: `[N, *event_shape]`, a batch of data, dequantised.
      networks: whether to set the layers of networks too, as the official code of Flow++ does.

    Returns:
      The latents of the batch.

    Source: Kingma and Dhariwal, "Glow" (2018), section 3.1; the networks, Ho et al., "Flow++"
    (2019), code.
    """
    return _visit(flow, tf.convert_to_tensor(data), False, networks)


def is_trained_scale(bijector: Bijector) -> bool:
    """Whether a bijector is a scale of every entry that is trained, such as NICE's last one."""
    log_scale = bijector.log_scale if isinstance(bijector, tfb.Scale) else None
    return isinstance(log_scale, tf.Variable) and log_scale.shape.rank == 1


def _visit(bijector, x, to_latent, networks):
    """Returns the bijector's `forward` (or `inverse`) of x, initialising on the way."""
    if isinstance(bijector, Invert):
        return _visit(bijector.bijector, x, not to_latent, networks)
    if isinstance(bijector, Chain):
        steps = bijector.bijectors
        for step in reversed(steps) if to_latent else steps:
            x = _visit(step, x, to_latent, networks)
        return x
    if isinstance(bijector, JointMap):
        return [
            _visit(part, value, to_latent, networks)
            for part, value in zip(bijector.bijectors, x, strict=True)
        ]
    if isinstance(bijector, bijectors.ActNorm) and to_latent:
        bijector.initialize(x)
    if is_trained_scale(bijector) and to_latent:
        square = tf.reduce_mean(tf.square(x), axis=list(range(x.shape.rank - 1)))
        smallest = tf.constant(_MIN_STANDARD_DEVIATION**2, x.dtype)
        bijector.log_scale.assign(-0.5 * tf.math.log(tf.maximum(square, smallest)))
    if networks and isinstance(bijector, bijectors.Coupling) and bijector.conditioner is not None:
        with _setting_layers(bijector.conditioner):
            (bijector.forward if to_latent else bijector.inverse)(tf.identity(x))
    # Fresh tensors, so that nothing comes from a cache filled before the parameters changed.
    fresh = tf.nest.map_structure(tf.identity, x)
    return bijector.forward(fresh) if to_latent else bijector.inverse(fresh)


@contextlib.contextmanager
def _setting_layers(network: tf.Module) -> Iterator[None]:
    """Lets the layers of a network set themselves from the inputs of their next call."""
    layers = [
        part
        for part in (network, *network.submodules)
        if isinstance(part, keras.layers.Conv2D | keras.layers.Dense) and part.use_bias
    ]
    last = [
        getattr(part, name, None)
        for part in (network, *network.submodules)
        for name in ("gate", "proj_out")
    ]
    for layer in layers:
        deviation = _SMALL if any(layer is one for one in last) else _UNIT
        layer.call = functools.partial(_call_and_set, layer, layer.call, deviation)
    try:
        yield
    finally:
        for layer in layers:
            del layer.call


def _call_and_set(layer, call, deviation, x):
    layer.bias.assign(tf.zeros_like(layer.bias))
    y = tf.cast(call(x), layer.kernel.dtype)
    mean, variance = tf.nn.moments(y, axes=list(range(y.shape.rank - 1)))
    found = tf.sqrt(variance)
    varies = found > _MIN_STANDARD_DEVIATION
    scale = tf.where(varies, deviation / found, tf.ones_like(found))
    layer.kernel.assign(layer.kernel * scale)
    layer.bias.assign(tf.where(varies, -mean * scale, tf.zeros_like(mean)))
    return call(x)
