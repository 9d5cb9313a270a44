"""How well chains mix."""

from typing import NamedTuple

import tensorflow as tf
import tensorflow_probability as tfp

from tfp_ebm.internal import checks, states
from tfp_ebm.internal.protocols import AnnealedMachine
from tfp_ebm.internal.seeds import sanitize_seed
from tfp_ebm.internal.types import Seed, TensorLike
from tfp_ebm.mcmc.kernel import BlockGibbs

__all__ = ["ChainDiagnostics", "diagnose", "share_of_distinct_chains"]


class ChainDiagnostics(NamedTuple):
    """What a run of the chains tells about them.

    >>> from tfp_ebm import distributions, mcmc
    >>> machine = distributions.SmoothedRBM.create(num_visible=3, num_hidden=2).machine()
    >>> states = machine.sample_reference(8, seed=(0, 1))
    >>> mcmc.diagnose(machine, states, num_steps=5, seed=(0, 2))._fields
    ('moved', 'effective_sample_size', 'autocorrelation_time', 'distinct')

    Attributes:
      moved: share of units that change in a sweep, a scalar.
      effective_sample_size: `[*batch_shape]`, of all chains together, of the log marginal; NaN,
        unknown, where a chain's log marginal never changes.
      autocorrelation_time: `[*batch_shape]`, sweeps between two independent states of a chain; NaN
        with the former.
      distinct: share of chains whose last states differ from all others', a scalar.
    """

    moved: tf.Tensor
    effective_sample_size: tf.Tensor
    autocorrelation_time: tf.Tensor
    distinct: tf.Tensor


def share_of_distinct_chains(units: TensorLike) -> tf.Tensor:
    """Returns the number of different states over the number of chains.

    >>> from tfp_ebm import mcmc
    >>> float(mcmc.share_of_distinct_chains([[1.0, 1.0], [1.0, 1.0], [1.0, -1.0], [-1.0, 1.0]]))
    0.75

    Args:
      units: `[num_chains, ...]`, an array or a list too.

    Raises:
      ValueError: if there is no chain.
    """
    units = states.floating("units", units)
    if units.shape.rank == 0 or 0 in units.shape.as_list():
        raise ValueError(
            "`units` must have shape [num_chains, ...] with at least one chain, got shape "
            f"{units.shape}."
        )
    flat = tf.reshape(units, [tf.shape(units)[0], -1])
    distinct = tf.raw_ops.UniqueV2(x=flat, axis=[0]).y
    return tf.shape(distinct)[0] / tf.shape(flat)[0]


def diagnose(
    machine: AnnealedMachine, units: TensorLike, num_steps: int = 200, seed: Seed = None
) -> ChainDiagnostics:
    """Runs chains and measures how they mix; the chains given stay where they are.

    The statistic is the log marginal of the states, which is slow where modes differ in energy.
    Modes of equal energy that no chain leaves go unnoticed: compare `distinct`, and means of
    chains started elsewhere.

    >>> from tfp_ebm import distributions, mcmc
    >>> machine = distributions.SmoothedRBM.create(num_visible=3, num_hidden=2).machine()
    >>> states = machine.sample_reference(8, seed=(0, 1))
    >>> found = mcmc.diagnose(machine, states, num_steps=5, seed=(0, 2))
    >>> 0 < float(found.distinct) <= 1
    True

    Args:
      machine: what to sample.
      units: `[num_chains, *batch_shape, n]`, the start.
      num_steps: number of sweeps.
      seed: seed; a pair of integers repeats exactly.

    Raises:
      TypeError: if `machine` is none.
      ValueError: if the units do not fit it, or `num_steps` is less than 4.
    """
    checks.positive_integer("num_steps", num_steps, minimum=4)
    units = states.states("units", units, machine)
    chain, moved = _run(machine, units, num_steps, sanitize_seed(seed))
    statistic = machine.log_marginal(chain)
    size = tf.reduce_sum(tfp.mcmc.effective_sample_size(statistic), axis=0)
    total = tf.cast(tf.shape(statistic)[0] * tf.shape(statistic)[1], size.dtype)
    return ChainDiagnostics(
        tf.reduce_mean(moved), size, total / size, share_of_distinct_chains(chain[-1])
    )


@tf.function(autograph=False)
def _run(machine, units, num_steps, seed):
    """Returns the states after each sweep, and the shares of units that changed in it."""
    return tfp.mcmc.sample_chain(
        num_steps,
        units,
        kernel=BlockGibbs(machine),
        trace_fn=lambda _, results: results.moved,
        seed=seed,
    )
