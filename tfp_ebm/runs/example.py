"""A small run, to try on what takes the folder of one."""

import contextlib
import io
import pathlib
import tempfile

from tfp_ebm.runs.train import train

__all__ = ["example_run"]


def example_run(base: str = "normal") -> pathlib.Path:
    """Trains an affine flow of two moons for one epoch, in a temporary folder, and returns it.

    It takes a few seconds, and is what the examples of other functions stand on.

    >>> from tfp_ebm import runs
    >>> run = runs.example_run()
    >>> (run / "summary.json").is_file()
    True

    Args:
      base: name of the base, see `tfp-ebm models`.

    Raises:
      ValueError: if there is no such base, or none of points of the plane.
    """
    run = pathlib.Path(tempfile.mkdtemp(), "run")
    given = {"flow": "affine", "base": base, "epochs": 1, "batch_size": 1000}
    with contextlib.redirect_stdout(io.StringIO()):
        train(dataset="two_moons", output=run, **given)
    return run
