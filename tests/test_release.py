"""What is said in several places at once is the same in all of them."""

import pathlib
import re

import tfp_ebm
from tfp_ebm.internal import versions

ROOT = pathlib.Path(__file__).parents[1]


def read(name):
    return (ROOT / name).read_text()


def test_version_citation_and_changelog_agree():
    version = tfp_ebm.__version__
    assert re.search(r"^version: (.*)$", read("CITATION.cff"), re.M)[1] == version
    assert f"version = {{{version}}}" in read("CITATION.bib")
    newest = re.search(r"^## (\S+)", read("CHANGELOG.md"), re.M)[1]
    assert newest == ("Unreleased" if ".dev" in version else version)


def test_bounds_are_those_that_are_checked_and_documented():
    project = read("pyproject.toml")
    for requirement in re.findall(r'"([^"]+)"', versions._REMEDY):
        assert f'"{requirement}"' in project
    oldest = {name: ".".join(map(str, least)) for name, (_, least) in versions._PARTNERS.items()}
    assert f"| TensorFlow, with tf-keras of its minor | {oldest['tensorflow']} |" in read(
        "CONTRIBUTING.md"
    )
    assert f'"{oldest["tensorflow"]}": [' in read("tools/versions.py")
    assert oldest["tf_keras"] == oldest["tensorflow"]


def test_every_python_that_is_supported_is_named():
    project = read("pyproject.toml")
    low, high = re.search(r'requires-python = ">=3\.(\d+),<3\.(\d+)"', project).groups()
    named = re.findall(r"Programming Language :: Python :: 3\.(\d+)", project)
    assert [int(minor) for minor in named] == list(range(int(low), int(high)))
