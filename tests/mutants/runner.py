"""Runs test files against faults, each in a fork of a process that has TensorFlow loaded.

Loading TensorFlow takes longer than most test files, so that a fork for each fault is several times
faster than a process for each.
"""

import contextlib
import os
import pathlib
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence

from tests.mutants.tables import ROOT, Mutant

_SECONDS = 900  # A fault that makes a loop endless counts as noticed after that.
_COPIED = ("tfp_ebm", "tests", "conftest.py", "pyproject.toml", "README.md", "docs", "examples")


def preload() -> None:
    """Imports what test files need, but nothing of the package itself, and runs nothing in TensorFlow.

    Its threads would not survive the fork.
    """
    import hypothesis  # noqa: F401
    import pytest  # noqa: F401
    import scipy.stats  # noqa: F401
    import tensorflow  # noqa: F401
    import tensorflow_probability as tfp
    import tf_keras  # noqa: F401

    _ = tfp.distributions  # Loaded at its first use.


@contextlib.contextmanager
def copy_of_the_tree() -> Iterator[pathlib.Path]:
    """Yields a folder with a copy of what the tests read."""
    with tempfile.TemporaryDirectory(prefix="mutants-") as folder:
        for name in _COPIED:
            source, target = ROOT / name, pathlib.Path(folder) / name
            if source.is_dir():
                shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy(source, target)
        yield pathlib.Path(folder)


def run_tests(folder: pathlib.Path, test: str) -> tuple[int, float]:
    """Returns pytest's exit code for one test file in a copy of the tree, and the seconds taken."""
    start = time.monotonic()
    child = os.fork()
    if child == 0:
        _run_in_child(folder, test)
    status = os.waitpid(child, 0)[1]
    return os.waitstatus_to_exitcode(status), time.monotonic() - start


def _run_in_child(folder, test):
    code = 70
    try:
        signal.alarm(_SECONDS)
        os.chdir(folder)
        sink = os.open(folder / "output.txt", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(sink, 1)
        os.dup2(sink, 2)
        # The source changes within a second and at the same size: compiled files would be stale.
        os.environ.update(PYTHONPATH=str(folder), PYTHONDONTWRITEBYTECODE="1")
        sys.dont_write_bytecode = True
        for name in [name for name in sys.modules if name.split(".")[0] in ("tests", "tfp_ebm")]:
            del sys.modules[name]
        sys.path[:] = [str(folder), *(path for path in sys.path if path not in ("", str(ROOT)))]
        import pytest

        for marked in ("not slow", "slow"):
            code = int(pytest.main([test, "-x", "-q", "-m", marked, "-p", "no:cacheprovider"]))
            code = 0 if code == pytest.ExitCode.NO_TESTS_COLLECTED else code
            if code:
                break
    finally:
        sys.stdout.flush()
        os._exit(code)


def run(mutants: Sequence[Mutant], clean_tests: Sequence[str], write: int) -> None:
    """Runs clean test files, then mutants, and writes one line about each to a file descriptor."""
    preload()
    with copy_of_the_tree() as folder:
        for test in clean_tests:
            code, seconds = run_tests(folder, test)
            _tell(write, "clean" if code == 0 else "broken", seconds, test)
        for mutant in mutants:
            path = folder / mutant.module
            original = path.read_text()
            path.write_text(mutant.source(folder))
            code, seconds = run_tests(folder, mutant.test)
            path.write_text(original)
            result = "SURVIVED" if code == 0 else "killed"
            change = f"{mutant.module}: {mutant.original!r} -> {mutant.faulty!r}"
            _tell(write, result, seconds, change)


def _tell(write, result, seconds, what):
    os.write(write, f"{result}\t{seconds:.0f} s\t{what}\n".encode())
