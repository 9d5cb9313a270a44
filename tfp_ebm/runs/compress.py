"""The commands that compress events by the model of a run, and restore them."""

import math
import pathlib
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np

from tfp_ebm import coding
from tfp_ebm.runs import progress
from tfp_ebm.runs.run_folder import load_model

__all__ = ["compress", "decompress"]

_ARRAYS = (".npy", ".npz")


def compress(run: pathlib.Path, events: pathlib.Path, output: pathlib.Path | None = None) -> None:
    """Writes events as a compressed file, from which `decompress` restores them bit for bit.

    >>> import pathlib, tempfile
    >>> import numpy as np
    >>> from tfp_ebm import runs
    >>> folder = pathlib.Path(tempfile.mkdtemp())
    >>> np.savez(folder / "images.npz", np.random.default_rng(0).integers(0, 4, [60, 4, 4, 1]))
    >>> given = dict(dataset=str(folder / "images.npz"), num_levels=4, epochs=1)
    >>> small = ["num_scales=0", "num_steps=1"]
    >>> runs.train("integer_flow", output=folder / "run", set=small, **given)
    Dataset ...
    >>> runs.compress(folder / "run", folder / "images.npz", folder / "images.tfe")
    /...images.tfe...
    >>> runs.decompress(folder / "run", folder / "images.tfe", folder / "again.npz")
    /...again.npz...

    Args:
      run: folder of the run, of a model of whole numbers such as `integer_flow`.
      events: an .npy file, or an .npz file with one array, or one of the name `images` or `events`.
      output: the file to write; by default that of the events with the suffix .tfe.

    Raises:
      ValueError: if the folder is not that of a run, its model has no exact probabilities, or the
        events are not those of the model; nothing is written then.
    """
    path = _target(output or events.with_suffix(".tfe"))
    array = _read_array(events)
    _, model = load_model(run)
    with _rate("compressing", len(array), array.nbytes) as (report, tell):
        data = coding.compress(model, array, progress=report)
        _write(path, data)
    bits = 8 * len(data) / max(1, math.prod(array.shape))
    print(f"{path}  {tell(len(data))}, {bits:.4f} bits an entry")


def decompress(run: pathlib.Path, file: pathlib.Path, output: pathlib.Path | None = None) -> None:
    """Restores the events of a compressed file.

    >>> import pathlib, tempfile
    >>> import numpy as np
    >>> from tfp_ebm import runs
    >>> file = pathlib.Path(tempfile.mkdtemp(), "images.npz")
    >>> np.savez(file, np.arange(960, dtype=np.uint8).reshape([60, 4, 4, 1]))
    >>> run, small = file.with_name("run"), ["num_scales=0", "num_steps=1"]
    >>> runs.train("integer_flow", output=run, dataset=str(file), epochs=1, set=small)
    Dataset ...
    >>> runs.compress(run, file)
    /...images.tfe...
    >>> runs.decompress(run, file.with_suffix(".tfe"), file.with_name("again.npz"))
    /...again.npz...

    Args:
      run: folder of the run that wrote it.
      file: the compressed file.
      output: the .npy or .npz file to write; by default that of `file` with the suffix .npz.

    Raises:
      ValueError: if the file is damaged, or of another model or version; nothing is written then.
    """
    path = _target(output or file.with_suffix(".npz"))
    if path.suffix not in _ARRAYS:
        raise ValueError(f"`--output` must end in {' or '.join(_ARRAYS)}, got {path}.")
    if not file.is_file():
        raise ValueError(f"{file} is no file; give one that `tfp-ebm compress` wrote.")
    _, model = load_model(run)
    with _rate("restoring", None, None) as (report, tell):
        events = coding.decompress(model, file.read_bytes(), progress=report)
    partial = path.with_name(path.name + ".partial")
    with partial.open("wb") as stream:
        np.save(stream, events) if path.suffix == ".npy" else np.savez(stream, images=events)
    partial.rename(path)
    print(f"{path}  {tell(events.nbytes)}")


def _target(path):
    if path.is_dir() or not path.parent.is_dir():
        raise ValueError(f"`--output` must be a file in a folder that exists, got {path}.")
    return path


def _write(path, data):
    partial = path.with_name(path.name + ".partial")
    partial.write_bytes(data)
    partial.rename(path)


def _read_array(path: pathlib.Path) -> np.ndarray:
    """Returns the array of a file."""
    if path.suffix not in _ARRAYS or not path.is_file():
        raise ValueError(
            f"The events must be an {' or '.join(_ARRAYS)} file that exists, got {path}."
        )
    try:
        content = np.load(path, allow_pickle=False)
        if isinstance(content, np.ndarray):
            return content
        names = content.files
        chosen = [name for name in ("images", "events") if name in names] or names
        if len(chosen) == 1:
            return content[chosen[0]]
    except (OSError, ValueError, EOFError) as error:
        raise ValueError(f"{path} is damaged, or no array: {error}") from error
    raise ValueError(
        f"{path} holds the arrays {', '.join(names)}; name the one to compress `images`, or write "
        "it alone."
    )


@contextmanager
def _rate(
    description: str, count: int | None, num_bytes: int | None
) -> Iterator[tuple[Callable, Callable]]:
    """Yields a function that takes progress, and one that tells what came of it."""
    started = time.perf_counter()
    done = [0]
    with progress.count(description, count) as report:

        def keep(number):
            done[0] = number
            if report is not None:
                report(number)

        def tell(size):
            seconds = time.perf_counter() - started
            share = "" if num_bytes is None else f", {size / max(1, num_bytes):.1%} of {num_bytes}"
            return (
                f"{size} bytes{share}, {done[0]} events in {seconds:.1f} s, "
                f"{done[0] / seconds:.0f} a second"
            )

        yield keep, tell
