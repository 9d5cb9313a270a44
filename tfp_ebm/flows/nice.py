"""NICE, for vectors, and for images as vectors."""

import math
from collections.abc import Sequence

import tensorflow as tf
import tensorflow_probability as tfp

from tfp_ebm import bijectors, networks
from tfp_ebm.flows.flow_options import FlowOptions, shared, with_flow_options
from tfp_ebm.flows.vector_steps import check_context, coupling_sizes
from tfp_ebm.internal import checks
from tfp_ebm.internal.types import Bijector, Unpack

__all__ = ["nice"]

tfb = tfp.bijectors


@with_flow_options
def nice(
    image_shape: Sequence[int],
    num_levels: int | None = 256,
    num_couplings: int = 4,
    hidden_units: Sequence[int] = (1000,) * 5,
    dropout_rate: float = 0.0,
    **options: Unpack[FlowOptions],
) -> Bijector:
    """Returns a flow from a flat latent vector to images or vectors, for `TransformedDistribution`.

    In the order the data meets them: a scale to [0, 1], additive couplings between entries at even
    and at odd positions, in turn, and a learned diagonal scale. Of an odd number of entries one
    more is even; a single one has no other to depend on, and a coupling is a learned shift.

    >>> flow = nice((4, 4, 1), num_levels=17, hidden_units=[8])
    >>> flow.forward_event_shape([16])
    TensorShape([4, 4, 1])
    >>> nice((5,), num_levels=None, hidden_units=[8]).forward_event_shape([5])
    TensorShape([5])

    With its defaults it is the network of the paper's MNIST experiments; its base there is
    `eb_and_flow(..., rbm="logistic")`, or the Gaussian of its experiments on faces.

    Args:
      image_shape: `(H, W, C)`, or `(D,)` for vectors.
      num_levels: number of levels of the entries; data lie in [0, num_levels]. None: real numbers,
        which are not scaled to [0, 1].
      num_couplings: number of couplings; 0 leaves the entries, scaled, for an RBM on pixels.
      hidden_units: sizes of the networks' hidden layers.
      dropout_rate: rate of dropout after each hidden layer while training.
      **options: `FlowOptions`.

    Returns:
      A bijector from `[..., H * W * C]` to `[..., H, W, C]`, or from `[..., D]` to `[..., D]`.

    Raises:
      ValueError: if an argument is out of its range, or there is a condition and a single entry.

    Source: Dinh, Krueger and Bengio, "NICE: Non-linear Independent Components Estimation" (2014).
    """
    num_context, dtype, policy, name = shared("nice", options)
    shape = checks.event_shape("image_shape", image_shape)
    size, steps = math.prod(shape), []
    num_context = check_context(size, num_context)
    if num_levels is not None:
        num_levels = checks.positive_integer("num_levels", num_levels, minimum=2)
        steps.append(_FromLevels(num_levels, dtype))
    if len(shape) == 3:
        steps.append(tfb.Reshape(event_shape_in=list(shape), event_shape_out=[size]))
    if size > 1:
        # Not by `tfb.Permute`, which TensorFlow Probability cannot slice.
        even_and_odd = bijectors.CheckerboardSplit(event_rank=1)
        steps += [even_and_odd, tfb.Invert(bijectors.ChannelSplit(event_rank=1))]
    for step in range(checks.positive_integer("num_couplings", num_couplings, minimum=0)):
        given, moved = coupling_sizes(size, step)
        if not given:
            steps.append(tfb.Shift(tf.Variable(tf.zeros([size], dtype), name="shift")))
            continue
        network = networks.MLP(
            given + num_context, moved, hidden_units, dropout_rate=dropout_rate, dtype=policy
        )
        split = bijectors.ChannelSplit(swap=bool(step % 2), event_rank=1)
        steps.append(bijectors.Coupling(split, tfb.Shift, network, num_context))
    steps.append(tfb.Scale(log_scale=tf.Variable(tf.zeros([size], dtype), name="log_scale")))
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
