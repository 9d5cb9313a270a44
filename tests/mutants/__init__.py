"""Faults of one line each, which the mirrored test file must notice: see `make mutants`."""
