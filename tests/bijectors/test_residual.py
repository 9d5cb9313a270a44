from tests.registry import conformance

test_conformance = conformance("Residual")
