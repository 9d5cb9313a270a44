"""Data sets by name, file or folder."""

import os
import pathlib
from collections.abc import Mapping, Sequence
from typing import Any, Literal, overload

from tfp_ebm.datasets.array_files import load_arrays
from tfp_ebm.datasets.columns import Column
from tfp_ebm.datasets.dataset import Dataset, ImageDataset
from tfp_ebm.datasets.densities import density_names
from tfp_ebm.datasets.density_points import load_points
from tfp_ebm.datasets.digits import load_digits
from tfp_ebm.datasets.image_folders import load_folder
from tfp_ebm.datasets.splits import Division
from tfp_ebm.datasets.tables import load_table
from tfp_ebm.datasets.tensorflow_datasets import load_tensorflow_dataset
from tfp_ebm.internal import checks

__all__ = ["descriptions", "known_sizes", "load", "names"]

# Images of the training part of TensorFlow Datasets that are kept for validation, its last ones.
_NUM_VALIDATION = {"mnist": 10_000, "fashion_mnist": 10_000, "cifar10": 5_000}
_DESCRIPTIONS = {
    "digits": "handwritten digits, 8x8x1, 1000 + 350 + 447 images, 17 levels, in scikit-learn",
    "mnist": "handwritten digits, 28x28x1, 50000 + 10000 + 10000 images, 256 levels",
    "fashion_mnist": "garments, 28x28x1, 50000 + 10000 + 10000 images, 256 levels",
    "cifar10": "colour photographs, 32x32x3, 45000 + 5000 + 10000 images, 256 levels",
}
_SIZES = {
    "digits": ((8, 8, 1), 17),
    "mnist": ((28, 28, 1), 256),
    "fashion_mnist": ((28, 28, 1), 256),
    "cifar10": ((32, 32, 3), 256),
}
_PREFIX = "tfds:"
_ARRAYS, _TABLES = (".npy", ".npz"), (".csv", ".parquet")
_PARTED = ("validation", "test", "split_seed", "shuffle")


def names() -> tuple[str, ...]:
    """Returns the names of images that `load` knows; `density_names` has the others.

    >>> from tfp_ebm import datasets
    >>> "digits" in datasets.names()
    True
    """
    return tuple(sorted(["digits", *_NUM_VALIDATION]))


def descriptions() -> dict[str, str]:
    """Returns what each data set is, by name: shape, numbers of images, levels.

    >>> from tfp_ebm import datasets
    >>> "8x8" in datasets.descriptions()["digits"]
    True
    """
    return {name: _DESCRIPTIONS[name] for name in names()}


def known_sizes() -> dict[str, tuple[tuple[int, int, int], int]]:
    """Returns the shape of the images of each data set in `names`, and their number of levels.

    >>> from tfp_ebm import datasets
    >>> datasets.known_sizes()["digits"]
    ((8, 8, 1), 17)
    """
    return dict(_SIZES)


@overload
def load(
    source: Literal["digits", "mnist", "fashion_mnist", "cifar10"], data_dir: str | None = None
) -> ImageDataset: ...


@overload
def load(source: str | os.PathLike, data_dir: str | None = None, **options: Any) -> Dataset: ...


