"""What a model is, as plain data."""

import dataclasses
import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from tfp_ebm.internal import checks
from tfp_ebm.internal.types import Described

__all__ = ["DataSpec", "ModelSpec"]

CONTINUOUS, INTEGER = "continuous", "integer"
_PARTS = ("flow", "base", "noise", "posterior")
# Rows that are read at a time for their moments.
_BLOCK = 65_536


@dataclasses.dataclass(frozen=True)
class DataSpec:
    """What the events of a model are: images, rows of a table, or vectors of reals.

    >>> DataSpec((8, 8, 1), num_levels=17).kind, DataSpec((2,)).kind
    ('images', 'vectors')
    >>> DataSpec((3,), columns=("continuous", "integer", 5)).num_latents
    7

    Attributes:
      event_shape: `(H, W, C)` of images, `(D,)` of others.
      num_levels: levels of the pixels, 0 ... num_levels - 1; None for other data.
      columns: of a table, for each column `"continuous"`, `"integer"`, or the number of its
        categories; None for other data.
      location: for each column or coordinate, what is subtracted before the flow; None: 0.
      scale: for each, what it is divided by; None: 1.
      num_classes: number of labels, for bases that model them too; None: no labels.
      num_context: size of the vectors that events are modelled given, see `Conditional`; None:
        there are none. Of class labels it is their number.
    """

    event_shape: tuple[int, ...]
    num_levels: int | None = None
    columns: tuple[str | int, ...] | None = None
    location: tuple[float, ...] | None = None
    scale: tuple[float, ...] | None = None
    num_classes: int | None = None
    num_context: int | None = None

    def __post_init__(self) -> None:
        """Checks the fields, and turns lists into tuples.

        Raises:
          ValueError: if they do not fit each other.
        """
        for name in ("event_shape", "columns", "location", "scale"):
            if (value := getattr(self, name)) is not None:
                object.__setattr__(self, name, tuple(value))
        if self.num_levels is not None:
            checks.image_shape("image_shape", self.event_shape)
            checks.positive_integer("num_levels", self.num_levels, minimum=2)
        elif len(self.event_shape) != 1:
            raise ValueError(
                "`event_shape` must be (H, W, C) with `num_levels`, or (D,), got "
                f"{self.event_shape} and no `num_levels`; give the number of pixel levels."
            )
        for size in self.event_shape:
            checks.positive_integer("event_shape", size)
        if self.num_classes is not None:
            checks.positive_integer("num_classes", self.num_classes, minimum=2)
        if self.num_context is not None:
            checks.positive_integer("num_context", self.num_context)
        self._check_columns()

    def _check_columns(self):
        for name in ("columns", "location", "scale"):
            value = getattr(self, name)
            if value is not None and (self.kind == "images" or (len(value),) != self.event_shape):
                raise ValueError(
                    f"`{name}` must have an entry for each of the columns of vectors or tables, "
                    f"got {len(value)} for events of shape {self.event_shape}."
                )
        for column in self.columns or ():
            is_count = isinstance(column, int) and not isinstance(column, bool) and column >= 2
            if column not in (CONTINUOUS, INTEGER) and not is_count:
                raise ValueError(
                    "`columns` must hold 'continuous', 'integer', or a number of categories of at "
                    f"least 2, got {column!r}."
                )
        if self.location and not np.all(np.isfinite(self.location)):
            raise ValueError(f"`location` must be finite, got {self.location}.")
        if self.scale and not (np.all(np.isfinite(self.scale)) and min(self.scale) > 0):
            raise ValueError(f"`scale` must be positive and finite, got {self.scale}.")

    @property
    def kind(self) -> str:
        """`"images"`, `"table"` or `"vectors"`."""
        if self.num_levels is not None:
            return "images"
        return "vectors" if self.columns is None else "table"

    @property
    def num_latents(self) -> int:
        """Dimensions of the continuous space: pixels, or columns with a cell for each category."""
        if self.columns is None:
            return math.prod(self.event_shape)
        return sum(column if isinstance(column, int) else 1 for column in self.columns)

    @classmethod
    def of(cls, data: Any, with_labels: bool = False, num_context: int | None = None) -> "DataSpec":
        """Returns the description of a data set.

        Args:
          data: a `tfp_ebm.datasets.Dataset`.
          with_labels: whether a base is to model the labels too.
          num_context: size of the vectors that events are modelled given; None: there are none.
        """
        num_classes = data.num_classes if with_labels else None
        given = {"num_classes": num_classes, "num_context": num_context}
        if len(data.event_shape) == 3:
            return cls(data.event_shape, data.num_levels, **given)
        columns = None
        if data.num_levels is not None:  # Whole numbers without a header.
            columns = (INTEGER,) * data.event_shape[0]
        if data.columns is not None:
            columns = tuple(
                len(column.categories) if column.kind == "category" else column.kind
                for column in data.columns
            )
        size = data.event_shape[0]
        is_category = np.array([isinstance(column, int) for column in columns or [None] * size])
        mean, deviation = _moments(data.train)
        location = np.where(is_category, 0.0, mean)
        scale = np.where(is_category, 1.0, deviation)
        return cls(
            data.event_shape,
            columns=columns,
            location=[float(f"{value:.6g}") for value in location],
            scale=[float(f"{value:.6g}") or 1.0 for value in scale],
            **given,
        )


