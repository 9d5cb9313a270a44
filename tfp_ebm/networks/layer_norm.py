"""Layer normalisation with derivatives of every order."""

import tensorflow as tf

from tfp_ebm.internal.keras import keras

__all__ = ["LayerNorm"]


class LayerNorm(keras.layers.LayerNormalization):
    """(x - mean) / sqrt(variance + epsilon) * gamma + beta, moments over the last axis.

    The moments of `tf.nn.moments`, which Keras's own layer takes, hold a `stop_gradient`: the first
    derivative is right and the second is not. The variables are those of Keras's layer.
    """

    def __init__(self, epsilon: float = 1e-5, **kwargs) -> None:
        """Constructs the layer.

        Args:
          epsilon: added to the variance.
          **kwargs: as for every Keras layer, such as `dtype`.
        """
        super().__init__(axis=-1, epsilon=epsilon, **kwargs)

    def call(self, x: tf.Tensor) -> tf.Tensor:
        """Returns the normalised `[..., F]`; moments of 16-bit numbers in the variables' dtype."""
        precise = tf.cast(x, self.gamma.dtype)
        # Once centred, fewer passes are left, here and in the gradient, than from both moments.
        centred = precise - tf.reduce_mean(precise, axis=-1, keepdims=True)
        variance = tf.reduce_mean(tf.square(centred), axis=-1, keepdims=True)
        scale = tf.math.rsqrt(variance + self.epsilon) * self.gamma
        return tf.cast(centred * scale + self.beta, x.dtype)
