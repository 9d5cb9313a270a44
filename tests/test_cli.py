import contextlib
import io
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import sys
import time

import numpy as np
import pytest
import tensorflow as tf

from tfp_ebm import cli, datasets, models, runs
from tfp_ebm.internal.hardware import has_bfloat16_units
from tfp_ebm.runs import load_model, machines
from tfp_ebm.training.parameter_groups import GROUPS
from tfp_ebm.version import __version__

TINY = "--epochs 1 --num-filters 4 --num-components 2 --num-blocks 1 --batch-size 250".split()
TRAIN = ["train", "rbm_flow", "--dataset", "digits", "--gibbs-steps", "2", *TINY]


# A model whose graphs are a tenth of those of `TRAIN`, on a machine whose annealing is a quarter.
FLOW = "--flow vector_glow --set num_steps=1 --set flow.hidden_units=8".split()
SMALL = [*TRAIN[:6], *FLOW, *"--epochs 1 --batch-size 250 --set base.num_hidden=24".split()]


def run_command(*arguments):
    environment = {k: v for k, v in os.environ.items() if k != "TF_CPP_MIN_LOG_LEVEL"}
    return subprocess.run(
        [sys.executable, "-m", "tfp_ebm.cli", *map(str, arguments)],
        capture_output=True,
        text=True,
        env=environment,
    )


@pytest.fixture(scope="module", autouse=True)
def short_annealing():
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {"_NUM_CHAINS": 64, "_NUM_STEPS": 200, "_NUM_REVERSE": 100}.items():
            patch.setattr(machines, name, value)
        yield


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs") / "tiny"
    options = "--dataset digits --epochs 1 --batch-size 250 --sampler persistent".split()
    options += ["--gibbs-steps", "2"]
    arguments = ["train", "rbm_flow", *FLOW, *options, "--output", str(folder)]
    with contextlib.redirect_stdout(io.StringIO()) as output:
        assert cli.main(arguments) == 0
    assert "bits/dim" in output.getvalue() and "samples.png" in output.getvalue()
    return folder


@pytest.mark.slow
def test_run_folder(run):
    names = sorted(path.name for path in run.iterdir())
    assert names == [
        *("checkpoint", "columns.png", "config.json", "curves.png"),
        *("metrics.csv", "samples.png", "summary.json", "training"),
    ]
    config = json.loads((run / "config.json").read_text())
    assert config["model"] == "rbm_flow" and config["seed"] == 0
    flow = ["vector_glow", {"num_steps": 1, "hidden_units": [8]}]
    assert config["spec"]["flow"] == flow
    assert config["spec"]["base"] == ["rbm", {"sampler": "persistent"}]
    summary = json.loads((run / "summary.json").read_text())
    assert summary["test"]["num_images"] == 447
    assert (run / "metrics.csv").read_text().count("\n") == 2


def assert_evaluated_as_trained(run, printed):
    trained = json.loads((run / "summary.json").read_text())["test"]
    again = json.loads(printed)
    assert again.keys() == trained.keys()
    assert again["nats_per_image"] == pytest.approx(trained["nats_per_image"], rel=1e-5)
    assert again["nats_per_image"] > 0 and again["log_partition"]["method"] == "BAR"


@pytest.mark.slow
def test_evaluate_and_sample_from_the_folder_alone(run, tmp_path, capsys):
    moved = tmp_path / "elsewhere"
    shutil.copytree(run, moved)
    assert cli.main(["evaluate", str(moved)]) == 0
    assert_evaluated_as_trained(run, capsys.readouterr().out)
    assert cli.main(["sample", str(moved), "--num", "9", "--seed", "3"]) == 0
    assert pathlib.Path(capsys.readouterr().out.strip()).name == "samples-3.png"
    assert (moved / "samples-3.png").is_file()


@pytest.mark.slow
def test_processes_write_nothing_but_what_they_have_to_say(tmp_path):
    folder = tmp_path / "run"
    trained = run_command(*SMALL, "--output", folder)
    assert trained.returncode == 0 and trained.stderr == "", trained.stderr
    assert "bits/dim" in trained.stdout and "samples.png" in trained.stdout
    evaluated = run_command("evaluate", folder)
    assert evaluated.returncode == 0 and evaluated.stderr == "", evaluated.stderr
    assert_evaluated_as_trained(folder, evaluated.stdout)
    sampled = run_command("sample", folder, "--num", "9", "--seed", "3")
    assert sampled.returncode == 0 and sampled.stderr == "", sampled.stderr
    assert sampled.stdout.strip() == str(folder / "samples-3.png")


