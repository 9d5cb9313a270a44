"""Block Gibbs sampling."""

from typing import Any, NamedTuple

import tensorflow as tf

from tfp_ebm.internal.compiled import is_large
from tfp_ebm.internal.protocols import AnnealedMachine
from tfp_ebm.internal.seeds import sanitize_seed
from tfp_ebm.internal.tfp_private import samplers

__all__ = ["BlockGibbsInfo", "BlockGibbsState", "init", "run", "step"]


# With fewer units than this, products from the left are no faster.
_SMALLEST_COLUMNS = 2**18


class BlockGibbsState(NamedTuple):
    """All that the next sweep needs: the units that the chain keeps, `[num_chains, *B, n]`."""

    units: tf.Tensor


class BlockGibbsInfo(NamedTuple):
    """What a sweep tells: the share of units that changed, a scalar."""

    moved: tf.Tensor


def init(units: tf.Tensor) -> BlockGibbsState:
    """Returns the state that starts from given units."""
    return BlockGibbsState(tf.convert_to_tensor(units))


def step(
    machine: AnnealedMachine, state: BlockGibbsState, seed: Any, inverse_temperature: Any = 1.0
) -> tuple[BlockGibbsState, BlockGibbsInfo]:
    """Runs one sweep: every block of units is drawn anew given the others.

    Args:
      machine: what to sample, see `machine()` of a distribution.
      state: the chains.
      seed: seed of the sweep.
      inverse_temperature: scalar, or a value for each chain that broadcasts with the units.

    Returns:
      The next state, and the sweep's `BlockGibbsInfo`.
    """
    beta = tf.convert_to_tensor(inverse_temperature, state.units.dtype)
    units = machine.sweep(state.units, beta, samplers.sanitize_seed(seed))
    moved = tf.reduce_mean(tf.cast(tf.not_equal(units, state.units), units.dtype))
    return BlockGibbsState(units), BlockGibbsInfo(moved)


@tf.function(autograph=False)
def _sweeps(machine, units, num_steps, inverse_temperature, seed):
    is_matrix = units.shape.rank == 2 and tf.convert_to_tensor(inverse_temperature).shape.rank == 0
    is_many = is_matrix and is_large(units, _SMALLEST_COLUMNS)
    side_by_side = is_many and hasattr(machine, "sweep_columns")
    sweep = machine.sweep_columns if side_by_side else machine.sweep

    def body(index, units):
        moved = sweep(units, inverse_temperature, samplers.fold_in(seed, index))
        return index + 1, tf.ensure_shape(moved, units.shape)

    start = tf.transpose(units) if side_by_side else units
    _, units = tf.while_loop(
        lambda index, _: index < num_steps, body, (0, start), parallel_iterations=1
    )
    return tf.transpose(units) if side_by_side else units


def run(
    machine: AnnealedMachine,
    units: tf.Tensor,
    num_steps: int,
    seed: Any = None,
    inverse_temperature: Any = 1.0,
) -> tf.Tensor:
    """Runs `num_steps` sweeps in one compiled loop and returns the last units.

    Gradients stop here: samples are constants to every gradient estimator that uses them.

    Args:
      machine: what to sample.
      units: `[num_chains, *batch_shape, n]`, the start.
      num_steps: number of sweeps, 0 or more.
      seed: seed; a pair of integers repeats exactly.
      inverse_temperature: scalar, or a value for each chain that broadcasts with the units.

    Returns:
      Units of the same shape.
    """
    units = tf.convert_to_tensor(units)
    seed = sanitize_seed(seed, salt="block_gibbs_run")
    beta = inverse_temperature
    if not isinstance(beta, float):  # A Python number is folded into the compiled loop.
        beta = tf.convert_to_tensor(beta, units.dtype)
    machine = tf.nest.map_structure(tf.stop_gradient, machine)
    num_steps = tf.convert_to_tensor(num_steps, tf.int32)
    return tf.stop_gradient(_sweeps(machine, units, num_steps, beta, seed))
