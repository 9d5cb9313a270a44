"""Run folders that are damaged, empty, of another version, or none at all."""

import json
import shutil

import numpy as np
import pytest

from tfp_ebm import cli

COMMANDS = [("evaluate", "{run}"), ("sample", "{run}"), ("train", "--resume", "{run}")]


def error_of(capsys, run, command):
    code = cli.main([word.format(run=run) for word in command])
    error = capsys.readouterr().err
    assert code == 2 and error.startswith("tfp-ebm: ") and error.count("\n") == 1, error
    assert str(run) in error
    return error


def without(key):
    return lambda config: {name: value for name, value in config.items() if name != key}


def with_(**changes):
    return lambda config: {**config, **changes}


def with_spec(**changes):
    return lambda config: {**config, "spec": {**config["spec"], **changes}}


def with_data(**changes):
    return lambda config: with_spec(data={**config["spec"]["data"], **changes})(config)


DAMAGES = {
    "no JSON": (lambda config: "{", "it is no JSON (Expecting property name"),
    "empty": (lambda config: "", "it is no JSON (Expecting value"),
    "bytes": (lambda config: b"\xff\xfe\x00", "it is no JSON ('utf-8' codec"),
    "a list": (lambda config: [config], "must be objects"),
    "nothing": (lambda config: {}, "it lacks model, dataset, data, spec."),
    "no model": (without("model"), "it lacks model."),
    "no dataset": (without("dataset"), "it lacks dataset."),
    "no description": (without("spec"), "it lacks spec."),
    "data": (with_(data=[1]), "must be objects"),
    "description": (with_(spec=[1]), "must be objects"),
    "flow": (with_spec(flow="glo"), "Did you mean 'glow'?"),
    "flows": (with_spec(flow=["glow"]), "`flow` must be a name, or a pair"),
    "base": (with_spec(base="rbn"), "Did you mean 'rbm'?"),
    "field": (with_spec(bases="rbm"), "`field of the model` must be one of"),
    "dataset": (with_(dataset=None), "`dataset` must be a name or a path"),
    "word for a number": (with_(epochs="3"), "`--epochs` must be an integer of at least 1, got"),
    "fraction": (with_(batch_size=8.0), "`--batch-size` must be an integer of at least 1, got 8.0"),
    "truth": (with_(seed=True), "`--seed` must be an integer from 0"),
    "number for truth": (with_(jit_compile=1), "`--jit-compile` must be true or false, got 1"),
    "number for text": (with_(data_dir=7), "`--data-dir` must be a text, got 7"),
    "columns": (with_(data={"columns": [{"kind": "integer"}]}), "`data` has a `columns` that is"),
    "null": (with_(learning_rate=None), "`learning_rate` must have a value, got null"),
    "choice": (with_(schedule=[]), "`--schedule` must be one of"),
    "infinite": (with_(learning_rate=float("inf")), "`--learning-rate` must be a finite number"),
    "changes": (with_(changes="none"), "`changes` must be a list"),
    "shape": (with_data(event_shape=[4, 4]), "`image_shape` must be three positive integers"),
    "no shape": (with_data(event_shape=None), "`image_shape` must be three positive integers"),
    "levels": (with_data(num_levels="5"), "`num_levels` must be an integer of at least 2"),
    "unknown option": (
        with_spec(flow=["flow_plus_plus", {"width": 3}]),
        "`option of the flow flow_plus_plus` must be one of",
    ),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_what_is_wrong_in_a_configuration_is_told(run, capsys, damage):
    change, message = DAMAGES[damage]
    path = run / "config.json"
    content = change(json.loads(path.read_text()))
    if not isinstance(content, str | bytes):
        content = json.dumps(content)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    for command in COMMANDS:
        error = error_of(capsys, run, command)
        assert f"{path} is damaged: " in error and message in error
        assert (
            error.lower()
            .rstrip()
            .endswith(
                (
                    "restore it from a copy.",
                    "restore it from a copy, or train again into a new folder.",
                )
            )
        )


@pytest.mark.parametrize(
    ("change", "command"),
    [({"num_levels": 17}, COMMANDS[0]), ({"event_shape": [8, 8, 1]}, COMMANDS[2])],
    ids=["evaluate", "train"],
)
def test_a_configuration_of_other_images_than_those_of_its_data(run, capsys, change, command):
    path = run / "config.json"
    path.write_text(json.dumps(with_data(**change)(json.loads(path.read_text()))))
    error = error_of(capsys, run, command)
    assert f"{path} does not fit its data: its events have shape" in error
    assert "but digits has (4, 4, 1) and 5. Restore the data" in error


def test_a_configuration_of_another_version_says_so(run, capsys):
    path = run / "config.json"
    config = with_spec(width=3)(json.loads(path.read_text()))
    path.write_text(json.dumps({**config, "versions": {"tfp_ebm": "0.0.1"}}))
    assert "It was written by tfp-ebm 0.0.1, this is " in error_of(capsys, run, COMMANDS[0])


def test_a_run_of_a_version_without_descriptions_says_so(run, capsys):
    path = run / "config.json"
    old = {"model": "rbm_flow", "dataset": "digits", "model_options": {"num_filters": 4}}
    path.write_text(json.dumps({**old, "versions": {"tfp_ebm": "0.0.1"}}))
    before = sorted(run.rglob("*"))
    for command in COMMANDS:
        error = error_of(capsys, run, command)
        assert "it lacks data, spec. It was written by tfp-ebm 0.0.1, this is " in error
    assert sorted(run.rglob("*")) == before


def test_options_that_an_older_version_did_not_have_get_their_defaults(run, capsys):
    path = run / "config.json"
    config = json.loads(path.read_text())
    for name in ("chain_health", "keep", "versions"):
        del config[name]
    path.write_text(json.dumps(config))
    assert cli.main(["sample", str(run), "--num", "2"]) == 0
    assert cli.main(["train", "--resume", str(run)]) == 0
    assert "is finished" in capsys.readouterr().out


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command[0])
def test_what_is_missing_is_named(run, capsys, command):
    assert "is no run folder: " in error_of(capsys, run / "nowhere", command)
    (run / "config.json").rename(run / "config.json.old")
    error = error_of(capsys, run, command)
    assert f"{run / 'config.json'} is missing" in error and "restore the file" in error


