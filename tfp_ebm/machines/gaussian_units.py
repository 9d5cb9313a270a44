"""What machines with Gaussian visible units and hidden bits share, whatever couples the two."""

import math

import tensorflow as tf

from tfp_ebm.internal.enumeration import (
    StateMixture,
    all_bits,
    log_sum_over_states,
    sample_states,
)
from tfp_ebm.internal.numeric import standard_normal
from tfp_ebm.internal.tfp_private import samplers
from tfp_ebm.internal.types import Count, Seed, TensorLike

__all__ = ["GaussianUnits"]


class GaussianUnits:
    """Gaussian visible units coupled to hidden bits by a linear map W, and its path to 0.

        E(v, h) = sum_i (v_i - b_i)^2 / (2 sigma_i^2) - c^T h - (v / sigma)^T W h
        log sum_h exp(-E(v, h)) = -sum_i (v_i - b_i)^2 / (2 sigma_i^2) + sum_j softplus(x_j + c_j),
        x = W^T (v / sigma)
        v | h ~ Normal(b + sigma W h, sigma^2),   p(h_j = 1 | v) = sigmoid((x + c)_j)

    A chain's state is v. At inverse temperature t the couplings are `t W`.

    The host, a nest of tensors, gives `visible_bias` `[*B, num_visible]`, `hidden_bias`
    `[*B, num_hidden]`, `scale` `[..., num_visible]` or `[..., 1]`, which broadcasts with B, and W
    as the two methods `multiply` and `hidden_signal`.
    """

    def multiply(self, hidden: tf.Tensor) -> tf.Tensor:
        """Returns `W h`, `[..., num_visible]`."""
        raise NotImplementedError(f"{type(self).__name__} must implement `multiply`.")

    def hidden_signal(self, visible: tf.Tensor) -> tf.Tensor:
        """Returns `W^T (v / sigma)`, `[..., num_hidden]`."""
        raise NotImplementedError(f"{type(self).__name__} must implement `hidden_signal`.")

    def sample_bits(self, logits: tf.Tensor, seed: Seed) -> tf.Tensor:
        """Draws independent bits."""
        uniform = samplers.uniform(tf.shape(logits), seed=seed, dtype=logits.dtype)
        bits = tf.cast(uniform < tf.sigmoid(logits), logits.dtype)
        return tf.ensure_shape(bits, logits.shape)

    def sample_hidden(
        self, visible: tf.Tensor, inverse_temperature: TensorLike, seed: Seed
    ) -> tf.Tensor:
        """Draws hidden bits given visible units."""
        logits = inverse_temperature * self.hidden_signal(visible) + self.hidden_bias
        return self.sample_bits(logits, seed)

    def sample_visible(
        self, hidden: tf.Tensor, inverse_temperature: TensorLike, seed: Seed
    ) -> tf.Tensor:
        """Draws visible units given hidden bits."""
        signal = inverse_temperature * self.multiply(hidden)
        noise = standard_normal(tf.shape(signal), seed=seed, dtype=signal.dtype)
        return self.visible_bias + self.scale * (signal + noise)

    def visible_moments(self, hidden: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Returns mean and variance of the Gaussian units given hidden bits; they broadcast."""
        return self.visible_bias + self.scale * self.multiply(hidden), self.scale**2

    def sweep(self, state: tf.Tensor, inverse_temperature: TensorLike, seed: Seed) -> tf.Tensor:
        """Draws the hidden bits given the visible units, then the visible units given them."""
        hidden_seed, visible_seed = samplers.split_seed(seed, n=2, salt="sweep")
        hidden = self.sample_hidden(state, inverse_temperature, hidden_seed)
        return self.sample_visible(hidden, inverse_temperature, visible_seed)

    def complete(self, state: tf.Tensor, seed: Seed) -> tf.Tensor:
        """Returns the visible units: the hidden ones are summed out of the event."""
        del seed
        return tf.convert_to_tensor(state, self.visible_bias.dtype)

    def log_visible(self, state: tf.Tensor) -> tf.Tensor:
        """Returns what the visible units contribute alone, the Gaussian exponent, `[...]`."""
        residual = (
            tf.convert_to_tensor(state, self.visible_bias.dtype) - self.visible_bias
        ) / self.scale
        return -0.5 * tf.reduce_sum(residual**2, axis=-1)

    def log_marginal(self, state: tf.Tensor) -> tf.Tensor:
        """Returns minus the free energy, `[...]`."""
        hidden_terms = tf.nn.softplus(self.hidden_signal(state) + self.hidden_bias)
        return tf.reduce_sum(hidden_terms, axis=-1) + self.log_visible(state)

    def log_marginal_increment(
        self, state: tf.Tensor, start: tf.Tensor, stop: tf.Tensor
    ) -> tf.Tensor:
        """Returns the change of the log marginal between two inverse temperatures, `[...]`."""
        signal = self.hidden_signal(state)
        change = tf.nn.softplus(stop * signal + self.hidden_bias) - tf.nn.softplus(
            start * signal + self.hidden_bias
        )
        return tf.reduce_sum(change, axis=-1)

    def log_gaussian_volume(self) -> tf.Tensor:
        """Returns `sum_i log(sqrt(2 pi) sigma_i)`, `[*B]`."""
        log_scale = tf.broadcast_to(tf.math.log(self.scale), tf.shape(self.visible_bias))
        return tf.reduce_sum(log_scale + 0.5 * math.log(2 * math.pi), axis=-1)

    def reference_log_partition(self) -> tf.Tensor:
        """Returns log Z at W = 0: that of the bits and that of the Gaussians."""
        bits = tf.reduce_sum(tf.nn.softplus(self.hidden_bias), axis=-1)
        return bits + self.log_gaussian_volume()

    def sample_reference(self, num_samples: Count, seed: Seed) -> tf.Tensor:
        """Draws independent visible units, `[num_samples, *B, num_visible]`."""
        shape = tf.concat([[num_samples], tf.shape(self.visible_bias)], axis=0)
        noise = standard_normal(shape, seed=seed, dtype=self.visible_bias.dtype)
        return self.visible_bias + self.scale * noise

    @property
    def num_enumerated(self) -> int:
        """Number of hidden units: the visible ones are integrated in closed form."""
        return self.hidden_bias.shape[-1]

    def log_hidden_weight(self, hidden: tf.Tensor) -> tf.Tensor:
        """Returns `log integral exp(-E(v, h)) dv`, up to the Gaussian volume."""
        hidden = tf.convert_to_tensor(hidden, self.visible_bias.dtype)
        pushed = self.multiply(hidden)
        return (
            tf.reduce_sum(hidden * self.hidden_bias, axis=-1)
            + tf.reduce_sum(pushed * self.visible_bias / self.scale, axis=-1)
            + 0.5 * tf.reduce_sum(pushed**2, axis=-1)
        )

    def latent_log_odds(self, state: tf.Tensor) -> tf.Tensor:
        """Returns the log-odds of the hidden bits given a chain's state, `[..., num_hidden]`."""
        return self.hidden_signal(state) + self.hidden_bias

    def log_latent_weight(self, bits: tf.Tensor) -> tf.Tensor:
        """Returns `log integral exp(-E(v, h)) dv`, `[...]`; the exponentials add up to Z."""
        return self.log_hidden_weight(bits) + self.log_gaussian_volume()

    def sample_given_latent(self, bits: tf.Tensor, seed: Seed) -> tf.Tensor:
        """Draws a chain's state given the hidden bits."""
        return self.sample_visible(bits, 1.0, seed)

    def _enumeration(self):
        return (
            self.log_hidden_weight,
            self.num_enumerated,
            self.visible_bias.dtype,
            self.visible_bias.shape.rank - 1,
        )

    def enumerate_log_partition(self) -> tf.Tensor:
        """Returns the exact log partition function, by a sum over the hidden bits."""
        return log_sum_over_states(*self._enumeration()) + self.log_gaussian_volume()

    def enumerate_units(self) -> StateMixture:
        """Returns the Gaussian visible units, mixed over all states of the hidden bits."""
        log_weight, *state = self._enumeration()
        bits = all_bits(*state[:2], batch_rank=state[2])
        return StateMixture(log_weight(bits), *self.visible_moments(bits))

    def sample_exactly(self, num_samples: Count, seed: Seed) -> tf.Tensor:
        """Draws independent visible units by enumerating the hidden bits, `[n, *B, m]`."""
        state_seed, visible_seed = samplers.split_seed(seed, n=2, salt="sample_exactly")
        hidden = sample_states(*self._enumeration(), num_samples, state_seed)
        return self.sample_visible(hidden, 1.0, visible_seed)
