"""Fences the examples of docstrings, which Markdown would otherwise take for quotations."""

import re

import griffe

__all__ = ["FencedDoctests", "fence"]

_EXAMPLE = re.compile(r"^(?P<indent> *)>>> .*(?:\n(?! *$).*)*", re.MULTILINE)


def fence(docstring: str) -> str:
    r"""Returns a docstring whose doctests are blocks of code.

    >>> print(fence("Adds.\n\n>>> 1 + 1\n2"))
    Adds.
    <BLANKLINE>
    ```pycon
    >>> 1 + 1
    2
    ```
    """
    return _EXAMPLE.sub(lambda match: _fenced(match[0], match["indent"]), docstring)


def _fenced(block, indent):
    return f"{indent}```pycon\n{block}\n{indent}```"


class FencedDoctests(griffe.Extension):
    """Fences the doctests of every object that is loaded."""

    def on_object(self, *, obj: griffe.Object, **options: object) -> None:
        """Rewrites the docstring of an object."""
        if obj.docstring:
            obj.docstring.value = fence(obj.docstring.value)
