"""The README's code and the examples run as written."""

import pathlib
import re
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()


@pytest.mark.slow
def test_quick_start_of_the_readme(tmp_path):
    script = "\n".join(re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL))
    assert "trainer.fit(images, epochs=20, batch_size=64)" in script
    result = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, cwd=tmp_path
    )
    assert result.returncode == 0, result.stderr
    assert "(16, 8, 8, 1)" in result.stdout and "nan" not in result.stdout


SMALL = (
    "--epochs 1 --width 8 --steps 1 --num-hidden 13 --buffer 200 --num-train 200 --num-test 20 "
    "--num-reverse 10 --annealing-steps 20 --annealing-chains 8"
)
EXAMPLES = {
    "custom_loop.py": ["--epochs", "1"],
    "user_bijector.py": ["--epochs", "1", "--flow", "spline"],
    "keras_fit.py": ["--epochs", "1", "--num-filters", "4"],
    "two_moons.py": ["--epochs", "1"],
    "eb_and_flow.py": f"{SMALL} --flow glow --base convolutional --pretraining-epochs 1".split(),
    "gibbs_chains.py": f"{SMALL} --num-chains 3 --burn-in 5 --classifier-epochs 1".split(),
    "semi_supervised.py": "--epochs 1 --width 8 --num-hidden 4 --num-test 50".split(),
    "vflow_checkerboard.py": (
        "--parts table representation --iterations 20 --seeds 1 --models-to-run rbm_glow_3"
    ).split(),
    "vflow_fixed_budget.py": (
        "--dataset digits --factor 1 --num-train 64 --num-test 8 --epochs 1 --seeds 1 --filters 4 "
        "--extra-channels 0 1 --blocks 1 1 --num-samples 2"
    ).split(),
}


def test_every_example_is_run():
    assert {path.name for path in (ROOT / "examples").glob("*.py")} == set(EXAMPLES)


@pytest.mark.slow
@pytest.mark.parametrize("name", EXAMPLES)
def test_example(name, tmp_path):
    picture = tmp_path / "picture.png"
    command = [sys.executable, ROOT / "examples" / name, *EXAMPLES[name], "--output", picture]
    result = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    assert picture.exists() and "test" in result.stdout


@pytest.mark.parametrize("path", ["README.md", "CONTRIBUTING.md", *(ROOT / "docs").glob("*.md")])
def test_links_inside_the_repository_lead_somewhere(path):
    path = ROOT / path
    for target in re.findall(r"\]\(([^)#]+)", path.read_text()):
        if "://" not in target:
            assert (path.parent / target).exists(), f"{path.name} links to {target}"
