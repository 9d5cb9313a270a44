"""What a data set is here: events in three fixed parts."""

import dataclasses
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from tfp_ebm.datasets.columns import Column
from tfp_ebm.datasets.rows import decode_rows, encode_rows
from tfp_ebm.internal import checks
from tfp_ebm.internal.types import TensorLike

__all__ = ["Dataset", "ImageDataset"]

_PARTS = ("train", "validation", "test")


@dataclasses.dataclass(frozen=True, eq=False, repr=False)
class Dataset:
    """Events in three fixed parts: images, vectors, or the rows of a table.

    | events | arrays | `num_levels` | `columns` |
    |---|---|---|---|
    | images | integers `[N, H, W, C]`, 0 ... num_levels - 1 | an integer | None |
    | vectors of levels | integers `[N, D]`, 0 ... num_levels - 1 | an integer | None |
    | real vectors | floating-point numbers `[N, D]` | None | None |
    | rows of a table | codes, float32 `[N, D]` | None | a `Column` for each of the D |

    `load` makes one of whatever holds data; arrays of one's own enter by the constructor.

    >>> points = np.random.default_rng(0).normal(size=[10, 2])
    >>> data = Dataset("cloud", points[:8], points[8:9], points[9:])
    >>> data
    Dataset 'cloud': 8 + 1 + 1 events of shape (2,), real numbers
    >>> data.event_shape, data.image_shape, data.num_classes
    ((2,), None, None)

    Attributes:
      name: its name, or the path it was read from.
      train: `[N, *event_shape]`, to learn from.
      validation: `[N, *event_shape]`, for early stopping and choices.
      test: `[N, *event_shape]`, for reported figures only.
      train_labels: `[N]` integer class of each event, from 0; or None.
      validation_labels: `[N]`, or None.
      test_labels: `[N]`, or None.
      train_condition: `[N, C]` float32, what each event is given; or None.
      validation_condition: `[N, C]`, or None.
      test_condition: `[N, C]`, or None.
      condition_columns: the columns of the table that the conditions are made of; or None.
      num_levels: levels are 0 ... num_levels - 1; None where events are no levels.
      columns: how each column of a table is held; None for all else.
      label_names: the name of each class, where classes have names; or None.
      notes: sentences about what was found out or assumed of the data.
    """

    name: str
    train: np.ndarray
    validation: np.ndarray
    test: np.ndarray
    train_labels: np.ndarray | None = None
    validation_labels: np.ndarray | None = None
    test_labels: np.ndarray | None = None
    train_condition: np.ndarray | None = None
    validation_condition: np.ndarray | None = None
    test_condition: np.ndarray | None = None
    condition_columns: tuple[Column, ...] | None = None
    num_levels: int | None = None
    columns: tuple[Column, ...] | None = None
    label_names: tuple[str, ...] | None = None
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Raises ValueError unless the parts and their labels fit each other."""
        for part in _PARTS:
            _check_part(part, getattr(self, part), self.event_shape)
            _check_labels(part, getattr(self, f"{part}_labels"), len(getattr(self, part)))
            self._check_condition(part)
        for kind in ("labels", "condition"):
            missing = [part for part in _PARTS if getattr(self, f"{part}_{kind}") is None]
            if missing and len(missing) < len(_PARTS):
                raise ValueError(
                    f"Every part must have {kind}, or none, got none for {' and '.join(missing)}."
                )
        if self.num_levels is not None:
            checks.positive_integer("num_levels", self.num_levels, minimum=2)
        if self.columns is not None and (len(self.columns),) != self.event_shape:
            raise ValueError(
                f"`columns` must be one for each entry of an event of shape {self.event_shape}, "
                f"got {len(self.columns)}."
            )

    def _check_condition(self, part):
        condition, first = getattr(self, f"{part}_condition"), self.train_condition
        if condition is None:
            return
        size = "C" if first is None else first.shape[-1]
        expected = (len(getattr(self, part)), size)
        is_real = isinstance(condition, np.ndarray) and condition.dtype.kind == "f"
        if not is_real or condition.ndim != 2 or condition.shape != expected:
            raise ValueError(
                f"`{part}_condition` must be real numbers of shape {expected}, a vector for each "
                f"event, got {np.asarray(condition).dtype} of shape {np.shape(condition)}."
            )
        if not np.isfinite(condition).all():
            row = int(np.flatnonzero(~np.isfinite(condition).all(axis=1))[0])
            raise ValueError(
                f"`{part}_condition` must be finite, got {condition[row].tolist()} for event "
                f"{row}; drop such events or fill them."
            )

    @property
    def event_shape(self) -> tuple[int, ...]:
        """Shape of one event: `(H, W, C)` of an image, `(D,)` of a vector or a row."""
        return tuple(np.shape(self.train)[1:])

    @property
    def image_shape(self) -> tuple[int, int, int] | None:
        """`(H, W, C)`, or None where events are no images."""
        return self.event_shape if len(self.event_shape) == 3 else None

    @property
    def num_classes(self) -> int | None:
        """Number of named classes, else among the training labels; None without labels."""
        if self.train_labels is None:
            return None
        return len(self.label_names) if self.label_names else int(self.train_labels.max()) + 1

    def as_images(self) -> "ImageDataset":
        """Returns the same data, known to be labelled images of levels.

        Raises:
          ValueError: if they are no images, or have no levels or no labels; it says which.
        """
        for what, is_missing in (
            ("images [N, H, W, C]", len(self.event_shape) != 3),
            ("a number of levels", self.num_levels is None),
            ("labels", self.train_labels is None),
        ):
            if is_missing:
                raise ValueError(
                    f"{self.name} must have {what} here, got {self!r}; take a set of labelled "
                    "images, such as digits or an .npz file of images and labels."
                )
        fields = dataclasses.fields(self)
        return ImageDataset(**{field.name: getattr(self, field.name) for field in fields})

    def encode(self, rows: Mapping[str, Any]) -> np.ndarray:
        """Returns rows of the table, in its own units, as codes like those of `train`.

        Args:
          rows: a column of values `[N]` for each name; also a pandas DataFrame.

        Returns:
          Float32 `[N, D]`.

        Raises:
          ValueError: if a column is missing or unknown, a category is unknown, a value is missing,
            not finite or off the steps of its column; or if this is no table.
        """
        return encode_rows(self._table_columns(), rows)

    def decode(self, codes: TensorLike) -> dict[str, np.ndarray]:
        """Returns codes, such as samples of a model, in the units of the table.

        Args:
          codes: `[N, D]`, as `train` has them: whole numbers where columns have steps or
            categories.

        Returns:
          For each column its values `[N]`: integers, float64, or strings.

        Raises:
          ValueError: if a code stands for nothing; or if this is no table.
        """
        return decode_rows(self._table_columns(), codes)

    def _table_columns(self):
        if self.columns is None:
            raise ValueError(f"{self.name} is no table, so that it has no columns to code.")
        return self.columns

    def describe(self) -> str:
        """Returns in words, over several lines, what the data are and what was assumed of them."""
        lines = [repr(self)]
        lines += [f"  {column.describe()}" for column in self.columns or ()]
        if self.train_labels is not None:
            named = f": {', '.join(self.label_names[:20])}" if self.label_names else ""
            lines.append(f"  labels of {self.num_classes} classes{named}")
        if self.train_condition is not None:
            named = ", ".join(column.name for column in self.condition_columns or ())
            of = f": {named}" if named else ""
            lines.append(f"  given vectors of size {self.train_condition.shape[1]}{of}")
        return "\n".join([*lines, *self.notes])

    def __repr__(self) -> str:
        sizes = " + ".join(str(len(getattr(self, part))) for part in _PARTS)
        kind = f"{self.num_levels} levels" if self.num_levels else "real numbers"
        if self.columns is not None:
            kind = f"a table of {len(self.columns)} columns"
        return f"Dataset {self.name!r}: {sizes} events of shape {self.event_shape}, {kind}"


class ImageDataset(Dataset):
    """A `Dataset` of labelled images of levels, none of whose parts is None: see `as_images`.

    >>> from tfp_ebm import datasets
    >>> data = datasets.load("digits")
    >>> data.image_shape, data.num_levels, data.num_classes
    ((8, 8, 1), 17, 10)
    """

    if TYPE_CHECKING:
        train_labels: np.ndarray
        validation_labels: np.ndarray
        test_labels: np.ndarray
        num_levels: int

        @property
        def image_shape(self) -> tuple[int, int, int]: ...  # noqa: D102

        @property
        def num_classes(self) -> int: ...  # noqa: D102


def _check_part(part, array, event_shape):
    if not isinstance(array, np.ndarray) or array.dtype.kind not in "biuf" or not array.ndim > 1:
        got = f"{array.dtype} of shape {array.shape}" if isinstance(array, np.ndarray) else array
        raise ValueError(f"`{part}` must be an array of numbers [N, *event_shape], got {got!r}.")
    if tuple(array.shape[1:]) != event_shape:
        raise ValueError(
            f"`{part}` must have events of shape {event_shape} like `train`, got "
            f"{tuple(array.shape[1:])}."
        )
    if not len(array):
        raise ValueError(f"`{part}` must hold at least one event, got none.")


def _check_labels(part, labels, size):
    if labels is None:
        return
    if (
        not isinstance(labels, np.ndarray)
        or labels.shape != (size,)
        or labels.dtype.kind not in "iu"
    ):
        got = f"{np.asarray(labels).dtype} of shape {np.shape(labels)}"
        raise ValueError(
            f"`{part}_labels` must be integers of shape ({size},), one for each event, got {got}."
        )
