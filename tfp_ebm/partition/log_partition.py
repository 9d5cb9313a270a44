"""Estimates of a log partition function, and the variable that keeps one."""

from collections.abc import Callable
from typing import Any, NamedTuple

import tensorflow as tf

from tfp_ebm.internal.replicas import num_replicas

__all__ = ["METHODS", "LogPartition", "StoredLogPartition", "combine_over_replicas"]

# Saved in checkpoints by position: append only.
METHODS = ("unknown", "exact", "given", "AIS", "RAISE", "running", "BAR")
DIRECTIONS = {
    "exact": "exact",
    "given": "as given",
    "AIS": "lower bound in expectation",
    "RAISE": "upper bound on average over samples of the model, not for single points",
    "running": "on neither side by construction",
    "BAR": "on neither side by construction",
}

# A running estimate with a larger standard error, in nats, is as good as none.
_LARGEST_RUNNING_ERROR = 0.1
# Chains at their reference know log Z exactly.
_LEAST_VARIANCE = 1e-12
# In place of a boolean that nothing is known of.
_UNKNOWN = -1


class LogPartition(NamedTuple):
    """A log partition function in nats, with what is known about its error.

    >>> from tfp_ebm import partition
    >>> known = partition.LogPartition.exact(tf.constant(2.0))
    >>> known.method, float(known.standard_error), float(known.gap)
    ('exact', 0.0, 0.0)

    Attributes:
      value: `[*batch_shape]`, the estimate of log Z.
      standard_error: `[*batch_shape]`, one standard deviation; 0 if exact, NaN if unknown, as from
        a single chain.
      effective_sample_size: `[*batch_shape]`, of the importance weights; infinite if exact.
      method: `"exact"`, `"given"`, `"AIS"`, `"RAISE"`, `"BAR"` of `bidirectional_annealing`, or
        `"running"`, what weighted chains follow.
      direction: on which side the estimate errs on average, and over what. A lower bound on log Z
        flatters the likelihood, an upper bound is honest.
      num_steps: number of intermediate distributions, 0 if exact.
      num_chains: number of chains behind the estimate, 0 if exact.
      is_consistent: `[*batch_shape]` booleans, whether independent estimates agree within their
        errors; None if there is but one estimate, which then proves nothing.
      lower, upper: `[*batch_shape]`, what encloses log Z as far as known: two standard errors
        around the value, or all estimates where they disagree.
    """

    value: tf.Tensor
    standard_error: tf.Tensor
    effective_sample_size: tf.Tensor
    method: str
    direction: str
    num_steps: int
    num_chains: int
    is_consistent: tf.Tensor | None = None
    lower: tf.Tensor | None = None
    upper: tf.Tensor | None = None

    @property
    def interval(self) -> tuple[tf.Tensor, tf.Tensor]:
        """`lower` and `upper`; two standard errors around the value where none are given."""
        if self.lower is not None and self.upper is not None:
            return self.lower, self.upper
        return self.value - 2 * self.standard_error, self.value + 2 * self.standard_error

    @property
    def gap(self) -> tf.Tensor:
        """By how many nats estimates disagree, `[*batch_shape]`; 0 where they do not."""
        lower, upper = self.interval
        agrees = True if self.is_consistent is None else self.is_consistent
        return tf.where(agrees, tf.zeros_like(lower), upper - lower)

    def mapped(
        self, values: Callable[[tf.Tensor], tf.Tensor], rest: Callable | None = None
    ) -> "LogPartition":
        """Returns the record with what is in nats of log Z transformed, and what is not.

        Args:
          values: applied to `value`, `lower` and `upper`.
          rest: applied to the other parts of shape `[*batch_shape]`; None: they stay.
        """
        changed = {"value": values, "lower": values, "upper": values}
        if rest is not None:
            names = ("standard_error", "effective_sample_size", "is_consistent")
            changed |= dict.fromkeys(names, rest)
        parts = {name: getattr(self, name) for name in changed}
        return self._replace(
            **{name: changed[name](part) for name, part in parts.items() if part is not None}
        )

    @classmethod
    def exact(cls, value: tf.Tensor) -> "LogPartition":
        """Returns the record of an exact value, in nats."""
        value = tf.convert_to_tensor(value, dtype_hint=tf.float32)
        infinite = tf.fill(tf.shape(value), value.dtype.as_numpy_dtype(float("inf")))
        agrees = tf.fill(tf.shape(value), True)
        record = cls(value, tf.zeros_like(value), infinite, "exact", DIRECTIONS["exact"], 0, 0)
        return record._replace(is_consistent=agrees, lower=value, upper=value)

    @classmethod
    def running(cls, chains: Any) -> "LogPartition":
        """Returns the record of what `tfp_ebm.mcmc.WeightedChains` follow, of their machine."""
        return cls(
            chains.log_partition,
            tf.sqrt(chains.log_partition_variance),
            chains.effective_share * chains.num_chains,
            "running",
            DIRECTIONS["running"],
            0,
            chains.num_chains,
        )

    @property
    def has_few_effective_samples(self) -> bool:
        """Whether fewer than a tenth of the chains carry the estimate: then do not trust it."""
        return bool(tf.reduce_any(self.effective_sample_size < 0.1 * self.num_chains))


