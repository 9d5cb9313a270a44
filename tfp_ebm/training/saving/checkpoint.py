"""Checkpoints that are whole or not there, and that say so when they are damaged.

>>> import tempfile
>>> from tfp_ebm import distributions, training
>>> folder = tempfile.mkdtemp() + "/weights"
>>> training.checkpoint.save(distributions.SmoothedRBM.create(3, 2), folder)
>>> training.checkpoint.restore(distributions.SmoothedRBM.create(3, 2), folder)
"""

import hashlib
import json
import os
import pathlib
import shutil
from typing import Any

import tensorflow as tf

from tfp_ebm.internal.constants import constants, differing

__all__ = ["CheckpointError", "restore", "save"]

_MANIFEST = "manifest.json"
_MAX_LENGTH = 300
_MAX_NAMED = 5
_PREFIX = "weights"


class CheckpointError(ValueError):
    """A checkpoint is missing, incomplete or damaged, or could not be written."""


def _digest(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _sync(path):
    """Waits until a file or the entries of a folder are on the disk itself."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def save(model: Any, folder: str | pathlib.Path, config: dict[str, Any] | None = None) -> None:
    """Writes all variables of a model, including chains and log Z, to a folder.

    The files are written beside the folder and moved into place when complete, with a manifest of
    their SHA-256 sums; a checkpoint that is already there is replaced only then.

    Args:
      model: a distribution, or anything else that `tf.train.Checkpoint` tracks.
      folder: where to write.
      config: what the model was made from, JSON-able; `restore` compares it.

    Raises:
      CheckpointError: if it cannot be written, as on a full disk; what was there is untouched.
    """
    folder = pathlib.Path(folder)
    partial = folder.with_name(folder.name + ".partial")
    shutil.rmtree(partial, ignore_errors=True)
    try:
        _write(model, partial, config)
        _put_in_place(partial, folder)
    except (OSError, tf.errors.OpError) as error:
        shutil.rmtree(partial, ignore_errors=True)
        reason = str(error).splitlines()[0]
        raise CheckpointError(
            f"The checkpoint {folder} could not be written; what was there before is untouched. "
            f"Free some space, or choose another disk. ({reason})"
        ) from error


def _write(model, partial, config):
    partial.mkdir(parents=True)
    tf.train.Checkpoint(model=model).write(str(partial / _PREFIX))
    sums = {path.name: _digest(path) for path in sorted(partial.iterdir())}
    content = {"files": sums, "config": config, "constants": constants(model)}
    (partial / _MANIFEST).write_text(json.dumps(content, indent=1) + "\n")
    for path in partial.iterdir():
        _sync(path)
    _sync(partial)


def _previous(folder):
    return folder.with_name(folder.name + ".previous")


def _put_in_place(partial, folder):
    previous = _previous(folder)
    if folder.exists():
        shutil.rmtree(previous, ignore_errors=True)
        folder.rename(previous)
    partial.rename(folder)
    _sync(folder.parent)
    shutil.rmtree(previous, ignore_errors=True)


def restore(model: Any, folder: str | pathlib.Path, config: dict[str, Any] | None = None) -> None:
    """Reads all variables of a model from a folder that `save` wrote.

    Args:
      model: the same model, freshly made.
      folder: where to read.
      config: what the model was made from; None: not compared.

    Raises:
      CheckpointError: if a file is missing or damaged, or belongs to another model or
        configuration, or to a model with other constants, such as delta or a number of levels; the
        message names it. Nothing is deleted.
    """
    folder = pathlib.Path(folder)
    if not folder.exists() and _previous(folder).exists():  # Stopped between two renames.
        folder = _previous(folder)
    content = _verified_content(folder)
    saved = content.get("config")
    if config is not None and saved != config:
        keys = sorted({*(saved or {}), *config})
        others = [key for key in keys if (saved or {}).get(key) != config.get(key)]
        raise CheckpointError(
            f"The checkpoint in {folder} belongs to another configuration, which differs in "
            f"{', '.join(others)}."
        )
    if others := differing(content.get("constants") or {}, constants(model)):
        raise CheckpointError(
            f"The checkpoint in {folder} belongs to a model with other constants: "
            f"{', '.join(others[:_MAX_NAMED])}. Make the model as the one that was saved."
        )
    try:
        status = tf.train.Checkpoint(model=model).read(str(folder / _PREFIX))
        status.assert_existing_objects_matched()
    except (AssertionError, ValueError, tf.errors.OpError) as error:
        raise CheckpointError(
            f"The checkpoint in {folder} belongs to another model, or to another kind or number of "
            f"chains{_chains(model)}; make the model from the config.json beside it. "
            f"{_first_line(error)}"
        ) from None
    status.expect_partial()


def _chains(model):
    """Returns in words the kinds of chains that a model has."""
    kinds = {
        type(part.chains).__name__
        for part in (model, *model.submodules)
        if getattr(part, "chains", None) is not None
    }
    return f" than its {', '.join(sorted(kinds))}" if kinds else ""


def _first_line(error):
    """Returns what TensorFlow names first of what does not fit."""
    line = next(iter(str(error).strip().splitlines()), "")
    return line if len(line) <= _MAX_LENGTH else line[:_MAX_LENGTH] + "..."


def _verified_content(folder):
    """Returns what the manifest says, after a look at every file."""
    manifest = folder / _MANIFEST
    remedy = "restore the folder from a copy, or train again into a new one."
    if not manifest.is_file():
        raise CheckpointError(
            f"No complete checkpoint in {folder}: {_MANIFEST} is missing; {remedy}"
        )
    try:
        content = json.loads(manifest.read_text())
        sums = dict(content["files"])
    except (ValueError, KeyError, TypeError):
        raise CheckpointError(f"The checkpoint file {manifest} is damaged; {remedy}") from None
    for name, expected in sums.items():
        path = folder / name
        if not path.is_file():
            raise CheckpointError(f"The checkpoint file {path} is missing; {remedy}")
        if _digest(path) != expected:
            raise CheckpointError(f"The checkpoint file {path} is damaged; {remedy}")
    return content
