"""The base class of distributions known through an energy."""

from collections.abc import Callable

import tensorflow as tf
import tensorflow_probability as tfp

from tfp_ebm.internal.types import Schedule, Seed, TensorLike
from tfp_ebm.partition.log_partition import LogPartition

__all__ = ["EnergyBased"]


class EnergyBased(tfp.distributions.Distribution):
    """A distribution p(z) = exp(unnormalized_log_prob(z)) / Z.

    Subclasses give `_unnormalized_log_prob` and `_log_partition`; `log_prob` is their difference,
    in nats. In this class the log partition function has a closed form; subclasses of
    `tfp_ebm.distributions.BoltzmannMachine` keep an estimate of it.

    Training needs no other loss than `-mean(log_prob(z))`; after each update call
    `update_chains`, which does nothing where there is nothing to sample.

    >>> from tfp_ebm import distributions
    >>> base = distributions.DiscreteMixture.create(3)
    >>> z = base.sample(4, seed=(0, 1))
    >>> gap = base.unnormalized_log_prob(z) - base.log_partition() - base.log_prob(z)
    >>> bool(tf.reduce_max(tf.abs(gap)) < 1e-5)
    True
    """

    def _log_partition(self) -> tf.Tensor:
        raise NotImplementedError(
            f"{type(self).__name__} must implement `_log_partition`, log Z in nats."
        )

    @property
    def couplings(self) -> list[tf.Tensor]:
        """The parameters that couple units with each other, read now; here none.

        What a weight penalty shrinks: biases, scales and the diagonal of a precision are not among
        them. Where all of them are 0 the units are independent.
        """
        return []

    def log_partition(self, name: str = "log_partition") -> tf.Tensor:
        """Returns log Z in nats, `[*batch_shape]`, with the gradient that training needs."""
        with self._name_and_control_scope(name):
            return self._log_partition()

    def _log_prob(self, value):
        return self._unnormalized_log_prob(value) - self._log_partition()

    def estimate_log_partition(
        self,
        num_chains: int = 256,
        num_steps: int = 1000,
        schedule: Schedule = "linear",
        seed: Seed = None,
        progress: Callable[[float], None] | None = None,
        max_rounds: int = 2,
    ) -> LogPartition:
        """Returns log Z with its error, and keeps it for `log_prob` where that needs an estimate.

        A closed form has no error, and needs none of the arguments. Of machines, layers of at most
        20 units are enumerated; larger ones are annealed both ways along two paths, and it warns
        where these disagree (`tfp_ebm.partition.bidirectional_annealing`).

        Args:
          num_chains: number of annealed chains.
          num_steps: number of temperatures.
          schedule: `"linear"`, `"geometric"`, `"adaptive"`, or the inverse temperatures.
          seed: seed; a pair of integers repeats exactly.
          progress: called now and then with the share of annealing that is done.
          max_rounds: how often they are tried until they agree, with three times the steps each
            time; 0: annealing goes one way only, unchecked, in about a quarter of a round's time
            (`tfp_ebm.partition.annealed_importance_sampling`).

        Returns:
          A `tfp_ebm.partition.LogPartition`, in nats.
        """
        annealing = (num_chains, num_steps, schedule, seed, progress)
        return self._estimate_log_partition(*annealing, max_rounds=max_rounds)

    def _estimate_log_partition(self, *annealing, max_rounds):
        del annealing, max_rounds
        return LogPartition.exact(self._log_partition())

    def is_log_partition_stale(self) -> tf.Tensor:
        """Whether log Z belongs to other parameters than the present ones; here never."""
        return tf.constant(False)

    def are_chains_stale(self) -> tf.Tensor:
        """Whether parameters moved since the chains did; here there are none, so never."""
        return tf.constant(False)

    def update_chains(
        self, num_steps: int = 1, seed: Seed = None, value: TensorLike | None = None
    ) -> None:
        """Moves the persistent chains by `num_steps` sweeps; here there are none.

        Args:
          num_steps: number of sweeps of block Gibbs sampling.
          seed: seed; a pair of integers repeats exactly.
          value: the points of the last update, from which some chains learn.
        """
        del num_steps, seed, value
