"""Adds the readme to the metadata of pyproject.toml, with links that work outside the sources."""

import pathlib
import re

from setuptools import setup

ROOT = pathlib.Path(__file__).parent


def readme() -> str:
    """Returns README.md with its relative links as addresses in the repository."""
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    repository = re.search(r'^Repository = "(.*)"$', project, re.MULTILINE)[1]
    raw = repository.replace("github.com", "raw.githubusercontent.com")
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    text = re.sub(r"(!\[[^]]*\]\()(?!https?:)", rf"\1{raw}/main/", text)
    return re.sub(r"((?<!!)\[[^]]*\]\()(?!https?:)", rf"\1{repository}/blob/main/", text)


if __name__ == "__main__":
    setup(long_description=readme(), long_description_content_type="text/markdown")
