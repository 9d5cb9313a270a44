"""Every public class goes through the conformance checks."""

import pytest

from tests import registry
from tfp_ebm import bijectors, distributions
from tfp_ebm.testing import check_bijector, check_distribution


@pytest.mark.parametrize("name", registry.BIJECTORS)
def test_bijector(name):
    make, points = registry.BIJECTORS[name]
    check_bijector(make, points)


@pytest.mark.parametrize("name", [n for n, e in registry.DISTRIBUTIONS.items() if e])
def test_distribution(name):
    make, options = registry.DISTRIBUTIONS[name]
    check_distribution(make, **options)


def test_every_public_class_is_registered():
    for package, entries in (
        (bijectors, registry.BIJECTORS),
        (distributions, registry.DISTRIBUTIONS),
    ):
        registered = {entry.split()[0] for entry in entries}
        assert set(package.__all__) - registered == set()
