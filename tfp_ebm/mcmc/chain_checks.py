"""Whether chains fit the machine that they are given to."""

import tensorflow as tf

from tfp_ebm.internal import checks
from tfp_ebm.internal.protocols import AnnealedMachine
from tfp_ebm.machines.connected_machine import ConnectedMachine
from tfp_ebm.machines.spin_machine import SpinMachine
from tfp_ebm.mcmc import PersistentChains

__all__ = ["check_chains"]


def check_chains(chains: PersistentChains, machine: AnnealedMachine, dtype: tf.DType) -> None:
    """Raises where chains do not fit a machine, and notes whose they are if nothing is noted.

    Raises:
      ValueError: naming what was expected.
    """
    expected = machine.sample_reference(1, (0, 0)).shape[1:]
    if chains.units.shape[1:] != expected:
        raise ValueError(
            f"`chains` must hold states of shape {[None, *expected]}, got "
            f"{chains.units.shape}; `PersistentChains.start(base.machine(), num_chains)` "
            "makes chains that fit."
        )
    if chains.units.dtype != dtype:
        raise ValueError(
            f"`chains` must hold states of dtype {tf.as_dtype(dtype).name}, got "
            f"{chains.units.dtype.name}; cast the states that they were started from."
        )
    if not tf.executing_eagerly():
        return
    if isinstance(machine, SpinMachine | ConnectedMachine):
        checks.spins("chains", chains.units, dtype)
    if not chains.knows_parameters():
        chains.belong_to(machine)
