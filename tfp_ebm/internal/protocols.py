"""What samplers and estimators ask of a machine; distributions provide it."""

from typing import Protocol

import tensorflow as tf

__all__ = ["AnnealedMachine"]


class AnnealedMachine(Protocol):
    """Two layers, each independent given the other, on a path from a solvable machine.

    At `inverse_temperature` 0 the layers are independent and everything is known; at 1 it is the
    machine itself. Machines are nests of tensors, so that they pass through `tf.function`.
    Visible states have shape `[num_chains, *batch_shape, num_visible]`; the batch shape is that
    of the parameters. Every method is a pure function, random ones of an explicit seed.
    """

    def hidden_signal(self, visible: tf.Tensor) -> tf.Tensor:
        """Returns what the visible units send to the hidden ones, `[..., num_hidden]`."""

    def sample_hidden(self, signal: tf.Tensor, inverse_temperature: tf.Tensor, seed) -> tf.Tensor:
        """Draws hidden states given the signal of the visible ones."""

    def sample_visible(self, hidden: tf.Tensor, inverse_temperature: tf.Tensor, seed) -> tf.Tensor:
        """Draws visible states given hidden ones."""

    def log_marginal(self, visible: tf.Tensor) -> tf.Tensor:
        """Returns `log sum_h exp(-E(v, h))` at inverse temperature 1, `[...]`."""

    def log_marginal_increment(
        self, visible: tf.Tensor, signal: tf.Tensor, start: tf.Tensor, stop: tf.Tensor
    ) -> tf.Tensor:
        """Returns the log marginal at inverse temperature `stop` minus that at `start`."""

    def reference_log_partition(self) -> tf.Tensor:
        """Returns the log partition function at inverse temperature 0, `[*batch_shape]`."""

    def sample_reference(self, num_samples: int, seed) -> tf.Tensor:
        """Draws visible states at inverse temperature 0."""

    def enumerate_log_partition(self) -> tf.Tensor:
        """Returns the log partition function by a sum over every state of the smaller layer."""

    @property
    def num_enumerated(self) -> int:
        """How many units that sum runs over."""
