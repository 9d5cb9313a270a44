"""A small run, to try on what takes the folder of one."""

import contextlib
import io
import pathlib
import tempfile

from tfp_ebm.runs.train import train

__all__ = ["example_run"]


def example_run(
    base: str = "normal", flow: str = "affine", dataset: str | pathlib.Path = "two_moons"
) -> pathlib.Path:
    """Trains a flow for one epoch, by default an affine one of two moons; returns the run folder.

    It is temporary, takes a few seconds, and is what the examples of other functions stand on.

    >>> from tfp_ebm import runs
    >>> run = runs.example_run()
    >>> (run / "summary.json").is_file()
    True

    Args:
      base: name of the base, see `tfp-ebm models`.
      flow: name of the flow.
      dataset: name of the data, or a file.

    Raises:
      ValueError: if there is no such base, flow or data, or they do not go with each other.
    """
    run = pathlib.Path(tempfile.mkdtemp(), "run")
    given = {"flow": flow, "base": base, "epochs": 1, "batch_size": 1000}
    with contextlib.redirect_stdout(io.StringIO()):
        train(dataset=str(dataset), output=run, **given)
    return run