@pytest.mark.parametrize("command", COMMANDS[:2], ids=lambda command: command[0])
def test_a_run_without_weights_says_how_to_make_them(run, capsys, command):
    shutil.rmtree(run / "checkpoint")
    error = error_of(capsys, run, command)
    assert f"has no trained weights yet; train it by: tfp-ebm train --resume {run}" in error
    (run / "checkpoint").mkdir()
    assert "manifest.json is missing" in error_of(capsys, run, command)


def test_samples_go_to_a_file_in_a_folder_that_exists(run, capsys):
    for output in (run, run / "nowhere" / "grid.png"):
        error = error_of(capsys, run, (*COMMANDS[1], "--output", str(output)))
        assert f"`--output` must be a file in a folder that exists, got {output}" in error
    assert cli.main(["sample", str(run), "--num", "1", "--output", str(run / "grid.png")]) == 0
    assert (run / "grid.png").is_file()
    error = error_of(capsys, run, (*COMMANDS[1], "--output", str(run / "grid.csv")))
    assert "`--output` must end in .png, .npy, .npz, got" in error
    for name in ("a.npy", "a.npz"):
        assert cli.main(["sample", str(run), "--num", "3", "--output", str(run / name)]) == 0
    array = np.load(run / "a.npy")
    assert array.shape == (3, 4, 4, 1) and array.dtype == np.uint8
    np.testing.assert_array_equal(np.load(run / "a.npz")["samples"], array)


@pytest.mark.parametrize("content", ["[]", '{"files": []}', '{"files": {}}', '{"files": 3}', "{"])
def test_a_damaged_manifest_is_told(run, capsys, content):
    (run / "checkpoint" / "manifest.json").write_text(content)
    for path in (run / "checkpoint").glob("weights*"):
        path.unlink()
    assert "checkpoint" in error_of(capsys, run, COMMANDS[0])


def test_damaged_metrics_are_told_before_training_goes_on(run, capsys):
    path = run / "metrics.csv"
    command = (*COMMANDS[2], "--epochs", "2")
    for content in ("loss\n3\n", "epoch,loss\nx,3\n", "epoch,loss\n1\n", "epoch,loss\n1,2,3\n"):
        path.write_text(content)
        assert f"{path} is damaged: its first line must" in error_of(capsys, run, command)
    before = json.loads((run / "config.json").read_text())
    assert before["epochs"] == 1  # Nothing was changed.
