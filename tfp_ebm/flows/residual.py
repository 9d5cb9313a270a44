"""Residual flows and DenseNet flows, for images and vectors."""

from collections.abc import Callable, Sequence
from typing import TypedDict

import tensorflow as tf
import tensorflow_probability as tfp

from tfp_ebm import bijectors, networks
from tfp_ebm.flows.image_preprocessing import image_preprocessing
from tfp_ebm.flows.multi_scale import multi_scale
from tfp_ebm.internal import checks
from tfp_ebm.internal.spelled_options import spelled_out
from tfp_ebm.internal.types import Bijector, DType, Options, Unpack

__all__ = ["densenet", "residual"]

tfb = tfp.bijectors


class ResidualOptions(TypedDict, total=False):
    """Arguments that residual flows of all networks share.

    Args:
      coefficient: bound on the Lipschitz constants of the networks, between 0 and 1.
      log_det: how log-determinants are found, see `tfp_ebm.bijectors.Residual`; by default exactly
        for events of at most 16 entries, and by unbiased estimates for larger ones.
      alpha: margin of the logit, see `tfp_ebm.bijectors.ImageToLogit`.
      num_augmented: how many of the last channels of images are extra ones.
      num_context: size of the condition vectors that every network takes; 0: there are none.
      dtype: dtype of all variables.
      name: name of the bijector.
    """

    coefficient: float
    log_det: str
    alpha: float
    num_augmented: int
    num_context: int
    dtype: DType
    name: str


_DEFAULTS = {
    "coefficient": 0.98,
    "log_det": "auto",
    "alpha": 0.05,
    "num_augmented": 0,
    "num_context": 0,
    "dtype": tf.float32,
    "name": "residual_flow",
}


@spelled_out(ResidualOptions, _DEFAULTS)
def residual(
    image_shape: Sequence[int],
    num_levels: int | None = 256,
    num_scales: int = 2,
    num_steps: int = 8,
    hidden_units: Sequence[int] = (64, 64),
    **options: Unpack[ResidualOptions],
) -> Bijector:
    """Returns a residual flow from a flat latent vector to images or vectors.

    In the order the data meets them: for images `ImageToLogit`, then at each scale a squeeze and
    steps, and half of the channels are factored out between scales. A step is an `ActNorm` and a
    `Residual` of a `LipschitzNet`, in which every entry may depend on every other one; it starts
    near the identity. Samples take fixed-point iterations, step by step.

    >>> residual((5,), num_levels=None, num_steps=2, hidden_units=[8]).forward_event_shape([5])
    TensorShape([5])
    >>> flow = residual((4, 4, 1), 17, num_scales=1, num_steps=1, hidden_units=[8])
    >>> flow.forward_event_shape([16])
    TensorShape([4, 4, 1])

    Args:
      image_shape: `(H, W, C)`, H and W multiples of `2^num_scales`; or `(D,)` for vectors.
      num_levels: number of levels of the entries; data lie in [0, num_levels]. None: real numbers.
      num_scales: number of scales of images.
      num_steps: number of steps, of images at each scale.
      hidden_units: sizes of the networks' hidden layers; of images their channels.
      **options: `ResidualOptions`.

    Returns:
      A bijector from `[..., H * W * C]` to `[..., H, W, C]`, or from `[..., D]` to `[..., D]`.

    Raises:
      ValueError: if an argument is out of its range or the sizes cannot be halved often enough.

    Source: Chen et al., "Residual Flows for Invertible Generative Modeling" (2019).
    """
    return _flow(
        image_shape,
        num_levels,
        num_scales,
        num_steps,
        lambda shape, **bounds: networks.LipschitzNet(shape, hidden_units, **bounds),
        {**_DEFAULTS, **options},
    )


