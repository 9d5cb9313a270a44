"""Invertible1x1Conv against the conformance checks."""

from tests import registry

test_conformance = registry.conformance("Invertible1x1Conv")
