"""Block Gibbs sampling of machines with two layers."""

from typing import Any, NamedTuple

import tensorflow as tf

from tfp_ebm.internal.protocols import AnnealedMachine
from tfp_ebm.internal.tfp_private import samplers

__all__ = ["BlockGibbsInfo", "BlockGibbsState", "init", "run", "step"]


class BlockGibbsState(NamedTuple):
    """What the next sweep needs: the visible states, `[num_chains, *batch_shape, num_visible]`."""

    visible: tf.Tensor


class BlockGibbsInfo(NamedTuple):
    """What a sweep tells: the hidden states drawn, and the share of visible units that moved."""

    hidden: tf.Tensor
    moved: tf.Tensor


def init(visible: tf.Tensor) -> BlockGibbsState:
    """Returns the state that starts from given visible units."""
    return BlockGibbsState(tf.convert_to_tensor(visible))


def step(
    machine: AnnealedMachine, state: BlockGibbsState, seed: Any, inverse_temperature: Any = 1.0
) -> tuple[BlockGibbsState, BlockGibbsInfo]:
    """Draws the hidden layer given the visible one, then the visible given the hidden one.

    Args:
      machine: the machine, see `tfp_ebm.internal.protocols.AnnealedMachine`.
      state: visible states.
      seed: seed of the sweep.
      inverse_temperature: scalar, or a value for each chain that broadcasts with the states.

    Returns:
      The next state, and the sweep's `BlockGibbsInfo`.
    """
    hidden_seed, visible_seed = samplers.split_seed(seed, n=2, salt="block_gibbs")
    beta = tf.convert_to_tensor(inverse_temperature, state.visible.dtype)
    hidden = machine.sample_hidden(machine.hidden_signal(state.visible), beta, hidden_seed)
    visible = machine.sample_visible(hidden, beta, visible_seed)
    moved = tf.reduce_mean(tf.cast(tf.not_equal(visible, state.visible), visible.dtype))
    return BlockGibbsState(visible), BlockGibbsInfo(hidden, moved)


@tf.function(autograph=False)
def _sweeps(machine, visible, num_steps, inverse_temperature, seed):
    def body(index, visible):
        step_seed = samplers.fold_in(seed, index)
        state, _ = step(machine, BlockGibbsState(visible), step_seed, inverse_temperature)
        return index + 1, tf.ensure_shape(state.visible, visible.shape)

    _, visible = tf.while_loop(
        lambda index, _: index < num_steps, body, (0, visible), parallel_iterations=1
    )
    return visible


def run(
    machine: AnnealedMachine,
    visible: tf.Tensor,
    num_steps: int,
    seed: Any = None,
    inverse_temperature: Any = 1.0,
) -> tf.Tensor:
    """Runs `num_steps` sweeps in one compiled loop and returns the last visible states.

    Gradients stop here: samples are constants to every gradient estimator that uses them.

    Args:
      machine: the machine.
      visible: `[num_chains, *batch_shape, num_visible]`, the start.
      num_steps: number of sweeps, 0 or more.
      seed: seed; a pair of integers repeats exactly.
      inverse_temperature: scalar, or one value a chain.

    Returns:
      Visible states of the same shape.
    """
    visible = tf.convert_to_tensor(visible)
    seed = samplers.sanitize_seed(seed, salt="block_gibbs_run")
    beta = tf.convert_to_tensor(inverse_temperature, visible.dtype)
    machine = tf.nest.map_structure(tf.stop_gradient, machine)
    num_steps = tf.convert_to_tensor(num_steps, tf.int32)
    return tf.stop_gradient(_sweeps(machine, visible, num_steps, beta, seed))
