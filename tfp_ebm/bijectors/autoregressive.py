"""The masked autoregressive flow, with one call of its network for a density."""

from collections.abc import Callable

import tensorflow as tf
import tensorflow_probability as tfp

from tfp_ebm.bijectors.conditioners import check_callable, check_tracked
from tfp_ebm.bijectors.context import with_context
from tfp_ebm.bijectors.one_pass import OnePassBijector
from tfp_ebm.internal import checks
from tfp_ebm.internal.construction import Given
from tfp_ebm.internal.identity import EqualByIdentity
from tfp_ebm.internal.leading_axes import flatten_leading_axes, restore_leading_axes
from tfp_ebm.internal.types import Bijector

__all__ = ["Autoregressive"]

tfb = tfp.bijectors


class Autoregressive(EqualByIdentity, OnePassBijector, tfb.MaskedAutoregressiveFlow):
    """`tfb.MaskedAutoregressiveFlow` by a network that is built, calls of which are shared.

        forward(x):  y_i = g_i(x_i),   g = bijector_fn(conditioner(y)),   one by one
        inverse(y):  x_i = g_i^-1(y_i),   one call
        forward_log_det_jacobian(x) = sum_i log |dg_i/dx_i|

    where g_i sees the entries y_0 ... y_(i-1) alone. The direction is that of TensorFlow
    Probability, whose loop makes `forward`: as the last bijector of a flow, latent to data, it is a
    masked autoregressive flow, whose density is fast; `tfb.Invert` of it is an inverse
    autoregressive flow, whose samples are. What it adds: the network runs once for `inverse` and
    its log-determinant together, which TensorFlow Probability's runs twice, and takes conditions as
    a `Coupling` does.

    >>> import tensorflow as tf
    >>> from tfp_ebm.networks import MaskedMLP
    >>> def affine(parameters):
    ...     shift, log_scale = tf.unstack(parameters, num=2, axis=-1)
    ...     return tfb.Shift(shift)(tfb.Scale(log_scale=tf.tanh(log_scale)))
    >>> flow = Autoregressive(MaskedMLP(3, 2, [8]), affine)
    >>> x = tf.constant([[0.5, -1.0, 2.0]])
    >>> flow.inverse(tf.identity(flow.forward(x))).numpy().round(4).tolist()
    [[0.5, -1.0, 2.0]]

    With `num_context` every method takes a keyword `condition`, `[..., num_context]`, which the
    network sees after the entries, see `Coupling`.

    Cost: `inverse` one call of the network; `forward` D + 1 calls, or, by a network that has
    `entry_by_entry`, as `MaskedMLP` has, D steps with the products of one call.

    Source: Papamakarios, Pavlakou and Murray, "Masked Autoregressive Flow for Density Estimation"
    (2017); Kingma et al., "Improved Variational Inference with Inverse Autoregressive Flow" (2016).
    """

    def __init__(
        self,
        conditioner: Callable[[tf.Tensor], tf.Tensor],
        bijector_fn: Callable[[tf.Tensor], Bijector],
        num_context: int = 0,
        validate_args: bool = False,
        name: str = "autoregressive",
    ) -> None:
        """Constructs the bijector.

        Args:
          conditioner: built network from `[..., D]` (`[..., D + num_context]`) to parameters whose
            entry i depends on the entries before i alone, such as `MaskedMLP`, `[..., D, P]`.
          bijector_fn: returns the elementwise bijector g from the parameters; the same function
            for all entries, of `[..., P]`. A `tf.Module` is tracked.
          num_context: size of the condition vectors, see `Coupling`; 0: there are none.
          validate_args: as in TensorFlow Probability.
          name: name of the bijector.

        Raises:
          TypeError: if an argument has the wrong type, or is a Keras 3 layer.
          ValueError: as `Coupling`; when called, if a condition does not fit.
        """
        parameters = {key: value for key, value in locals().items() if key != "self"}
        del parameters["__class__"]
        num_context = checks.positive_integer("num_context", num_context, minimum=0)
        check_callable("bijector_fn", bijector_fn)
        check_callable("conditioner", conditioner)
        check_tracked("conditioner", conditioner, [self, bijector_fn])
        check_tracked("bijector_fn", bijector_fn, [self, conditioner])
        self._conditioner, self._elementwise_fn = conditioner, bijector_fn
        self._num_context = num_context
        super().__init__(bijector_fn=self._elementwise, validate_args=validate_args, name=name)
        self._parameters = self._no_dependency(parameters)

    conditioner = Given[Callable]("The network.")
    num_context = Given[int]("The size of the condition vectors; 0: there are none.")

    @property
    def bijector_fn(self) -> Callable:
        """What makes the elementwise bijector."""
        return self._elementwise_fn

    def _elementwise(self, y, condition=None):
        """Returns the bijector of every entry, given the entries before it."""
        seen = with_context(y, condition, self._num_context, 1, self.name)
        return self._elementwise_fn(self._conditioner(seen))

    def _forward_and_log_det(self, x, condition=None):
        # In a lower precision sums that grow entry by entry would lose digits.
        if getattr(self._conditioner, "compute_dtype", None) == x.dtype.name and hasattr(
            self._conditioner, "entry_by_entry"
        ):
            y = self._entry_by_entry(x, condition)
        else:
            y = tfb.MaskedAutoregressiveFlow._forward(self, x, condition=condition)
        bijector = self._elementwise(y, condition)
        return y, -bijector.inverse_log_det_jacobian(y, event_ndims=1)

    def _entry_by_entry(self, x, condition):
        seen = with_context(x, condition, self._num_context, 1, self.name)
        entries, context = tf.split(flatten_leading_axes(seen, 1), [-1, self._num_context], axis=-1)
        entries = tf.transpose(entries)

        def next_entry(i, parameters):
            bijector = self._elementwise_fn(parameters[:, tf.newaxis])
            entry = bijector.forward(entries[i][:, tf.newaxis])
            if entry.shape[-1] not in (None, 1):
                raise ValueError(
                    "`bijector_fn` must make the map of an entry from the parameters of this entry "
                    f"alone, [..., P]; given those of one, it maps {entry.shape[-1]} entries. Take "
                    "`tfb.MaskedAutoregressiveFlow`, which knows of all."
                )
            return tf.squeeze(entry, axis=-1)

        y = self._conditioner.entry_by_entry(next_entry, context)
        return restore_leading_axes(y, x)

    def _inverse_and_log_det(self, y, condition=None):
        bijector = self._elementwise(y, condition)
        x = bijector.inverse(y)
        return x, -bijector.inverse_log_det_jacobian(y, event_ndims=1)
