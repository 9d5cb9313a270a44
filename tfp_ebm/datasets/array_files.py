"""Arrays in .npy and .npz files as data sets."""

import pathlib
import re
import zipfile
import zlib
from collections.abc import Mapping

import numpy as np

from tfp_ebm.datasets.dataset import Dataset
from tfp_ebm.datasets.labels import as_labels
from tfp_ebm.datasets.levels import as_events
from tfp_ebm.datasets.memory import is_mapped
from tfp_ebm.datasets.splits import Division, divide, take, taken_parts

__all__ = ["load_arrays"]

_PARTS = {
    "train": ("train", "training"),
    "validation": ("validation", "valid", "val"),
    "test": ("test", "testing"),
}
_EVENT_WORDS = ("x", "image", "images", "data", "inputs", "features")
_LABEL_WORDS = ("y", "label", "labels", "target", "targets", "classes")
# What a division by seed may read of an array that is mapped from its file.
_MAX_COPIED = 4 << 30


def load_arrays(
    files: Mapping[str, pathlib.Path],
    division: Division,
    num_levels: int | None = None,
    label: str | None = None,
    condition: str | None = None,
) -> Dataset:
    """Returns the arrays of .npy files, or of one .npz file.

    Args:
      files: the .npy file of the training part, as `"train"`, or of everything, and of other parts
        that have a file of their own; or one .npz file.
      division: how missing parts are taken from the first.
      num_levels: number of levels, or None to go by the dtype.
      label: name of the array of labels in an .npz file, if it is an unusual one.
      condition: name of the array of an .npz file that holds what events are given; of parts the
        name beside that of the part.

    Raises:
      ValueError: if a file is damaged, its arrays have unknown names, or they are no events.
      FileNotFoundError: if a file is not there.
    """
    path = files["train"]
    if path.suffix.lower() == ".npz":
        if len(files) > 1:
            raise ValueError(f"{path} must be the only file: an .npz file holds all parts.")
        arrays = _read_npz(path)
        vectors = {} if condition is None else _conditions(path, arrays, condition)
        arrays, labels = _by_part(path, arrays, label)
    elif label is not None or condition is not None:
        name, value = ("label", label) if condition is None else ("condition", condition)
        raise ValueError(f"`{name}` must be left out, since {path} is one array, got {value!r}.")
    else:
        vectors = {}
        arrays, labels = {part: _read_npy(path) for part, path in files.items()}, {}
    events = as_events(str(path), arrays, num_levels)
    sizes = {part: len(array) for part, array in events.parts.items()}
    labels, label_names = as_labels(labels, sizes)
    places = divide(sizes, division)
    _check_memory(path, events.parts["train"], places)
    parts = taken_parts(events.parts, labels, places, division)
    if vectors:
        _check_sizes(path, condition, vectors, sizes)
        parts |= {f"{part}_condition": array for part, array in take(vectors, places).items()}
    return Dataset(str(path), **parts, **events.told, label_names=label_names)


def _read_npy(path):
    try:
        return np.load(path, mmap_mode="r", allow_pickle=False)
    except (ValueError, EOFError) as error:
        raise ValueError(_unreadable(path, error)) from None


def _read_npz(path):
    try:
        file = np.load(path, allow_pickle=False)
        if not isinstance(file, np.lib.npyio.NpzFile):
            raise ValueError("it is one array, whose name ends in .npy")
        with file:
            return {key: file[key] for key in file.files}
    except (ValueError, EOFError, KeyError, zipfile.BadZipFile, zlib.error) as error:
        raise ValueError(_unreadable(path, error)) from None


def _unreadable(path, error):
    reason = str(error).strip().splitlines() or [type(error).__name__]
    if re.search("pickle|Python objects", reason[0]):
        reason = ["no arrays of numbers or strings, but Python objects or another format"]
    return f"{path} could not be read as a NumPy file: {reason[0].rstrip('.')}."


def _by_part(path, arrays, label):
    """Returns the events and the labels of an archive by part; everything is `"train"`."""
    events, labels, unknown = {}, {}, {}
    if label is not None and label not in arrays:
        raise ValueError(f"`label` must be an array of {path}, {', '.join(arrays)}, got {label!r}.")
    for key, array in arrays.items():
        part, is_label = ("train", True) if key == label else _meaning(key)
        target = labels if is_label else events
        if is_label is None:
            unknown[key] = array
        elif part in target:
            raise ValueError(f"{path} must hold one array of a kind for {part}, got also {key!r}.")
        else:
            target[part] = array
    if len(unknown) == 1 and not events:
        events["train"], unknown = unknown.popitem()[1], {}
    if unknown or "train" not in events:
        raise ValueError(
            f"{path} must hold train, and may hold validation, test and labels (train_labels, ..., "
            f"or y_train, ...); or one array, with or without labels; got "
            f"{', '.join(arrays) or 'no array'}."
        )
    return events, labels


def _conditions(path, arrays, name):
    """Takes what events are given out of an archive: float32 `[N, C]` by part."""
    found = {}
    for key in list(arrays):
        words = re.split(r"[-_. ]+", key)
        parts = [
            part for part, known in _PARTS.items() if {word.lower() for word in words} & {*known}
        ]
        rest = [word for word in words if not any(word.lower() in k for k in _PARTS.values())]
        if key == name or (len(parts) == 1 and "_".join(rest) == name):
            part = "train" if key == name or not parts else parts[0]
            found[part] = np.asarray(arrays.pop(key))
    if not found:
        raise ValueError(
            f"`condition` must be an array of {path}, {', '.join(arrays)}, got {name!r}."
        )
    for part, array in found.items():
        array = array[:, np.newaxis] if array.ndim == 1 else array
        if array.ndim != 2 or array.dtype.kind not in "biuf":
            raise ValueError(
                f"The condition {name!r} of the {part} part must be numbers [N, C], got "
                f"{array.dtype} of shape {array.shape}."
            )
        found[part] = array.astype(np.float32)
    return found


def _check_sizes(path, name, vectors, sizes):
    got = {part: len(array) for part, array in vectors.items()}
    if got != sizes:
        raise ValueError(
            f"The condition {name!r} of {path} must have a vector for each event of "
            f"{_counts(sizes)}, got {_counts(got)}."
        )


def _counts(sizes):
    return ", ".join(f"{part} {size}" for part, size in sizes.items())


def _meaning(key):
    """Returns the part that an array is for, and whether it is of labels (None if unknown)."""
    words = re.split(r"[-_. ]+", key.lower())
    parts = [part for part, known in _PARTS.items() for word in words if word in known]
    rest = [word for word in words if not any(word in known for known in _PARTS.values())]
    part = parts[0] if len(parts) == 1 else "train"
    if len(parts) > 1 or len(rest) > 1 or not (parts or rest):
        return part, None
    if rest and rest[0] in _LABEL_WORDS:
        return part, True
    return part, False if not rest or rest[0] in _EVENT_WORDS else None


def _check_memory(path, array, places):
    in_order = all(isinstance(index, slice) for _, index in places.values())
    if is_mapped(array) and not in_order and array.nbytes > _MAX_COPIED:
        raise ValueError(
            f"{path} holds {array.nbytes / 2**30:.0f} GiB, which a division by seed would copy "
            "into memory; give `shuffle=False` for parts that stay in the file, or files of their "
            "own: `validation=PATH`, `test=PATH`."
        )
