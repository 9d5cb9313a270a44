"""The README's code and the examples run, for fewer epochs than are written."""

import importlib.util
import inspect
import json
import pathlib
import re
import runpy
import subprocess
import sys

import numpy as np
import pytest

from tests import pages
from tfp_ebm.flows import flow_plus_plus

ROOT = pathlib.Path(__file__).parents[1]
EXAMPLES_FOLDER = ROOT / "examples"
QUICK_START = ROOT / "docs" / "start" / "quick_start.md"


def test_the_quick_start_goes_on_from_the_code_of_the_readme():
    assert pages.code(QUICK_START).startswith(pages.code(ROOT / "README.md"))


@pytest.mark.slow
def test_quick_start(tmp_path):
    script = pages.code(QUICK_START)
    assert "trainer.fit(images, epochs=20, batch_size=64)" in script
    short = script.replace("epochs=20", "epochs=2")
    result = subprocess.run(
        [sys.executable, "-c", short], capture_output=True, text=True, cwd=tmp_path
    )
    assert result.returncode == 0, result.stderr
    assert "(16, 8, 8, 1)" in result.stdout and "nan" not in result.stdout


SMALL = "--epochs 1 --width 8 --steps 1 --num-hidden 13 --buffer 200 --chains 16 --gibbs-steps 2"
EXAMPLES = {
    "discrete_codes.py": "--epochs 1 --num-filters 4 --models-to-train d_flow".split(),
    "custom_loop.py": ["--epochs", "1"],
    "user_bijector.py": ["--epochs", "1", "--flow", "spline"],
    "keras_fit.py": ["--epochs", "1", "--num-filters", "4"],
    "two_moons.py": ["--epochs", "1"],
    "neutra.py": "--num-steps 3 --num-results 4".split(),
    "variational_inference.py": "--num-steps 3 --flows coupling".split(),
    "boltzmann_base.py": "--only eight_gaussians-4-Gaussian --seeds 1 --epochs 1".split(),
    "few_labels.py": "--only clustered_table-RBM_with --seeds 1 --epochs 1".split(),
    "collapse.py": "--epochs 1 --samplers weighted".split(),
    "papers/eb_and_flow.py": (
        f"{SMALL} --flow glow --base convolutional --pretraining-epochs 1".split()
    ),
    "papers/gibbs_chains.py": f"{SMALL} --num-chains 3 --burn-in 5 --classifier-epochs 1".split(),
    "papers/semi_supervised.py": (
        "--pretraining-epochs 1 --epochs 1 --width 8 --num-hidden 4 --num-test 50".split()
    ),
    "papers/vflow_checkerboard.py": (
        "--parts table --updates 2 --num-points 2048 --seeds 1 --models-to-run rbm_vflow_3"
    ).split(),
    "papers/vflow_fixed_budget.py": (
        "--dataset digits --factor 1 --num-train 64 --num-test 8 --epochs 1 --seeds 1 --filters 4 "
        "--extra-channels 1 --blocks 1 --num-samples 2"
    ).split(),
}


def test_every_example_is_run():
    # Commands of their own, see below, and a module of another.
    own = {"ablation.py", "compare_flows.py", "data_with_kinds.py", "user_flow.py"}
    found = {str(path.relative_to(EXAMPLES_FOLDER)) for path in EXAMPLES_FOLDER.rglob("*.py")}
    assert found == set(EXAMPLES) | own


@pytest.mark.slow
def test_a_flow_from_outside_trains_and_is_evaluated_on_the_command_line(tmp_path):
    def run(*options):  # In a process of its own, since it registers a flow.
        command = [sys.executable, EXAMPLES_FOLDER / "user_flow.py", *options]
        result = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path)
        assert result.returncode == 0, result.stderr
        return result.stdout

    options = "--flow sinh_arcsinh --base rbm --dataset two_moons --epochs 1 --set num_layers=2"
    run("train", *options.split(), "--output", "mine")
    assert json.loads(run("evaluate", "mine"))["bound"] == "exact"


@pytest.fixture
def run_example(tmp_path, monkeypatch, capsys):
    """Returns a function that runs an example and returns what it prints."""
    # Flows have one coupling unless the example says otherwise: small graphs, soon traced.
    parameters = inspect.signature(flow_plus_plus).parameters.values()
    own = [part for part in parameters if part.kind is part.POSITIONAL_OR_KEYWORD]
    defaults = {part.name: part.default for part in own if part.default is not part.empty}
    small = tuple({**defaults, "num_couplings": (1, 0, 0)}.values())
    monkeypatch.setattr(flow_plus_plus, "__defaults__", small)
    monkeypatch.chdir(tmp_path)

    def run(name, *options):
        script = EXAMPLES_FOLDER / name
        monkeypatch.setattr(sys, "argv", [name, *map(str, options)])
        monkeypatch.syspath_prepend(script.parent)
        capsys.readouterr()
        runpy.run_path(str(script), run_name="__main__")
        return capsys.readouterr().out

    return run