def load(
    source: str | os.PathLike,
    data_dir: str | None = None,
    *,
    num_levels: int | None = None,
    columns: Mapping[str, Any] | Sequence[Column] | None = None,
    label: str | Column | None = None,
    condition: str | Sequence[str | Column] | None = None,
    validation: float | str | os.PathLike | None = None,
    test: float | str | os.PathLike | None = None,
    split_seed: int | None = None,
    shuffle: bool | None = None,
) -> Dataset:
    r"""Returns data from wherever they are, in three fixed parts.

    | source | what it is | events |
    |---|---|---|
    | `"digits"` | images 8x8x1: 1000 / 350 / 447, in file order | 17 levels |
    | `"mnist"`, `"fashion_mnist"` | images 28x28x1: 50000 / 10000 / 10000 | 256 levels |
    | `"cifar10"` | images 32x32x3: 45000 / 5000 / 10000 | 256 levels |
    | `"tfds:NAME"` | any images of one size in TensorFlow Datasets | levels |
    | `"PATH.npy"`, `"PATH.npz"` | `[N, H, W]`, `[N, H, W, C]` images; `[N, D]` | levels, reals |
    | a folder | PNG, JPEG, TIFF images; folders are classes, or train, validation, test | levels |
    | `"PATH.csv"`, `"PATH.parquet"` | a table with a header | codes |
    | `"two_moons"`, ... | 10000 / 2000 / 2000 points of a density over the plane | reals |

    *Parts.* Data that come in parts keep them: the arrays `train`, `validation` and `test` of an
    .npz file (also `x_train`, `val_images`, ..., with `train_labels`, `y_train`, ...), folders of
    these names, splits of TensorFlow Datasets, and files given as `validation` and `test`. What is
    missing is taken from the training part, by default a tenth each, at least one event: drawn by
    `split_seed`, or the last events if `shuffle=False`. Sets of TensorFlow Datasets are mixed
    already; of them the last ones are taken unless a `split_seed` is given.

    *Levels* have the smallest unsigned type, with `num_levels` 2 of bool, 256 of uint8, 65536 of
    uint16, and of other integers the greatest plus 1, which is warned of. Real numbers are images
    only if `num_levels` is given, and each is level / (num_levels - 1) to 1e-4 of a level.

    *Tables.* A column of texts is a category; a column of numbers with a common step (whole
    numbers; decimals that repeat) an integer one, since a density of values that repeat has no
    upper bound; any other is continuous, standardised by the training part. `columns` overrides
    it, by name: "continuous", "integer", "category", a step such as 0.01, or "ignore".
    `columns=data.columns` reads another file into the same codes. See `Column`, `Dataset.decode`,
    `write_table`.

    *Memory.* A .npy file of integers or of float32 or float64 vectors is mapped; it is looked
    through once, some MiB at a time. Its parts are views of it if they are files of their own or
    `shuffle=False`, and `training_batches` reads them a batch at a time. Parts drawn by seed, and
    everything else, are read into memory.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder, "people.csv")
    ...     rows = [f"{age},{'yes' if age % 3 else 'no'}\n" for age in range(60, 20, -1)]
    ...     _ = path.write_text("age,works\n" + "".join(rows))
    ...     data = load(path, split_seed=1)
    >>> data.train.shape, data.columns[1].categories
    ((32, 2), ('no', 'yes'))
    >>> data.decode([[2.0, 0.0]])["works"].tolist()
    ['no']

    Args:
      source: a name or a path. A folder or file that is called like a built-in set is `"./digits"`.
      data_dir: folder of TensorFlow Datasets; by default `TFDS_DATA_DIR`, or its own default.
      num_levels: levels are 0 ... num_levels - 1; of arrays, folders and TensorFlow Datasets.
      columns: what is known of columns by name, or a `Column` for each; of tables.
      label: name of the column, the array of an .npz file, or the feature that becomes labels; of a
        table also a `Column`, whose categories are the classes, in the order of another data set.
      condition: what events are given, as vectors: names of columns of a table, or `Column`s; or
        the name of an array `[N, C]` of an .npz file. See `condition_vectors`.
      validation: fraction or number of events for validation, or the path of another file.
      test: the same for the test.
      split_seed: seed of the order in which events are dealt to parts, 0 by default; of densities,
        of the draws.
      shuffle: whether there is such an order; True by default.

    Returns:
      A `Dataset`; of a name of images an `ImageDataset`.

    Raises:
      ValueError: if no data set has this name (the nearest one is suggested), an argument does not
        apply, there are fewer than 3 events, or the data are damaged, missing or mixed; the message
        names the place and the fix.
      TypeError: if `source` is neither a name nor a path.
      FileNotFoundError: if there is no such file or folder.
      ImportError: if scikit-learn is needed and missing.
      OSError: if TensorFlow Datasets has the images neither in its folder nor to download.
    """
    options = {
        "num_levels": num_levels,
        "columns": columns,
        "label": label,
        "condition": condition,
        "validation": validation,
        "test": test,
        "split_seed": split_seed,
        "shuffle": shuffle,
    }
    given = {name: value for name, value in options.items() if value is not None}
    if shuffle is False and split_seed is not None:
        raise ValueError(
            f"`split_seed` must be left out with `shuffle=False`, which keeps the order, got "
            f"{split_seed!r}."
        )
    if not isinstance(source, str | os.PathLike):
        raise TypeError(
            f"`source` must be a name or a path, got {type(source).__name__}; arrays of one's own "
            "enter by `Dataset(name, train, validation, test)`."
        )
    text = os.fspath(source)
    if text in names():
        _check_options(text, given, ())
        if text == "digits":
            return load_digits().as_images()
        count = _NUM_VALIDATION[text]
        return load_tensorflow_dataset(text, data_dir, num_validation=count).as_images()
    if text in density_names():
        _check_options(text, given, ("split_seed",))
        return load_points(text, seed=split_seed or 0)
    if text.startswith(_PREFIX):
        _check_options(text, given, ("num_levels", "label", *_PARTED))
        by_seed = split_seed is not None if shuffle is None else shuffle
        division = _division(given)._replace(shuffle=by_seed)
        name = text.removeprefix(_PREFIX)
        return load_tensorflow_dataset(name, data_dir, division, num_levels, label)
    return _load_path(text, given)


