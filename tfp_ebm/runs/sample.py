"""The command that samples a run."""

import pathlib

import numpy as np

from tfp_ebm import plots
from tfp_ebm.runs import progress
from tfp_ebm.runs.run_folder import load_model
from tfp_ebm.internal.train_options import COUNT, SEED, check_number

__all__ = ["sample"]

_BLOCK = 64


def sample(
    run: pathlib.Path, num: int = 64, seed: int = 0, output: pathlib.Path | None = None
) -> None:
    """Draws images from a run's model and saves them as a grid.

    Args:
      run: folder of the run.
      num: number of images.
      seed: seed; the same seed gives the same images.
      output: PNG file; `samples-SEED.png` in the run folder by default.

    Raises:
      ValueError: if the folder is not that of a run, or an option does not fit.
    """
    check_number("--num", num, COUNT)
    check_number("--seed", seed, SEED)
    if output is not None and (output.is_dir() or not output.parent.is_dir()):
        raise ValueError(f"`--output` must be a file in a folder that exists, got {output}.")
    _, model = load_model(run)
    images = np.concatenate(
        [
            model.sample(min(_BLOCK, num - start), seed=(seed, 2 + start)).numpy()
            for start in progress.bar(range(0, num, _BLOCK), "samples")
        ]
    )
    path = output or run / f"samples-{seed}.png"
    print(plots.sample_grid(images, path, num_levels=model.num_levels))
