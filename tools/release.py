"""Builds the sources and the wheel, and tests the built files in environments of their own.

    python tools/release.py

Holds that version, changelog and citation agree; that the sources hold every file that git tracks,
and the wheel every module and the trained weights; and that both, installed where nothing else is,
do what the first page of the documents says, outside of the checkout. Uploads nothing.
"""

import argparse
import pathlib
import subprocess
import sys
import tarfile
import venv
import zipfile

ROOT = pathlib.Path(__file__).parents[1]
LARGEST = 100_000_000  # Bytes of a file that the index takes.
# What only this repository needs.
NOT_IN_SOURCES = (".ci/", ".gitignore")

FIRST_STEPS = """
import numpy as np, tensorflow_probability as tfp, tf_keras
import tfp_ebm

assert "site-packages" in tfp_ebm.__file__, tfp_ebm.__file__
data = tfp_ebm.datasets.load("digits")
base = tfp_ebm.distributions.SmoothedRBM.create(num_visible=32, num_hidden=32, delta=2.5)
flow = tfp_ebm.flows.flow_plus_plus((8, 8, 1), 17, num_filters=4, num_couplings=(1, 1, 1))
density = tfp.distributions.TransformedDistribution(base, flow)
model = tfp_ebm.distributions.Dequantized(density, num_levels=17)
trainer = tfp_ebm.training.LikelihoodModel(model)
trainer.compile(optimizer=tf_keras.optimizers.Adam(1e-3))
trainer.fit(data.train[:128], epochs=1, batch_size=64, verbose=0)
assert np.isfinite(model.log_prob(data.test[:4])).all()
assert model.sample(2).shape == (2, 8, 8, 1)
for name in tfp_ebm.runs.trained_names():
    trained = tfp_ebm.load(name)
    test = tfp_ebm.runs.trained_record(name)["test"]
    nats = -trained.log_prob(data.test, seed=tuple(test["seed"])).numpy().mean()
    assert abs(nats - test["nats"]) < 0.01, (name, nats)
print("first steps pass")
"""


def run(*command: object, **options: object) -> str:
    """Runs a command, and returns what it printed; ends with its output if it fails."""
    result = subprocess.run(
        [str(part) for part in command], capture_output=True, text=True, **options
    )
    if result.returncode:
        raise SystemExit(f"{' '.join(map(str, command))}\n{result.stdout}\n{result.stderr}")
    return result.stdout


def tracked() -> set[str]:
    """Returns the files that git tracks and that are there."""
    names = run("git", "ls-files", cwd=ROOT).splitlines()
    return {name for name in names if (ROOT / name).exists()}


def check_contents(sources: pathlib.Path, wheel: pathlib.Path) -> None:
    """Raises unless both files are complete."""
    with tarfile.open(sources) as archive:
        inside = {name.partition("/")[2] for name in archive.getnames()}
    wanted = {name for name in tracked() if not name.startswith(NOT_IN_SOURCES)}
    if missing := sorted(wanted - inside):
        raise SystemExit(f"{sources.name} lacks {', '.join(missing[:10])}: see MANIFEST.in")
    with zipfile.ZipFile(wheel) as archive:
        inside = set(archive.namelist())
    if missing := sorted({name for name in tracked() if name.startswith("tfp_ebm/")} - inside):
        raise SystemExit(f"{wheel.name} lacks {', '.join(missing[:10])}: see package-data")
    if strange := sorted(name for name in inside if not name.startswith(("tfp_ebm/", "tfp_ebm-"))):
        raise SystemExit(f"{wheel.name} holds {', '.join(strange[:10])}")
    for path in (sources, wheel):
        print(f"{path.name}: complete, {path.stat().st_size:,} bytes")
        if path.stat().st_size > LARGEST:
            raise SystemExit(f"{path.name} is too large.")


def check_installed(built: pathlib.Path, folder: pathlib.Path, tests: list[str]) -> None:
    """Installs a built file where nothing else is, and uses it from another folder."""
    venv.create(folder, clear=True, with_pip=True)
    python = folder / "bin" / "python"
    install = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    run(*install, f"{built}[digits,coding]")
    print(run(python, "-c", FIRST_STEPS, cwd=folder).splitlines()[-1])
    command = folder / "bin" / "tfp-ebm"
    run(command, "train", "d_flow", "--dataset", "digits", "--dry-run", cwd=folder)
    print(f"{built.name}: installed and used")
    if tests:
        run(*install, "pytest>=8,<10", "hypothesis>=6.100,<7")
        unpacked = folder / "sources"
        with tarfile.open(next(built.parent.glob("*.tar.gz"))) as archive:
            archive.extractall(unpacked, filter="data")
        checkout = next(unpacked.iterdir())
        (checkout / "tfp_ebm").rename(checkout / "not_imported")  # What is installed is tested.
        print(run(python, "-m", "pytest", "-q", "-m", "not slow", *tests, cwd=checkout))


def main(output: str, tests: list[str], skip_build: bool, only: list[str]) -> None:
    """Builds and tests."""
    folder = ROOT / output
    if not skip_build:
        if run("git", "status", "--porcelain", "--untracked-files=no", cwd=ROOT):
            raise SystemExit("There are changes that are not committed; what is built must be.")
        for path in folder.glob("tfp_ebm-*"):
            path.unlink()
        run(sys.executable, "-m", "build", "--outdir", folder, ROOT)
    sources, wheel = next(folder.glob("*.tar.gz")), next(folder.glob("*.whl"))
    check_contents(sources, wheel)
    run(sys.executable, "-m", "twine", "check", "--strict", sources, wheel)
    for name, path in {"wheel": wheel, "sources": sources}.items():
        if name in only:
            check_installed(
                path, ROOT / "build" / f"release-{name}", tests if name == "wheel" else []
            )
    print("ready: tag the commit, and upload", sources.name, wheel.name)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--output", default="dist", help="folder of the built files")
    parser.add_argument("--tests", nargs="*", default=["tests/bijectors/test_act_norm.py"])
    parser.add_argument("--skip-build", action="store_true", help="take the files that are there")
    parser.add_argument("--only", nargs="*", default=["wheel", "sources"], help="what to install")
    main(**vars(parser.parse_args()))
