"""Ready models of images: one flow, four bases."""

import inspect
import math
from collections.abc import Callable, Sequence
from typing import Any

import tensorflow as tf
import tensorflow_probability as tfp

from tfp_ebm import distributions
from tfp_ebm.internal import checks
from tfp_ebm.models.consistency import check_num_levels
from tfp_ebm.models.flow_plus_plus import flow_plus_plus
from tfp_ebm.models.variational_noise import VariationalNoise

__all__ = [
    "create",
    "d_flow",
    "descriptions",
    "gaussian_flow",
    "known_options",
    "make_noise",
    "multicov_flow",
    "names",
    "rbm_flow",
    "standard_logistic",
    "standard_normal",
]

tfd = tfp.distributions


def _image_model(base, image_shape, num_levels, flow_options, name):
    flow_options = dict(flow_options)
    noise = make_noise(flow_options.pop("noise", None), image_shape, num_levels, flow_options)
    if flow_options.get("num_augmented"):
        raise ValueError(
            "`num_augmented` channels are no pixels and need a distribution of their own: use "
            "`models.vflow`."
        )
    flow = flow_plus_plus(image_shape, num_levels=num_levels, **flow_options)
    density = tfd.TransformedDistribution(base, flow)
    return distributions.Dequantized(density, num_levels=num_levels, noise=noise, name=name)


def make_noise(
    noise: str | Callable | None,
    image_shape: Sequence[int],
    num_levels: int,
    flow_options: dict[str, Any],
) -> Callable | None:
    """Returns the noise of a `Dequantized`, None if uniform, from its name or itself.

    `"variational"` noise has the flow's width: four affine couplings of three blocks.

    Args:
      noise: `"uniform"`, `"variational"`, a callable, or None for uniform.
      image_shape: `(H, W, C)`.
      num_levels: number of pixel levels.
      flow_options: options of the flow, some of which the noise shares.

    Raises:
      ValueError: if the name is unknown, or the noise was made for another number of levels.
    """
    if not isinstance(noise, str):
        check_num_levels("noise", noise, num_levels)
        return noise
    if checks.choice("noise", noise, ("uniform", "variational")) == "uniform":
        return None
    shared = {
        key: flow_options[key]
        for key in ("num_filters", "dropout_rate", "dtype", "network_policy")
        if key in flow_options
    }
    return VariationalNoise(image_shape, num_levels=num_levels, **shared)


def _layers(image_shape):
    """Returns the numbers of visible and hidden units: half the dimensions each."""
    size = math.prod(checks.image_shape("image_shape", image_shape))
    return size - size // 2, size // 2


def _delta(delta, learn_delta):
    if delta is not None:
        return delta
    return 1.0 if learn_delta else 2.5


def rbm_flow(
    image_shape: Sequence[int],
    num_levels: int = 256,
    delta: float | None = None,
    learn_delta: bool = False,
    sampler: str | None = None,
    num_chains: int = 512,
    dtype: tf.DType = tf.float32,
    seed: Any = None,
    **flow_options: Any,
) -> distributions.Dequantized:
    """Returns RBM-Flow: images as a flow of a smoothed restricted Boltzmann machine.

    Half the latent dimensions are visible units, half hidden.

    Args:
      image_shape: `(H, W, C)`.
      num_levels: number of pixel levels.
      delta: precision of the smoothing; by default 2.5 as in the paper, or 1 if it is learned.
      learn_delta: whether delta is trained. The flow absorbs most of a change of scale, so it
        moves slowly from where it starts.
      sampler: where the gradient of log Z comes from, see `tfp_ebm.mcmc.start_chains`.
      num_chains: number of chains.
      dtype: dtype of all variables.
      seed: seed of the chains' first states.
      **flow_options: `noise`, `"uniform"` or `"variational"` or a callable for `Dequantized`, and
        further arguments of `flow_plus_plus`.

    Returns:
      A `Dequantized` distribution over integers of shape `(H, W, C)`.

    Raises:
      ValueError: if an argument does not fit; see `flow_plus_plus` and `SmoothedRBM.create`.

    Source: "RBM-Flow and D-Flow: Invertible Flows with Discrete Energy Base Spaces".
    """
    base = distributions.SmoothedRBM.create(
        *_layers(image_shape),
        delta=_delta(delta, learn_delta),
        learn_delta=learn_delta,
        sampler=sampler,
        num_chains=num_chains,
        dtype=dtype,
        seed=seed,
    )
    return _image_model(base, image_shape, num_levels, {"dtype": dtype, **flow_options}, "rbm_flow")


