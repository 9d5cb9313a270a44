"""The command that samples a run."""

import pathlib
from typing import Any

import numpy as np

from tfp_ebm import datasets, flows, models, plots
from tfp_ebm.internal.train_options import COUNT, SEED, check_number
from tfp_ebm.runs import progress
from tfp_ebm.runs.conditions import class_of, given, levels_of
from tfp_ebm.runs.run_folder import columns_of, load_model

__all__ = ["sample"]

_BLOCK, _CHECKED = 64, 8
_ARRAYS = (".npy", ".npz")


def sample(
    run: pathlib.Path,
    num: int = 64,
    seed: int = 0,
    output: pathlib.Path | None = None,
    condition: str | None = None,
) -> None:
    """Draws events from a run's model and saves them: a picture, a table, or an array.

    Args:
      run: folder of the run.
      num: number of samples.
      seed: seed; the same seed gives the same samples.
      output: a .png of images, a .csv of rows in the units of their table or of vectors, or a .npy
        or .npz file of any; `samples-SEED.png` or `.csv` in the run folder by default.
      condition: name or number of the class to sample, of a model of events given their class;
        None: the classes in turn.

    Raises:
      ValueError: if the folder is not that of a run, an option does not fit, or the flow is so deep
        that its precision no longer inverts it.
    """
    check_number("--num", num, COUNT)
    check_number("--seed", seed, SEED)
    if output is not None and (output.is_dir() or not output.parent.is_dir()):
        raise ValueError(f"`--output` must be a file in a folder that exists, got {output}.")
    config, model = load_model(run)
    labels = np.zeros(num, np.int64)
    if condition is not None:
        labels += class_of(config, condition)
    elif isinstance(model, models.Conditional):
        labels = np.arange(num) % model.num_classes
    levels = levels_of(model)
    usual = ".csv" if levels is None else ".png"
    path = output or run / f"samples-{seed}{usual}"
    kinds = (usual, *_ARRAYS)
    if path.suffix not in kinds:
        raise ValueError(f"`--output` must end in {', '.join(kinds)}, got {path}.")
    samples = np.concatenate(
        [
            _draw(model, labels[start : start + _BLOCK], (seed, 2 + start)).numpy()
            for start in progress.bar(range(0, num, _BLOCK), "samples")
        ]
    )
    if not isinstance(model, models.Conditional):
        _check_flow(model, samples[:_CHECKED], seed)
    _write(path, samples, columns_of(config["data"]), levels)
    print(path)


def _draw(model, labels, seed):
    """Returns an event for each label, which counts for conditional models only."""
    if not isinstance(model, models.Conditional):
        return model.sample(len(labels), seed=seed)
    return given(model, labels).sample(seed=seed)


def _check_flow(model, samples, seed):
    """Raises if the flow does not invert at samples in its precision."""
    flow, latents = models.parts(model).flow, models.latents(model, samples, seed=(seed, 1))
    if flow is not None and latents.dtype.is_floating:
        flows.check_round_trip(flow, latents)


def _write(path: pathlib.Path, samples: np.ndarray, columns: Any, levels: int | None) -> None:
    if path.suffix == ".npy":
        np.save(path, samples)
    elif path.suffix == ".npz":
        np.savez(path, samples=samples)
    elif path.suffix == ".png":
        plots.sample_grid(samples, path, num_levels=levels)
    elif columns is not None:
        datasets.write_table(path, samples, columns)
    else:
        names = [f"x{index}" for index in range(samples.shape[1])]
        datasets.write_table(path, dict(zip(names, samples.T, strict=True)))