def combine_over_replicas(estimate: LogPartition) -> LogPartition:
    """Returns what the estimates of all replicas tell together, each by its own chains.

    Values are weighted by their inverse variances. Outside of replicas it is the estimate itself.

    >>> from tfp_ebm import partition
    >>> estimate = partition.LogPartition.exact(tf.constant(2.0))
    >>> float(partition.combine_over_replicas(estimate).value)  # one replica: itself
    2.0
    """
    if num_replicas() == 1 or tf.distribute.in_cross_replica_context():
        return estimate
    precision = 1 / tf.maximum(estimate.standard_error**2, _LEAST_VARIANCE)
    sums = tf.distribute.get_replica_context().all_reduce(
        tf.distribute.ReduceOp.SUM,
        [precision, precision * estimate.value, estimate.effective_sample_size],
    )
    total, weighted, size = sums
    return estimate._replace(
        value=weighted / total,
        standard_error=1 / tf.sqrt(total),
        effective_sample_size=size,
        num_chains=estimate.num_chains * num_replicas(),
    )


class StoredLogPartition(tf.Module):
    """The last estimate of a log partition function, in variables that checkpoints keep.

    `fingerprint` remembers the parameters that the estimate was made for, so that a later reader
    can tell whether it is stale.

    >>> from tfp_ebm import partition
    >>> stored = partition.StoredLogPartition([], tf.float32)
    >>> stored.assign(partition.LogPartition.exact(tf.constant(2.0)), tf.zeros([2], tf.float64))
    >>> float(stored.read().value)
    2.0
    """

    def __init__(
        self, batch_shape: tf.TensorShape, dtype: tf.DType, name: str | None = None
    ) -> None:
        """Creates the variables, marked unknown.

        Args:
          batch_shape: static batch shape of the machine.
          dtype: dtype of the value.
          name: name of the module.
        """
        super().__init__(name=name or "log_partition")

        def variable(value, name, variable_dtype):
            # All replicas assign the same.
            first = tf.VariableAggregation.ONLY_FIRST_REPLICA
            return tf.Variable(
                value, trainable=False, dtype=variable_dtype, name=name, aggregation=first
            )

        zeros = tf.zeros(batch_shape, dtype)
        with self.name_scope:
            self.value = variable(zeros, "value", dtype)
            self.standard_error = variable(zeros, "standard_error", dtype)
            self.effective_sample_size = variable(zeros, "effective_sample_size", dtype)
            self.lower = variable(zeros, "lower", dtype)
            self.upper = variable(zeros, "upper", dtype)
            unknown = tf.fill(batch_shape, _UNKNOWN)
            self.is_consistent = variable(unknown, "is_consistent", tf.int32)
            self.method_index = variable(0, "method", tf.int32)
            self.num_steps = variable(0, "num_steps", tf.int32)
            self.num_chains = variable(0, "num_chains", tf.int32)
            self.fingerprint = variable([0.0, 0.0], "fingerprint", tf.float64)

    def assign(self, estimate: LogPartition, fingerprint: tf.Tensor) -> None:
        """Stores an estimate made for the parameters with this fingerprint."""
        dtype = self.value.dtype
        self.value.assign(tf.cast(estimate.value, dtype))
        self.standard_error.assign(tf.cast(estimate.standard_error, dtype))
        self.effective_sample_size.assign(tf.cast(estimate.effective_sample_size, dtype))
        lower, upper = estimate.interval
        self.lower.assign(tf.cast(lower, dtype))
        self.upper.assign(tf.cast(upper, dtype))
        agrees = _UNKNOWN if estimate.is_consistent is None else estimate.is_consistent
        self.is_consistent.assign(tf.broadcast_to(tf.cast(agrees, tf.int32), self.value.shape))
        self.method_index.assign(METHODS.index(estimate.method))
        self.num_steps.assign(estimate.num_steps)
        self.num_chains.assign(estimate.num_chains)
        self.fingerprint.assign(fingerprint)

    @property
    def qualifiers(self) -> tuple[tf.Variable, ...]:
        """What says how far to trust the value, and enters no density; not finite in places.

        The effective sample size of an exact value is infinite, and an error may be unknown.
        """
        return self.standard_error, self.effective_sample_size, self.lower, self.upper

    def is_known(self) -> tf.Tensor:
        """Whether an estimate was ever stored."""
        return self.method_index > 0

    def is_lost(self) -> tf.Tensor:
        """Whether chains followed log Z but no longer know it to within a tenth of a nat."""
        is_running = tf.equal(self.method_index, METHODS.index("running"))
        return is_running & tf.reduce_any(self.standard_error > _LARGEST_RUNNING_ERROR)

    def read(self) -> LogPartition:
        """Returns the stored estimate as a record (eager only).

        Raises:
          ValueError: if nothing was stored yet.
        """
        method = METHODS[int(self.method_index.numpy())]
        if method == "unknown":
            raise ValueError(
                "The log partition function has not been estimated; call "
                "`estimate_log_partition()` first."
            )
        return LogPartition(
            self.value.read_value(),
            self.standard_error.read_value(),
            self.effective_sample_size.read_value(),
            method,
            DIRECTIONS[method],
            int(self.num_steps.numpy()),
            int(self.num_chains.numpy()),
            None if bool(tf.reduce_any(self.is_consistent == _UNKNOWN)) else self.is_consistent > 0,
            self.lower.read_value(),
            self.upper.read_value(),
        )
