"""Runs that go on: with other options, after a loss that is not finite, beyond their end."""

import json

import numpy as np
import pytest
import tensorflow as tf

from tfp_ebm import cli, models
from tfp_ebm.runs import initial_weights

pytestmark = pytest.mark.usefixtures("small")


def train(*arguments):
    return cli.main(["train", *map(str, arguments)])


def config_of(run):
    return json.loads((run / "config.json").read_text())


def test_a_finished_run_goes_on_with_more_epochs(run, capsys):
    before = config_of(run)
    assert train("--resume", run, "--epochs", 1) == 0
    assert "is finished" in capsys.readouterr().out and config_of(run) == before
    assert train("--resume", run, "--learning-rate", 1e-4) == 0  # No epoch is left for it.
    assert "is finished" in capsys.readouterr().out and config_of(run) == before
    assert train("--resume", run, "--epochs", 2, "--seed", 3, "--clip-norm", 1.0) == 0
    config = config_of(run)
    assert config["epochs"] == 2 and config["seed"] == 3 and config["clip_norm"] == 1.0
    (change,) = config["changes"]
    assert change["update"] == 2 and change["time"].endswith("+00:00")
    assert change["options"] == {
        "epochs": {"from": 1, "to": 2},
        "seed": {"from": 0, "to": 3},
        "clip_norm": {"from": None, "to": 1.0},
    }
    rows = (run / "metrics.csv").read_text().splitlines()
    assert [row.split(",")[0] for row in rows] == ["epoch", "1", "2"]
    summary = json.loads((run / "summary.json").read_text())
    assert summary["changes"] == config["changes"]


def test_after_a_loss_that_is_not_finite_another_rate_goes_on(run, capsys):
    checkpoints = sorted((run / "training").iterdir())
    assert train("--resume", run, "--epochs", 3, "--learning-rate", 1e30) == 1
    error = capsys.readouterr().err
    assert error.count("\n") == 1 and "not finite in update 3" in error
    assert f"update 2, training goes on with another rate by: tfp-ebm train --resume {run}" in error
    assert sorted((run / "training").iterdir()) == checkpoints
    assert train("--resume", run) == 1  # As it was, it fails again.
    assert train("--resume", run, "--learning-rate", 1e-3, "--seed", 1) == 0
    changes = config_of(run)["changes"]
    assert [change["update"] for change in changes] == [2, 2]
    assert changes[1]["options"]["learning_rate"] == {"from": 1e30, "to": 1e-3}
    rows = (run / "metrics.csv").read_text().splitlines()
    assert len(rows) == 4 and "nan" not in "".join(rows)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--num-filters", 8], "differs in num_filters; leave these options out"),
        (["--batch-size", 4, "--seed", 1], "differs in batch_size;"),
        (["--base-learning-rate", 0.1], "differs in base_learning_rate;"),
        (["--precision", "bfloat16"], "differs in precision;"),
        (["--dataset", "mnist"], "differs in dataset;"),
        (["--learning-rate", -1], "`--learning-rate` must be a finite number above 0"),
        (["--epochs", 0], "`--epochs` must be an integer of at least 1"),
        (["--output", "elsewhere"], "`--output` has no place beside `--resume`"),
    ],
)
def test_what_a_run_keeps(run, capsys, options, message):
    before = config_of(run)
    assert train("--resume", run, *options) == 2
    error = capsys.readouterr().err
    assert message in error and error.count("\n") == 1
    assert config_of(run) == before


def test_a_run_starts_from_the_parts_that_it_shares(tmp_path, monkeypatch, capsys):
    flow = ("nice", {"num_couplings": 1, "hidden_units": [3]})
    data = models.DataSpec((2,))
    first, second = (
        models.build(models.ModelSpec(data, flow, base)) for base in ("normal", "spins")
    )
    for variable in first.trainable_variables:
        variable.assign_add(tf.ones_like(variable))
    config = {"spec": models.ModelSpec(data, flow, "normal").to_dict()}
    monkeypatch.setattr(initial_weights, "load_model", lambda run: (config, first))
    spec = models.ModelSpec(data, flow, "spins")
    before = models.parts(second).base.bias.numpy()
    assert initial_weights.take_weights(second, spec, tmp_path) == ["flow"]
    pairs = zip(
        models.parts(first).flow.variables, models.parts(second).flow.variables, strict=True
    )
    for one, other in pairs:
        np.testing.assert_array_equal(one, other)
    np.testing.assert_array_equal(models.parts(second).base.bias, before)
    third = models.ModelSpec(data, ("nice", {"num_couplings": 2}), "spins")
    for other in (third, models.ModelSpec(models.DataSpec((3,)), flow, "normal")):
        with pytest.raises(ValueError, match="has no part in common with the new model"):
            initial_weights.take_weights(models.build(other), other, tmp_path)


@pytest.mark.parametrize("base", ["gaussian_rbm", "normal"])
def test_flow_and_base_start_from_the_moments_of_data(base):
    flow = ("vector_glow", {"num_steps": 2, "hidden_units": [3]})
    model = models.build(models.ModelSpec(models.DataSpec((3,)), flow, base))
    points = np.random.default_rng(0).normal([5.0, 0.0, -3.0], [2.0, 0.1, 7.0], [200, 3])
    done = initial_weights.initialize(model, points.astype(np.float32), 0)
    assert done[0] == "flow" and len(done) == (2 if base == "gaussian_rbm" else 1)
    z = models.latents(model, points.astype(np.float32)).numpy()
    assert np.abs(z.mean(axis=0)).max() < 0.5 and np.abs(z.std(axis=0) - 1).max() < 0.5
    if base == "gaussian_rbm":
        np.testing.assert_allclose(models.parts(model).base.scale, z.std(axis=0), rtol=0.05)


def test_what_another_run_gave_is_not_set_again():
    flow = ("vector_glow", {"num_steps": 1, "hidden_units": [3]})
    model = models.build(models.ModelSpec(models.DataSpec((3,)), flow, "gaussian_rbm"))
    before = [variable.numpy() for variable in models.parts(model).flow.variables]
    points = np.random.default_rng(0).normal(5.0, 2.0, [200, 3]).astype(np.float32)
    done = initial_weights.initialize(model, points, 0, taken=["flow"])
    assert len(done) == 1 and done[0].startswith("base")
    for one, other in zip(before, models.parts(model).flow.variables, strict=True):
        np.testing.assert_array_equal(one, other)
    z = models.latents(model, points).numpy()
    np.testing.assert_allclose(models.parts(model).base.scale, z.std(axis=0), rtol=0.05)


def test_what_cannot_be_set_from_data_is_told():
    flow = ("real_nvp", {"num_couplings": 1, "hidden_units": [3]})
    model = models.build(models.ModelSpec(models.DataSpec((2,)), flow, "normal"))
    with pytest.raises(ValueError, match="`--initialize` has nothing to set"):
        initial_weights.initialize(model, np.ones([4, 2], np.float32), 0)
