import json
import shutil
import subprocess
import sys

import numpy as np
import pytest

from tfp_ebm import cli, datasets, metrics, models
from tfp_ebm.bijectors import exact_log_determinants
from tfp_ebm.runs import machines
from tfp_ebm.runs.evaluate import evaluate_model, find_network, units_of_table
from tfp_ebm.runs.run_folder import load_model, write_json
from tfp_ebm.testing.conformance import randomize
from tfp_ebm.training import checkpoint

SPEC = models.named_spec(
    "rbm_flow",
    models.DataSpec((8, 8, 1), 17),
    flow=("vector_glow", {"num_steps": 1, "hidden_units": [8]}),
)


@pytest.fixture(scope="module", autouse=True)
def short_annealing():
    """Yields how long it is outside of these tests."""
    short = {"_NUM_CHAINS": 64, "_NUM_STEPS": 200, "_NUM_REVERSE": 100}
    with pytest.MonkeyPatch.context() as patch:
        usual = {name: getattr(machines, name) for name in short}
        for name, value in short.items():
            patch.setattr(machines, name, value)
        yield usual


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """The folder of a run that was not trained, but whose machine is coupled."""
    folder = tmp_path_factory.mktemp("runs") / "coupled"
    folder.mkdir()
    config = {"model": "rbm_flow", "dataset": "digits", "data": {}, "spec": SPEC.to_dict()}
    write_json(folder / "config.json", config)
    model = models.build(SPEC)
    weights = model.distribution.distribution.weights
    weights.assign(0.05 * np.random.default_rng(0).normal(size=weights.shape))
    checkpoint.save(model, folder / "checkpoint")
    return folder


@pytest.fixture(scope="module")
def judged(run):
    """The same run, with a classifier of its own that has seen the digits once."""
    data = datasets.load("digits")
    path = run / "classifier.npz"
    metrics.train_classifier(data.train, data.train_labels, path, data.num_levels, epochs=1)
    return run


QUALITY = ["--importance-draws", "3", "--num-samples", "70", "--seed", "5"]


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:The Frechet")
def test_records_of_an_evaluation(judged, capsys):
    assert cli.main(["evaluate", str(judged), *QUALITY]) == 0
    result = json.loads(capsys.readouterr().out)
    assert result == json.loads((judged / "evaluation-5.json").read_text())
    kinds = [record["kind"] for record in result["likelihood"]]
    assert kinds == ["one-draw bound", "importance-sampled bound", "density at the raw pixels"]
    one, many, raw = result["likelihood"]
    assert [one["num_draws"], many["num_draws"], raw["num_draws"]] == [1, 3, 0]
    assert many["nats"] < one["nats"] and not raw["is_bound"]
    assert one["num_dimensions"] == 64 and one["num_levels"] == 17
    assert one["preprocessing"].startswith("[0, 17] to [0.05, 0.95], then logit")
    assert one["nats"] == result["nats_per_image"] and one["num_events"] == 447
    assert result["log_partition"]["method"] == "BAR"
    names = [record["metric"] for record in result["quality"]]
    assert names == ["frechet_distance", "kernel_distance", "inception_score"]
    sha256 = json.loads((judged / "classifier.json").read_text())["sha256"]
    for record in result["quality"]:
        assert record["num_samples"] == 70 and record["network_sha256"] == sha256


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:The Frechet")
def test_two_evaluations_agree_to_the_last_digit(
    run, tmp_path, capsys, monkeypatch, short_annealing
):
    """The first one trains the classifier; the second one, in another process, finds it."""
    for name, value in short_annealing.items():  # Another process anneals as long as usual.
        monkeypatch.setattr(machines, name, value)
    folder = tmp_path / "run"
    shutil.copytree(run, folder, ignore=shutil.ignore_patterns("classifier*", "evaluation*"))
    assert cli.main(["evaluate", str(folder), *QUALITY]) == 0
    first = capsys.readouterr().out
    kept = (folder / "evaluation-5.json").read_text()
    again = subprocess.run(
        [sys.executable, "-m", "tfp_ebm.cli", "evaluate", str(folder), *QUALITY],
        capture_output=True,
        text=True,
    )
    assert again.returncode == 0, again.stderr
    assert again.stdout == first
    assert (folder / "evaluation-5.json").read_text() == kept


