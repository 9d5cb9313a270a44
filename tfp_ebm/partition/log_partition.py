"""Estimates of a log partition function, and the variable that keeps one."""

from typing import Any, NamedTuple

import tensorflow as tf

__all__ = ["METHODS", "LogPartition", "StoredLogPartition"]

# Saved in checkpoints by position: append only.
METHODS = ("unknown", "exact", "given", "AIS", "RAISE", "running")
DIRECTIONS = {
    "exact": "exact",
    "given": "as given",
    "AIS": "lower bound in expectation",
    "RAISE": "upper bound in expectation",
    "running": "on neither side by construction",
}


class LogPartition(NamedTuple):
    """A log partition function in nats, with what is known about its error.

    Attributes:
      value: `[*batch_shape]`, the estimate of log Z.
      standard_error: `[*batch_shape]`, one standard deviation; 0 if exact, NaN if unknown, as from
        a single chain.
      effective_sample_size: `[*batch_shape]`, of the importance weights; infinite if exact.
      method: `"exact"`, `"given"`, `"AIS"`, `"RAISE"` or `"running"`, what weighted chains follow.
      direction: on which side the estimate errs on average. A lower bound on log Z flatters the
        likelihood, an upper bound is honest.
      num_steps: number of intermediate distributions, 0 if exact.
      num_chains: number of chains behind the estimate, 0 if exact.
    """

    value: tf.Tensor
    standard_error: tf.Tensor
    effective_sample_size: tf.Tensor
    method: str
    direction: str
    num_steps: int
    num_chains: int

    @classmethod
    def exact(cls, value: tf.Tensor) -> "LogPartition":
        """Returns the record of an exact value, in nats."""
        value = tf.convert_to_tensor(value, dtype_hint=tf.float32)
        infinite = tf.fill(tf.shape(value), value.dtype.as_numpy_dtype(float("inf")))
        return cls(value, tf.zeros_like(value), infinite, "exact", DIRECTIONS["exact"], 0, 0)

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


class StoredLogPartition(tf.Module):
    """The last estimate of a log partition function, in variables that checkpoints keep.

    `fingerprint` remembers the parameters that the estimate was made for, so that a later reader
    can tell whether it is stale.
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
            return tf.Variable(value, trainable=False, dtype=variable_dtype, name=name)

        zeros = tf.zeros(batch_shape, dtype)
        with self.name_scope:
            self.value = variable(zeros, "value", dtype)
            self.standard_error = variable(zeros, "standard_error", dtype)
            self.effective_sample_size = variable(zeros, "effective_sample_size", dtype)
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
        self.method_index.assign(METHODS.index(estimate.method))
        self.num_steps.assign(estimate.num_steps)
        self.num_chains.assign(estimate.num_chains)
        self.fingerprint.assign(fingerprint)

    @property
    def qualifiers(self) -> tuple[tf.Variable, ...]:
        """What says how far to trust the value, and enters no density; not finite in places.

        The effective sample size of an exact value is infinite, and an error may be unknown.
        """
        return self.standard_error, self.effective_sample_size

    def is_known(self) -> tf.Tensor:
        """Whether an estimate was ever stored."""
        return self.method_index > 0

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
        )
