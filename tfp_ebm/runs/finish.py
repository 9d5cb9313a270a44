"""What `train` writes when training is done: figures and pictures."""

import math
import pathlib

import numpy as np

from tfp_ebm import datasets, models, plots
from tfp_ebm.distributions.smoothed_spins import SmoothedSpins
from tfp_ebm.models.parts import num_levels
from tfp_ebm.runs.conditions import events_given, given, given_of, inside, levels_of, parts_of
from tfp_ebm.runs.evaluate import evaluate_model, units_of_table
from tfp_ebm.runs.run_folder import load_model, write_json
from tfp_ebm.training import checkpoint
from tfp_ebm.training.callbacks.epoch_table import read_epoch_rows

__all__ = ["finish"]

# Events in a picture of columns.
_NUM_POINTS = 1000


def finish(output: pathlib.Path, data: datasets.Dataset, training_seconds: float) -> None:
    """Evaluates the best weights of a run on the test part, draws samples, and reports.

    Args:
      output: folder of the run.
      data: its data set.
      training_seconds: how long `fit` took, since it was last taken up.
    """
    config, model = load_model(output)
    seed, density = config["seed"], inside(model)
    result = evaluate_model(model, data.test, seed, condition=given_of(model, data, "test"))
    result |= units_of_table(result, data)
    checkpoint.save(density, output / "checkpoint")  # Now with the better estimate of log Z.
    rows = _metrics(output / "metrics.csv")
    best = min(rows, key=lambda row: float(row["val_loss"]))
    noun = "image" if num_levels(density) else "event"
    summary = {
        "model": config["model"],
        "dataset": config["dataset"],
        "num_parameters": models.num_parameters(density),
        "training_seconds": training_seconds,
        "changes": config.get("changes", []),
        "best_epoch": int(best["epoch"]),
        f"validation_nats_per_{noun}": float(best["val_loss"]),
        "test": result,
    }
    if num_levels(density) is None:
        _draw_columns(model, data, output, seed)
    else:
        _draw_images(model, data, output, seed)
    _draw_curves(rows, output, num_levels(density) is not None)
    write_json(output / "summary.json", summary)
    _report(result, output, noun)


def _metrics(path):
    rows = read_epoch_rows(path)
    needed = ("val_loss", "bits_per_dimension", "val_bits_per_dimension")
    if not rows or not all(name in rows[0] for name in needed):
        raise ValueError(
            f"{path} is damaged: it must hold {', '.join(needed)} of every epoch; restore it from "
            "a copy. The weights of the run are well: `tfp-ebm evaluate` takes them."
        )
    return rows


def _draw_images(model, data, output, seed):
    levels = levels_of(model)
    samples = events_given(model, data, 64, (seed, 4)).numpy()
    plots.data_and_samples(data.test[:64], samples, output / "samples.png", levels)
    base = parts_of(model).base
    if isinstance(base, SmoothedSpins):
        z = base.sample(12, seed=(seed, 5))
        spins = base.posterior(z).sample(seed=(seed, 6))
        if not isinstance(model, models.Conditional):
            shape = [8, 12]
        else:
            shape, model = 8, given(model, _twelve(model, data))
        columns = model.sample(shape, seed=(seed, 7), distribution_kwargs={"spins": spins})
        plots.code_columns(columns, output / "columns.png", levels)


def _twelve(model, data):
    """Returns what twelve events are given: the classes in turn, or as those of the test part."""
    if model.num_classes is not None:
        return np.arange(12) % model.num_classes
    return data.test_condition[np.arange(12) % len(data.test)]


def _draw_columns(model, data, output, seed):
    """Draws the columns of data and samples, in the units of their table."""
    count = min(_NUM_POINTS, len(data.test))
    panels = {
        "data": data.test[:count],
        "samples": events_given(model, data, count, (seed, 4)).numpy(),
    }
    if data.columns is not None:
        panels = {title: data.decode(rows) for title, rows in panels.items()}
    else:
        names = [f"x{index}" for index in range(data.event_shape[0])]
        panels = {
            title: dict(zip(names, np.transpose(rows), strict=True))
            for title, rows in panels.items()
        }
    plots.table_pairs(panels, output / "samples.png")


def _draw_curves(rows, output, are_images):
    name = "bits_per_dimension" if are_images else "loss"
    series = {
        "training": [float(row[name]) for row in rows],
        "validation": [float(row[f"val_{name}"]) for row in rows],
    }
    label = "bits per dimension" if are_images else "nats an event"
    plots.curves([int(row["epoch"]) for row in rows], series, output / "curves.png", label)


def _report(result, output, noun):
    pictures = sorted(path.name for path in output.glob("*.png"))
    print(f"\nrun folder  {output}")
    print(f"pictures    {', '.join(pictures)}")
    names = ("bits_per_dimension", f"nats_per_{noun}")
    values = [result[name] for name in names]
    errors = [result[f"{name}_error"] for name in names]
    bits, nats = (
        f"{value:.{digits}f} +- {math.nan if error is None else error:.{digits}f}"
        for value, error, digits in zip(values, errors, (4, 2), strict=True)
    )
    kind = "bound" if "bound" in result["bound"] else result["bound"]
    if "bound" in kind and result["likelihood"][0]["log_determinants"] != "exact":
        kind = f"bound, {result['likelihood'][0]['log_determinants']}"
    per_dimension = f"{bits} bits/dim, " if noun == "image" else ""
    print(
        f"test        {per_dimension}{nats} nats an {noun} "
        f"({kind}, {result[f'num_{noun}s']} {noun}s)"
    )
