"""The command that samples a run."""

import pathlib
from typing import Any

import numpy as np

from tfp_ebm import datasets, flows, models, plots
from tfp_ebm.internal.train_options import COUNT, SEED, check_number
from tfp_ebm.runs import progress
from tfp_ebm.runs.conditions import condition_of, given, given_of, levels_of
from tfp_ebm.runs.configuration import load_data
from tfp_ebm.runs.run_folder import check_data, columns_of, load_model

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

    >>> from tfp_ebm import runs
    >>> run = runs.example_run()
    >>> runs.sample(run, num=10)
    /...samples-0.csv

    Args:
      run: folder of the run.
      num: number of samples.
      seed: seed; the same seed gives the same samples.
      output: a .png of images, a .csv of rows in the units of their table or of vectors, or a .npy
        or .npz file of any; `samples-SEED.png` or `.csv` in the run folder by default.
      condition: what the samples are given: name or number of a class; `NAME=VALUE,NAME=VALUE` of
        columns; numbers of an array. None: the classes in turn, or what the events of the test part
        are given, in turn.

    Raises:
      ValueError: if the folder is not that of a run, an option does not fit, or the flow is so deep
        that its precision no longer inverts it.
    """
    check_number("--num", num, COUNT)
    check_number("--seed", seed, SEED)
    if output is not None and (output.is_dir() or not output.parent.is_dir()):
        raise ValueError(f"`--output` must be a file in a folder that exists, got {output}.")
    config, model = load_model(run)
    conditions = _conditions(run, config, model, condition, num)
    levels = levels_of(model)
    usual = ".csv" if levels is None else ".png"
    path = output or run / f"samples-{seed}{usual}"
    kinds = (usual, *_ARRAYS)
    if path.suffix not in kinds:
        raise ValueError(f"`--output` must end in {', '.join(kinds)}, got {path}.")
    samples = np.concatenate(
        [
            _draw(model, conditions[start : start + _BLOCK], (seed, 2 + start)).numpy()
            for start in progress.bar(range(0, num, _BLOCK), "samples")
        ]
    )
    if not isinstance(model, models.Conditional):
        _check_flow(model, samples[:_CHECKED], seed)
    _write(path, samples, columns_of(config["data"]), levels)
    print(path)


def _conditions(run, config, model, condition, num):
    """Returns what each sample is given, `[num, ...]`."""
    if condition is not None:
        value = condition_of(config, condition)
        return np.broadcast_to(value, [num, *value.shape])
    if not isinstance(model, models.Conditional):
        return np.zeros(num, np.int64)
    if model.num_classes is not None:
        return np.arange(num) % model.num_classes
    data = load_data(config["dataset"], config["data_dir"], config["data"])
    check_data(run, config, data)
    vectors = given_of(model, data, "test")
    return vectors[np.arange(num) % len(vectors)]


def _draw(model, condition, seed):
    """Returns an event for each condition, which counts for conditional models only."""
    if not isinstance(model, models.Conditional):
        return model.sample(len(condition), seed=seed)
    return given(model, condition).sample(seed=seed)


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