@dataclasses.dataclass(frozen=True)
class ModelSpec:
    """A model, as plain data: what `tfp_ebm.models.build` builds and a run folder records.

    A part is a name, or a pair of a name and its options; `flow_names`, `base_names` and
    `part_options` tell what there is.

    >>> spec = ModelSpec(DataSpec((8, 8, 1), 17), flow=("glow", {"num_steps": 1}), base="normal")
    >>> ModelSpec.from_dict(spec.to_dict()) == spec
    True

    Attributes:
      data: what the events are.
      flow: the map between latents and events.
      base: the distribution of the latents.
      noise: dequantisation of images, `"uniform"` or `"variational"`.
      num_augmented: extra dimensions, as in VFlow: channels of images, coordinates of others.
      posterior: distribution of the extra dimensions given an event; None: the usual one.
      dtype: dtype of all variables, `"float32"` or `"float64"`.
      name: name of the distribution.
    """

    data: DataSpec
    flow: Described
    base: Described = "normal"
    noise: Described = "uniform"
    num_augmented: int = 0
    posterior: Described = None
    dtype: str = "float32"
    name: str | None = None

    def __post_init__(self) -> None:
        """Turns names into pairs, and lists into tuples.

        Raises:
          ValueError: if a field is not of its kind.
        """
        if not isinstance(self.data, DataSpec):
            raise ValueError(f"`data` must be a DataSpec, got {self.data!r}.")
        for field in _PARTS:
            object.__setattr__(self, field, _part(field, getattr(self, field)))
        checks.positive_integer("num_augmented", self.num_augmented, minimum=0)
        if self.posterior is not None and not self.num_augmented:
            raise ValueError(
                "`posterior` needs extra dimensions, got `num_augmented` 0; give their number, or "
                "no posterior."
            )
        checks.choice("dtype", self.dtype, ("float32", "float64"))

    def to_dict(self) -> dict[str, Any]:
        """Returns the description as JSON-able data; fields that stand at their default are out."""
        content = {}
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            if field.name in _PARTS and value is not None and not value[1]:
                value = value[0]
            if value != field.default:
                content[field.name] = value
        data = {name: value for name, value in vars(self.data).items() if value is not None}
        return _as_lists({**content, "data": data})

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> "ModelSpec":
        """Returns the model that `to_dict` described.

        Raises:
          ValueError: if a field is missing, unknown or not of its kind.
        """
        if not isinstance(content, Mapping) or not isinstance(content.get("data"), Mapping):
            raise ValueError("it, and its `data`, must be objects, `{...}`.")
        for name, fields in (("data", DataSpec), ("model", cls)):
            given = content["data"] if name == "data" else content
            known = {field.name: field for field in dataclasses.fields(fields)}
            for key in given:
                checks.choice(f"field of the {name}", key, known)
            needed = [key for key, f in known.items() if f.default is dataclasses.MISSING]
            if missing := [key for key in needed if key not in given]:
                raise ValueError(f"the {name} lacks {', '.join(missing)}.")
        try:
            return cls(**{**content, "data": DataSpec(**content["data"])})
        except TypeError as error:
            raise ValueError(f"the model is not of its form ({error}).") from error


def _moments(rows):
    """Returns mean and standard deviation of columns, some rows at a time: a file may hold them."""
    blocks = range(0, len(rows), _BLOCK)
    mean = sum(np.sum(rows[i : i + _BLOCK], axis=0, dtype=np.float64) for i in blocks) / len(rows)
    squares = sum(np.sum((rows[i : i + _BLOCK] - mean) ** 2, axis=0) for i in blocks)
    return mean, np.sqrt(squares / len(rows))


def _part(field, value):
    """Returns a pair of a name and a dictionary of options."""
    if value is None and field == "posterior":
        return None
    if isinstance(value, str):
        value = (value, {})
    is_pair = isinstance(value, tuple | list) and len(value) == 2
    if not is_pair or not isinstance(value[0], str) or not isinstance(value[1], Mapping):
        raise ValueError(
            f"`{field}` must be a name, or a pair of a name and a dictionary of options, got "
            f"{value!r}."
        )
    return value[0], {key: _as_tuples(option) for key, option in value[1].items()}


def _as_tuples(value):
    return tuple(map(_as_tuples, value)) if isinstance(value, tuple | list) else value


def _as_lists(value):
    if isinstance(value, Mapping):
        return {key: _as_lists(part) for key, part in value.items()}
    return [_as_lists(part) for part in value] if isinstance(value, tuple | list) else value