@pytest.mark.slow
@pytest.mark.parametrize("name", EXAMPLES)
def test_example(name, tmp_path, run_example):
    picture = tmp_path / "picture.png"
    output = run_example(name, *EXAMPLES[name], "--output", picture)
    assert picture.exists() and "test" in output


def load_example(name):
    spec = importlib.util.spec_from_file_location(name, EXAMPLES_FOLDER / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_runs_judged_by_two_networks_are_not_compared():
    def judged_by(*networks):
        return [
            {"run": {"model": model, "seed": 0}, "test": {"quality": [{"network_sha256": network}]}}
            for model, network in zip(("gaussian_flow", "rbm_flow"), networks, strict=True)
        ]

    network_of = load_example("ablation").network_of
    assert network_of(judged_by("ab", "ab")) == "ab"
    with pytest.raises(ValueError, match=r"one network.*gaussian_flow, seed 0.*rbm_flow, seed 0"):
        network_of(judged_by("ab", "cd"))


def test_the_page_that_compares_flows_holds_the_tables_of_its_results():
    compare_flows = load_example("compare_flows")
    docs = EXAMPLES_FOLDER.parent / "docs"
    record = json.loads((docs / "results" / "compare_flows.json").read_text())
    tables = compare_flows.tables(dict(enumerate(record["cells"])), record["densities"])
    assert tables.count("| `maf` |") > 3
    assert (
        (docs / "studies" / "compare_flows.md")
        .read_text()
        .endswith(f"{compare_flows.TABLES}\n{tables}")
    )


@pytest.mark.slow
def test_flows_are_compared_on_a_page(tmp_path, run_example):
    own = tmp_path / "own.md"
    own.write_text("# Mine\n\n## Tables\n\nold\n")
    options = "--data two_moons --flow affine glow --base normal spins --updates 2".split()
    options += ["--folder", "page", "--page", "own.md"]
    output = run_example("compare_flows.py", *options)
    assert "two_moons-glow-normal refused" in output
    page = (tmp_path / "page" / "comparison.md").read_text()
    assert "| `affine` | `normal` |" in page and "| exact |" in page and "glow" not in page
    assert (tmp_path / "page" / "two_moons.png").is_file()
    assert own.read_text() == "# Mine\n" + page.removeprefix("# Flows on bases\n")
    record = json.loads((tmp_path / "page" / "comparison.json").read_text())
    draws = {
        base: np.load(tmp_path / "page" / f"two_moons-affine-{base}.npz")["log_prob"]
        for base in ("normal", "spins")
    }
    gap = draws["spins"].astype(float) - draws["normal"]
    (spins,) = (cell for cell in record["cells"] if "gain_over_normal" in cell)
    expected = [gap.mean(), gap.std(ddof=1) / len(gap) ** 0.5]
    np.testing.assert_allclose(spins["gain_over_normal"], expected, atol=1e-4)
    assert spins["nats"] == pytest.approx(-draws["spins"].mean(), abs=1e-4)
    assert run_example("compare_flows.py", *options) == output


@pytest.mark.slow
def test_ablation_is_taken_up_where_it_was_left(tmp_path, run_example):
    def run(*options):
        folders = ["--output", "runs", "--docs", "docs"]
        return run_example("ablation.py", "--config", "smoke", *folders, *options)

    assert "not yet trained: rbm_flow-seed0" in run("--only", "gaussian_flow")
    first = (tmp_path / "runs" / "gaussian_flow-seed0" / "result.json").read_text()
    output = run()
    assert (tmp_path / "runs" / "gaussian_flow-seed0" / "result.json").read_text() == first
    assert "gaussian_flow-seed0: test" not in output and "rbm_flow-deltalearned-seed0" in output
    log = tmp_path / "docs" / "papers" / "rbm_flow_log.md"
    page = log.read_text()
    report = json.loads((tmp_path / "docs" / "results" / "ablation_smoke.json").read_text())
    bits = report["bases"]["rbm_flow"]["bits_per_dimension"]
    assert f"{bits['mean']:.3f} ± {bits['error']:.3f}" in page
    result = json.loads((tmp_path / "runs" / "rbm_flow-seed0" / "result.json").read_text())
    assert bits["values"] == [result["test"]["bits_per_dimension"]]
    for target in re.findall(r"\]\(([^)]+)\)", page):
        assert (log.parent / target).is_file()
    from tfp_ebm.runs.run_folder import load_model

    assert load_model(tmp_path / "runs" / "rbm_flow-seed0")[0]["model"] == "rbm_flow"
    run()  # A page that holds the section already is not made longer.
    assert log.read_text() == page
