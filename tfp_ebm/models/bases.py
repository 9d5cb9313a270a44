"""The distributions that flows stand on, each as a function of the latents."""

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import tensorflow as tf
import tensorflow_probability as tfp

from tfp_ebm import distributions
from tfp_ebm.conditionals.integer_parts import LogisticsGivenParts, MarginalLogistics
from tfp_ebm.flows.integer_scaling import IntegerScaling
from tfp_ebm.internal.tfp_private import blockwise
from tfp_ebm.internal.types import Distribution

__all__ = [
    "Latents",
    "boltzmann",
    "conv_rbm",
    "discretized_logistic",
    "gaussian_rbm",
    "labeled_rbm",
    "logistic",
    "multicov",
    "normal",
    "per_level",
    "rbm",
    "spins",
]

tfd = tfp.distributions


class Latents(NamedTuple):
    """What a base is over.

    >>> from tfp_ebm import models
    >>> latents = models.Latents(size=4)
    >>> latents.size, latents.part_shapes
    (4, None)

    Attributes:
      size: number of latents, D.
      part_shapes: shapes `(H, W, C)` of the parts that a flow of several scales leaves; None for
        other flows.
      num_classes: number of labels to be modelled with the latents; None: none.
      scaling: levels, middle and spread of whole numbers; None of real ones.
    """

    size: int
    part_shapes: Sequence[tuple[int, int, int]] | None = None
    num_classes: int | None = None
    scaling: IntegerScaling | None = None


def _halves(latents, num_hidden):
    """Returns the numbers of visible and hidden units, by default half the dimensions each."""
    num_hidden = latents.size // 2 if num_hidden is None else num_hidden
    if not 0 < num_hidden < latents.size:
        raise ValueError(
            f"`num_hidden` must leave visible units: from 1 to {latents.size - 1} of the "
            f"{latents.size} latents, got {num_hidden}."
        )
    return latents.size - num_hidden, num_hidden


def _smoothed(kind, latents, dtype, num_hidden, options):
    """Returns a base of two layers, whose delta starts at 1 if it is to be learned."""
    start = {"delta": 1.0} if options.get("learn_delta") else {}
    return kind.create(*_halves(latents, num_hidden), dtype=dtype, **{**start, **options})


def normal(latents: Latents, dtype: tf.DType) -> Distribution:
    """The standard Gaussian."""
    return tfd.MultivariateNormalDiag(loc=tf.zeros([latents.size], dtype))


def logistic(latents: Latents, dtype: tf.DType) -> Distribution:
    """Independent standard logistics, NICE's base for images.

    Source: Dinh, Krueger and Bengio, "NICE: Non-linear Independent Components Estimation" (2014),
    section 3.4.
    """
    zeros = tf.zeros([latents.size], dtype)
    return tfd.Independent(tfd.Logistic(zeros, tf.ones([], dtype)), 1)


def discretized_logistic(
    latents: Latents,
    dtype: tf.DType,
    num_components: int = 5,
    conditional: bool = True,
    num_filters: int = 32,
    num_blocks: int = 1,
    dropout_rate: float = 0.0,
) -> tfd.Distribution:
    """Mixtures of discretised logistics over whole numbers, the base of integer flows.

    Args:
      latents: what the base is over; their `scaling` is needed.
      dtype: dtype of the variables.
      num_components: logistics in the mixture of an entry.
      conditional: whether parts that a flow factors out depend on coarser ones, by a network each.
      num_filters: width of these networks.
      num_blocks: their residual blocks.
      dropout_rate: dropout in them.

    Raises:
      ValueError: if the latents are no whole numbers.

    Source: Hoogeboom et al., "Integer Discrete Flows and Lossless Compression" (2019), section 4.
    """
    if latents.scaling is None:
        raise ValueError(
            "The base discretized_logistic is over whole numbers; take the flow integer_flow, or "
            "another base."
        )
    shapes = latents.part_shapes
    if not conditional or shapes is None or len(shapes) == 1:
        size = latents.size
        marginal = MarginalLogistics(size, latents.scaling, num_components, dtype)
        return distributions.ConditionalParts([size], [marginal], dtype)
    sizes = [math.prod(shape) for shape in shapes]
    conditionals = [MarginalLogistics(sizes[0], latents.scaling, num_components, dtype)]
    for count in range(2, len(shapes) + 1):
        conditionals.append(
            LogisticsGivenParts(
                shapes[:count],
                latents.scaling,
                num_components,
                num_filters,
                num_blocks,
                dropout_rate,
                dtype,
            )
        )
    return distributions.ConditionalParts(sizes, conditionals, dtype)


