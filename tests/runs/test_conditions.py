"""Runs of events given their class, from training to samples, and models saved by hand."""

import dataclasses
import json
import shutil

import numpy as np
import pytest
import tensorflow as tf

from tfp_ebm import cli, datasets, models, runs
from tfp_ebm.datasets import Dataset
from tfp_ebm.models import Conditional, DataSpec, ModelSpec
from tfp_ebm.runs import conditions, machines
from tfp_ebm.runs.initial_weights import take_weights

IMAGES = np.random.default_rng(0).integers(0, 5, [24, 4, 4, 1]).astype(np.uint8)
LABELS = np.arange(24) % 3
PARTS = (*np.split(IMAGES, [16, 20]), *np.split(LABELS, [16, 20]))
DATA = Dataset("digits", *PARTS, num_levels=5, label_names=("cat", "dog", "2"))
MODEL = "--flow nice --set hidden_units=4 --set num_couplings=2 --base rbm --set num_hidden=8"
OPTIONS = [*MODEL.split(), *"--sampler persistent --gibbs-steps 1 --epochs 1".split()]
TRAIN = ["train", "--dataset", "digits", *OPTIONS, "--batch-size", "8"]


def _patch(patch, data=DATA):
    patch.setattr(datasets, "load", lambda name, data_dir=None, **options: data)
    patch.setattr("tensorflow.config.experimental.enable_op_determinism", lambda: None)
    for name, value in {"_NUM_CHAINS": 16, "_NUM_STEPS": 20, "_NUM_REVERSE": 3}.items():
        patch.setattr(machines, name, value)


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs") / "classes"
    with pytest.MonkeyPatch.context() as patch:
        _patch(patch)
        assert cli.main([*TRAIN, "--condition", "labels", "--output", str(folder)]) == 0
    return folder


@pytest.fixture
def run(monkeypatch, trained, tmp_path):
    _patch(monkeypatch)
    return shutil.copytree(trained, tmp_path / "run")


@pytest.mark.slow
def test_a_run_keeps_that_it_is_of_classes(run):
    config = json.loads((run / "config.json").read_text())
    assert config["condition"] == "labels" and config["label_names"] == ["cat", "dog", "2"]
    assert config["spec"]["data"]["num_context"] == 3
    assert {"samples.png", "columns.png"} <= {path.name for path in run.iterdir()}
    summary = json.loads((run / "summary.json").read_text())
    assert summary["test"]["condition"] == "labels" and summary["num_parameters"] > 0
    model = runs.load(run)
    assert isinstance(model, Conditional) and model.num_classes == 3


@pytest.mark.slow
def test_evaluation_uses_the_labels_of_the_test_part(run, capsys):
    assert cli.main(["evaluate", str(run), "--importance-draws", "2"]) == 0
    result = json.loads(capsys.readouterr().out)
    kinds = ["one-draw bound", "importance-sampled bound", "density at the raw pixels"]
    assert [record["kind"] for record in result["likelihood"]] == kinds
    assert result["bracket"]["num_events"] == 3
    _, model = runs.load_model(run)
    model.model.distribution.distribution.estimate_log_partition(16, 20, seed=(0, 1))
    log_prob = model(DATA.test_labels).log_prob(DATA.test, seed=(0, 0))
    assert result["nats_per_image"] == pytest.approx(-float(tf.reduce_mean(log_prob)), rel=1e-5)
    density = Conditional(model.model.distribution, 3)(DATA.test_labels)
    raw = -float(tf.reduce_mean(density.log_prob(DATA.test.astype(np.float32))))
    assert result["likelihood"][2]["nats"] == pytest.approx(raw, rel=1e-5)
    with pytest.raises(ValueError, match="`condition` is needed"):
        runs.evaluate_model(model, DATA.test)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("condition", "labels"),
    [("dog", [1] * 4), ("0", [0] * 4), ("2", [2] * 4), (None, [0, 1, 2, 0])],
)
def test_samples_of_a_class_or_of_all_in_turn(run, tmp_path, condition, labels):
    path = tmp_path / "samples.npy"
    given = [] if condition is None else ["--condition", condition]
    assert cli.main(["sample", str(run), "--num", "4", "--output", str(path), *given]) == 0
    expected = runs.load(run)(labels).sample(seed=(0, 2))
    np.testing.assert_array_equal(np.load(path), expected)


@pytest.mark.slow
def test_codes_given_the_labels(run):
    assert cli.main(["encode", str(run)]) == 0
    codes = np.load(run / "codes-0.npz")["validation"]
    model = runs.load(run)
    own = model(DATA.validation_labels)
    expected = models.encode(own, DATA.validation, tf.constant([0, 0])).mode()
    np.testing.assert_array_equal(codes, expected)


