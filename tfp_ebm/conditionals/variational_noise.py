"""Learned dequantisation noise: a conditional flow on the unit cell."""

from collections.abc import Sequence

import tensorflow as tf
import tensorflow_probability as tfp

from tfp_ebm import bijectors, networks
from tfp_ebm.conditionals.conditional_flow import ConditionalFlow
from tfp_ebm.flows.coupling_steps import (
    channel_mixing,
    column_halves_as_channels,
    mixture_coupling,
)
from tfp_ebm.internal import checks
from tfp_ebm.internal.keras import dtype_policy, keras
from tfp_ebm.internal.leading_axes import flatten_leading_axes, restore_leading_axes
from tfp_ebm.internal.types import Distribution, Policy, TensorLike

__all__ = ["VariationalNoise"]

tfb, tfd = tfp.bijectors, tfp.distributions


class VariationalNoise(tf.Module):
    """The noise r(u | x) of variational dequantisation, for `Dequantized(..., noise=...)`.

        eps ~ Normal(0, I),   u = sigmoid(f(eps; x)) in (0, 1)

    where f splits the columns of eps into halves and applies couplings between them, each after a
    per-position affine map and a 1x1 convolution. Every coupling sees the image.

    It also serves as q(e | x) of `Augmented`, with `on_unit_cell=False`.

    * By default couplings are affine, `y = x exp(tanh(s)) + t`, and in every gated block a 1x1
      convolution of the half of the image that lies where the transformed half does enters the
      gate.
    * With `num_components > 0` they are those of Flow++, and with `processor_filters > 0` a
      network of that width makes one context of the whole image for all of them, as in the
      official code of Flow++.

    >>> noise = VariationalNoise((4, 4, 1), num_levels=17, num_filters=4, num_blocks=1)
    >>> r = noise(tf.zeros([5, 4, 4, 1]))
    >>> r.batch_shape, r.event_shape
    (TensorShape([5]), TensorShape([4, 4, 1]))

    Source: Ho et al., "Flow++" (2019), section 3.1; four affine couplings as in "RBM-Flow and
    D-Flow: Invertible Flows with Discrete Energy Base Spaces", section 4.
    """

    def __init__(
        self,
        image_shape: Sequence[int],
        num_levels: int = 256,
        num_filters: int = 32,
        num_blocks: int = 3,
        num_couplings: int = 4,
        num_components: int = 0,
        dropout_rate: float = 0.0,
        num_heads: int = 0,
        mix_per_half: bool = False,
        processor_filters: int = 0,
        num_channels: int | None = None,
        on_unit_cell: bool = True,
        dtype: tf.DType = tf.float32,
        network_policy: Policy = None,
        name: str = "variational_noise",
    ) -> None:
        """Constructs the networks.

        Args:
          image_shape: `(H, W, C)`, W even.
          num_levels: number of pixel levels.
          num_filters: width of the conditioners.
          num_blocks: gated blocks in a conditioner.
          num_couplings: number of couplings; they take turns in which half they transform.
          num_components: logistic components of a coupling; 0: affine couplings.
          dropout_rate: dropout in the conditioners.
          num_heads: heads of attention in the conditioners; 0: none.
          mix_per_half: whether each half has a 1x1 convolution of its own.
          processor_filters: width of the network that makes the context; 0: no such network.
          num_channels: channels of the noise; by default those of the image.
          on_unit_cell: whether u lies in (0, 1); otherwise there is no sigmoid, and u is real, as
            the extra channels of VFlow are.
          dtype: dtype of all variables.
          network_policy: Keras policy of the networks, such as `"mixed_bfloat16"`; by default
            `dtype`.
          name: name of the module.

        Raises:
          ValueError: if the width is odd or an argument out of its range.
        """
        super().__init__(name=name)
        height, width, channels = checks.image_shape("image_shape", image_shape)
        if width % 2:
            raise ValueError(
                f"`image_shape` must have an even width to split columns, got {width}; pad the "
                "images with a column."
            )
        network_policy = dtype if network_policy is None else network_policy
        self._num_levels = checks.positive_integer("num_levels", num_levels, minimum=2)
        self._num_channels = channels if num_channels is None else num_channels
        noise_channels = checks.positive_integer("num_channels", self._num_channels)
        self._on_unit_cell = bool(on_unit_cell)
        self._num_components = checks.positive_integer("num_components", num_components, minimum=0)
        half = (height, width // 2, noise_channels)
        self._halves = column_halves_as_channels()
        self._processor = None
        if processor_filters:
            self._processor = _Processor(processor_filters, network_policy)
            self._processor(tf.zeros([1, height, width // 2, 2 * channels], dtype))
        per_entry = 2 + 3 * num_components
        self._steps = []
        for _ in range(checks.positive_integer("num_couplings", num_couplings)):
            conditioner = networks.GatedResNet(
                half,
                num_outputs=noise_channels * per_entry,
                num_filters=num_filters,
                num_blocks=num_blocks,
                dropout_rate=dropout_rate,
                num_heads=num_heads,
                context="hidden" if processor_filters else "gate",
                context_channels=processor_filters or channels,
                zero_output=num_components == 0,
                dtype=network_policy,
            )
            norm = bijectors.ActNorm.create((height, width // 2, 2 * noise_channels), dtype=dtype)
            self._steps.append(
                (norm, channel_mixing(2 * noise_channels, mix_per_half, dtype), conditioner)
            )

    @property
    def num_levels(self) -> int:
        """Number of pixel levels."""
        return self._num_levels

    def __call__(self, x: TensorLike) -> Distribution:
        """Returns r(u | x).

        Args:
          x: images, `[..., H, W, C]`, in levels.

        Returns:
          A distribution over `[H, W, C]` in (0, 1) with batch shape `[...]`.
        """
        x = tf.convert_to_tensor(x)
        halves = self._halves.forward(x / self._num_levels - 0.5)
        if self._processor is None:
            contexts = tf.split(halves, 2, axis=-1)
        else:
            contexts = [self._processor(halves)] * 2
        steps = [self._halves]
        for index, (norm, mixing, conditioner) in enumerate(self._steps):
            first = bool(index % 2)
            # The half of the image that lies where the transformed half of the noise does.
            informed = _Informed(conditioner, contexts[0 if first else 1])
            steps += [norm, mixing, self._coupling(first, informed)]
        steps.append(tfb.Invert(self._halves))
        if self._on_unit_cell:
            steps.append(tfb.Sigmoid())
        shape = tf.concat([tf.shape(x)[:-1], [self._num_channels]], axis=0)
        loc = tf.ensure_shape(tf.zeros(shape, x.dtype), [*x.shape[:-1], self._num_channels])
        normal = tfd.Independent(tfd.Normal(loc, tf.ones([], x.dtype)), 3)
        return ConditionalFlow(normal, tfb.Chain(steps[::-1]))

    def _coupling(self, transform_first, conditioner):
        if self._num_components:
            return mixture_coupling(transform_first, conditioner, self._num_components)
        split = bijectors.ChannelSplit(swap=transform_first)
        return bijectors.Coupling(split, _affine, conditioner)


def _affine(parameters):
    log_scale, shift = tf.split(parameters, 2, axis=-1)
    return tfb.Shift(shift)(tfb.Scale(log_scale=tf.tanh(log_scale)))


class _Informed(tf.Module):
    """A conditioner with its context filled in."""

    def __init__(self, conditioner, context):
        super().__init__(name="informed")
        self._conditioner, self._context = conditioner, context

    def __call__(self, x):
        return self._conditioner(x, self._context)


class _Processor(keras.layers.Layer):
    """A 3x3 convolution and three gated convolutions with 3x3 gates."""

    def __init__(self, num_filters, dtype):
        super().__init__(dtype=dtype_policy(dtype))
        policy = self.dtype_policy
        self.proj_in = keras.layers.Conv2D(num_filters, 3, padding="same", dtype=policy)
        self.convolutions = [
            networks.GatedConvolution(num_filters, gate_kernel=3, dtype=policy) for _ in range(3)
        ]

    def call(self, x):
        y = self.proj_in(flatten_leading_axes(x, 3))
        for convolution in self.convolutions:
            y = convolution(y)
        return tf.cast(restore_leading_axes(y, x), self.dtype)
