"""What `train` writes when training is done: figures and pictures."""

import math
import pathlib

import numpy as np

from tfp_ebm import datasets, plots
from tfp_ebm.runs.evaluate import evaluate_model
from tfp_ebm.runs.run_folder import load_model, write_json
from tfp_ebm.distributions import Dequantized
from tfp_ebm.distributions.smoothed_spins import SmoothedSpins
from tfp_ebm.training import checkpoint
from tfp_ebm.training.epoch_table import read_epoch_rows

__all__ = ["finish"]


def finish(output: pathlib.Path, data: datasets.Dataset, training_seconds: float) -> None:
    """Evaluates the best weights of a run on the test part, draws samples, and reports.

    Args:
      output: folder of the run.
      data: its data set.
      training_seconds: how long `fit` took, since it was last taken up.
    """
    config, density = load_model(output)
    seed = config["seed"]
    result = evaluate_model(density, data.test, seed)
    checkpoint.save(density, output / "checkpoint")  # Now with the better estimate of log Z.
    rows = _metrics(output / "metrics.csv")
    best = min(rows, key=lambda row: float(row["val_loss"]))
    summary = {
        "model": config["model"],
        "dataset": config["dataset"],
        "num_parameters": int(sum(np.prod(v.shape) for v in density.trainable_variables)),
        "training_seconds": training_seconds,
        "changes": config.get("changes", []),
        "best_epoch": int(best["epoch"]),
        "validation_nats_per_image": float(best["val_loss"]),
        "test": result,
    }
    _draw(density, data, output, seed, rows)
    write_json(output / "summary.json", summary)
    _report(result, output)


def _metrics(path):
    rows = read_epoch_rows(path)
    needed = ("val_loss", "bits_per_dimension", "val_bits_per_dimension")
    if not rows or not all(name in rows[0] for name in needed):
        raise ValueError(
            f"{path} is damaged: it must hold {', '.join(needed)} of every epoch; restore it from "
            "a copy. The weights of the run are well: `tfp-ebm evaluate` takes them."
        )
    return rows


def _draw(model: Dequantized, data, output, seed, rows):
    levels = model.num_levels
    samples = model.sample(64, seed=(seed, 4)).numpy()
    plots.data_and_samples(data.test[:64], samples, output / "samples.png", levels)
    base = model.distribution.distribution
    if isinstance(base, SmoothedSpins):
        z = base.sample(12, seed=(seed, 5))
        spins = base.posterior(z).sample(seed=(seed, 6))
        columns = model.sample([8, 12], seed=(seed, 7), distribution_kwargs={"spins": spins})
        plots.code_columns(columns, output / "columns.png", levels)
    series = {
        label: [float(row[key]) for row in rows]
        for label, key in [
            ("training", "bits_per_dimension"),
            ("validation", "val_bits_per_dimension"),
        ]
    }
    plots.curves([int(row["epoch"]) for row in rows], series, output / "curves.png")


def _report(result, output):
    pictures = sorted(path.name for path in output.glob("*.png"))
    print(f"\nrun folder  {output}")
    print(f"pictures    {', '.join(pictures)}")
    names = ("bits_per_dimension_error", "nats_per_image_error")
    errors = [math.nan if result[name] is None else result[name] for name in names]
    print(
        f"test        {result['bits_per_dimension']:.4f} +- {errors[0]:.4f} bits/dim, "
        f"{result['nats_per_image']:.2f} +- {errors[1]:.2f} nats an image "
        f"(bound, {result['num_images']} images)"
    )
