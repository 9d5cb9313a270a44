"""The convolutional RBM over latents of several resolutions, the base of EB-and-Flow on images."""

import math
from collections.abc import Sequence
from typing import Any

import tensorflow as tf

from tfp_ebm.distributions.gaussian_visible import GaussianVisible, scale_variable
from tfp_ebm.distributions.machine_options import MachineOptions
from tfp_ebm.internal import checks
from tfp_ebm.internal.construction import converted
from tfp_ebm.internal.parameter_shapes import positive, undetermined, vector
from tfp_ebm.internal.tfp_private import (
    parameter_properties,
    samplers,
)
from tfp_ebm.internal.types import TensorLike, Unpack
from tfp_ebm.machines.convolutional_machine import ConvolutionalMachine
from tfp_ebm.mcmc.chain_options import ChainOptions, StartChains

__all__ = ["ConvolutionalRBM"]


class ConvolutionalRBM(GaussianVisible):
    """A `GaussianBernoulliRBM` whose couplings are convolutions that share one hidden image.

        E(v, h) = |v - b|^2 / (2 sigma^2) - c^T h - sum_l h^T (filters_l * v_l / sigma_l)
        log p(v) = -|v - b|^2 / (2 sigma^2)
                   + sum softplus(sum_l filters_l * v_l / sigma_l + c) - log Z

    The event is one flat vector, as flows with several levels make it: parts v_1 ... v_L of
    different height, width and number of channels, one after the other, each an image. A bank of
    filters convolves each part, zero-padded ("same"), with the stride that brings it to the size
    of the hidden image of bits, and the sum over parts couples to it. It equals a dense machine
    with the weights that the convolutions spell out, at the cost of the convolutions. How log Z is
    obtained is said in `tfp_ebm.distributions.BoltzmannMachine`. `log_prob` is in nats. There is
    no batch of parameters.

    #### Example

    >>> import tensorflow as tf
    >>> base = ConvolutionalRBM.create([(1, 1, 8), (2, 2, 2)], num_filters=3)
    >>> [bank.shape for bank in base.filters]
    [TensorShape([3, 3, 8, 3]), TensorShape([3, 3, 2, 3])]
    >>> base.log_prob(tf.zeros([4, 16])).shape
    TensorShape([4])

    Source: "EB-and-Flow", appendix B, equation 13 (with the signs that its equations 4 and 5
    need).
    """

    def __init__(
        self,
        filters: Sequence[Any],
        visible_bias: TensorLike,
        hidden_bias: TensorLike,
        scale: TensorLike,
        part_shapes: Sequence[Sequence[int]],
        **options: Unpack[MachineOptions],
    ) -> None:
        """Constructs the machine of given filters for each part; `create` draws trainable ones.

        Args:
          filters: for each part `[kernel_height, kernel_width, C_l, num_filters]`.
          visible_bias: `[num_visible]`, b, flat; num_visible is the sum of H_l W_l C_l.
          hidden_bias: `[h, w, num_filters]`, c; h and w divide the height and width of all parts.
          scale: sigma above 0, `[num_visible]`; or a scalar or `[1]`, the same for all units.
          part_shapes: for each part `(H_l, W_l, C_l)`, in the order they lie in the event, such as
            `tfp_ebm.flows.latent_shapes` returns.
          **options: `MachineOptions`.

        Raises:
          ValueError: if the shapes disagree, a kernel is smaller than its stride, a parameter is
            not finite, or the scale not positive.
        """
        parameters = dict(locals())
        with tf.name_scope(options.get("name") or "ConvolutionalRBM") as name:
            banks = {f"filters_{index}": bank for index, bank in enumerate(filters)}
            dtype, given = converted(
                visible_bias=visible_bias, hidden_bias=hidden_bias, scale=scale, **banks
            )
            self._visible_bias, self._hidden_bias, self._scale, *banks = given
            self._filters = tuple(banks)
            self._part_shapes = tuple(checks.image_shape("part_shapes", s) for s in part_shapes)
            self._check_parameters()
            super().__init__(dtype, parameters, name)

    def _check_parameters(self):
        shapes = self._part_shapes
        self._refuse_batches()
        num_visible = sum(math.prod(shape) for shape in shapes)
        if self._visible_bias.shape != [num_visible]:
            raise ValueError(
                f"`visible_bias` must have shape [{num_visible}], one entry for each of the parts' "
                f"pixels and channels, got shape {self._visible_bias.shape}."
            )
        if self._hidden_bias.shape.rank != 3:
            raise ValueError(
                "`hidden_bias` must have shape [height, width, num_filters] of the hidden image, "
                f"got shape {self._hidden_bias.shape}."
            )
        if len(self._filters) != len(shapes):
            raise ValueError(
                f"`filters` must hold one bank for each of the {len(shapes)} parts, got "
                f"{len(self._filters)}."
            )
        for index, (bank, shape) in enumerate(zip(self._filters, shapes, strict=True)):
            self._check_bank(index, bank, shape)
            checks.finite("filters", bank)
        self._check_scale(num_visible)

    def _refuse_batches(self):
        given = [("visible_bias", self._visible_bias, 1), ("hidden_bias", self._hidden_bias, 3)]
        given += [("scale", self._scale, 1)]
        given += [(f"filters[{index}]", bank, 4) for index, bank in enumerate(self._filters)]
        for name, value, rank in given:
            if value.shape.rank is None or value.shape.rank > rank:
                raise ValueError(
                    f"`{name}` must have no more than {rank} axes, got shape {value.shape}: a "
                    "ConvolutionalRBM has no batch of parameters. Make one for each member, or a "
                    "`GaussianBernoulliRBM` of the weights that the filters spell out."
                )

    def _check_bank(self, index, bank, shape):
        height, width, num_filters = self._hidden_bias.shape
        if bank.shape.rank != 4 or bank.shape[2:] != [shape[2], num_filters]:
            raise ValueError(
                f"`filters[{index}]` must have shape [kernel_height, kernel_width, {shape[2]}, "
                f"{num_filters}], got {bank.shape}."
            )
        if shape[0] % height or shape[1] % width:
            raise ValueError(
                f"`part_shapes[{index}]` must have a height and width that are multiples of those "
                f"of the hidden image, {(height, width)}, got {shape}."
            )
        _check_kernel(index, bank.shape[:2], (shape[0] // height, shape[1] // width))

    @classmethod
    def create(
        cls,
        part_shapes: Sequence[Sequence[int]],
        num_filters: int = 100,
        kernel_sizes: Sequence[int] | None = None,
        strides: Sequence[int] | None = None,
        scale: float = 1.0,
        learn_scale: bool = True,
        weight_scale: float = 0.01,
        **options: Unpack[ChainOptions],
    ) -> "ConvolutionalRBM":
        """Returns a trainable machine, chains started and log Z estimated.

        Args:
          part_shapes: for each part `(H_l, W_l, C_l)`.
          num_filters: channels of the hidden image.
          kernel_sizes: side of each part's kernels; by default the smallest odd one above the
            stride that is at least 3: 5, 3 and 3 for strides 4, 2 and 1.
          strides: stride of each part; by default those that bring all parts to the size of the
            smallest.
          scale: the first value of every sigma.
          learn_scale: whether sigma is trained, one for each visible unit, by a softplus above a
            twentieth of its first value.
          weight_scale: standard deviation of the first filters' entries.
          **options: `ChainOptions`.

        Raises:
          ValueError: if the strides bring the parts to different sizes (the message says which
            kernels and strides agree), a kernel is smaller than its stride, or another argument is
            out of its range.
        """
        dtype = options.get("dtype", tf.float32)
        shapes = [checks.image_shape("part_shapes", shape) for shape in part_shapes]
        num_filters = checks.positive_integer("num_filters", num_filters)
        scale = checks.positive_number("scale", scale)
        if strides is None:
            strides = _agreeing_strides(shapes)
        if kernel_sizes is None:
            kernel_sizes = [_default_kernel(stride) for stride in strides]
        height, width = _hidden_size(shapes, kernel_sizes, strides)
        weight_seed, chain_seed = samplers.split_seed(
            options.get("seed"), n=2, salt="convolutional_rbm"
        )
        filters = []
        for index, (side, shape) in enumerate(zip(kernel_sizes, shapes, strict=True)):
            noise = samplers.normal(
                [side, side, shape[2], num_filters], seed=samplers.fold_in(weight_seed, index),
                dtype=dtype,
            )  # fmt: skip
            filters.append(tf.Variable(weight_scale * noise, name=f"filters_{index}"))
        num_visible = sum(math.prod(shape) for shape in shapes)
        visible_bias = tf.Variable(tf.zeros([num_visible], dtype), name="visible_bias")
        hidden_bias = tf.Variable(tf.zeros([height, width, num_filters], dtype), name="hidden_bias")
        sigma = scale_variable(scale, num_visible, learn_scale, dtype)
        given = (filters, visible_bias, hidden_bias, sigma, shapes)
        return cls(*given, **StartChains.arguments(options, chain_seed))._begun(chain_seed)

    @classmethod
    def _parameter_properties(cls, dtype, num_classes=None):
        properties = parameter_properties.ParameterProperties
        return {
            "filters": undetermined(
                "filters",
                "[kernel_height, kernel_width, C_l, num_filters]",
                lambda self: [4] * len(self.filters),
            ),
            "visible_bias": vector(),
            "hidden_bias": undetermined("hidden_bias", "[h, w, num_filters]", 3),
            "scale": properties(event_ndims=1, default_constraining_bijector_fn=positive(dtype)),
        }

    @property
    def filters(self) -> list[Any]:
        """The banks of filters, as given."""
        return list(self._filters)

    @property
    def couplings(self) -> list[tf.Tensor]:
        """The banks of filters, read now."""
        return [tf.convert_to_tensor(bank) for bank in self._filters]

    @property
    def part_shapes(self) -> tuple[tuple[int, int, int], ...]:
        """`(H, W, C)` of each part."""
        return tuple(tuple(shape) for shape in self._part_shapes)

    def machine(self) -> ConvolutionalMachine:
        """Returns the machine at the current parameters."""
        return ConvolutionalMachine.from_parameters(
            self.filters, self._visible_bias, self._hidden_bias, self._scale, self.part_shapes
        )


def _default_kernel(stride):
    return max(3, stride + 1 - stride % 2)


def _agreeing_strides(shapes):
    """Returns the strides that bring all parts to the size of the smallest."""
    height = min(shape[0] for shape in shapes)
    for shape in shapes:
        if shape[0] % height:
            raise ValueError(
                f"`part_shapes` must have heights that are multiples of the smallest, {height}, "
                f"got {shapes}; give `strides`, or cut the parts."
            )
    return [shape[0] // height for shape in shapes]


def _hidden_size(shapes, kernel_sizes, strides):
    """Returns the height and width of the hidden image, or raises saying what would agree."""
    for name, values in (("strides", strides), ("kernel_sizes", kernel_sizes)):
        if len(values) != len(shapes):
            raise ValueError(
                f"`{name}` must hold one integer for each of the {len(shapes)} parts, got "
                f"{list(values)}."
            )
        for value in values:
            checks.positive_integer(name, value)
    pairs = list(zip(shapes, strides, strict=True))
    sizes = [(-(-shape[0] // stride), -(-shape[1] // stride)) for shape, stride in pairs]
    divides = all(shape[0] % stride == shape[1] % stride == 0 for shape, stride in pairs)
    if len(set(sizes)) > 1 or not divides:
        agreeing = _agreeing_strides(shapes)
        raise ValueError(
            "`strides` must divide the height and width of their parts and bring all of them to "
            f"one hidden size; strides {list(strides)} bring parts of shapes {shapes} to {sizes}. "
            f"Strides {agreeing} with kernels {[_default_kernel(s) for s in agreeing]} would agree."
        )
    for index, (side, stride) in enumerate(zip(kernel_sizes, strides, strict=True)):
        _check_kernel(index, (side, side), (stride, stride))
    return sizes[0]


def _check_kernel(index, kernel, stride):
    if kernel[0] < stride[0] or kernel[1] < stride[1]:
        raise ValueError(
            f"The kernel of part {index} must be at least as large as its stride "
            f"{tuple(stride)}, or some of its units would be coupled to nothing, got "
            f"{tuple(kernel)}; a kernel of {_default_kernel(max(stride))} would do."
        )
