"""EB-and-Flow: NICE or Glow with a Gaussian-Bernoulli machine as the base."""

from collections.abc import Sequence
from typing import Any

import tensorflow as tf
import tensorflow_probability as tfp

from tfp_ebm import distributions
from tfp_ebm.internal import checks
from tfp_ebm.internal.types import Bijector, Seed
from tfp_ebm.models.build import build
from tfp_ebm.models.specification import DataSpec, ModelSpec

__all__ = ["eb_and_flow"]

tfb = tfp.bijectors

_BASES = {
    "dense": "gaussian_rbm",
    "per_level": "per_level",
    "convolutional": "conv_rbm",
    "none": "normal",
    "logistic": "logistic",
}


def eb_and_flow(
    image_shape: Sequence[int],
    num_levels: int = 256,
    flow: str | Bijector = "nice",
    rbm: str = "dense",
    num_hidden: int | None = None,
    sampler: str | None = None,
    num_chains: int | None = None,
    num_scales: int = 2,
    num_classes: int | None = None,
    rbm_options: dict[str, Any] | None = None,
    dtype: tf.DType = tf.float32,
    seed: Seed = None,
    **flow_options: Any,
) -> distributions.Dequantized:
    """Returns a flow model of images with an energy-based base.

    #### Example: a flow trained with a Gaussian base, refined by an RBM

    >>> first = eb_and_flow((4, 4, 1), 17, rbm="none", hidden_units=[8])
    >>> refined = eb_and_flow((4, 4, 1), 17, flow=first.distribution.bijector, num_hidden=4)
    >>> refined.sample(2).shape
    TensorShape([2, 4, 4, 1])

    After the first has been trained, the second shares its flow and starts at almost the same
    likelihood, since an RBM with small weights is nearly the standard Gaussian. The paper names
    this remedy for RBMs that are hard to train together with a flow from the start.

    Args:
      image_shape: `(H, W, C)`.
      num_levels: number of pixel levels.
      flow: `"nice"`, `"glow"`, or a bijector from flat latents to images, such as the trained one
        of another model, `model.distribution.bijector`.
      rbm: `"dense"`, one `GaussianBernoulliRBM` over all latents; `"per_level"`, one for each
        part that Glow factors out; `"convolutional"`, one `ConvolutionalRBM` over these parts;
        `"none"`, the standard Gaussian, or `"logistic"`, independent standard logistics, to
        compare with.
      num_hidden: hidden bits of each machine, by default 512; for `"convolutional"` the channels
        of its hidden image, by default 100.
      sampler: where the gradient of log Z comes from, see `tfp_ebm.mcmc.start_chains`.
      num_chains: number of chains, see `tfp_ebm.mcmc.ChainOptions`.
      num_scales: number of scales of Glow, of a given one too.
      num_classes: number of classes, for a `LabeledRBM` that models labels with the images; then
        `log_prob` and `sample` take `distribution_kwargs={"labels": ...}`. None: no labels.
      rbm_options: further arguments of the machines' `create`, such as
        `{"sampler_options": {"size": 10_000}}`; none of those named here.
      dtype: dtype of all variables.
      seed: seed of the first weights and chains.
      **flow_options: further arguments of `nice` or `glow`.

    Returns:
      A `Dequantized` distribution over integers of shape `(H, W, C)`.

    Raises:
      ValueError: if a name is unknown, parts are asked of NICE, which has one level, or labels of
        another base than `"dense"`; if a given flow is one of images of another shape, dtype,
        number of levels or scales, or an argument is given twice.

    Source: "EB-and-Flow", sections 3 to 5 and 7, appendix B.
    """
    base = _BASES[checks.choice("rbm", rbm, _BASES)]
    if num_classes is not None:
        if rbm != "dense":
            raise ValueError(
                f"`num_classes` needs `rbm='dense'`, got {rbm!r}; labels join one machine."
            )
        base = "labeled_rbm"
    own = {"num_hidden", "num_classes", "sampler", "num_chains", "dtype", "seed"}
    if twice := own & {*(rbm_options or {})}:
        raise ValueError(f"`rbm_options` must not hold {sorted(twice)}: give them as arguments.")
    options = {}
    if base not in ("normal", "logistic"):
        options = {
            "sampler": sampler,
            "num_chains": num_chains,
            "seed": seed,
            **(rbm_options or {}),
        }
        if num_hidden is not None:
            options["num_hidden"] = num_hidden
    is_ready = isinstance(flow, tfb.Bijector)
    if is_ready and flow_options:
        raise ValueError(
            f"A given `flow` takes no further options, got {sorted(flow_options)}; leave them out."
        )
    has_scales = flow == "glow" or (is_ready and base in ("per_level", "conv_rbm"))
    name = "glow" if has_scales else "nice"
    if not is_ready:
        checks.choice("flow", flow, ("nice", "glow"))
    if has_scales:
        flow_options = {"num_scales": num_scales, **flow_options}
    spec = ModelSpec(
        DataSpec(image_shape, num_levels, num_classes=num_classes),
        flow=(name, flow_options),
        base=(base, options),
        dtype=tf.as_dtype(dtype).name,
        name="eb_and_flow",
    )
    return build(spec, flow=flow if is_ready else None)
