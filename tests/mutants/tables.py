"""Reads the tables of faults."""

import importlib
import pathlib
import pkgutil
from collections.abc import Sequence
from typing import NamedTuple

from tests import mutants

ROOT = pathlib.Path(__file__).parents[2]
_NOT_TABLES = {"__main__", "runner", "tables"}


class Mutant(NamedTuple):
    """One fault: what stands in a module, what to put there, and the tests that must notice."""

    module: str
    original: str
    faulty: str
    test: str

    def source(self, root: pathlib.Path = ROOT) -> str:
        """Returns the faulty module of the tree in a folder.

        Raises:
          ValueError: unless the original occurs exactly once.
        """
        text = (root / self.module).read_text()
        count = text.count(self.original)
        if count != 1:
            raise ValueError(f"{self.module}: {self.original!r} must occur once, occurs {count}.")
        return text.replace(self.original, self.faulty)


def load(only: Sequence[str] = ()) -> list[Mutant]:
    """Returns the mutants of all packages, or of modules whose path holds one of `only`."""
    found = []
    for entry in pkgutil.iter_modules(mutants.__path__):
        if entry.name in _NOT_TABLES:
            continue
        table = importlib.import_module(f"tests.mutants.{entry.name}")
        for name, faults in table.FAULTS.items():
            module = f"tfp_ebm/{entry.name}/{name}.py"
            test = table.TESTS.get(name, f"{entry.name}/{name}")
            folder, _, test = (test if "/" in test else f"{entry.name}/{test}").rpartition("/")
            test = f"tests/{folder}/test_{test}.py"
            found += [Mutant(module, *fault, test) for fault in faults]
    return [mutant for mutant in found if not only or any(part in mutant.module for part in only)]
