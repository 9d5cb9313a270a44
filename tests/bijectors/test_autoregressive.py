from tests import registry

test_conformance = registry.conformance("Autoregressive")
