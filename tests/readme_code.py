"""Writes the Python code of the README to a file, for type checkers."""

import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).parents[1]


def code(page="README.md"):
    """Returns the blocks of a page, one after the other."""
    text = (ROOT / page).read_text()
    return "\n".join(re.findall(r"```python\n(.*?)```", text, flags=re.DOTALL))


if __name__ == "__main__":
    target = pathlib.Path(sys.argv[1])
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(code())