@pytest.mark.slow
def test_figures_are_those_of_the_model(run, capsys):
    assert cli.main(["evaluate", str(run)]) == 0
    result = json.loads(capsys.readouterr().out)
    _, model = load_model(run)
    base = model.distribution.distribution
    base.estimate_log_partition(64, 200, seed=(0, 1))
    images = datasets.load("digits").test[:100]
    nats = -model.log_prob(images, seed=(0, 0)).numpy().mean()
    assert result["nats_per_image"] == pytest.approx(nats, rel=0.02)  # 100 of the 447 images.
    raw = -model.distribution.log_prob(images.astype(np.float32)).numpy().mean()
    assert result["likelihood"][1]["nats"] == pytest.approx(raw, rel=0.02)
    assert "quality" not in result


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--num-samples", "-1"], "`--num-samples` must be 0, or an integer of at least 3"),
        (["--importance-draws", "-2"], "`--importance-draws` must be"),
    ],
)
def test_bad_options(run, options, message, capsys):
    assert cli.main(["evaluate", str(run), *options]) == 2
    assert message in capsys.readouterr().err


def test_networks_by_name(tmp_path):
    data = datasets.load("digits")
    with pytest.raises(ValueError, match="Did you mean 'classifier'"):
        find_network("clasifier", data, tmp_path)
    with pytest.raises(ValueError, match="is no whole classifier"):
        find_network("missing.npz", data, tmp_path)
    path = tmp_path / "classifier.npz"
    made = metrics.train_classifier(data.train, data.train_labels, path, 17, epochs=1)
    assert find_network("classifier", data, tmp_path).sha256 == made.sha256
    assert find_network(str(path), data, tmp_path / "elsewhere").sha256 == made.sha256


@pytest.mark.slow
def test_the_error_of_a_single_image_is_null(run, monkeypatch):
    from tfp_ebm.runs import machines
    from tfp_ebm.runs.finish import _report

    monkeypatch.setattr(machines, "_NUM_CHAINS", 4)
    monkeypatch.setattr(machines, "_NUM_STEPS", 3)
    result = evaluate_model(load_model(run)[1], datasets.load("digits").test[:1])
    assert json.loads(json.dumps(result, allow_nan=False))["nats_per_image_error"] is None
    assert result["bracket"]["nats_error"] is None
    assert result["likelihood"][0]["bits_per_dimension_error"] is None
    _report(result, run, "image")


def test_vectors_are_exact_and_tables_are_told_in_their_units(tmp_path):
    path = tmp_path / "table.csv"
    rng = np.random.default_rng(0)
    lines = [f"{value:.6f},{index % 7}" for index, value in enumerate(rng.normal(3, 4, 40))]
    path.write_text("\n".join(["depth,price", *lines]) + "\n")
    data = datasets.load(path)
    spec = models.ModelSpec(models.DataSpec.of(data), ("vector_glow", {"num_steps": 1}))
    result = evaluate_model(models.build(spec), data.test)
    assert result["bound"] == "one-draw bound" and result["num_events"] == len(data.test)
    scale = np.std([float(line.split(",")[0]) for line in lines])
    in_units = units_of_table(result, data)["nats_per_event_in_units_of_the_table"]
    assert in_units - result["nats_per_event"] == pytest.approx(np.log(scale), abs=0.1)
    points = rng.normal(size=[20, 2]).astype(np.float32)
    spec = models.ModelSpec(models.DataSpec((2,)), ("vector_glow", {"num_steps": 1}))
    model = models.build(spec)
    result = evaluate_model(model, points)
    assert result["bound"] == "exact" and len(result["likelihood"]) == 1
    nats = -np.mean(model.log_prob(points))
    assert result["nats_per_event"] == pytest.approx(nats, rel=1e-5)
    assert not result["likelihood"][0]["is_bound"]
    with pytest.raises(ValueError, match="`--importance-draws` tighten a bound"):
        evaluate_model(model, points, importance_draws=2)


