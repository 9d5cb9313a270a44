"""The command that writes the discrete codes of the events of a run."""

import pathlib

import numpy as np
import tensorflow as tf

from tfp_ebm import models
from tfp_ebm.internal.train_options import SEED, check_number
from tfp_ebm.runs.batches import in_batches
from tfp_ebm.runs.conditions import given, given_of, parts_of
from tfp_ebm.runs.configuration import load_data
from tfp_ebm.runs.run_folder import check_data, load_model

__all__ = ["encode"]

_BATCH_SIZE = 250


def encode(
    run: pathlib.Path,
    output: pathlib.Path | None = None,
    seed: int = 0,
    data_dir: str | None = None,
    dataset: str | None = None,
) -> None:
    """Writes the codes of the training, validation and test parts to an .npz file, with the labels.

    A code is the most probable one given the event, and what the model depends on;
    bytes `[N, num_units]`, -1 or +1 of spins, 0 or
    1 of hidden bits.

    >>> from tfp_ebm import runs
    >>> run = runs.example_run("rbm")
    >>> runs.encode(run, output=run / "codes.npz")
    /...codes.npz

    Args:
      run: folder of the run.
      output: the .npz file; `codes-SEED.npz` in the run folder by default.
      seed: seed of the dequantisation noise.
      data_dir: folder of TensorFlow Datasets.
      dataset: other data of the same form; None: those of the run.

    Raises:
      ValueError: if the folder is not that of a run, its model has no code, or an option does not
        fit.
    """
    check_number("--seed", seed, SEED)
    path = output or run / f"codes-{seed}.npz"
    if path.suffix != ".npz" or path.is_dir() or not path.parent.is_dir():
        raise ValueError(f"`--output` must be an .npz file in a folder that exists, got {path}.")
    config, model = load_model(run)
    base = parts_of(model).base
    if not callable(getattr(base, "posterior", None)):
        raise ValueError(
            f"The base of this run, {type(base).__name__}, has no discrete code; spins, rbm, "
            "boltzmann, gaussian_rbm and labeled_rbm have one."
        )
    data_dir = data_dir or config["data_dir"]
    data = load_data(dataset or config["dataset"], data_dir, config["data"])
    check_data(run, config, data)
    content = {}
    for part in ("train", "validation", "test"):
        content[part] = _codes(model, getattr(data, part), given_of(model, data, part), seed, part)
        if (labels := getattr(data, f"{part}_labels")) is not None:
            content[f"{part}_labels"] = labels
    np.savez_compressed(path, **content)
    print(path)


def _codes(model, events, condition, seed, name):
    def mode(x, seed, condition):
        return tf.cast(models.encode(given(model, condition), x, seed).mode(), tf.int8)

    return in_batches(mode, events, seed, condition, _BATCH_SIZE, f"codes of {name}")
