"""Trains the models that come with the package, and puts them there.

    python tools/trained_models.py --runs runs/trained

RBM-Flow of the digits, five minutes of one core. Runs that are there already are taken as
they are. What is written is read back by `tfp_ebm.load(NAME)`; the record beside the weights holds
the command and the likelihood of the test part, which a test computes again.
"""

import argparse
import pathlib
import shlex

import numpy as np

from tfp_ebm import cli, datasets, metrics, models, runs
from tfp_ebm.runs.run_folder import write_json

MODELS = ("rbm_flow",)
OPTIONS = "--dataset digits --num-filters 16 --set base.num_chains=512 --epochs 60 --patience 6"
WEIGHTS = pathlib.Path(runs.__file__).parent / "weights"
NOISE_SEED = (0, 1)


def put(model_name: str, folder: pathlib.Path) -> None:
    """Trains a model unless its run is there, and writes it with its record."""
    run = folder / model_name
    command = ["train", model_name, *OPTIONS.split()]
    if not run.exists() and cli.main([*command, "--keep", "1", "--output", str(run)]):
        raise SystemExit(2)
    model = runs.load(run)
    base = models.parts(model).base
    if hasattr(base, "estimate_log_partition"):
        estimate = base.estimate_log_partition(seed=(0, 2))
        print(f"log Z {estimate.value:.4f} ± {estimate.standard_error:.4f} by {estimate.method}")
    images = datasets.load("digits").test
    log_prob = model.log_prob(images, seed=NOISE_SEED).numpy()
    likelihood = metrics.likelihood_record(log_prob, images[0].size, num_levels=17)
    name = f"digits-{model_name.replace('_', '-')}"
    runs.save(model, WEIGHTS / name)
    record = {
        "command": shlex.join(["tfp-ebm", *command]),
        "parameters": sum(int(np.prod(each.shape)) for each in model.trainable_variables),
        "test": {**likelihood.to_dict(), "seed": NOISE_SEED},
    }
    write_json(WEIGHTS / name / "record.json", record)
    print(f"{name}: {likelihood.bits_per_dimension:.4f} bits/dim")


def main(names: list[str], folder: str) -> None:
    """Makes models by name, or all, and says how large all are."""
    for name in names or MODELS:
        put(name, pathlib.Path(folder))
    size = sum(path.stat().st_size for path in WEIGHTS.rglob("*") if path.is_file())
    print(f"{size:,} bytes in {WEIGHTS.name}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("names", nargs="*", help="models; all")
    parser.add_argument("--runs", dest="folder", default="runs/trained", help="folder of the runs")
    main(**vars(parser.parse_args()))