@pytest.mark.slow
def test_another_run_starts_from_its_parts(run):
    _, trained = runs.load_model(run)
    spec = models.spec_of(trained.model)
    fresh = models.build(spec)
    assert take_weights(fresh, spec, run) == ["flow", "base"]
    x = DATA.test[:2]
    expected = trained([0, 1]).log_prob(x, seed=(0, 1))
    np.testing.assert_allclose(
        Conditional(fresh, 3)([0, 1]).log_prob(x, seed=(0, 1)), expected, rtol=0.1
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["sample", "RUN", "--condition", "cow"], "must be one of 2, cat, dog, got 'cow'"),
        (["train", "--resume", "RUN", "--condition", "label"], "differs in condition"),
        (
            [*TRAIN, "--condition", "labels", "--set", "num_context=2", "--output", "RUN"],
            "num_context",
        ),
    ],
)
def test_what_does_not_fit(run, capsys, arguments, message):
    arguments = [str(run) if word == "RUN" else word for word in arguments]
    assert cli.main(arguments) == 2
    error = capsys.readouterr().err
    assert message in error and error.count("\n") == 1


@pytest.mark.slow
def test_runs_without_classes_take_no_condition(run, capsys):
    config = json.loads((run / "config.json").read_text())
    for key, fix in (("condition", None), ("label_names", None)):
        (run / "config.json").write_text(json.dumps({**config, key: fix}))
        if key == "condition":
            assert cli.main(["evaluate", str(run)]) == 2
            assert "must be there together" in capsys.readouterr().err
    plain = {**config, "condition": None}
    with pytest.raises(ValueError, match="`--condition` has no place here"):
        conditions.condition_of(plain, "1")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"train_labels": None, "validation_labels": None, "test_labels": None}, "by `--label`"),
        ({"test_labels": LABELS[20:] + 1}, "got 1 to 3 in the test part"),
        ({"train_labels": LABELS[:16] - 1, "label_names": ("a", "b", "c")}, "got -1 to 1"),
        ({"train_labels": 0 * LABELS[:16], "label_names": None}, "needs two classes or more"),
    ],
)
def test_labels_that_training_cannot_use(monkeypatch, capsys, tmp_path, changes, message):
    _patch(monkeypatch, dataclasses.replace(DATA, **changes))
    output = ["--output", str(tmp_path / "none")]
    assert cli.main([*TRAIN, "--condition", "labels", *output]) == 2
    assert message in capsys.readouterr().err and not (tmp_path / "none").exists()


@pytest.mark.slow
def test_data_with_other_classes_are_refused(run, monkeypatch, capsys):
    _patch(monkeypatch, dataclasses.replace(DATA, label_names=("a", "b", "c", "d")))
    assert cli.main(["evaluate", str(run)]) == 2
    assert "is of events of 3 classes, but digits has 4 classes" in capsys.readouterr().err


def test_costs_are_told_without_training(monkeypatch, capsys):
    _patch(monkeypatch)
    assert cli.main([*TRAIN, "--condition", "labels", "--dry-run"]) == 0
    assert "FLOPs of log_prob an image" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("text", "source"),
    [("labels", None), ("columns:age", ["age"]), ("columns:a,b", ["a", "b"]), ("array:c", "c")],
)
def test_where_conditions_come_from(text, source):
    assert conditions.source_of(text) == source


@pytest.mark.parametrize("text", ["label", "columns:", "columns:a,,b", "array:", "labels:x"])
def test_conditions_from_nowhere_are_named(text):
    with pytest.raises(ValueError, match=f"must be labels, columns:NAME.* got '{text}'"):
        conditions.source_of(text)


COLUMNS = (
    {"name": "age", "kind": "continuous", "location": 40.0, "scale": 10.0},
    {"name": "works", "kind": "category", "categories": ["no", "yes"]},
)


def _config(text, **data):
    return {"condition": text, "data": data, "spec": {"data": {"num_context": 3}}}


def test_texts_as_vectors():
    config = _config("columns:age,works", condition=list(COLUMNS))
    np.testing.assert_array_equal(conditions.condition_of(config, "age=55,works=no"), [1.5, 1, 0])
    array = _config("array:c", condition="c")
    np.testing.assert_array_equal(conditions.condition_of(array, "1,-2,3e1"), [1, -2, 30])


