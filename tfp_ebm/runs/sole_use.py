"""A run is trained by one process at a time."""

import contextlib
import os
import pathlib
from collections.abc import Iterator

__all__ = ["sole_use"]


@contextlib.contextmanager
def sole_use(run: pathlib.Path) -> Iterator[None]:
    """Keeps other processes of this machine from training in a run's folder meanwhile.

    Two of them would write the same checkpoints in turns, each over the other's. The lock is the
    operating system's, on the folder itself: nothing is left behind, whatever ends the process.
    Systems without such locks (Windows) do without.

    Args:
      run: the run folder.

    Raises:
      ValueError: if another process has it.
    """
    try:
        import fcntl
    except ImportError:
        yield
        return
    descriptor = os.open(run, os.O_RDONLY)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise ValueError(
                f"{run} is being trained by another process; wait until it ends, or end it first."
            ) from None
        yield
    finally:
        os.close(descriptor)
