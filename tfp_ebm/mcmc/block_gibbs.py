"""Block Gibbs sampling.

>>> from tfp_ebm import distributions, mcmc
>>> machine = distributions.SmoothedRBM.create(num_visible=3, num_hidden=2).machine()
>>> states = machine.sample_reference(4, seed=(0, 1))
>>> mcmc.block_gibbs.run(machine, states, num_steps=10, seed=(0, 2)).shape
TensorShape([4, 3])
"""

from typing import NamedTuple

import tensorflow as tf

from tfp_ebm.internal import states
from tfp_ebm.internal.compiled import is_large
from tfp_ebm.internal.protocols import AnnealedMachine
from tfp_ebm.internal.seeds import sanitize_seed
from tfp_ebm.internal.tfp_private import samplers
from tfp_ebm.internal.types import Seed, TensorLike

__all__ = ["BlockGibbsInfo", "BlockGibbsState", "init", "run", "step"]


# With fewer units than this, products from the left are no faster.
_SMALLEST_COLUMNS = 2**18


class BlockGibbsState(NamedTuple):
    """All that the next sweep needs: the units that the chain keeps, `[num_chains, *B, n]`."""

    units: tf.Tensor


class BlockGibbsInfo(NamedTuple):
    """What a sweep tells: the share of units that changed, a scalar."""

    moved: tf.Tensor


def init(units: TensorLike) -> BlockGibbsState:
    """Returns the state that starts from given units, `[num_chains, *B, n]`.

    Lists and arrays become tensors, integers among them float32.

    Raises:
      ValueError: if the units are no numbers.
    """
    return BlockGibbsState(states.floating("units", units))


def step(
    machine: AnnealedMachine,
    state: BlockGibbsState,
    seed: Seed,
    inverse_temperature: TensorLike = 1.0,
) -> tuple[BlockGibbsState, BlockGibbsInfo]:
    """Runs one sweep: every block of units is drawn anew given the others.

    Args:
      machine: what to sample, see `machine()` of a distribution.
      state: the chains, as `init` or the last step returns them, or their units.
      seed: seed of the sweep.
      inverse_temperature: scalar, or a value for each chain that broadcasts with the units.

    Returns:
      The next state, and the sweep's `BlockGibbsInfo`.

    Raises:
      TypeError: if `machine` is none.
      ValueError: if the state or the inverse temperature does not fit the machine.
    """
    units = state.units if isinstance(state, BlockGibbsState) else state
    before = states.states("state", units, machine)
    beta = states.inverse_temperature(inverse_temperature, before.dtype)
    units = machine.sweep(before, beta, sanitize_seed(seed))
    moved = tf.reduce_mean(tf.cast(tf.not_equal(units, before), units.dtype))
    return BlockGibbsState(units), BlockGibbsInfo(moved)


@tf.function(autograph=False)
def _sweeps(machine, units, first, num_steps, inverse_temperature, seed):
    is_matrix = units.shape.rank == 2 and tf.convert_to_tensor(inverse_temperature).shape.rank == 0
    is_many = is_matrix and is_large(units, _SMALLEST_COLUMNS)
    side_by_side = is_many and hasattr(machine, "sweep_columns")
    sweep = machine.sweep_columns if side_by_side else machine.sweep

    def body(index, units):
        moved = sweep(units, inverse_temperature, samplers.fold_in(seed, first + index))
        # Draws of a dynamic shape lose the static one, which a loop must keep.
        return index + 1, tf.ensure_shape(moved, units.shape)

    start = tf.transpose(units) if side_by_side else units
    _, units = tf.while_loop(
        # Each sweep waits for the last; more at a time would only keep more in memory.
        lambda index, _: index < num_steps,
        body,
        (0, start),
        parallel_iterations=1,
    )
    return tf.transpose(units) if side_by_side else units


def run(
    machine: AnnealedMachine,
    units: TensorLike,
    num_steps: int,
    seed: Seed = None,
    inverse_temperature: TensorLike = 1.0,
    first: TensorLike = 0,
) -> tf.Tensor:
    """Runs `num_steps` sweeps in one compiled loop and returns the last units.

    Gradients stop here: samples are constants to every gradient estimator that uses them.

    Args:
      machine: what to sample.
      units: `[num_chains, *batch_shape, n]`, the start; lists and arrays are cast to the machine's
        dtype.
      num_steps: number of sweeps, 0 or more.
      seed: seed; a pair of integers repeats exactly.
      inverse_temperature: scalar, or a value for each chain that broadcasts with the units.
      first: number of the first sweep. Sweep k draws from the seed and k: runs of one seed that
        count on from each other draw as one long run.

    Returns:
      Units of the same shape.

    Raises:
      TypeError: if `machine` is none.
      ValueError: if another argument does not fit the machine, or `num_steps` is negative.
    """
    units = states.states("units", units, machine)
    beta = states.inverse_temperature(inverse_temperature, units.dtype)
    seed = sanitize_seed(seed, salt="block_gibbs_run")
    beta = beta if isinstance(beta, float) else tf.stop_gradient(beta)
    # Stopped before the loop, which then keeps nothing for a gradient.
    machine, units = tf.nest.map_structure(tf.stop_gradient, (machine, units))
    num_steps, first = states.num_sweeps(num_steps), tf.cast(first, tf.int32)
    return _sweeps(machine, units, first, num_steps, beta, seed)
