"""ChannelSplit against the conformance checks."""

from tests import registry

test_conformance = registry.conformance("ChannelSplit")
