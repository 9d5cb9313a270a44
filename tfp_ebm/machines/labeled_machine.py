"""The energy of a Gaussian-Bernoulli machine with a label among its visible units."""

from collections.abc import Sequence
from typing import NamedTuple

import tensorflow as tf

from tfp_ebm.internal.numeric import broadcast_batch, common_batch_shape, multiply_rows
from tfp_ebm.internal.tfp_private import samplers
from tfp_ebm.internal.types import Count, Seed, TensorLike
from tfp_ebm.machines.gaussian_machine import GaussianMachine
from tfp_ebm.machines.gaussian_units import GaussianUnits

__all__ = ["LabeledMachine"]


class _Parameters(NamedTuple):
    machine: GaussianMachine
    label_weights: tf.Tensor
    label_bias: tf.Tensor


class LabeledMachine(GaussianUnits, _Parameters):
    """A `GaussianMachine` with one more visible unit, a label of K classes, coupled to its bits.

        E(v, y, h) = E(v, h) - d^T y - y^T V h,   y one-hot
        p(y_k = 1 | h) = softmax(d + V h)_k

    A chain's state is v and the one-hot y, one after the other. At inverse temperature t the
    couplings are `t W` and `t V`.

    >>> from tfp_ebm import distributions
    >>> base = distributions.LabeledRBM.create(num_visible=3, num_hidden=2, num_classes=4)
    >>> type(base.machine()).__name__
    'LabeledMachine'

    Attributes:
      machine: the machine of v and h, of batch shape B.
      label_weights: `[..., K, num_hidden]`, V, which broadcasts with B.
      label_bias: `[*B, K]`, d.
    """

    @classmethod
    def from_parameters(
        cls,
        gaussian: Sequence[TensorLike],
        label_weights: TensorLike,
        label_bias: TensorLike,
    ) -> "LabeledMachine":
        """Returns the machine of the parameters, read now.

        Args:
          gaussian: W, b, c and sigma, see `GaussianMachine.from_parameters`.
          label_weights: `[..., K, num_hidden]`.
          label_bias: `[..., K]`.
        """
        label_weights, label_bias = map(tf.convert_to_tensor, (label_weights, label_bias))
        labels_batch_shape = common_batch_shape((label_weights, 2), (label_bias, 1))
        machine = GaussianMachine.from_parameters(*gaussian, labels_batch_shape)
        batch_shape = common_batch_shape((machine.visible_bias, 1))
        return cls(machine, label_weights, broadcast_batch(label_bias, batch_shape))

    @property
    def visible_bias(self) -> tf.Tensor:
        """The bias of the Gaussian units, b."""
        return self.machine.visible_bias

    @property
    def hidden_bias(self) -> tf.Tensor:
        """The bias of the bits, c."""
        return self.machine.hidden_bias

    def split(self, state: tf.Tensor) -> list[tf.Tensor]:
        """Returns v and y."""
        state = tf.convert_to_tensor(state, self.label_bias.dtype)
        size = self.label_bias.shape[-1]
        return tf.split(state, [state.shape[-1] - size, size], axis=-1)

    def one_hot(self, labels: tf.Tensor) -> tf.Tensor:
        """Returns labels as rows, NaN where there is no such class: XLA drops assertions."""
        labels = tf.cast(labels, tf.int32)
        size, dtype = self.label_bias.shape[-1], self.label_bias.dtype
        is_known = (labels >= 0) & (labels < size)
        nan = tf.constant(dtype.as_numpy_dtype("nan"), dtype)
        return tf.where(is_known[..., tf.newaxis], tf.one_hot(labels, size, dtype=dtype), nan)

    def hidden_bias_given(self, labels: tf.Tensor) -> tf.Tensor:
        """Returns the bias of the bits given labels, `[..., *B, num_hidden]`."""
        return self.hidden_bias + multiply_rows(self.one_hot(labels), self.label_weights)

    def hidden_signal(self, visible: tf.Tensor) -> tf.Tensor:
        """Returns `W^T (v / sigma) + V^T y` of a state."""
        points, labels = self.split(visible)
        return self.machine.hidden_signal(points) + multiply_rows(labels, self.label_weights)

    def label_logits(self, points: tf.Tensor) -> tf.Tensor:
        """Returns log p(v, y) + log Z for every label y, `[..., K]`, from points `[..., D]`."""
        field = self.machine.hidden_signal(points) + self.machine.hidden_bias
        hidden_terms = tf.nn.softplus(field[..., tf.newaxis, :] + self.label_weights)
        logits = self.label_bias + tf.reduce_sum(hidden_terms, axis=-1)
        return logits + self.machine.log_visible(points)[..., tf.newaxis]

    def given_label(self) -> GaussianMachine:
        """Returns the machines of p(v, h | y) for every y, of batch shape `[*B, K]`."""
        weights, scale = self.machine.weights, self.machine.scale
        return GaussianMachine.from_parameters(
            weights if weights.shape.rank == 2 else weights[..., tf.newaxis, :, :],
            self.visible_bias[..., tf.newaxis, :],
            self.hidden_bias[..., tf.newaxis, :] + self.label_weights,
            scale[..., tf.newaxis, :],
        )

    def draw_labels(self, logits: tf.Tensor, seed: Seed) -> tf.Tensor:
        """Draws one-hot labels from logits `[..., K]`."""
        logits = tf.convert_to_tensor(logits, self.label_bias.dtype)
        uniform = samplers.uniform(tf.shape(logits), seed=seed, dtype=logits.dtype)
        # The largest of logits plus Gumbel noise has the softmax's distribution.
        tiny = tf.constant(logits.dtype.as_numpy_dtype(1e-30), logits.dtype)
        noise = -tf.math.log(-tf.math.log(tf.maximum(uniform, tiny)))
        return tf.one_hot(tf.argmax(logits + noise, axis=-1), logits.shape[-1], dtype=logits.dtype)

    def sample_visible(
        self, hidden: tf.Tensor, inverse_temperature: TensorLike, seed: Seed
    ) -> tf.Tensor:
        """Draws the Gaussian units and the label given hidden bits."""
        point_seed, label_seed = samplers.split_seed(seed, n=2, salt="labeled_visible")
        points = self.machine.sample_visible(hidden, inverse_temperature, point_seed)
        signal = multiply_rows(hidden, self.label_weights, transpose=True)
        labels = self.draw_labels(inverse_temperature * signal + self.label_bias, label_seed)
        return tf.concat([points, labels], axis=-1)

    def visible_moments(self, hidden: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Returns mean and variance of the Gaussian units given hidden bits; they broadcast."""
        return self.machine.visible_moments(hidden)

    def complete(self, state: tf.Tensor, seed: Seed) -> tf.Tensor:
        """Returns the Gaussian units: the label and the bits are summed out of the event."""
        del seed
        return self.split(state)[0]

    def log_visible(self, state: tf.Tensor) -> tf.Tensor:
        """Returns what v and y contribute alone."""
        points, labels = self.split(state)
        own = tf.reduce_sum(labels * self.label_bias, axis=-1)
        return self.machine.log_visible(points) + own

    def log_gaussian_volume(self) -> tf.Tensor:
        """Returns `sum_i log(sqrt(2 pi) sigma_i)`."""
        return self.machine.log_gaussian_volume()

    def reference_log_partition(self) -> tf.Tensor:
        """Returns log Z without couplings."""
        labels = tf.reduce_logsumexp(self.label_bias, axis=-1)
        return self.machine.reference_log_partition() + labels

    def sample_reference(self, num_samples: Count, seed: Seed) -> tf.Tensor:
        """Draws independent visible units and labels, `[n, *B, num_visible + K]`."""
        point_seed, label_seed = samplers.split_seed(seed, n=2, salt="labeled_reference")
        points = self.machine.sample_reference(num_samples, point_seed)
        shape = tf.concat([tf.shape(points)[:1], tf.shape(self.label_bias)], axis=0)
        logits = tf.broadcast_to(self.label_bias, shape)
        labels = self.draw_labels(logits, label_seed)
        labels = tf.ensure_shape(labels, points.shape[:1].concatenate(self.label_bias.shape))
        return tf.concat([points, labels], axis=-1)

    def log_hidden_weight(self, hidden: tf.Tensor) -> tf.Tensor:
        """Returns `log sum_y integral exp(-E(v, y, h)) dv`, up to the Gaussian volume."""
        signal = multiply_rows(hidden, self.label_weights, transpose=True)
        labels = tf.reduce_logsumexp(signal + self.label_bias, axis=-1)
        return self.machine.log_hidden_weight(hidden) + labels
