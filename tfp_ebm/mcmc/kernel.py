"""Block Gibbs sampling as a transition kernel of TensorFlow Probability."""

from typing import Any, NamedTuple

import tensorflow as tf
import tensorflow_probability as tfp

from tfp_ebm.internal import checks, states
from tfp_ebm.internal.protocols import AnnealedMachine
from tfp_ebm.internal.tfp_private import samplers
from tfp_ebm.internal.types import Seed, TensorLike
from tfp_ebm.mcmc import block_gibbs

__all__ = ["BlockGibbs", "BlockGibbsResults"]


class BlockGibbsResults(NamedTuple):
    """What a step leaves behind: the share of units that changed in its last sweep, a scalar.

    >>> from tfp_ebm import distributions, mcmc
    >>> machine = distributions.SmoothedRBM.create(num_visible=3, num_hidden=2).machine()
    >>> kernel = mcmc.BlockGibbs(machine)
    >>> state = machine.sample_reference(4, seed=(0, 1))
    >>> _, results = kernel.one_step(state, kernel.bootstrap_results(state), seed=(0, 2))
    >>> 0 <= float(results.moved) <= 1
    True
    """

    moved: tf.Tensor


class BlockGibbs(tfp.mcmc.TransitionKernel):
    """Block Gibbs sweeps for `tfp.mcmc.sample_chain`.

    >>> import tensorflow as tf, tensorflow_probability as tfp
    >>> from tfp_ebm.distributions import RestrictedBoltzmannMachine
    >>> machine = RestrictedBoltzmannMachine([[0.5], [0.2]], [0.0, 0.0, 0.1]).machine()
    >>> chain = tfp.mcmc.sample_chain(
    ...     num_results=10,
    ...     current_state=machine.sample_reference(4, (0, 1)),
    ...     kernel=BlockGibbs(machine),
    ...     trace_fn=None,
    ...     seed=(0, 2),
    ... )
    >>> chain.shape
    TensorShape([10, 4, 2])
    """

    def __init__(
        self,
        machine: AnnealedMachine,
        num_sweeps: int = 1,
        inverse_temperature: TensorLike = 1.0,
        name: str = "block_gibbs",
    ) -> None:
        """Constructs the kernel.

        Args:
          machine: what to sample, see `machine()` of a distribution; read now.
          num_sweeps: sweeps in a step.
          inverse_temperature: scalar, or a value for each chain that broadcasts with the units.
          name: name of the kernel.

        Raises:
          TypeError: if `machine` is none.
          ValueError: if `num_sweeps` is not a positive integer, or the inverse temperature does not
            broadcast with states.
        """
        dtype = states.check_machine(machine)
        self._parameters = {
            "machine": machine,
            "num_sweeps": checks.positive_integer("num_sweeps", num_sweeps),
            "inverse_temperature": states.inverse_temperature(inverse_temperature, dtype),
            "name": name,
        }

    @property
    def parameters(self) -> dict[str, Any]:
        """The arguments of the constructor."""
        return self._parameters

    @property
    def is_calibrated(self) -> bool:
        """True: Gibbs sampling leaves the machine's distribution as it is."""
        return True

    def bootstrap_results(self, init_state: tf.Tensor) -> BlockGibbsResults:
        """Returns the results before the first step.

        Raises:
          ValueError: if the state does not fit the machine.
        """
        state = states.states("current_state", init_state, self._parameters["machine"])
        return BlockGibbsResults(tf.zeros([], state.dtype))

    def one_step(
        self,
        current_state: tf.Tensor,
        previous_kernel_results: BlockGibbsResults,
        seed: Seed = None,
    ) -> tuple[tf.Tensor, BlockGibbsResults]:
        """Runs the sweeps of one step.

        Args:
          current_state: units of the chains, `[num_chains, *batch_shape, n]`.
          previous_kernel_results: not used.
          seed: seed; a pair of integers repeats exactly.

        Returns:
          The next units and the results.
        """
        del previous_kernel_results
        parameters = self._parameters
        run_seed, last_seed = samplers.split_seed(seed, n=2, salt="block_gibbs")
        beta = parameters["inverse_temperature"]
        units = block_gibbs.run(
            parameters["machine"], current_state, parameters["num_sweeps"] - 1, run_seed, beta
        )
        state, info = block_gibbs.step(
            parameters["machine"], block_gibbs.init(units), last_seed, beta
        )
        return state.units, BlockGibbsResults(info.moved)
