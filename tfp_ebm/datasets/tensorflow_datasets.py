"""Sets of images of TensorFlow Datasets."""

import contextlib
import difflib
import logging
import os
import pathlib
import re

import numpy as np

from tfp_ebm.datasets.dataset import Dataset
from tfp_ebm.datasets.levels import as_events
from tfp_ebm.datasets.splits import PARTS, Division, divide, take

__all__ = ["load_tensorflow_dataset"]

_IN_ORDER = Division(shuffle=False)
_VALIDATION = ("validation", "valid", "val")


def load_tensorflow_dataset(
    name: str,
    data_dir: str | None = None,
    division: Division = _IN_ORDER,
    num_levels: int | None = None,
    label: str | None = None,
    num_validation: int | None = None,
) -> Dataset:
    """Returns a set of images by its name in TensorFlow Datasets, downloaded if need be.

    Args:
      name: name, with a configuration and a version if wished: `"svhn_cropped"`,
        `"emnist/letters"`.
      data_dir: folder of TensorFlow Datasets; by default `TFDS_DATA_DIR`, or its own default.
      division: how parts that the set does not have are taken from its training images; by default
        the last ones, in order.
      num_levels: number of levels, or None to go by the dtype.
      label: name of the feature that becomes labels; by default the one the set names.
      num_validation: number of images for validation where the set is whole, a built-in one's; at
        most a sixth.

    Raises:
      ValueError: if there is no such set, or it is not one of images of one shape.
      OSError: if it is neither in the folder nor to download; nothing is left behind then.
    """
    import tensorflow_datasets as tfds

    tfds.display_progress_bar(False)
    folder = data_dir or os.environ.get("TFDS_DATA_DIR")
    _check_folder(name, folder, "`data_dir`" if data_dir else "TFDS_DATA_DIR")
    _check_name(tfds, name, folder)
    with _told_in_one_line(name, folder), _quiet_retries():
        builder = tfds.builder(name, data_dir=data_dir)
    image, label = _features(tfds, name, builder.info, label)
    with _told_in_one_line(name, folder), _quiet_retries(), _nothing_left(builder):
        builder.download_and_prepare()
        # A stand-in, as in the tests of TensorFlow Datasets, has no list of its parts.
        splits = _splits(name, list(builder.info.splits) or ["train", "test"])
        read = {part: _read(builder, split, image, label) for part, split in splits.items()}
    events = as_events(name, {part: arrays[0] for part, arrays in read.items()}, num_levels)
    sizes = {part: len(array) for part, array in events.parts.items()}
    if num_validation:
        division = division._replace(validation=min(num_validation, max(1, sizes["train"] // 6)))
    places = divide(sizes, division)
    labels = {part: arrays[1].astype(np.int64) for part, arrays in read.items() if label}
    classes = take(labels, places) if label else {}
    unused = sorted(set(builder.info.splits) - set(splits.values()))
    notes = [f"{name} also has {', '.join(unused)}, which is left out."] if unused else []
    return Dataset(
        name,
        **take(events.parts, places),
        **{f"{part}_labels": classes[part] for part in classes},
        num_levels=events.num_levels,
        label_names=_label_names(builder.info, label),
        notes=(*events.notes, *notes),
    )


def _check_folder(name, folder, source):
    if folder and "://" not in folder and not os.path.isdir(os.path.expanduser(folder)):
        raise OSError(
            f"{source} must be a folder that exists, of TensorFlow Datasets, got {folder!r}; give "
            f"the one that holds {name}, or make it for a download."
        )


def _check_name(tfds, name, folder):
    """Raises, with the nearest name, unless the set is known or in the folder."""
    base = re.split("[/:]", name)[0]
    is_there = folder and base and os.path.isdir(os.path.join(os.path.expanduser(folder), base))
    known = tfds.list_builders(with_community_datasets=False)
    if ":" in name or is_there or base in known:
        return
    nearest = difflib.get_close_matches(base, known, n=1, cutoff=0.4)
    hint = f" Did you mean 'tfds:{nearest[0]}'?" if nearest else ""
    raise ValueError(f"There is no 'tfds:{name}' in TensorFlow Datasets.{hint}")


def _features(tfds, name, info, label):
    """Returns the names of the feature of images and of that of labels, or None."""
    features = info.features
    known = dict(features.items()) if hasattr(features, "items") else {}
    supervised = info.supervised_keys or ()
    images = [key for key, kind in known.items() if type(kind) is tfds.features.Image]
    labels = [key for key, kind in known.items() if type(kind) is tfds.features.ClassLabel]
    image = next((key for key in (*supervised, "image") if key in images), None)
    if image is None and len(images) == 1:
        image = images[0]
    if image is None:
        raise ValueError(
            f"{name} must have one feature of images, got {', '.join(known) or 'others'}."
        )
    shape = known[image].shape
    if None in shape:
        raise ValueError(
            f"{name} must have images of one size, got {shape}; resize them into a folder of "
            "images or an .npz file."
        )
    if label is not None and label not in labels:
        raise ValueError(
            f"`label` must be one of the labels of {name}, {', '.join(labels) or 'none'}, got "
            f"{label!r}."
        )
    default = next((key for key in (*supervised, "label") if key in labels), None)
    return image, label or default or (labels[0] if len(labels) == 1 else None)


def _label_names(info, label):
    """Returns the names of classes, unless they are but numbers."""
    names = tuple(info.features[label].names or ()) if label else ()
    return names if any(not name.isdigit() for name in names) else None


def _splits(name, available):
    """Returns the split of the set that each part is."""
    splits = {part: part for part in PARTS if part in available}
    validation = next((split for split in _VALIDATION if split in available), None)
    if validation:
        splits["validation"] = validation
    if "train" not in splits and len(available) == 1:
        return {"train": available[0]}
    if "train" not in splits:
        raise ValueError(f"{name} must have a split for training, got {', '.join(available)}.")
    return splits


def _read(builder, split, image, label):
    keys = [image] if label is None else [image, label]
    data = builder.as_dataset(split=split, shuffle_files=False)
    data = data.map(lambda event: tuple(event[key] for key in keys))
    batches = data.batch(4096).as_numpy_iterator()
    return [np.concatenate(parts) for parts in zip(*batches, strict=True)]


@contextlib.contextmanager
def _told_in_one_line(name, folder):
    """Turns errors of many kinds, of files, of networks, of its own, into one."""
    try:
        yield
    except Exception as error:
        reason = next(iter(str(error).strip().splitlines()), type(error).__name__)
        raise OSError(
            f"{name} could not be read from {folder or 'the default folder'} of TensorFlow "
            f"Datasets, nor downloaded ({reason.rstrip('.')}); give a folder that holds it as "
            "`data_dir`, or in TFDS_DATA_DIR."
        ) from error


@contextlib.contextmanager
def _quiet_retries():
    retries = logging.getLogger("urllib3.connectionpool")
    retries.addFilter(_about_retries)
    try:
        yield
    finally:
        retries.removeFilter(_about_retries)


def _about_retries(record):
    """Keeps retries of downloads away from the terminal; ends those of hosts without an address.

    A filter of a logger, which may raise. TensorFlow Datasets would go on for minutes.
    """
    if re.search(r"total=[0-7],.*NameResolutionError", record.getMessage()):
        raise ConnectionError("no network: the host of the data set has no address")
    return False


@contextlib.contextmanager
def _nothing_left(builder):
    """Removes folders that a failed download has made and left empty, as if they held data."""
    depth = len(pathlib.PurePath(builder.info.full_name).parts)
    root = pathlib.Path(builder.data_dir).parents[depth - 1]
    mine = (root / builder.name, root / "downloads")
    before = {folder for top in mine for folder in _folders(top)}
    try:
        yield
    except BaseException:
        for folder in sorted({f for top in mine for f in _folders(top)} - before, reverse=True):
            with contextlib.suppress(OSError):  # One that is not empty stays.
                folder.rmdir()
        raise


def _folders(top):
    return {pathlib.Path(folder) for folder, _, _ in os.walk(top)}
