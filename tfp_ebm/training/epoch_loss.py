"""The loss of an epoch of a model whose log Z is an estimate."""

import math
import warnings
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from tfp_ebm.distributions import BoltzmannMachine, EnergyBased
from tfp_ebm.internal.types import Data, Seed, TensorLike
from tfp_ebm.partition import LogPartition, disagree
from tfp_ebm.training.kept_batches import FixedBatches, KeptBatches

__all__ = [
    "UNNORMALIZED_LOSS",
    "Annealing",
    "annealing_of_an_epoch",
    "chain_figures",
    "confirm",
    "epoch_logs",
    "estimated_parts",
    "log_partition_record",
    "renew",
    "sample_batches",
]

# What progress bars show while an epoch runs, under a name that is not `loss`.
UNNORMALIZED_LOSS = "unnormalized_loss"
_MIN_EVENTS, _MAX_EVENTS = 256, 10_000
_MIN_STEPS, _MAX_STEPS = 100, 1000
_SHARE = 0.05
# Both ways along two paths, each of the second's steps for several of the first's.
_COST_OF_A_STEP = 4
_NUM_CHAINS = 64
# What weighted chains take at least.
_FEW_SWEEPS = 2


class Annealing(NamedTuple):
    """How log Z is estimated where it is not summed exactly: chains, temperatures, seed."""

    num_chains: int = 256
    num_steps: int = _MAX_STEPS
    seed: Seed = None


def estimated_parts(parts: list[EnergyBased]) -> list[BoltzmannMachine]:
    """Returns those whose `log_prob` rests on a stored estimate of log Z."""
    return [
        part
        for part in parts
        if isinstance(part, BoltzmannMachine) and part.stored_log_partition is not None
    ]


def log_partition_record(part: EnergyBased) -> LogPartition:
    """Returns the estimate of log Z that `log_prob` rests on, or its exact value."""
    if estimated_parts([part]):
        record = part.stored_log_partition.read()  # Of the machine, without the closed form.
        return record.mapped(lambda value: value + part.log_partition_offset())
    return part.estimate_log_partition()


def annealing_of_an_epoch(
    parts: list[BoltzmannMachine], num_updates: int | None, gibbs_steps: int | None
) -> Annealing:
    """Returns annealing that takes a twentieth of the sweeps of an epoch, within limits.

    Args:
      parts: the machines, each with chains.
      num_updates: updates of an epoch; None if unknown.
      gibbs_steps: sweeps of the chains after each of them; None: as many as they need.

    Returns:
      An `Annealing` of at least 100 and at most 1000 temperatures.
    """
    chains = min((part.chains.num_chains for part in parts), default=0)
    num_sweeps = _FEW_SWEEPS if gibbs_steps is None else gibbs_steps
    sweeps = (num_updates or 0) * num_sweeps * chains
    steps = int(_SHARE * sweeps / (_NUM_CHAINS * _COST_OF_A_STEP))
    return Annealing(_NUM_CHAINS, min(max(steps, _MIN_STEPS), _MAX_STEPS))


def renew(part: BoltzmannMachine, annealing: Annealing, seed: Seed) -> None:
    """Estimates log Z of a machine if the stored estimate is not to be used any longer.

    Args:
      part: a machine.
      annealing: how; its seed is not used.
      seed: seed of the estimate.
    """
    if bool(part.is_log_partition_stale()):
        _estimate(part, annealing, seed)


def _estimate(part, annealing, seed):
    num_chains, num_steps, _ = annealing
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # The record says it.
        part.estimate_log_partition(num_chains, num_steps, seed=seed, max_rounds=1)


def confirm(part: BoltzmannMachine, annealing: Annealing, seed: Seed) -> None:
    """Estimates log Z as `renew` does, where chains followed it, and warns if that was wrong."""
    if bool(part.is_log_partition_stale()):
        return
    followed = part.stored_log_partition.read()
    if followed.method != "running":
        return
    _estimate(part, annealing, seed)
    found = part.stored_log_partition.read()
    gap = tf.abs(followed.value - found.value)
    variance = followed.standard_error**2 + found.standard_error**2
    if bool(tf.reduce_any(disagree(gap, variance))):
        warnings.warn(
            f"While `{part.name}` was trained its chains followed a log Z that annealing does not "
            f"confirm, by {float(tf.reduce_max(gap)):.3g} nats: losses of the last epochs may be "
            "wrong by as much. Take more chains or a smaller learning rate; "
            "`estimate_log_partition()` tells which is right.",
            stacklevel=2,
        )


