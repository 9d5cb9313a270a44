"""The tables of faults fit the code: see `make mutants`."""

import ast

import pytest

from tests.mutants import tables

MUTANTS = tables.load()


@pytest.mark.parametrize("module", sorted({mutant.module for mutant in MUTANTS}))
def test_every_fault_can_be_planted_and_has_its_tests(module):
    for mutant in (mutant for mutant in MUTANTS if mutant.module == module):
        faulty = mutant.source()  # Raises unless the original occurs exactly once.
        assert ast.dump(ast.parse(faulty)) != ast.dump(
            ast.parse((tables.ROOT / module).read_text())
        )
        assert (tables.ROOT / mutant.test).is_file()


def test_there_are_faults_of_every_kind():
    packages = {mutant.module.split("/")[1] for mutant in MUTANTS}
    wanted = {"bijectors", "distributions", "mcmc", "metrics", "networks", "partition", "training"}
    assert wanted <= packages
    assert len(MUTANTS) >= 60 and len(MUTANTS) == len(set(MUTANTS))
