"""Whether log-determinants that are estimated for speed are computed exactly instead."""

import contextlib
import threading
from collections.abc import Iterator

__all__ = ["exact_log_determinants", "wants_exact"]

_LOCAL = threading.local()


@contextlib.contextmanager
def exact_log_determinants() -> Iterator[None]:
    """Makes bijectors that estimate log-determinants compute them exactly inside the context.

    For the evaluation of a flow that was trained by estimates: a `Residual` of D entries then takes
    its whole Jacobian, D times the cost of the network. A `tf.function` keeps what it was traced
    with.

    >>> import tensorflow as tf
    >>> from tfp_ebm import bijectors, networks
    >>> flow = bijectors.Residual(networks.LipschitzNet((40,), [8]))
    >>> flow.log_det_kind
    'unbiased estimate'
    >>> with bijectors.exact_log_determinants():
    ...     flow.log_det_kind
    'exact'
    """
    before = wants_exact()
    _LOCAL.exact = True
    try:
        yield
    finally:
        _LOCAL.exact = before


def wants_exact() -> bool:
    """Whether the present thread is inside the context."""
    return getattr(_LOCAL, "exact", False)