@spelled_out(ResidualOptions, {**_DEFAULTS, "name": "densenet_flow"})
def densenet(
    image_shape: Sequence[int],
    num_levels: int | None = 256,
    num_scales: int = 2,
    num_steps: int = 8,
    num_layers: int = 3,
    growth: int = 16,
    learned_weights: bool = True,
    concatenated: bool = True,
    **options: Unpack[ResidualOptions],
) -> Bijector:
    """Returns a DenseNet flow from a flat latent vector to images or vectors.

    It is a `residual` flow whose networks are `LipschitzDenseNet`s: each of their layers keeps its
    input beside what it computes.

    >>> densenet((5,), num_levels=None, num_steps=2, growth=4).forward_event_shape([5])
    TensorShape([5])

    Args:
      image_shape: `(H, W, C)`, H and W multiples of `2^num_scales`; or `(D,)` for vectors.
      num_levels: number of levels of the entries; data lie in [0, num_levels]. None: real numbers.
      num_scales: number of scales of images.
      num_steps: number of steps, of images at each scale.
      num_layers: dense layers of each network.
      growth: entries, of images channels, that each of them adds; twice as many if concatenated.
      learned_weights: whether the weights of what is kept and of what is added are learned; else
        both are 1 / sqrt(2).
      concatenated: whether the activation returns both signs.
      **options: `ResidualOptions`.

    Returns:
      A bijector from `[..., H * W * C]` to `[..., H, W, C]`, or from `[..., D]` to `[..., D]`.

    Raises:
      ValueError: if an argument is out of its range or the sizes cannot be halved often enough.

    Source: Perugachi-Diaz et al., "Invertible DenseNets with Concatenated LipSwish" (2021); "Deep
    Generative Modeling" (Tomczak), equations 3.25 to 3.30.
    """
    kinds = (num_layers, growth, learned_weights, concatenated)
    return _flow(
        image_shape,
        num_levels,
        num_scales,
        num_steps,
        lambda shape, **bounds: networks.LipschitzDenseNet(shape, *kinds, **bounds),
        {**_DEFAULTS, "name": "densenet_flow", **options},
    )


class _Steps:
    """Makes the steps of a scale, for events of its shape, data to latent."""

    def __init__(self, make_network: Callable, num_steps: int, options: Options):
        self._make_network = make_network
        self._num_steps = checks.positive_integer("num_steps", num_steps)
        self._bounds = {name: options[name] for name in ("coefficient", "num_context", "dtype")}
        self._log_det = options["log_det"]
        self.dtype = options["dtype"]

    def __call__(self, shape):
        def norm():
            return bijectors.ActNorm.create(shape[-1:], dtype=self.dtype, event_rank=len(shape))

        steps = []
        for _ in range(self._num_steps):
            network = self._make_network(shape, **self._bounds)
            steps += [norm(), bijectors.Residual(network, self._log_det)]
        return [*steps, norm()]


def _flow(image_shape, num_levels, num_scales, num_steps, make_network, options):
    """Returns the flow, latent to data."""
    if unknown := set(options) - set(_DEFAULTS):
        raise TypeError(
            f"Residual flows have no argument {sorted(unknown)[0]!r}; beside those of their "
            f"networks they take {', '.join(_DEFAULTS)}."
        )
    make_steps, name = _Steps(make_network, num_steps, options), options["name"]
    num_scales = checks.positive_integer("num_scales", num_scales)
    if isinstance(image_shape, Sequence) and len(image_shape) == 1:
        shape = (checks.positive_integer("image_shape", image_shape[0]),)
        steps = make_steps(shape)
        if num_levels is not None:
            num_levels = checks.positive_integer("num_levels", num_levels, minimum=2)
            steps = [tfb.Scale(tf.constant(1 / num_levels, make_steps.dtype)), *steps]
        return tfb.Invert(tfb.Chain(steps[::-1]), name=name)
    shape = checks.image_shape("image_shape", image_shape)
    if num_levels is None:
        steps = []
    else:
        steps = [
            image_preprocessing(num_levels, shape[-1], options["num_augmented"], options["alpha"])
        ]
    steps.append(multi_scale(shape, [make_steps] * num_scales))
    return tfb.Invert(tfb.Chain(steps[::-1]), name=name)
