"""Progress bars on the terminal; nothing where standard error is no terminal."""

import contextlib
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from tqdm import tqdm

__all__ = ["bar", "count", "shares"]


def bar(items: Sequence[Any], description: str) -> Iterator[Any]:
    """Yields the items while a bar grows."""
    # None: a bar on terminals only.
    yield from tqdm(items, desc=description, disable=None, leave=False)


@contextlib.contextmanager
def count(description: str, total: int | None) -> Iterator[Callable[[int], None] | None]:
    """Yields a function that takes the number that is done; None where nobody would see it."""
    if not sys.stderr.isatty():
        yield None
        return
    with tqdm(total=total, desc=description, leave=False) as progress:
        yield lambda number: progress.update(number - progress.n)


@contextlib.contextmanager
def shares(description: str) -> Iterator[Callable[[float], None] | None]:
    """Yields a function that takes the share that is done; None where nobody would see it."""
    if not sys.stderr.isatty():
        yield None
        return
    with tqdm(total=100, desc=description, leave=False, bar_format="{l_bar}{bar}|") as progress:

        def report(share):
            progress.update(100 * share - progress.n)

        yield report
