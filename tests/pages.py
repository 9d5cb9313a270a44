"""The pages of the documentation, with their code and commands."""

import pathlib
import re
import shlex

ROOT = pathlib.Path(__file__).parents[1]
_MADE = ("tutorials",)  # Written by the script that executes the tutorials.


def pages():
    """Returns the README and the pages of the site that are written by hand."""
    docs = sorted((ROOT / "docs").rglob("*.md"))
    written = [path for path in docs if path.relative_to(ROOT / "docs").parts[0] not in _MADE]
    return [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *written]


def identify(path):
    """Returns the name of a page."""
    return str(path.relative_to(ROOT))


def code(path):
    """Returns the blocks of Python of a page, one after the other."""
    return "\n".join(re.findall(r"```python\n(.*?)```", path.read_text(), flags=re.DOTALL))


def commands(path):
    """Returns the command lines of a page, each as its words, without variables and comments."""
    text = path.read_text()
    blocks = re.findall(r"```sh\n(.*?)```", text, flags=re.DOTALL)
    indented = r"^    (?:tfp-ebm|python|make|for) .*\n(?:    .*\n)*"
    blocks += re.findall(indented, text, flags=re.MULTILINE)
    lines = re.split(r"\n|&&|;", re.sub(r"\\\n\s*", "", "\n".join(blocks)))
    words = [shlex.split(line, comments=True) for line in lines if "'" not in line]
    return [line for line in words if line]