def spins(
    latents: Latents, dtype: tf.DType, delta: float = 1.0, learn_delta: bool = False
) -> Distribution:
    """Independent smoothed spins, the base of D-Flow.

    Args:
      latents: what the base is over.
      dtype: dtype of the variables.
      delta: precision of the smoothing.
      learn_delta: whether delta is trained.
    """
    return distributions.DiscreteMixture.create(
        latents.size, delta=delta, learn_delta=learn_delta, dtype=dtype
    )


def multicov(
    latents: Latents, dtype: tf.DType, num_hidden: int | None = None, **options: Any
) -> Distribution:
    """A Gaussian with the smoothed RBM's precision matrix.

    Args:
      latents: what the base is over.
      dtype: dtype of the variables.
      num_hidden: how many of the latents are on the hidden side; by default half.
      **options: further arguments of `BipartiteNormal.create`; where delta is learned, it starts
        at 1.
    """
    return _smoothed(distributions.BipartiteNormal, latents, dtype, num_hidden, options)


def rbm(
    latents: Latents, dtype: tf.DType, num_hidden: int | None = None, **options: Any
) -> Distribution:
    """A smoothed restricted Boltzmann machine over the latents, the base of RBM-Flow.

    Args:
      latents: what the base is over.
      dtype: dtype of the variables.
      num_hidden: how many of the latents are hidden units; by default half.
      **options: further arguments of `SmoothedRBM.create`. Where delta is learned, it starts at 1:
        the flow absorbs most of a change of scale, so it moves slowly from where it starts.
    """
    return _smoothed(distributions.SmoothedRBM, latents, dtype, num_hidden, options)


def boltzmann(latents: Latents, dtype: tf.DType, **options: Any) -> Distribution:
    """A smoothed Boltzmann machine whose spins are all coupled.

    Args:
      latents: what the base is over.
      dtype: dtype of the variables.
      **options: further arguments of `SmoothedBoltzmannMachine.create`.
    """
    return distributions.SmoothedBoltzmannMachine.create(latents.size, dtype=dtype, **options)


def gaussian_rbm(
    latents: Latents, dtype: tf.DType, num_hidden: int = 512, **options: Any
) -> Distribution:
    """A Gaussian-Bernoulli machine whose visible units are the latents, the base of EB-and-Flow.

    Args:
      latents: what the base is over.
      dtype: dtype of the variables.
      num_hidden: number of hidden bits.
      **options: further arguments of `GaussianBernoulliRBM.create`.
    """
    return distributions.GaussianBernoulliRBM.create(
        latents.size, num_hidden, dtype=dtype, **options
    )


def labeled_rbm(
    latents: Latents, dtype: tf.DType, num_hidden: int = 512, **options: Any
) -> Distribution:
    """A Gaussian-Bernoulli machine over the latents and their label.

    Args:
      latents: what the base is over; their `num_classes` is needed.
      dtype: dtype of the variables.
      num_hidden: number of hidden bits.
      **options: further arguments of `LabeledRBM.create`.

    Raises:
      ValueError: if there are no labels.
    """
    if latents.num_classes is None:
        raise ValueError(
            "The base labeled_rbm models labels, but the data have none: give `num_classes` with "
            "the data, or take the base gaussian_rbm."
        )
    return distributions.LabeledRBM.create(
        latents.size, num_hidden, latents.num_classes, dtype=dtype, **options
    )


def per_level(
    latents: Latents, dtype: tf.DType, num_hidden: int = 512, **options: Any
) -> Distribution:
    """A Gaussian-Bernoulli machine for each part that a flow of several scales leaves.

    Args:
      latents: what the base is over; their `part_shapes` are needed.
      dtype: dtype of the variables.
      num_hidden: hidden bits of each machine.
      **options: further arguments of `GaussianBernoulliRBM.create`.
    """
    machines = []
    for height, width, channels in _parts(latents, "per_level"):
        part = Latents(height * width * channels)
        machines.append(gaussian_rbm(part, dtype, num_hidden, **options))
    return machines[0] if len(machines) == 1 else blockwise(machines)


def conv_rbm(
    latents: Latents, dtype: tf.DType, num_hidden: int = 100, **options: Any
) -> Distribution:
    """One convolutional Gaussian machine over the parts that a flow of several scales leaves.

    Args:
      latents: what the base is over; their `part_shapes` are needed.
      dtype: dtype of the variables.
      num_hidden: channels of its hidden image.
      **options: further arguments of `ConvolutionalRBM.create`.
    """
    parts = _parts(latents, "conv_rbm")
    return distributions.ConvolutionalRBM.create(parts, num_hidden, dtype=dtype, **options)


def _parts(latents, name):
    if latents.part_shapes is None:
        raise ValueError(
            f"The base {name} stands on the parts of a flow of several scales, such as glow; the "
            "flow of this model factors nothing out. Take another base, or such a flow."
        )
    return latents.part_shapes
