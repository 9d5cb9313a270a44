"""Writes the Python code of the README to a file, for type checkers."""

import pathlib
import sys

from tests import pages

if __name__ == "__main__":
    target = pathlib.Path(sys.argv[1])
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(pages.code(pages.ROOT / "README.md"))