@pytest.mark.slow
def test_estimated_densities_are_told_with_their_error():
    options = {"num_steps": 2, "hidden_units": [8]}
    spec = models.ModelSpec(models.DataSpec((20,)), ("residual", options), dtype="float64")
    model = models.build(spec)
    randomize(model, 1.0)
    points = np.random.default_rng(0).normal(size=[300, 20])
    result = evaluate_model(model, points, seed=3)
    assert result == evaluate_model(model, points, seed=3)
    (record,) = result["likelihood"]
    assert record["kind"] == record["log_determinants"] == result["bound"] == "unbiased estimate"
    with exact_log_determinants():
        exact = evaluate_model(model, points, seed=3)
        values = model.log_prob(points).numpy()
    assert exact["bound"] == exact["likelihood"][0]["log_determinants"] == "exact"
    assert exact["likelihood"][0]["estimate_error"] == 0
    assert exact["nats_per_event"] == pytest.approx(-values.mean(), rel=1e-9)
    error = record["estimate_error"]
    assert 0 < abs(record["nats"] - exact["nats_per_event"]) < 4 * error < 1
    # What two draws say of the error, many draws do.
    means = [evaluate_model(model, points, seed=seed)["nats_per_event"] for seed in range(8)]
    assert 0.5 < np.std(means) / error < 1.8


@pytest.mark.slow
def test_estimates_do_not_tighten_a_bound():
    options = {"num_scales": 1, "num_steps": 1, "hidden_units": [4]}
    spec = models.ModelSpec(models.DataSpec((6, 6, 1), 5), ("residual", options))
    images = np.random.default_rng(0).integers(0, 5, [4, 6, 6, 1]).astype(np.uint8)
    model = models.build(spec)
    with pytest.raises(ValueError, match="`--importance-draws` need exact log-determinants"):
        evaluate_model(model, images, importance_draws=2)
    with exact_log_determinants():
        kinds = [r["kind"] for r in evaluate_model(model, images, importance_draws=2)["likelihood"]]
    assert kinds == ["one-draw bound", "importance-sampled bound", "density at the raw pixels"]


@pytest.mark.slow
def test_a_residual_flow_on_the_command_line(tmp_path, capsys):
    run = tmp_path / "run"
    options = "--flow residual --base normal --dataset digits --set flow.num_steps=1 --epochs 1"
    options += " --set flow.hidden_units=4 --batch-size 500 --output"
    assert cli.main(["train", *options.split(), str(run)]) == 0
    assert "(bound, unbiased estimate, 447 images)" in capsys.readouterr().out
    assert cli.main(["evaluate", str(run), "--exact-log-det"]) == 0
    exact = json.loads(capsys.readouterr().out)["likelihood"][0]
    estimated = json.loads((run / "summary.json").read_text())["test"]["likelihood"][0]
    assert exact["log_determinants"] == "exact" and exact["estimate_error"] == 0
    assert estimated["log_determinants"] == "unbiased estimate" and estimated["num_draws"] == 2
    # Both with noise of their own, whose error the draws tell too.
    assert abs(exact["nats"] - estimated["nats"]) < 6 * estimated["estimate_error"]


def test_a_classifier_needs_labels(tmp_path):
    images = [np.zeros([2, 8, 8, 1], np.uint8)] * 3
    data = datasets.Dataset("mine", *images, num_levels=17)
    with pytest.raises(ValueError, match="learns the labels of mine, which has none"):
        find_network("classifier", data, tmp_path)
