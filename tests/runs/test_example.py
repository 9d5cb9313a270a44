"""The run of the examples."""

import pytest

from tfp_ebm import runs


@pytest.mark.slow
def test_the_example_is_a_finished_run_that_says_nothing(capsys):
    run = runs.example_run("spins")
    assert not capsys.readouterr().out
    config, model = runs.load_model(run)
    assert config["dataset"] == "two_moons" and model.event_shape == [2]
    assert (run / "summary.json").is_file()
