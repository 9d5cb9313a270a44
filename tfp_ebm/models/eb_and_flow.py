"""EB-and-Flow: NICE or Glow with a Gaussian-Bernoulli machine as the base."""

import math
from collections.abc import Sequence
from typing import Any

import tensorflow as tf
import tensorflow_probability as tfp

from tfp_ebm import distributions
from tfp_ebm.internal import checks
from tfp_ebm.models.consistency import check_flow
from tfp_ebm.models.glow import glow
from tfp_ebm.models.image_flows import standard_logistic, standard_normal
from tfp_ebm.models.multi_scale import latent_shapes
from tfp_ebm.models.nice import nice

__all__ = ["eb_and_flow"]

tfb, tfd = tfp.bijectors, tfp.distributions

_MACHINES = ("dense", "per_level", "convolutional")
_CLASSICAL = {"none": standard_normal, "logistic": standard_logistic}


def eb_and_flow(
    image_shape: Sequence[int],
    num_levels: int = 256,
    flow: str | tfb.Bijector = "nice",
    rbm: str = "dense",
    num_hidden: int | None = None,
    sampler: str | None = None,
    num_chains: int = 512,
    num_scales: int = 2,
    num_classes: int | None = None,
    rbm_options: dict[str, Any] | None = None,
    dtype: tf.DType = tf.float32,
    seed: Any = None,
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
      num_chains: number of chains.
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
    checks.choice("rbm", rbm, (*_MACHINES, *_CLASSICAL))
    shape = checks.image_shape("image_shape", image_shape)
    if flow == "nice" and rbm in ("per_level", "convolutional"):
        raise ValueError(f"`rbm={rbm!r}` needs `flow='glow'`: NICE factors nothing out.")
    if num_classes is not None and rbm != "dense":
        raise ValueError(
            f"`num_classes` needs `rbm='dense'`, got {rbm!r}; labels join one machine."
        )
    own = {"num_hidden", "num_classes", "sampler", "num_chains", "dtype", "seed"}
    if twice := own & {*(rbm_options or {})}:
        raise ValueError(f"`rbm_options` must not hold {sorted(twice)}: give them as arguments.")
    if num_hidden is None:
        num_hidden = 100 if rbm == "convolutional" else 512
    options = {
        "sampler": sampler,
        "num_chains": num_chains,
        "dtype": dtype,
        "seed": seed,
        **(rbm_options or {}),
    }
    if rbm in _CLASSICAL:
        base = _CLASSICAL[rbm](shape, dtype)
    elif rbm == "convolutional":
        parts = latent_shapes(shape, num_scales)
        base = distributions.ConvolutionalRBM.create(parts, num_hidden, **options)
    elif num_classes is not None:
        base = distributions.LabeledRBM.create(math.prod(shape), num_hidden, num_classes, **options)
    else:
        parts = latent_shapes(shape, num_scales) if rbm == "per_level" else [shape]
        machines = [
            distributions.GaussianBernoulliRBM.create(math.prod(part), num_hidden, **options)
            for part in parts
        ]
        base = machines[0] if len(machines) == 1 else tfd.Blockwise(machines)
    if isinstance(flow, tfb.Bijector):
        has_parts = rbm in ("per_level", "convolutional")
        check_flow(flow, shape, num_levels, dtype, num_scales if has_parts else None)
    bijector = _flow(flow, shape, num_levels, num_scales, dtype, flow_options)
    density = tfd.TransformedDistribution(base, bijector)
    return distributions.Dequantized(density, num_levels=num_levels, name="eb_and_flow")


def _flow(flow, shape, num_levels, num_scales, dtype, options):
    if isinstance(flow, tfb.Bijector):
        if options:
            raise ValueError(
                f"A given `flow` takes no further options, got {sorted(options)}; leave them out."
            )
        return flow
    checks.choice("flow", flow, ("nice", "glow"))
    if flow == "nice":
        return nice(shape, num_levels=num_levels, dtype=dtype, **options)
    return glow(shape, num_levels=num_levels, num_scales=num_scales, dtype=dtype, **options)