def sample_batches(
    data: Data, batch_size: int, num_updates: int | None = None, is_cheap: bool = False
) -> tuple[FixedBatches | KeptBatches, Any]:
    """Returns batches of training events to judge epochs by, and the data.

    Taken is a twentieth of the events, spread over all of them, or all of those that cost little;
    256 at least, as far as there are, and 10,000 at most. Of arrays and Keras sequences these are
    the same in every epoch; of data sets and generators they are kept while an epoch passes by.

    Args:
      data: an array, a tuple of arrays that belong together, a `tf.data.Dataset`, or an iterable of
        batches.
      batch_size: size of the batches of arrays.
      num_updates: batches of an epoch; None if unknown.
      is_cheap: whether a density costs little beside an update, as that of a machine alone.

    Returns:
      An object whose `take()` returns the batches at the end of an epoch, and the data, from which
      nothing is missing.
    """
    share = 1.0 if is_cheap else _SHARE
    if isinstance(data, np.ndarray | tuple):
        return _fixed(_of_arrays(data, batch_size, share)), data
    if isinstance(data, tf.data.Dataset | Iterator):
        kept = KeptBatches(num_updates, share, _MIN_EVENTS, _MAX_EVENTS)
        is_dataset = isinstance(data, tf.data.Dataset)
        return kept, (kept.of_dataset if is_dataset else kept.of_iterator)(data)
    if hasattr(data, "__getitem__"):
        return _fixed(_of_sequence(data, share)), data
    return FixedBatches(), data


def _fixed(batches):
    return FixedBatches(tf.nest.map_structure(tf.convert_to_tensor, batch) for batch in batches)


def _of_arrays(arrays, batch_size, share):
    size = len(tf.nest.flatten(arrays)[0])
    count = min(size, max(_MIN_EVENTS, math.ceil(share * size)), _MAX_EVENTS)
    rows = np.linspace(0, size - 1, count).round().astype(np.int64)
    return [
        tf.nest.map_structure(
            lambda part, start=start: part[rows[start : start + batch_size]], arrays
        )
        for start in range(0, count, batch_size)
    ]


def _of_sequence(batches, share):
    """Returns batches that are spread over a Keras sequence."""
    size = len(tf.nest.flatten(batches[0])[0]) if len(batches) else 1
    count = max(math.ceil(_MIN_EVENTS / size), math.ceil(share * len(batches)))
    count = min(count, max(1, _MAX_EVENTS // size), len(batches))
    indices = np.linspace(0, len(batches) - 1, count).round()
    return [batches[int(index)] for index in indices]


def chain_figures(parts: list[BoltzmannMachine]) -> dict[str, float]:
    """Returns what the chains tell of themselves, `chains_...` by name, the last one's of several.

    Acceptance of jumps and effective share of weights at the present moment, and how often chains
    were drawn again since they started.
    """
    figures = [part.chains.figures() for part in parts]
    return {f"chains_{name}": float(v) for found in figures for name, v in found.items()}


def epoch_logs(
    running: dict[str, float],
    metrics: dict[str, tf.Tensor],
    sampling_error: TensorLike,
    records: list[LogPartition],
) -> dict[str, float]:
    """Returns the logs of an epoch: the loss at its end, with its error.

    Args:
      running: the logs of its last update, NaN after an update that was not finite.
      metrics: `loss` and `bits_per_dimension` of the sample.
      sampling_error: standard error of the former over the events of the sample, nats.
      records: the estimates of log Z behind them.
    """
    if math.isnan(running[UNNORMALIZED_LOSS]):
        return dict.fromkeys((*metrics, "loss_error", "log_partition_gap"), math.nan)
    log_partition_error = sum(float(tf.reduce_mean(r.standard_error)) for r in records)
    logs = {name: float(value) for name, value in metrics.items()}
    logs["loss_error"] = math.hypot(float(sampling_error), log_partition_error)
    return {**logs, "log_partition_gap": sum(float(tf.reduce_max(r.gap)) for r in records)}
