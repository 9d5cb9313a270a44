"""Tests the package with other versions of TensorFlow, each in an environment of its own.

    python tools/versions.py                  # the oldest and the newest
    python tools/versions.py 2.18 2.20 nightly

A version is a minor of TensorFlow, which gets tf-keras of the same one; or `nightly`, the nightly
of TensorFlow Probability with the newest TensorFlow. Environments are kept in `build/versions`, and
used again. What is tested is what a change of TensorFlow would break: TFP's private parts,
tf_keras, caches, chains, training, checkpoints. A table of results comes last; the exit code is 1
if a test failed.
"""

import argparse
import os
import pathlib
import subprocess
import sys
import venv

ROOT = pathlib.Path(__file__).parents[1]
FOLDER = ROOT / "build" / "versions"
NIGHTLY = "nightly"
TFP = "tensorflow-probability>=0.25,<0.26"
# By name, what is installed. The package itself is found by PYTHONPATH, so that its own bounds do
# not stand in the way of a version that they do not know yet.
PACKAGES = {
    "2.18": ["tensorflow==2.18.*", "tf-keras==2.18.*", TFP],
    "2.19": ["tensorflow==2.19.*", "tf-keras==2.19.*", TFP],
    "2.20": ["tensorflow==2.20.*", "tf-keras==2.20.*", TFP],
    "2.21": ["tensorflow==2.21.*", "tf-keras==2.21.*", TFP],
    NIGHTLY: ["tensorflow", "tf-keras", "tfp-nightly"],
}
COMMON = [
    *("tensorflow-datasets>=4.9.9,<5", "importlib_resources>=6", "numpy>=2.0,<2.5", "pillow>=11"),
    *("pyarrow>=18", "scipy>=1.13", "matplotlib>=3.9", "tqdm>=4.66", "setuptools"),
    *("scikit-learn>=1.5", "constriction>=0.5,<0.6", "hypothesis>=6.100,<7", "pytest>=8,<10"),
]
TESTS = [
    *("tests/internal/test_versions.py", "tests/bijectors/test_coupling.py"),
    *("tests/bijectors/test_act_norm.py", "tests/bijectors/test_mix_log_cdf.py"),
    *("tests/distributions/test_smoothed_rbm.py", "tests/mcmc/test_weighted_chains.py"),
    *("tests/networks/test_gated_resnet.py", "tests/networks/test_keras3_network.py"),
    *("tests/training/test_likelihood_model.py", "tests/runs/test_saving.py"),
    *("tests/models/test_presets.py", "tests/wrappers/test_dequantized.py"),
]


def environment(name: str) -> pathlib.Path:
    """Returns the Python of an environment with a version, made where it is missing."""
    folder = FOLDER / name
    python = folder / "bin" / "python"
    if not (folder / ".installed").exists():
        venv.create(folder, clear=True, with_pip=True)
        command = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*command, "--upgrade", "pip"], check=True)  # Old ones resolve for hours.
        subprocess.run([*command, *PACKAGES[name], *COMMON], check=True)
        (folder / ".installed").touch()
    return python


def installed(python: pathlib.Path) -> str:
    """Returns what an environment holds, as a line."""
    names = ("tensorflow", "tf-keras", "tensorflow-probability", "tfp-nightly", "numpy")
    listing = subprocess.run(
        [python, "-m", "pip", "list", "--format=freeze"], capture_output=True, text=True, check=True
    )
    pairs = (line.split("==") for line in listing.stdout.splitlines() if "==" in line)
    versions = {name.replace("_", "-"): version for name, version in pairs}
    return ", ".join(f"{name} {versions[name]}" for name in names if name in versions)


def main(names: list[str], tests: list[str]) -> int:
    """Tests every version, and returns 1 if one failed."""
    if unknown := [name for name in names if name not in PACKAGES]:
        raise SystemExit(f"unknown: {', '.join(unknown)}; there are {', '.join(PACKAGES)}")
    lines = []
    for name in names:
        python = environment(name)
        print(f"{name}: {installed(python)}", flush=True)
        command = [python, "-m", "pytest", "-q", "-m", "not slow", "-p", "no:cacheprovider"]
        result = subprocess.run(
            [*command, *(tests or TESTS)],
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdout=subprocess.PIPE,
            text=True,
        )
        print("\n".join(result.stdout.splitlines()[-30:]), flush=True)
        verdict = "passed" if result.returncode == 0 else "FAILED"
        lines.append(f"{verdict}  {installed(python)}")
    print("\n".join(lines))
    return int(any(line.startswith("FAILED") for line in lines))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("names", nargs="*", default=["2.18", "2.21"], help="versions")
    parser.add_argument("--tests", nargs="*", default=[], help="test files; those of the core")
    sys.exit(main(**vars(parser.parse_args())))
