"""NICE, for images as vectors."""

import math
from collections.abc import Sequence
from typing import Any

import tensorflow as tf
import tensorflow_probability as tfp

from tfp_ebm import bijectors, networks
from tfp_ebm.internal import checks

__all__ = ["nice"]

tfb = tfp.bijectors


def nice(
    image_shape: Sequence[int],
    num_levels: int = 256,
    num_couplings: int = 4,
    hidden_units: Sequence[int] = (1000,) * 5,
    dropout_rate: float = 0.0,
    dtype: tf.DType = tf.float32,
    network_policy: Any = None,
    name: str = "nice",
) -> tfb.Bijector:
    """Returns a flow from a flat latent vector to images, for `tfd.TransformedDistribution`.

    In the order the data meets them: a scale to [0, 1], additive couplings between pixels at even
    and at odd positions, in turn, and a learned diagonal scale.

    >>> flow = nice((4, 4, 1), num_levels=17, hidden_units=[8])
    >>> flow.forward_event_shape([16])
    TensorShape([4, 4, 1])

    With its defaults it is the network of the paper's MNIST experiments; its base there is
    `eb_and_flow(..., rbm="logistic")`, or the Gaussian of its experiments on faces.

    Args:
      image_shape: `(H, W, C)` with an even number of entries.
      num_levels: number of pixel levels; data lie in [0, num_levels].
      num_couplings: number of couplings; 0 leaves the pixels, scaled, for an RBM on pixels.
      hidden_units: sizes of the networks' hidden layers.
      dropout_rate: rate of dropout after each hidden layer while training.
      dtype: dtype of all variables.
      network_policy: Keras policy of the networks, such as `"mixed_bfloat16"`; by default `dtype`.
      name: name of the bijector.

    Returns:
      A bijector from `[..., H * W * C]` to `[..., H, W, C]`.

    Raises:
      ValueError: if the number of entries is odd or an argument out of its range.

    Source: Dinh, Krueger and Bengio, "NICE: Non-linear Independent Components Estimation" (2014).
    """
    shape = checks.image_shape("image_shape", image_shape)
    num_levels = checks.positive_integer("num_levels", num_levels, minimum=2)
    policy = dtype if network_policy is None else network_policy
    size = math.prod(shape)
    if size % 2:
        raise ValueError(
            f"`image_shape` must have an even number of entries, got {size}; pad the images."
        )
    half_as_channels = tfb.Reshape(event_shape_in=[1, size // 2, 1], event_shape_out=[1, 1, -1])
    # Not by `tfb.Permute`, which TensorFlow Probability cannot slice.
    even_and_odd = [tfb.JointMap([half_as_channels] * 2), bijectors.CheckerboardSplit()]
    steps = [
        _FromLevels(num_levels, dtype),
        tfb.Reshape(event_shape_in=list(shape), event_shape_out=[1, size, 1]),
        tfb.Chain(even_and_odd),
        tfb.Invert(bijectors.ChannelSplit()),
    ]
    for index in range(checks.positive_integer("num_couplings", num_couplings, minimum=0)):
        network = networks.MLP(
            size // 2, size // 2, hidden_units, dropout_rate=dropout_rate, dtype=policy
        )
        split = bijectors.ChannelSplit(swap=bool(index % 2))
        steps.append(bijectors.Coupling(split, tfb.Shift, network))
    steps += [
        tfb.Reshape(event_shape_in=[1, 1, size], event_shape_out=[size]),
        tfb.Scale(log_scale=tf.Variable(tf.zeros([size], dtype), name="log_scale")),
    ]
    return tfb.Invert(tfb.Chain(steps[::-1]), name=name)


class _FromLevels(tfb.Scale):
    """Levels to [0, 1]: a scale that knows what it was made for."""

    def __init__(self, num_levels, dtype, name="from_levels"):
        parameters = dict(locals())
        super().__init__(tf.constant(1 / num_levels, dtype), name=name)
        self.num_levels = num_levels
        own = {key: parameters[key] for key in ("num_levels", "dtype", "name")}
        self._parameters = self._no_dependency(own)

    @classmethod
    def _parameter_properties(cls, dtype):
        return {}
