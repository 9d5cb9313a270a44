"""Folders of images as data sets."""

import pathlib

import numpy as np

from tfp_ebm.datasets.dataset import Dataset
from tfp_ebm.datasets.image_files import SUFFIXES, read_image
from tfp_ebm.datasets.labels import in_natural_order
from tfp_ebm.datasets.levels import as_events
from tfp_ebm.datasets.memory import new_array, release
from tfp_ebm.datasets.splits import PARTS, Division, divide, taken_parts

__all__ = ["load_folder"]

_PARTS = {
    "train": "train",
    "training": "train",
    "validation": "validation",
    "valid": "validation",
    "val": "validation",
    "test": "test",
}
# Of images that are written to a file, so many bytes stay in memory.
_KEPT_BYTES = 1 << 24
_IGNORED = ("thumbs.db", "desktop.ini")


def load_folder(folder: pathlib.Path, division: Division, num_levels: int | None = None) -> Dataset:
    """Returns the images of a folder, read one by one.

    Args:
      folder: images; or a folder of them for each class; or folders train, validation and test of
        either kind.
      division: how missing parts are taken from the others.
      num_levels: number of levels; by default 2, 256 or 65536, as the files have them.

    Raises:
      ValueError: if there are none, a file is no image, or one differs from the others in size or
        kind; it names the file.
    """
    files = {part: _by_class(place) for part, place in _parts(folder).items()}
    names = _class_names(folder, files)
    paths = {part: _paths(found) for part, found in files.items()}
    labels = {part: _labels(found, names) for part, found in files.items()} if names else {}
    first = read_image(pathlib.Path(paths["train"][0]))
    sizes = {part: len(found) for part, found in paths.items()}
    places = _dealt(divide(sizes, division), sizes, division)
    parts = taken_parts(paths, labels, places, division)
    images = _read({part: parts[part] for part in PARTS}, first, paths["train"][0])
    events = as_events(str(folder), images, num_levels)
    return Dataset(str(folder), **{**parts, **events.parts}, **events.told, label_names=names)


def _paths(found):
    """Returns the paths of the images of all classes, one class after the other."""
    return np.array([str(path) for images in found.values() for path in images])


def _entries(folder):
    """Returns the folders and the files in a folder, sorted, without hidden ones."""
    entries = [
        entry
        for entry in folder.iterdir()
        if not entry.name.startswith(".") and entry.name.lower() not in _IGNORED
    ]
    names = in_natural_order(entry.name for entry in entries)
    entries = [folder / name for name in names]
    folders = [entry for entry in entries if entry.is_dir()]
    return folders, [entry for entry in entries if not entry.is_dir()]


def _parts(folder):
    """Returns the folder of each part; everything is `"train"`."""
    folders, files = _entries(folder)
    if not folders and not files:
        raise ValueError(f"{folder} is empty; it must hold PNG, JPEG or TIFF images.")
    parts = {}
    for entry in folders:
        part = _PARTS.get(entry.name.lower())
        if part in parts and part:
            raise ValueError(f"{folder} must hold one folder for {part}, got also {entry.name}.")
        if part:
            parts[part] = entry
    if "train" not in parts:
        return {"train": folder}
    odd = [entry.name for entry in (*folders, *files) if entry not in parts.values()]
    if odd:
        raise ValueError(
            f"{folder} has a folder for training, and must then hold train, validation and test "
            f"alone, got also {', '.join(odd[:5])}."
        )
    return parts


def _by_class(folder):
    """Returns the images of each class; of None if there are no classes."""
    folders, files = _entries(folder)
    if folders and files:
        raise ValueError(
            f"{folder} must hold images, or a folder of images for each class, got both: "
            f"{files[0].name} and {folders[0].name}."
        )
    found = {None: files} if not folders else {}
    for entry in folders:
        deeper, found[entry.name] = _entries(entry)
        if deeper:
            raise ValueError(
                f"{entry} must hold the images of a class alone, got {deeper[0].name}."
            )
    for name, images in found.items():
        if not images:
            raise ValueError(f"{folder / (name or '')} holds no images; remove it or fill it.")
        for path in images:
            if path.suffix.lower() not in SUFFIXES:
                raise ValueError(f"{path} must be a PNG, JPEG or TIFF image; move it elsewhere.")
    return found


def _class_names(folder, files):
    classes = {part: set(found) for part, found in files.items()}
    for part, found in classes.items():
        if (None in found) != (None in classes["train"]):
            raise ValueError(f"{folder} must have classes in every part, or in none; see {part}.")
        if found - classes["train"]:
            odd = ", ".join(map(str, sorted(found - classes["train"])))
            raise ValueError(f"{folder} must have all classes in train, but only {part} has {odd}.")
    return None if None in classes["train"] else in_natural_order(classes["train"])


def _read(files, first, first_path):
    """Returns all images by part, after comparing each with the first."""
    result = {}
    for part, paths in files.items():
        result[part] = new_array([len(paths), *first.shape], first.dtype)
        for index, path in enumerate(paths):
            image = read_image(pathlib.Path(path))
            if image.shape != first.shape or image.dtype != first.dtype:
                raise ValueError(
                    f"{path} must be like the other images: it is {_kind(image)}, but {first_path} "
                    f"is {_kind(first)}; crop, resize or convert it."
                )
            result[part][index] = image
            if index * first.nbytes % _KEPT_BYTES < first.nbytes:
                release(result[part])
    return result


def _kind(image):
    height, width, channels = image.shape
    return f"{height}x{width}, {'RGB' if channels == 3 else 'grey'}, {image.dtype}"


def _labels(found, names):
    sizes = [len(images) for images in found.values()]
    return np.repeat([names.index(name) for name in found], sizes).astype(np.int64)


def _dealt(places, sizes, division):
    """Returns places with the classes of a training part that is whole mixed, as a seed deals them.

    Who looks at the first images of the training part should meet every class.
    """
    source, index = places["train"]
    if division.shuffle and isinstance(index, slice):
        index = np.random.default_rng(division.seed or 0).permutation(sizes[source])
    return {**places, "train": (source, index)}
