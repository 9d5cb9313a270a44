"""RealNVP of vectors, and of images as vectors; `image_real_nvp` keeps images images."""

import math
from collections.abc import Sequence

import tensorflow as tf
import tensorflow_probability as tfp

from tfp_ebm import bijectors, networks
from tfp_ebm.flows.affine_maps import RezeroAffine, affine
from tfp_ebm.flows.flow_options import FlowOptions, shared, with_flow_options
from tfp_ebm.flows.image_preprocessing import image_preprocessing
from tfp_ebm.flows.vector_steps import check_context, coupling_sizes
from tfp_ebm.internal import checks
from tfp_ebm.internal.types import Bijector, Unpack

__all__ = ["real_nvp"]

tfb = tfp.bijectors


@with_flow_options
def real_nvp(
    image_shape: Sequence[int],
    num_levels: int | None = 256,
    num_couplings: int = 8,
    hidden_units: Sequence[int] = (256, 256),
    split: str = "halves",
    mixing: str = "reversal",
    rezero: bool = False,
    dropout_rate: float = 0.0,
    alpha: float = 0.05,
    num_augmented: int = 0,
    **options: Unpack[FlowOptions],
) -> Bijector:
    """Returns a flow from a flat latent vector to images or vectors, for `TransformedDistribution`.

    In the order the data meets them: for images `ImageToLogit` and a reshape, then affine couplings
    and, after each, a reversal of the entries. The shift and the scale of a coupling come from a
    fully connected network each, with leaky ReLUs:

        a, b = split(x);   y = reverse(a, exp(s(a)) b + t(a)),   |s| < 2

    Networks end at 0, where a coupling is the identity: the chapter's start at random, and on the
    digits the first losses of so many couplings are then 10^5 nats, from which Adam's averages take
    a hundred epochs to recover.

    Of an odd number of entries one more is given than transformed; a single entry has no other to
    depend on, and a coupling is a learned affine map. With its defaults it has the size of the
    chapter's model: 1,319,424 parameters for the 64 pixels of digits. Its improvements are options,
    here or elsewhere: a checkerboard, rezero, a learned matrix in place of the reversal (the 1x1
    convolution of vectors), variational dequantisation (`noise` of a `ModelSpec`), other bases,
    conditions; squeezing and factoring-out are those of `image_real_nvp`.

    >>> flow = real_nvp((4, 4, 1), num_levels=17, hidden_units=[8])
    >>> flow.forward_event_shape([16])
    TensorShape([4, 4, 1])
    >>> real_nvp((5,), num_levels=None, hidden_units=[8]).forward_event_shape([5])
    TensorShape([5])

    Args:
      image_shape: `(H, W, C)`, or `(D,)` for vectors.
      num_levels: number of levels of the entries of images, which lie in [0, num_levels]; None for
        vectors, of real numbers.
      num_couplings: number of couplings.
      hidden_units: sizes of the networks' hidden layers.
      split: what a coupling conditions on: the first `"halves"`, or entries at even positions, the
        `"checkerboard"` of vectors.
      mixing: what follows a coupling: a `"reversal"` of the entries, or a `"linear"` map by a
        learned matrix in LU form, which starts as a random rotation.
      rezero: whether shifts and log-scales are multiplied by a learned number each, which starts at
        0, so that the flow starts as the identity but for what mixes entries.
      dropout_rate: rate of dropout after each hidden layer while training.
      alpha: margin of the logit, see `tfp_ebm.bijectors.ImageToLogit`.
      num_augmented: how many of the last channels of images are extra ones, which pass no logit.
      **options: `FlowOptions`.

    Returns:
      A bijector from `[..., H * W * C]` to `[..., H, W, C]`, or from `[..., D]` to `[..., D]`.

    Raises:
      ValueError: if an argument is out of its range, or there is a condition and a single entry.

    Source: Tomczak, "Deep Generative Modeling" (2022), section 3.1; Dinh et al., "Density
    estimation using Real NVP" (2017); rezero, Bachlechner et al., "ReZero is All You Need" (2020).
    """
    num_context, dtype, policy, name = shared("real_nvp", options)
    shape, steps = checks.event_shape("image_shape", image_shape), []
    size = math.prod(shape)
    num_context = check_context(size, num_context)
    checks.choice("split", split, ["halves", "checkerboard"])
    checks.choice("mixing", mixing, ["reversal", "linear"])
    if len(shape) == 3:
        steps = [
            image_preprocessing(num_levels, shape[-1], num_augmented, alpha),
            tfb.Reshape(event_shape_in=list(shape), event_shape_out=[size]),
        ]
    elif num_levels is not None:
        raise ValueError(f"`num_levels` must be None for vectors, got {num_levels}.")
    for step in range(checks.positive_integer("num_couplings", num_couplings)):
        if size == 1:
            steps.append(bijectors.ActNorm.create([1], dtype=dtype, event_rank=1))
            continue
        given, moved = coupling_sizes(size, step)
        network = _ShiftAndScale(
            given + num_context,
            moved,
            hidden_units,
            dropout_rate=dropout_rate,
            zero_output=not rezero,
            dtype=policy,
        )
        bijector_fn = RezeroAffine(dtype) if rezero else affine
        parts = _parts(split, size, step)
        steps.append(bijectors.Coupling(parts, bijector_fn, network, num_context))
        steps.append(_mixing(mixing, size, dtype))
    return tfb.Invert(tfb.Chain(steps[::-1]), name=name)


class _ShiftAndScale(tf.Module):
    """A network for the shift and one for the scale, whose outputs lie side by side."""

    def __init__(self, *sizes, **options):
        super().__init__(name="shift_and_scale")
        self._networks = [networks.MLP(*sizes, tf.nn.leaky_relu, **options) for _ in range(2)]

    def __call__(self, x):
        return tf.concat([network(x) for network in self._networks], axis=-1)


def _parts(split, size, step):
    """Returns the split of a coupling, so that the reversal makes all entries take turns."""
    if split == "halves":
        return tfb.Split([*coupling_sizes(size, step)])
    # A reversal of an odd number of entries leaves the even positions even.
    return bijectors.CheckerboardSplit(swap=bool(size % 2 and step % 2), event_rank=1)


def _mixing(kind, size, dtype):
    """Returns what follows a coupling."""
    if kind == "reversal":
        return bijectors.Permutation.reversal(size)
    return bijectors.Invertible1x1Conv.create(
        size, parametrization="lu", init="rotation", dtype=dtype, event_rank=1
    )
