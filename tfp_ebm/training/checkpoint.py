"""Checkpoints that are whole or not there, and that say so when they are damaged."""

import hashlib
import json
import pathlib
import shutil

import tensorflow as tf

__all__ = ["CheckpointError", "restore", "save"]

_MANIFEST = "manifest.json"
_PREFIX = "weights"


class CheckpointError(ValueError):
    """A checkpoint is missing, incomplete or damaged."""


def _digest(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def save(model: tf.Module, folder: str | pathlib.Path) -> None:
    """Writes all variables of a model, including chains and log Z, to a folder.

    The files are written beside the folder and moved into place when complete, with a manifest of
    their SHA-256 sums; a checkpoint that is already there is replaced only then.

    Args:
      model: a distribution, or any other `tf.Module`.
      folder: where to write.
    """
    folder = pathlib.Path(folder)
    partial = folder.with_name(folder.name + ".partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    tf.train.Checkpoint(model=model).write(str(partial / _PREFIX))
    sums = {path.name: _digest(path) for path in sorted(partial.iterdir())}
    (partial / _MANIFEST).write_text(json.dumps(sums, indent=1) + "\n")
    previous = folder.with_name(folder.name + ".previous")
    shutil.rmtree(previous, ignore_errors=True)
    if folder.exists():
        folder.rename(previous)
    partial.rename(folder)
    shutil.rmtree(previous, ignore_errors=True)


def restore(model: tf.Module, folder: str | pathlib.Path) -> None:
    """Reads all variables of a model from a folder that `save` wrote.

    Args:
      model: the same model, freshly made.
      folder: where to read.

    Raises:
      CheckpointError: if a file is missing or damaged, or belongs to another model; the message
        names it. Nothing is deleted.
    """
    folder = pathlib.Path(folder)
    manifest = folder / _MANIFEST
    remedy = "restore the folder from a copy, or train again into a new one."
    if not manifest.is_file():
        raise CheckpointError(
            f"No complete checkpoint in {folder}: {_MANIFEST} is missing; {remedy}"
        )
    try:
        sums = json.loads(manifest.read_text())
    except ValueError:
        raise CheckpointError(f"The checkpoint file {manifest} is damaged; {remedy}") from None
    for name, expected in sums.items():
        path = folder / name
        if not path.is_file():
            raise CheckpointError(f"The checkpoint file {path} is missing; {remedy}")
        if _digest(path) != expected:
            raise CheckpointError(f"The checkpoint file {path} is damaged; {remedy}")
    try:
        status = tf.train.Checkpoint(model=model).read(str(folder / _PREFIX))
        status.assert_existing_objects_matched()
    except (AssertionError, ValueError):
        raise CheckpointError(
            f"The checkpoint in {folder} belongs to another model; make the model from the "
            "config.json beside it."
        ) from None
    status.expect_partial()