@pytest.mark.parametrize(
    ("condition", "text", "message"),
    [
        ("columns:age,works", "works=no,age=5", "must be age=VALUE,works=VALUE of this run"),
        ("columns:age,works", "age=5", "must be age=VALUE,works=VALUE of this run"),
        ("columns:age,works", "age=old,works=no", "`age` must be a finite number, got 'old'"),
        ("columns:age,works", "age=5,works=never", "'works'.*'never'"),
        ("array:c", "1,2", "must be 3 numbers for this run, .* got 2"),
        ("array:c", "1,2,nan", "must be a finite number, got 'nan'"),
    ],
)
def test_texts_that_are_no_vectors_are_named(condition, text, message):
    with pytest.raises(ValueError, match=message):
        conditions.condition_of(_config(condition, condition=list(COLUMNS)), text)


@pytest.mark.slow
def test_a_table_given_some_of_its_columns(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("tensorflow.config.experimental.enable_op_determinism", lambda: None)
    rng = np.random.default_rng(0)
    lines = ["age,works,height,weight"]
    for index in range(60):
        x, y = rng.normal(size=2)
        lines.append(f"{20 + index % 9},{'yes' if index % 3 else 'no'},{x},{y}")
    (tmp_path / "people.csv").write_text("\n".join(lines) + "\n")
    run, model = tmp_path / "run", "--flow vector_glow --set hidden_units=4 --set num_steps=1"
    train = ["train", *model.split(), "--base", "spins", "--dataset", str(tmp_path / "people.csv")]
    train += "--condition columns:age,works --epochs 1 --batch-size 16".split()
    assert cli.main([*train, "--output", str(run)]) == 0
    conditional = runs.load(run)
    assert isinstance(conditional, Conditional) and conditional.num_classes is None
    data = datasets.load(tmp_path / "people.csv", condition=["age", "works"])
    given = ["--num", "3", "--output", str(tmp_path / "s.npy")]
    assert cli.main(["sample", str(run), *given, "--condition", "age=30,works=yes"]) == 0
    values = {"age": [30.0], "works": ["yes"]}
    vector = datasets.condition_vectors(data.condition_columns, values)
    expected = conditional(np.repeat(vector, 3, axis=0)).sample(seed=(0, 2))
    np.testing.assert_allclose(np.load(tmp_path / "s.npy"), expected, rtol=1e-5)
    assert cli.main(["sample", str(run), *given]) == 0  # Given what test events are given.
    expected = conditional(data.test_condition[:3]).sample(seed=(0, 2))
    np.testing.assert_allclose(np.load(tmp_path / "s.npy"), expected, rtol=1e-5)
    capsys.readouterr()
    assert cli.main(["evaluate", str(run)]) == 0
    result = json.loads(capsys.readouterr().out)
    log_prob = conditional(data.test_condition).log_prob(data.test)
    assert result["condition"] == "vectors"
    assert result["nats_per_event"] == pytest.approx(-float(tf.reduce_mean(log_prob)), rel=1e-5)
    assert cli.main(["encode", str(run)]) == 0
    own = conditional(data.test_condition)
    codes = models.encode(own, data.test, tf.constant([0, 0])).mode()
    np.testing.assert_array_equal(np.load(run / "codes-0.npz")["test"], codes)
    assert cli.main(["train", "--resume", str(run), "--condition", "columns:age"]) == 2
    assert "differs in condition" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("condition", "message"),
    [
        ("columns:age", "needs a table or an .npz file"),
        ("columns", "must be labels, columns:NAME,NAME"),
    ],
)
def test_images_in_memory_have_no_columns(monkeypatch, capsys, tmp_path, condition, message):
    _patch(monkeypatch)
    output = ["--output", str(tmp_path / "none")]
    assert cli.main([*TRAIN, "--condition", condition, *output]) == 2
    assert message in capsys.readouterr().err and not (tmp_path / "none").exists()


@pytest.mark.parametrize("num_classes", [None, 3])
def test_conditional_models_are_saved_and_loaded(tmp_path, num_classes):
    spec = ModelSpec(DataSpec((2,), num_context=3), ("vector_glow", {"hidden_units": [4]}))
    conditional = Conditional(models.build(spec), num_classes)
    for variable in conditional.trainable_variables:
        variable.assign_add(0.1 * tf.ones_like(variable))
    runs.save(conditional, tmp_path / "mine")
    again = runs.load(tmp_path / "mine")
    assert isinstance(again, Conditional) and again.num_classes == num_classes
    condition = [1, 2] if num_classes else np.ones([2, 3], np.float32)
    x = np.ones([2], np.float32)
    np.testing.assert_array_equal(again(condition).log_prob(x), conditional(condition).log_prob(x))
    runs.save(conditional.model, tmp_path / "plain")
    assert not isinstance(runs.load(tmp_path / "plain"), Conditional)