@pytest.mark.slow
def test_round_trip_of_a_trained_flow(run):
    _, model = load_model(run)
    flow = model.distribution.bijector
    x = datasets.load("digits").test[:64].astype(np.float32) + 0.5
    z = flow.inverse(x).numpy()
    assert np.max(np.abs(flow.forward(z).numpy() - x)) < 1e-4


@pytest.mark.slow
@pytest.mark.parametrize("damage", ["checkpoint", "config"])
def test_damage_is_one_line(run, tmp_path, capsys, damage):
    broken = tmp_path / "broken"
    shutil.copytree(run, broken)
    if damage == "checkpoint":
        data = max((broken / "checkpoint").iterdir(), key=lambda path: path.stat().st_size)
        data.write_bytes(data.read_bytes()[:-5])
    else:
        (broken / "config.json").write_text("{")
    for command in ("evaluate", "sample"):
        assert cli.main([command, str(broken)]) == 2
        error = capsys.readouterr().err
        assert error.count("\n") == 1 and "is damaged" in error


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["train", "rbm_flo", "--dataset", "digits", "--output", "new"], "Did you mean 'rbm_flow'"),
        (["train", "rbm_flow", "--dataset", "digit", "--output", "new"], "Did you mean 'digits'"),
        (
            ["train", "rbm_flow", "--dataset", "digits", "--output", "new", "--epochs", "0"],
            "`--epochs` must be",
        ),
        (
            ["train", "rbm_flow", "--dataset", "digits", "--output", "new", "--delta", "-1"],
            "`--delta` must be",
        ),
        (
            ["train", "small_vflow_28x28", "--dataset", "digits", "--dry-run", "--delta", "2"],
            "small_vflow_28x28 does not take --delta; of the options of models it takes",
        ),
        (
            ["train", "glow", "--dataset", "rings", "--output", "new"],
            "The flow glow is for images, but the data are vectors of shape (2,)",
        ),
        (
            ["train", "gaussian_flow", "--dataset", "digits", "--output", "new"]
            + ["--base-learning-rate", "1"],
            "the base of gaussian_flow has no parameters",
        ),
        (["train", "--resume", "nowhere", "--seed", "1"], "is no run folder"),
        (["evaluate", "nowhere", "--seed", "-1"], "`--seed` must be an integer from 0 to 21474"),
        (["evaluate", "nowhere", "--seed", "x"], "`--seed` must be an integer from 0 to 21474"),
        (["evaluate", "nowhere", "--num-samples", "2"], "`--num-samples` must be 0, or an integer"),
        (["evaluate", "nowhere", "--importance-draws", "1.5"], "of at least 0, got '1.5'"),
        (["evaluate", "nowhere", "--importance-draws", "3000000000"], "`--importance-draws` must"),
        (["evaluate", "nowhere", "--format", "xml"], "`--format` must be one of json, tsv, got"),
        (["evaluate", "nowhere", "--epochs", "3"], "`evaluate` does not take --epochs."),
        (["evaluate"], "the following arguments are required: run; see `tfp-ebm evaluate --help`"),
        (["sample", "nowhere", "--seed", "2147483648"], "`--seed` must be an integer from 0 to 2"),
        (["sample", "nowhere", "--num", "0"], "`--num` must be an integer of at least 1, got 0"),
        (["sample", "nowhere", "--number", "3"], "take --number. Did you mean --num?"),
        (["train", "--dry-run"], "`MODEL` must be one of"),
        (["train", "rbm_flow", "--dry-run"], "`--dataset` must be a built-in set"),
        (["train", "rbm_flow", "--dataset", "digits"], "`--output` must name a new folder"),
        (["trian"], "invalid choice: 'trian'"),
        ([], "the following arguments are required: COMMAND; see `tfp-ebm --help`."),
        (["evaluate", "nowhere"], "is no run folder"),
        (["sample", "nowhere"], "is no run folder"),
    ],
)
def test_bad_input_is_one_line_and_leaves_no_folder(
    arguments, message, capsys, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    assert cli.main(arguments) == 2
    error = capsys.readouterr().err
    assert message in error and error.startswith("tfp-ebm: ") and error.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (tf.errors.ResourceExhaustedError(None, None, "It failed\n\nSomewhere."), 1),
        (tf.errors.InvalidArgumentError(None, None, "It failed\n\nSomewhere."), 1),
        (MemoryError("It failed"), 1),
        (ArithmeticError("It failed\nhere."), 1),
        (OSError("It failed\nhere."), 2),
        (ValueError("It failed\nhere."), 2),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_is_no_fault_of_the_program_is_one_line(capsys, monkeypatch, error, code):
    def fail(**options):
        raise error

    monkeypatch.setattr(runs, "models", fail)
    assert cli.main(["models"]) == code
    message = capsys.readouterr().err
    assert message.startswith("tfp-ebm: It failed") and message.count("\n") == 1


def test_a_fault_of_the_program_keeps_its_traceback(monkeypatch):
    def fail(**options):
        raise TypeError("a bug")

    monkeypatch.setattr(runs, "models", fail)
    with pytest.raises(TypeError, match="a bug"):
        cli.main(["models"])


@pytest.mark.parametrize(
    "error", [RuntimeError("No driver."), tf.errors.InternalError(None, None, "No")]
)
def test_devices_that_fail_are_one_line(capsys, monkeypatch, error):
    def fail(*args):
        raise error

    monkeypatch.setattr(tf.config, "list_logical_devices", fail)
    monkeypatch.delenv("TF_CONFIG", raising=False)
    assert cli.main(["models"]) == 2
    message = capsys.readouterr().err
    assert message.startswith("tfp-ebm: TensorFlow cannot use its devices (No")
    assert message.count("\n") == 1


@pytest.mark.slow
def test_a_folder_that_exists_is_left_alone(capsys, tmp_path):
    (tmp_path / "precious").write_text("x")
    arguments = ["train", "rbm_flow", "--dataset", "digits", "--output", str(tmp_path)]
    assert cli.main(arguments) == 2
    assert "exists and is left as it is" in capsys.readouterr().err
    assert (tmp_path / "precious").read_text() == "x"


def test_dry_run_tells_sizes_and_writes_nothing(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    arguments = ["train", "rbm_flow", *FLOW, "--dataset", "digits", "--dry-run"]
    assert cli.main(arguments) == 0
    rows = dict(line.split("\t") for line in capsys.readouterr().out.splitlines())
    parts = [int(rows[f"parameters of the {name}"].replace(",", "")) for name in GROUPS]
    assert sum(parts) == int(rows["parameters"].replace(",", "")) > 1000
    # The matrix of the step alone.
    assert int(rows["FLOPs of log_prob an image"].replace(",", "")) > 2 * 64 * 64
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_going_on_with_a_finished_run_or_other_options(run, capsys):
    assert cli.main(["train", "--resume", str(run)]) == 0
    assert "is finished" in capsys.readouterr().out
    assert cli.main(["train", "--resume", str(run), "--delta", "8", "--seed", "0"]) == 2
    error = capsys.readouterr().err
    assert "differs in delta;" in error and error.count("\n") == 1


@pytest.mark.slow
def test_interrupted_by_the_user_and_taken_up_again(tmp_path):
    """Ctrl-C within the second epoch; then the metrics are those of the run left alone."""
    folder = tmp_path / "interrupted"
    command = [sys.executable, "-m", "tfp_ebm.cli", *SMALL, "--epochs", "3"]
    process = subprocess.Popen(
        [*command, "--output", str(folder)], stdout=subprocess.PIPE, text=True
    )
    while not (folder / "metrics.csv").exists():
        assert process.poll() is None
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    output, _ = process.communicate()
    assert process.returncode == 130 and "--resume" in output
    result = run_command("train", "--resume", folder)
    assert result.returncode == 0 and result.stderr == ""
    rows = (folder / "metrics.csv").read_text().splitlines()
    assert len(rows) == 4 and (folder / "summary.json").exists()


@pytest.mark.slow
def test_two_workers_train_together(tmp_path):
    ports = []
    for _ in range(2):
        with socket.socket() as server:
            server.bind(("localhost", 0))
            ports.append(server.getsockname()[1])
    workers = [f"localhost:{port}" for port in ports]
    processes = [
        subprocess.Popen(
            [
                *(sys.executable, "-m", "tfp_ebm.cli", "train", "gaussian_flow"),
                *("--dataset", "digits", "--output", str(tmp_path / "run")),
                *("--strategy", "multi_worker", *FLOW, "--epochs", "1", "--batch-size", "250"),
            ],
            env={
                **os.environ,
                "TF_CONFIG": json.dumps(
                    {"cluster": {"worker": workers}, "task": {"type": "worker", "index": index}}
                ),
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for index in range(2)
    ]
    outputs = [process.communicate()[0] for process in processes]
    assert [process.returncode for process in processes] == [0, 0], outputs
    # Both saw the metrics of the whole batch; the first one wrote.
    losses = [re.search(r"val_loss: ([\d.]+)", output).group(1) for output in outputs]
    assert losses[0] == losses[1]
    assert "run folder" in outputs[0] and "run folder" not in outputs[1]
    assert (tmp_path / "run" / "summary.json").exists()


def test_malformed_tf_config_is_one_line(capsys, tmp_path, monkeypatch):
    monkeypatch.setenv("TF_CONFIG", "{")
    arguments = ["train", "gaussian_flow", "--dataset", "digits", "--strategy", "multi_worker"]
    assert cli.main([*arguments, "--output", str(tmp_path / "run")]) == 2
    error = capsys.readouterr().err
    assert "TF_CONFIG must be JSON" in error and error.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_networks_fall_back_to_float32_without_bfloat16_units():
    assert has_bfloat16_units("fpu avx512f amx_bf16 amx_tile")
    assert has_bfloat16_units("fpu avx512_bf16")
    assert not has_bfloat16_units("fpu avx2 avx512f avx512_vnni")


def test_listings(capsys):
    assert cli.main(["models"]) == 0
    listed = capsys.readouterr().out.split("\n")
    assert {"rbm_flow", "small_8x8", "glow", "gaussian_rbm"} <= {
        line.split("\t")[1] for line in listed if line
    }
    assert cli.main(["models", "rbm_flow"]) == 0
    options = dict(line.split("\t")[:2] for line in capsys.readouterr().out.splitlines())
    assert options["flow.num_filters"] == "32" and options["base.delta"] == "2.5"
    assert cli.main(["models", "glow"]) == 0
    assert "flow.num_scales\t2\tnumber of scales" in capsys.readouterr().out
    assert cli.main(["models", "rbm_flo"]) == 2
    assert "Did you mean 'rbm_flow'" in capsys.readouterr().err
    assert cli.main(["datasets"]) == 0
    assert "digits" in capsys.readouterr().out.split()


@pytest.mark.slow
def test_a_reader_that_leaves_early_is_no_error():
    command = f"{sys.executable} -m tfp_ebm.cli models | head -1"
    result = subprocess.run(command, shell=True, capture_output=True, text=True)
    assert result.stdout.startswith("model\t") and result.stderr == ""


def test_the_version_is_told():
    code = "import tfp_ebm.cli as cli; cli.main(['--version'])"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert result.stdout.strip() == f"tfp-ebm {__version__}" and result.returncode == 0


@pytest.mark.slow
def test_codes_of_a_run(run, tmp_path, capsys):
    path = tmp_path / "codes.npz"
    assert cli.main(["encode", str(run), "--output", str(path)]) == 0
    codes = np.load(path)
    assert codes["train"].shape == (1000, 64) and set(np.unique(codes["test"])) == {-1, 1}
    digits = datasets.load("digits")
    np.testing.assert_array_equal(codes["test_labels"], digits.test_labels)
    _, model = load_model(run)
    own = models.encode(model, digits.test[:250], seed=(0, 0)).mode()
    assert np.mean(own == codes["test"][:250]) > 0.999
    assert cli.main(["encode", str(run), "--output", str(tmp_path / "codes.txt")]) == 2
    assert "`--output` must be an .npz file" in capsys.readouterr().err


def test_help_loads_nothing_heavy():
    code = (
        "import sys, contextlib, io\nfrom tfp_ebm import cli\n"
        "with contextlib.suppress(SystemExit), contextlib.redirect_stdout(io.StringIO()):\n"
        "    cli.main(['--help'])\n"
        "assert 'tensorflow' not in sys.modules, 'TensorFlow was loaded'\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
