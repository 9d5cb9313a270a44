"""Every public class goes through the conformance checks."""

import pytest

from tests import registry
from tfp_ebm import bijectors, distributions
from tfp_ebm.testing import check_bijector, check_distribution


def cases(entries):
    """One case for each entry; a known fault may fail, and must not stay known for long."""
    for name in entries:
        reason = registry.KNOWN_FAULTS.get(name)
        marks = [pytest.mark.xfail(reason=reason)] if reason else []
        yield pytest.param(name, marks=marks)


@pytest.mark.parametrize("name", cases(registry.BIJECTORS))
def test_bijector(name):
    make, points, *options = registry.BIJECTORS[name]
    check_bijector(make, points, **dict(*options))


@pytest.mark.parametrize("name", cases(n for n, e in registry.DISTRIBUTIONS.items() if e))
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
