"""The command that samples a run."""

import pathlib

import numpy as np

from tfp_ebm import plots
from tfp_ebm.commands import progress
from tfp_ebm.commands.run_folder import load_model
from tfp_ebm.internal import checks

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
    """
    checks.positive_integer("num", num)
    _, model = load_model(run)
    images = np.concatenate(
        [
            model.sample(min(_BLOCK, num - start), seed=(seed, 2 + start)).numpy()
            for start in progress.bar(range(0, num, _BLOCK), "samples")
        ]
    )
    path = plots.sample_grid(
        images, output or run / f"samples-{seed}.png", num_levels=model.num_levels
    )
    print(path)
