"""What distributions share that draw real numbers for what is discrete."""

import tensorflow as tf

from tfp_ebm.internal.seeds import sanitize_seed
from tfp_ebm.internal.tfp_private import samplers
from tfp_ebm.internal.types import Seed, TensorLike
from tfp_ebm.wrappers.stochastic_bound import StochasticBound

__all__ = ["Dequantizing"]


class Dequantizing(StochasticBound):
    """A bound whose hidden variables are a point h of the density inside that stands for x.

    Subclasses give `_draw_hidden(value, seed)`, which returns h and log q(h | x), and the salts of
    the two places that draw.
    """

    _bound_salt: str
    _point_salt: str

    def _call_log_prob(self, value, name, **kwargs):
        return super()._call_log_prob(self._as_tensor(value), name, **kwargs)

    def _as_tensor(self, value):
        # Without our dtype as a hint, which would cut 3.5 down to 3.
        return tf.convert_to_tensor(value)

    def _log_weight(self, value, seed, **kwargs):
        hidden_seed, inner_seed = samplers.split_seed(seed, n=2, salt=self._bound_salt)
        hidden, hidden_log_prob = self._draw_hidden(value, hidden_seed)
        return self._inner_log_prob(hidden, inner_seed, **kwargs) - hidden_log_prob

    def dequantize(self, value: TensorLike, seed: Seed = None) -> tf.Tensor:
        """Returns h drawn from q(h | x), in the density's dtype; its floors and argmaxes are x.

        Args:
          value: events, `[..., *event_shape]`, whose leading axes broadcast against `batch_shape`,
            so that every model has noise of its own.
          seed: seed; a pair of integers repeats exactly.

        Returns:
          What the density inside is over, with leading axes of the broadcast shape; x + u where x
          is an integer.
        """
        value = self._for_every_model(self._as_tensor(value))
        return self._draw_hidden(value, sanitize_seed(seed, salt=self._point_salt))[0]

    def _default_event_space_bijector(self):
        return None
