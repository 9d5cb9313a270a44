"""Fences around the examples of docstrings."""

import griffe

from website import doctests


def test_examples_end_at_the_next_empty_line_and_keep_their_indent():
    text = "Adds.\n\n    >>> 1 + 1\n    2\n    >>> 3\n    3\n\nArgs:\n  x: a number."
    fenced = doctests.fence(text)
    assert "    ```pycon\n    >>> 1 + 1\n    2\n    >>> 3\n    3\n    ```\n\nArgs:" in fenced
    assert doctests.fence("No example > here.") == "No example > here."


def test_the_extension_changes_docstrings_as_they_are_loaded():
    extensions = griffe.load_extensions(doctests.FencedDoctests())
    loaded = griffe.load("website.doctests", search_paths=["."], extensions=extensions)
    assert loaded["fence"].docstring.value.count("```pycon") == 2