def d_flow(
    image_shape: Sequence[int],
    num_levels: int = 256,
    delta: float = 1.0,
    learn_delta: bool = False,
    dtype: tf.DType = tf.float32,
    **flow_options: Any,
) -> distributions.Dequantized:
    """Returns D-Flow: images as a flow of independent smoothed spins.

    Args:
      image_shape: `(H, W, C)`.
      num_levels: number of pixel levels.
      delta: precision of the smoothing.
      learn_delta: whether delta is trained.
      dtype: dtype of all variables.
      **flow_options: `noise`, `"uniform"` or `"variational"` or a callable for `Dequantized`, and
        further arguments of `flow_plus_plus`.

    Returns:
      A `Dequantized` distribution over integers of shape `(H, W, C)`.

    Raises:
      ValueError: if an argument does not fit; see `flow_plus_plus`.

    Source: "RBM-Flow and D-Flow: Invertible Flows with Discrete Energy Base Spaces", section 3.3.
    """
    size = math.prod(checks.image_shape("image_shape", image_shape))
    base = distributions.DiscreteMixture.create(
        size, delta=delta, learn_delta=learn_delta, dtype=dtype
    )
    return _image_model(base, image_shape, num_levels, {"dtype": dtype, **flow_options}, "d_flow")


def multicov_flow(
    image_shape: Sequence[int],
    num_levels: int = 256,
    delta: float | None = None,
    learn_delta: bool = False,
    dtype: tf.DType = tf.float32,
    **flow_options: Any,
) -> distributions.Dequantized:
    """Returns MultiCov: images as a flow of a Gaussian with the RBM's precision matrix.

    Args:
      image_shape: `(H, W, C)`.
      num_levels: number of pixel levels.
      delta: diagonal of the precision matrix; by default 2.5, or 1 if it is learned.
      learn_delta: whether delta is trained.
      dtype: dtype of all variables.
      **flow_options: `noise`, `"uniform"` or `"variational"` or a callable for `Dequantized`, and
        further arguments of `flow_plus_plus`.

    Returns:
      A `Dequantized` distribution over integers of shape `(H, W, C)`.

    Raises:
      ValueError: if an argument does not fit; see `flow_plus_plus`.

    Source: "RBM-Flow and D-Flow: Invertible Flows with Discrete Energy Base Spaces".
    """
    base = distributions.BipartiteNormal.create(
        *_layers(image_shape),
        delta=_delta(delta, learn_delta),
        learn_delta=learn_delta,
        dtype=dtype,
    )
    options = {"dtype": dtype, **flow_options}
    return _image_model(base, image_shape, num_levels, options, "multicov_flow")


def standard_normal(image_shape: Sequence[int], dtype: tf.DType = tf.float32) -> tfd.Distribution:
    """Returns the standard Gaussian over the flat latent vector of images of this shape."""
    size = math.prod(checks.image_shape("image_shape", image_shape))
    return tfd.MultivariateNormalDiag(loc=tf.zeros([size], dtype))


def standard_logistic(image_shape: Sequence[int], dtype: tf.DType = tf.float32) -> tfd.Distribution:
    """Returns independent standard logistics over the flat latent vector, NICE's base for images.

    Source: Dinh, Krueger and Bengio, "NICE: Non-linear Independent Components Estimation" (2014),
    section 3.4.
    """
    size = math.prod(checks.image_shape("image_shape", image_shape))
    return tfd.Independent(tfd.Logistic(tf.zeros([size], dtype), tf.ones([], dtype)), 1)


def gaussian_flow(
    image_shape: Sequence[int],
    num_levels: int = 256,
    dtype: tf.DType = tf.float32,
    **flow_options: Any,
) -> distributions.Dequantized:
    """Returns the baseline: images as a flow of a standard Gaussian.

    Args:
      image_shape: `(H, W, C)`.
      num_levels: number of pixel levels.
      dtype: dtype of all variables.
      **flow_options: `noise`, `"uniform"` or `"variational"` or a callable for `Dequantized`, and
        further arguments of `flow_plus_plus`.

    Returns:
      A `Dequantized` distribution over integers of shape `(H, W, C)`.

    Raises:
      ValueError: if an argument does not fit; see `flow_plus_plus`.
    """
    base = standard_normal(image_shape, dtype)
    options = {"dtype": dtype, **flow_options}
    return _image_model(base, image_shape, num_levels, options, "gaussian_flow")


_MODELS = {
    "d_flow": d_flow,
    "gaussian_flow": gaussian_flow,
    "multicov_flow": multicov_flow,
    "rbm_flow": rbm_flow,
}


def names() -> tuple[str, ...]:
    """Returns the names that `create` knows."""
    return tuple(sorted(_MODELS))


def descriptions() -> dict[str, str]:
    """Returns what each model is, by name."""
    return {name: inspect.getdoc(_MODELS[name]).splitlines()[0] for name in names()}


def known_options(function: Callable) -> set[str]:
    """Returns the options of a function that returns a model, those of its flow included."""
    of_flow = {*inspect.signature(flow_plus_plus).parameters} - {"num_augmented", "name"}
    own = {*inspect.signature(function).parameters} - {"flow_options"}
    return {*own, *of_flow, "noise"}


def create(name: str, image_shape: Sequence[int], **options: Any) -> distributions.Dequantized:
    """Returns the model with this name.

    Args:
      name: one of `names()`.
      image_shape: `(H, W, C)`.
      **options: arguments of the function with this name.

    Raises:
      ValueError: if no model has this name or the model no such option; the nearest one is
        suggested.
    """
    function = _MODELS[checks.choice("name", name, _MODELS)]
    for option in options:
        checks.choice(f"option of {name}", option, known_options(function) - {"image_shape"})
    return function(image_shape, **options)
