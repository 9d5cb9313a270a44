"""Coupling layers: one part of the event is transformed, given the other."""

from collections.abc import Callable

import tensorflow as tf
import tensorflow_probability as tfp

from tfp_ebm.bijectors.conditioners import check_callable, check_tracked
from tfp_ebm.bijectors.context import with_context
from tfp_ebm.bijectors.one_pass import OnePassBijector
from tfp_ebm.internal import checks
from tfp_ebm.internal.construction import Given, bijector_arguments
from tfp_ebm.internal.types import Bijector, DType

__all__ = ["Coupling"]


class Coupling(OnePassBijector):
    """Transforms the second part of a split by a bijector that depends on the first part.

        a, b = split(x)
        forward(x) = split^-1(a, g(b)),   g = bijector_fn(conditioner(a))
        forward_log_det_jacobian(x) = log |det dg/db|
        inverse(y) = split^-1(a, g^-1(b))

    The elementwise bijector decides the kind of coupling: `tfb.Shift` makes it additive,
    `tfb.Scale` and `tfb.Shift` affine, `tfb.RationalQuadraticSpline` a spline, `MixLogCDF` that of
    Flow++. The conditioner runs once for the value and the log-determinant together.

    #### Example: an affine coupling of vectors

    >>> import tensorflow as tf
    >>> import tensorflow_probability as tfp
    >>> from tfp_ebm.bijectors import ChannelSplit
    >>> from tfp_ebm.networks import MLP
    >>> tfb = tfp.bijectors
    >>> def affine(parameters):
    ...     shift, log_scale = tf.split(parameters, 2, axis=-1)
    ...     return tfb.Shift(shift)(tfb.Scale(log_scale=log_scale))
    >>> coupling = Coupling(ChannelSplit(event_rank=1), affine, MLP(4, num_outputs=2 * 3))
    >>> coupling.forward(tf.zeros([5, 7])).shape, len(coupling.trainable_variables)
    (TensorShape([5, 7]), 6)

    #### Conditional couplings

    With `num_context` every method takes a keyword `condition`, `[..., num_context]`, whose leading
    axes broadcast against those of x from the right; the network sees it beside the first part, at
    every position of an image:

        g = bijector_fn(conditioner([a, condition]))

    In a `tfb.Chain` it is passed on by the name of the coupling, and by `bijector_kwargs` in a
    `tfd.TransformedDistribution`; `tfp_ebm.models.Conditional` does both.

    >>> network = MLP(4 + 2, num_outputs=2 * 3)
    >>> coupling = Coupling(ChannelSplit(event_rank=1), affine, network, num_context=2)
    >>> chain = tfb.Chain([coupling, tfb.Scale(2.0)])
    >>> chain.forward(tf.zeros([5, 7]), coupling={"condition": tf.constant([0.0, 1.0])}).shape
    TensorShape([5, 7])

    Source: "RBM-Flow and D-Flow: Invertible Flows with Discrete Energy Base Spaces", equation 2,
    whose log-determinant is the sum over a(x_1) where one entry is printed; Dinh et al., "NICE"
    (2014).
    """

    def __init__(
        self,
        split: Bijector,
        bijector_fn: Callable[[tf.Tensor], Bijector],
        conditioner: Callable[[tf.Tensor], tf.Tensor] | None = None,
        num_context: int = 0,
        validate_args: bool = False,
        name: str = "coupling",
    ) -> None:
        """Constructs the coupling.

        Args:
          split: multipart bijector into two parts, such as `CheckerboardSplit` or `ChannelSplit`,
            of images or with `event_rank=1` of vectors, or `tfb.Split(2)`. The parts may differ in
            size.
          bijector_fn: returns the bijector of the second part, elementwise, from the conditioner's
            output (from the first part itself, without a conditioner). A `tf.Module` is tracked.
          conditioner: network from the first part to parameters: a built tf_keras layer or model,
            or a callable `tf.Module`, so that its variables are found.
          num_context: size of the condition vectors, which the network sees after the last axis of
            the first part; 0: there are none.
          validate_args: as in TensorFlow Probability.
          name: name of the bijector.

        Raises:
          TypeError: if an argument has the wrong type, or is a Keras 3 layer, whose variables
            TensorFlow Probability cannot see.
          ValueError: if the network is not built, or one of the functions is a plain one that holds
            variables of its own, in a closure, a partial or the object of a method, which would
            silently not train; if `num_context` is no integer of at least 0, or is positive and
            there is no network; when called, if a condition does not fit.
        """
        parameters = dict(locals())
        num_context = checks.positive_integer("num_context", num_context, minimum=0)
        if num_context and conditioner is None:
            raise ValueError(
                "`num_context` needs a `conditioner`, the network that sees the condition beside "
                "the first part, got none."
            )
        with tf.name_scope(name) as name:
            if not isinstance(split, tfp.bijectors.Bijector):
                raise TypeError(
                    "`split` must be a multipart bijector such as CheckerboardSplit(), got "
                    f"{type(split).__name__}."
                )
            check_callable("bijector_fn", bijector_fn)
            if conditioner is not None:
                check_callable("conditioner", conditioner)
                check_tracked("conditioner", conditioner, [self, split, bijector_fn])
            check_tracked("bijector_fn", bijector_fn, [self, split, conditioner])
            self._split = split
            self._bijector_fn = bijector_fn
            self._conditioner = conditioner
            self._num_context = num_context
            self._part_event_ndims = list(split.inverse_min_event_ndims)
            super().__init__(**bijector_arguments(parameters, name, split.forward_min_event_ndims))

    @classmethod
    def _parameter_properties(cls, dtype: DType):
        return {}

    split = Given[Bijector]("The split.")
    bijector_fn = Given[Callable]("What makes the bijector of the second part.")
    conditioner = Given[Callable | None]("The network, or None.")
    num_context = Given[int]("The size of the condition vectors; 0: there are none.")

    def _parts(self, x):
        parts = self._split.forward(x)
        if not isinstance(parts, list | tuple) or len(parts) != 2:
            raise ValueError(
                "`split` must return two parts; got "
                f"{len(parts) if isinstance(parts, list | tuple) else 'a single tensor'}. "
                "Use tfb.Split(2), CheckerboardSplit() or ChannelSplit()."
            )
        event_shape = parts[1].shape[-self._part_event_ndims[1] :]
        if event_shape.rank is not None and 0 in event_shape.as_list():
            raise ValueError(
                f"`split` leaves nothing to transform: of events {x.shape} its second part has "
                f"events of shape {event_shape}. Give that part an entry at least."
            )
        return parts

    def _condition(self, first):
        """Returns what the conditioner makes of the first part, or the part itself."""
        if self._conditioner is None:
            return first
        outputs = self._conditioner(first)
        if getattr(outputs, "dtype", first.dtype) != first.dtype:
            raise TypeError(
                f"`conditioner` returns {outputs.dtype.name} for data of {first.dtype.name}: make "
                "the network with the dtype of the data, or cast the data."
            )
        return outputs

    def _bijector(self, first, second):
        """Returns the bijector of the second part; the second part gives only its shape.

        The first part is as the conditioner sees it, with the condition.
        """
        del second
        return self._bijector_fn(self._condition(first))

    def _transform(self, x, condition, method, log_det_method):
        first, second = self._parts(x)
        event_ndims = self._part_event_ndims[0]
        seen = with_context(first, condition, self._num_context, event_ndims, self.name)
        bijector = self._bijector(seen, second)
        result = getattr(bijector, method)(second)
        if not second.shape.is_compatible_with(result.shape):
            raise ValueError(
                f"The bijector made by `bijector_fn` maps a part of shape {second.shape} to "
                f"{result.shape}; its parameters must have the shape of the part. Check the "
                "number of outputs of the conditioner."
            )
        log_det = getattr(bijector, log_det_method)(second, event_ndims=self._part_event_ndims[1])
        return self._split.inverse([first, result]), log_det

    def _forward_and_log_det(self, x, condition=None):
        return self._transform(x, condition, "forward", "forward_log_det_jacobian")

    def _inverse_and_log_det(self, y, condition=None):
        x, log_det = self._transform(y, condition, "inverse", "inverse_log_det_jacobian")
        # Asked for at y it is the inverse one; `OnePassBijector` keeps the forward one, whichever
        # way was gone.
        return x, -log_det

    def _forward_event_shape(self, shape):
        self._split.forward_event_shape(shape)  # Raises for shapes that cannot be split.
        return shape
