"""Chains that start from the data in every evaluation: contrastive divergence."""

import tensorflow as tf

from tfp_ebm.internal import checks
from tfp_ebm.internal.protocols import AnnealedMachine
from tfp_ebm.internal.types import Seed
from tfp_ebm.mcmc import block_gibbs
from tfp_ebm.mcmc.persistent_chains import PersistentChains

__all__ = ["ContrastiveDivergence"]


class ContrastiveDivergence(PersistentChains):
    """CD-k: the negative phase of a batch is the batch itself after k sweeps.

    It needs no mixing between the modes of the machine, and pays with a bias: it learns nothing
    about regions that k sweeps from the data do not reach. The persistent chains that it also
    keeps serve `sample` only.

    >>> from tfp_ebm import distributions, mcmc
    >>> machine = distributions.SmoothedRBM.create(num_visible=3, num_hidden=2).machine()
    >>> mcmc.ContrastiveDivergence.start(machine, 8, seed=(0, 1)).starts_from_data
    True

    Source: Hinton, "Training products of experts by minimizing contrastive divergence" (2002).
    """

    starts_from_data = True

    def __init__(self, units: tf.Tensor, num_sweeps: int = 1, name: str | None = None) -> None:
        """Starts the chains.

        Args:
          units: `[num_chains, *batch_shape, n]`, the first states of the chains for `sample`.
          num_sweeps: k.
          name: name of the module.

        Raises:
          ValueError: if `units` has no axis of chains or `num_sweeps` is not positive.
        """
        super().__init__(units, name=name or "contrastive_divergence")
        self._num_sweeps = checks.positive_integer("num_sweeps", num_sweeps)

    def _options(self):
        return {"num_sweeps": self._num_sweeps}

    def negative_units(
        self, machine: AnnealedMachine, data_units: tf.Tensor | None = None, seed: Seed = None
    ) -> tf.Tensor:
        """Returns the data's units after k sweeps; the kept chains if there are no data.

        Args:
          machine: the machine at the current parameters.
          data_units: states drawn given the data, `[n, *batch_shape, n]`.
          seed: seed of the sweeps.

        Returns:
          `[n, *batch_shape, n]`.
        """
        if data_units is None:
            return tf.convert_to_tensor(self.units)
        return block_gibbs.run(machine, data_units, self._num_sweeps, seed)
