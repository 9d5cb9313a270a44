"""A network between whole numbers: scaled to its inputs, and back to the size of its outputs."""

from collections.abc import Callable

import numpy as np
import tensorflow as tf

from tfp_ebm.internal.types import TensorLike

__all__ = ["Translation"]


class Translation(tf.Module):
    """t(x) = output_scale * bound * tanh(rezero * network((x - location) / scale) / bound).

    Networks want numbers of size 1 and couplings of integers translations of the size of levels.
    The rezero factor, a variable that starts at 0, starts a coupling as the identity and lets deep
    flows train. Translations modulo a number of levels repeat beyond it, so that no gradient would
    call one back that has run away: the bound keeps them.

    >>> from tfp_ebm.networks import MLP
    >>> translation = Translation(MLP(3, 2), location=8.0, scale=4.0, output_scale=4.0)
    >>> bool(tf.reduce_all(translation(tf.constant([[0.0, 8.0, 16.0]])) == 0))
    True

    Source: van den Berg et al., "IDF++: Analyzing and Improving Integer Discrete Flows for Lossless
    Compression" (2021), section 4.1; the bound is ours.
    """

    def __init__(
        self,
        network: Callable[[tf.Tensor], tf.Tensor],
        location: TensorLike,
        scale: TensorLike,
        output_scale: TensorLike,
        rezero: bool = True,
        bound: float | None = None,
        dtype: tf.DType = tf.float32,
        name: str = "translation",
    ) -> None:
        """Constructs the translation.

        Args:
          network: the network, a built tf_keras layer or callable `tf.Module`.
          location: a number, or one for each entry of the last axis of x.
          scale: likewise.
          output_scale: a number, or one for each entry of the last axis of the translation.
          rezero: whether there is a rezero factor; else it is 1.
          bound: the largest translation, in units of `output_scale`; None: there is none.
          dtype: dtype of the numbers.
          name: name of the module.
        """
        super().__init__(name=name)
        dtype = tf.as_dtype(dtype)
        self._network = network
        self._location = np.asarray(location, dtype.as_numpy_dtype)
        self._scale = np.asarray(scale, dtype.as_numpy_dtype)
        self._output_scale = np.asarray(output_scale, dtype.as_numpy_dtype)
        self._bound = bound
        self._rezero = tf.Variable(tf.zeros([], dtype), name="rezero") if rezero else None

    def __call__(self, x: tf.Tensor) -> tf.Tensor:
        """Returns the translation, `[..., n]`, of `[..., m]`."""
        output = self._network((x - self._location) / self._scale)
        if self._rezero is not None:
            output = self._rezero * output
        if self._bound is not None:
            output = self._bound * tf.tanh(output / self._bound)
        return self._output_scale * output
