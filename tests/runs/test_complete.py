"""Runs of studies."""

import importlib

import pytest

from tfp_ebm import runs

GIVEN = {"dataset": "two_moons", "flow": "affine", "base": "normal", "batch_size": 1000}


@pytest.mark.slow
def test_what_is_there_is_not_made_again(tmp_path, monkeypatch):
    first = runs.complete(tmp_path / "run", epochs=1, evaluation={"seed": 3}, **GIVEN)
    assert (tmp_path / "run" / "evaluation-3.json").is_file()
    evaluated = []
    module = importlib.import_module("tfp_ebm.runs.complete")  # The name is that of its function.
    monkeypatch.setattr(module, "evaluate", lambda *given, **options: evaluated.append(options))
    assert runs.complete(tmp_path / "run", epochs=1, evaluation={"seed": 3}, **GIVEN) == first
    assert not evaluated
    runs.complete(tmp_path / "run", epochs=2, evaluation={"seed": 3}, **GIVEN)
    assert evaluated == [{"data_dir": None, "seed": 3}]
