"""Every public class goes through the conformance checks, in the test file of its module."""

import pathlib

import pytest

from tests import registry
from tfp_ebm import bijectors, distributions

PACKAGES = {bijectors: registry.BIJECTORS, distributions: registry.DISTRIBUTIONS}


@pytest.mark.parametrize("package", PACKAGES, ids=lambda package: package.__name__)
def test_every_public_class_is_registered(package):
    registered = {entry.split()[0] for entry in PACKAGES[package]}
    assert set(package.__all__) - registered == set()


@pytest.mark.parametrize("package", PACKAGES, ids=lambda package: package.__name__)
def test_the_mirrored_test_file_checks_every_entry(package):
    for name in {entry.split()[0] for entry, value in PACKAGES[package].items() if value}:
        _, folder, module = getattr(package, name).__module__.split(".")
        tests = pathlib.Path(__file__).parent / folder / f"test_{module}.py"
        assert f'registry.conformance("{name}")' in tests.read_text()