def _load_path(text, given):
    if not text:
        raise ValueError("`source` must be a name or a path, got ''.")
    path = pathlib.Path(text).expanduser()
    kind = path.suffix.lower()
    if path.is_dir():
        _check_options(f"{path}, a folder,", given, ("num_levels", *_PARTED))
        return load_folder(path, _division(given), given.get("num_levels"))
    if kind not in (*_ARRAYS, *_TABLES):
        return _refuse_path(text, path)
    files, given = _files(path, given)
    label = given.get("label")
    if kind in _ARRAYS:
        taken = ("num_levels", "label", "condition", *_PARTED)
        _check_options(f"{path}, a file of arrays,", given, taken)
        division, condition = _division(given), given.get("condition")
        return load_arrays(files, division, given.get("num_levels"), label, condition)
    _check_options(f"{path}, a table,", given, ("columns", "label", "condition", *_PARTED))
    division, condition = _division(given), given.get("condition", ())
    return load_table(files, division, given.get("columns"), label, condition)


def _files(path, given):
    """Returns the file of each part that has one, and the arguments that name none."""
    files, rest = {"train": path}, dict(given)
    for part in ("validation", "test"):
        if isinstance(given.get(part), str | os.PathLike):
            files[part] = pathlib.Path(rest.pop(part)).expanduser()
            if files[part].suffix.lower() != path.suffix.lower():
                raise ValueError(
                    f"`{part}` must be a {path.suffix} file like {path}, got {str(files[part])!r}."
                )
    for file in files.values():
        if not file.is_file():
            raise FileNotFoundError(f"There is no file {file}; check the path.")
    return files, rest


def _refuse_path(text, path):
    kinds = f"a folder of images, or a file {', '.join((*_ARRAYS, *_TABLES))}"
    if path.is_file():
        raise ValueError(f"`source` must be {kinds}, got {text!r}; convert it.")
    if os.sep in text or path.suffix:
        raise FileNotFoundError(f"There is no file or folder {path}; `source` must be {kinds}.")
    try:
        checks.choice("source", text, (*names(), *density_names()))
    except ValueError as error:
        raise ValueError(f"{error} It may also be {kinds}, or tfds:NAME.") from None


def _division(given):
    return Division(
        given.get("validation"),
        given.get("test"),
        given.get("split_seed"),
        given.get("shuffle", True),
    )


def _check_options(what, given, taken):
    wrong = [name for name in given if name not in taken]
    if wrong:
        fixed = "has fixed parts and levels, and " if not taken else ""
        raise ValueError(
            f"{what} {fixed}does not take {', '.join(f'`{name}`' for name in wrong)}; leave it out"
            f"{'' if not taken else ', or use ' + ', '.join(f'`{name}`' for name in taken)}."
        )
