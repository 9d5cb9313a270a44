"""What becomes of chains and log Z when a distribution is copied, sliced or broadcast."""

from collections.abc import Callable
from typing import Any

import tensorflow as tf

from tfp_ebm.distributions.energy_based import EnergyBased
from tfp_ebm.internal.numeric import broadcast_batch
from tfp_ebm.internal.tfp_private import batch_shape_lib, ps, slicing
from tfp_ebm.mcmc import PersistentChains
from tfp_ebm.partition import StoredLogPartition

__all__ = ["CarriedState"]


class CarriedState(EnergyBased):
    """Base class of a distribution whose copies and slices go on from its chains and log Z."""

    _chains: PersistentChains | None
    _stored_log_partition: StoredLogPartition | None

    def copy(self, **override_parameters_kwargs: Any) -> "CarriedState":
        """Returns a distribution with the same arguments but those given.

        * With the same parameters it shares chains and stored log Z, as it shares variables.
        * With other parameters, `copy(weights=...)`, it starts anew, as a new distribution does.

        A slice `base[...]` of a batch holds its members' log Z, and chains in variables of its own
        that start from the members' states; a `tf.function` cannot make one, having no variables.

        Args:
          **override_parameters_kwargs: arguments of the constructor.
        """
        overrides = override_parameters_kwargs
        if self._chains is None or "chains" in overrides:
            return super().copy(**overrides)
        if set(overrides) & set(self.parameter_properties()):
            return super().copy(chains=None, **overrides)
        copied = super().copy(chains=self._chains, **overrides)
        copied._stored_log_partition = self._stored_log_partition
        return copied

    def __getitem__(self, slices: Any) -> "CarriedState":
        """Returns a slice of the batch, as in TensorFlow Probability."""
        if self._chains is None:
            return super().__getitem__(slices)
        keys = slices if isinstance(slices, tuple | list) else (slices,)

        def cut(tensor, event_ndims):
            every = (slice(None),) * (ps.rank(tensor) - event_ndims - self.batch_shape.rank)
            rest = () if any(key is Ellipsis for key in keys) else (Ellipsis,)
            return tensor[(*every, *keys, *rest, *(slice(None),) * event_ndims)]

        chains = self._chains.transformed(lambda states: cut(states, 1))
        sliced = slicing.batch_slice(self, {"chains": chains}, slices)
        return self._hand_on(sliced, lambda value: cut(value, 0))

    def _broadcast_parameters_with_batch_shape(self, batch_shape):
        if self._chains is None:
            return super()._broadcast_parameters_with_batch_shape(batch_shape)
        overrides = batch_shape_lib.broadcast_parameters_with_batch_shape(self, batch_shape)
        chains = self._chains.transformed(lambda states: self._broadcast(states, batch_shape))
        made = super().copy(chains=chains, **overrides)
        return self._hand_on(made, lambda value: broadcast_batch(value, batch_shape, event_ndims=0))

    def _broadcast(self, states, batch_shape):
        """Returns states whose batch axes, between leading ones and the last, are broadcast."""
        shape, rank = states.shape.as_list(), self.batch_shape.rank
        leading, own = shape[: len(shape) - 1 - rank], shape[len(shape) - 1 - rank : -1]
        target = [int(size) for size in ps.broadcast_shape(own, batch_shape)]
        aligned = tf.reshape(states, [*leading, *[1] * (len(target) - rank), *own, shape[-1]])
        return tf.broadcast_to(aligned, [*leading, *target, shape[-1]])

    def _hand_on(
        self, made: "CarriedState", transform: Callable[[tf.Tensor], tf.Tensor]
    ) -> "CarriedState":
        """Stores this log Z, its batch axes transformed, in a distribution made of this one.

        What is stale here is stale there: its fingerprint stays that of other parameters.
        """
        stored = self._stored_log_partition
        if bool(stored.is_known()):
            record = stored.read().mapped(transform, transform)
            is_stale = bool(self.is_log_partition_stale())
            now = stored.fingerprint if is_stale else made._fingerprint()
            made._stored_log_partition.assign(record, now)
        if bool(self.are_chains_stale()):
            made.chains.fingerprint.assign(self.chains.fingerprint)
        return made
