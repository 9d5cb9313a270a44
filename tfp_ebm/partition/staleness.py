"""Warnings where a density or its gradient rests on other parameters than the present ones."""

import contextlib
import threading
import warnings
import weakref
from collections.abc import Iterator

import numpy as np
import tensorflow as tf

from tfp_ebm.internal.fingerprint import fingerprint, has_changed
from tfp_ebm.internal.protocols import AnnealedBase, AnnealedMachine
from tfp_ebm.internal.tf_private import is_recording
from tfp_ebm.internal.tfp_private import is_xla
from tfp_ebm.mcmc import PersistentChains

__all__ = ["values_unread", "watch"]

_VALUE = (
    "`log_prob` of `{name}` rests on a log Z of other parameters, or on one that its chains lost: "
    "its values may be off by many nats, its gradients are not. Call `estimate_log_partition()` "
    "before values are read."
)
_GRADIENT = (
    "A gradient of log Z of `{name}` runs through chains that have not moved since the parameters "
    "did, so it is that of other parameters. Call `update_chains()` after every update."
)
# Chains and estimates that were warned about: once is enough.
_WARNED: weakref.WeakSet = weakref.WeakSet()
_LOCAL = threading.local()


@contextlib.contextmanager
def values_unread() -> Iterator[None]:
    """Tells that densities are evaluated for another end than their values, as under a tape."""
    previous = getattr(_LOCAL, "is_unread", False)
    _LOCAL.is_unread = True
    try:
        yield
    finally:
        _LOCAL.is_unread = previous


def watch(
    base: AnnealedBase,
    negative_phase: tf.Tensor,
    machine: AnnealedMachine,
    chains: PersistentChains | None,
) -> tf.Tensor:
    """Returns the negative phase, watched: it warns, once each, of what is stale when it is used.

    * A gradient through it warns where the chains have not moved since the parameters did.
    * Its value warns where log Z was estimated for other parameters, if no tape is active: with
      one, as in training, the value is on the way to a gradient, which does not need log Z.

    In graphs the comparison is part of the graph, and Python is called only where something is
    stale. Code that XLA compiles can call no Python: there a gradient warns when it is traced,
    where the chains are stale at that moment and the function has not moved them up to there. What
    becomes stale later is not seen, nor are values, which an outer tape may be on its way to
    differentiate. A function that was traced outside of XLA cannot be called inside it.

    Args:
      base: the distribution.
      negative_phase: `[*batch_shape]`, mean of the log marginals of the chains.
      machine: its machine, at the present parameters.
      chains: its chains; None if the negative phase came from elsewhere.
    """
    watched = _Watched(base, machine, chains)
    if tf.executing_eagerly():
        watched.check_value()
    elif not is_xla():
        negative_phase = watched.check_in_graph(negative_phase)

    @tf.custom_gradient
    def noted(value):
        def gradient(upstream):
            watched.note_gradient()
            return upstream

        return tf.identity(value), gradient

    return noted(negative_phase)


class _Watched:
    """One evaluation of the negative phase."""

    def __init__(self, base, machine, chains):
        self._base, self._machine, self._chains = base, machine, chains
        self._is_eager = tf.executing_eagerly()
        self._is_taped = is_recording() or getattr(_LOCAL, "is_unread", False)
        self._has_gradient = False

    def _subject(self, is_gradient):
        """Returns what may be stale, None if there is none or it was warned about."""
        part = self._chains if is_gradient else self._base.stored_log_partition
        return None if part is None or part in _WARNED else part

    def _warn(self, is_gradient):
        part = self._subject(is_gradient)
        if part is not None:
            _WARNED.add(part)
            message = _GRADIENT if is_gradient else _VALUE
            warnings.warn(message.format(name=self._base.name), stacklevel=2)

    def _is_stale(self, is_gradient):
        if is_gradient:
            return has_changed(self._chains.fingerprint, fingerprint(self._machine))
        return self._base.is_log_partition_stale()

    def check_value(self):
        part = None if self._is_taped else self._subject(is_gradient=False)
        if part is not None and bool(self._is_stale(is_gradient=False)):
            self._warn(is_gradient=False)

    def note_gradient(self):
        self._has_gradient = True
        if is_xla():
            self._check_gradient_when_traced()
        # A graph made of an eager evaluation is one of `tape.jacobian`.
        if self._is_eager and tf.executing_eagerly():
            part = self._subject(is_gradient=True)
            if part is not None and bool(self._is_stale(is_gradient=True)):
                self._warn(is_gradient=True)

    def _check_gradient_when_traced(self):
        chains = self._subject(is_gradient=True)
        # A replica cannot read what belongs to all of them.
        if chains is None or tf.distribute.has_strategy() or _is_used(chains.fingerprint):
            return
        with tf.init_scope():
            if tf.executing_eagerly() and bool(self._base.are_chains_stale()):
                self._warn(is_gradient=True)

    def check_in_graph(self, value):
        if self._subject(is_gradient=self._is_taped) is None:
            return value

        def report():
            # Whether there is a gradient is known only when the whole graph is.
            if self._has_gradient == self._is_taped:
                self._warn(is_gradient=self._is_taped)
            return np.int32(0)

        check = tf.cond(
            self._is_stale(is_gradient=self._is_taped),
            lambda: tf.numpy_function(report, [], tf.int32),
            lambda: tf.constant(0),
        )
        with tf.control_dependencies([check]):
            return tf.identity(value)


def _is_used(variable):
    """Whether the function being traced, or one around it, has read or written a variable."""
    graph = tf.compat.v1.get_default_graph()
    while graph is not None:
        if any(outer is variable.handle for outer, _ in getattr(graph, "captures", ())):
            return True
        graph = getattr(graph, "outer_graph", None)
    return False
