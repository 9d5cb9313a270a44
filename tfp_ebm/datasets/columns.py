"""How a column of a table is held as numbers, and read back."""

import dataclasses
import decimal

import numpy as np

from tfp_ebm.internal import checks
from tfp_ebm.internal.types import TensorLike

__all__ = ["KINDS", "MAX_LEVELS", "Column", "off_steps"]

KINDS = ("continuous", "integer", "category")
# Whole numbers up to here, of either sign, are exact in float32, and so are they plus a half.
MAX_LEVELS = 1 << 23


@dataclasses.dataclass(frozen=True)
class Column:
    """One column of a table: what its codes stand for.

    | kind | code of a value | value of a code |
    |---|---|---|
    | continuous | (value - location) / scale | location + scale * code |
    | integer | round((value - offset) / step) | offset + step * code |
    | category | its place among `categories` | categories[code] |

    Whole numbers, and measurements of finite resolution, are of the kind "integer", with the
    resolution as `step`: a density of values that repeat has no upper bound, so they are to be
    levels, which a model with noise makes continuous.

    >>> carat = Column("carat", "integer", step=0.01, offset=0.2)
    >>> carat.encode([0.23, 0.2]).tolist(), carat.decode([3.0, 0.0]).tolist()
    ([3.0, 0.0], [0.23, 0.2])
    >>> Column("cut", "category", categories=("fair", "good")).encode(["good"]).tolist()
    [1.0]

    Attributes:
      name: its name in the header.
      kind: "continuous", "integer" or "category".
      step: resolution of an integer column, in the units of the table.
      offset: the value whose code is 0, in the same units.
      location: the value whose code is 0 in a continuous column.
      scale: the difference of values whose codes differ by 1 in a continuous column.
      categories: different strings; a code is a place among them.
      num_levels: number of categories, or of the levels from the least to the greatest that an
        integer column has in the training part, where it is known. In other parts, and in rows to
        come, codes may lie outside 0 ... num_levels - 1.
    """

    name: str
    kind: str
    step: float = 1.0
    offset: float = 0.0
    location: float = 0.0
    scale: float = 1.0
    categories: tuple[str, ...] = ()
    num_levels: int | None = None

    def __post_init__(self) -> None:
        """Raises ValueError unless the attributes fit the kind."""
        checks.choice("kind", self.kind, KINDS)
        checks.positive_number("step", self.step)
        checks.positive_number("scale", self.scale)
        for attribute in ("offset", "location"):
            if not np.isfinite(getattr(self, attribute)):
                raise ValueError(f"`{attribute}` must be finite, got {getattr(self, attribute)!r}.")
        categories = tuple(self.categories)
        if self.kind == "category" and (
            len(categories) < 1
            or len(set(categories)) < len(categories)
            or not all(isinstance(category, str) for category in categories)
        ):
            raise ValueError(f"`categories` must be different strings, got {categories!r}.")
        object.__setattr__(self, "categories", categories)
        if self.kind == "category":
            object.__setattr__(self, "num_levels", len(categories))

    def encode(self, values: TensorLike) -> np.ndarray:
        """Returns values `[N]` in the units of the table as codes, float32 `[N]`.

        Raises:
          ValueError: if a value is missing, not finite, off the steps, or no category; it names the
            column and the row, from 0.
        """
        if self.kind == "category":
            return self._encode_categories(np.asarray(values))
        values = self._numbers(values, "values")
        if self.kind == "continuous":
            codes = (values.astype(np.float64) - self.location) / self.scale
        else:
            codes = np.rint((values.astype(np.float64) - self.offset) / self.step)
            off = off_steps(values, self.offset, self.step)
            self._refuse(
                off,
                values,
                f"be on steps of {self.step:g} from {self.offset:g}",
                'read it with a finer step, or as "continuous"',
            )
        self._refuse(
            np.abs(codes) > MAX_LEVELS,
            values,
            f"have a code up to {MAX_LEVELS} in size",
            "which is what float32 holds exactly",
        )
        return codes.astype(np.float32)

    def decode(self, codes: TensorLike) -> np.ndarray:
        """Returns codes `[N]` as values: int64, float64, or strings.

        Raises:
          ValueError: if a code is not finite or stands for nothing, such as 0.5 where there are
            steps.
        """
        codes = self._numbers(codes, "codes").astype(np.float64)
        if self.kind == "continuous":
            return self.location + self.scale * codes
        self._refuse(
            codes != np.rint(codes),
            codes,
            "have whole numbers as codes",
            "which a model with noise gives (`Dequantized`)",
        )
        if self.kind == "category":
            outside = (codes < 0) | (codes >= len(self.categories))
            limit = f"have codes from 0 to {len(self.categories) - 1}"
            self._refuse(outside, codes, limit, "one for each category")
            return np.asarray(self.categories)[codes.astype(np.int64)]
        decimals = max(_decimals(self.step), _decimals(self.offset))
        if decimals == 0:
            return int(self.offset) + int(self.step) * codes.astype(np.int64)
        return np.round(self.offset + self.step * codes, decimals)

    def describe(self) -> str:
        """Returns in words what the column holds."""
        if self.kind == "category":
            return f"{self.name}: one of {', '.join(self.categories)}"
        if self.kind == "continuous":
            return f"{self.name}: continuous, around {self.location:g} by {self.scale:g}"
        levels = f", {self.num_levels} levels in the training part" if self.num_levels else ""
        return f"{self.name}: steps of {self.step:g} from {self.offset:g}{levels}"

    def _numbers(self, values, what):
        values = np.asarray(values)
        if values.dtype.kind not in "biuf" or values.ndim != 1:
            raise ValueError(
                f"Column {self.name!r} must have numbers [N] as {what}, got {values.dtype} of "
                f"shape {values.shape}."
            )
        self._refuse(~np.isfinite(values), values, f"have finite {what}", "drop the row or fill it")
        return values

    def _encode_categories(self, values):
        index = {category: code for code, category in enumerate(self.categories)}
        texts = [str(value) for value in values.tolist()]
        unknown = np.array([text not in index for text in texts], bool)
        known = f"be one of {', '.join(self.categories[:20])}"
        self._refuse(unknown, texts, known, "drop the row, or read the column anew")
        return np.array([index[text] for text in texts], np.float32)

    def _refuse(self, wrong, values, expected, fix):
        if wrong.any():
            row = int(np.argmax(wrong))
            value = values[row] if isinstance(values, list) else values[row].item()
            raise ValueError(
                f"Column {self.name!r} must {expected}, got {value!r} in row {row}; {fix}."
            )


def off_steps(values: np.ndarray, offset: float, step: float) -> np.ndarray:
    """Returns where values are not offset + step * (a whole number), up to rounding.

    Args:
      values: `[N]`, integers or floating-point numbers, whose precision bounds the rounding.
      offset: the value of level 0.
      step: the distance of two levels.
    """
    epsilon = np.finfo(values.dtype if values.dtype.kind == "f" else np.float64).eps
    values = values.astype(np.float64)
    levels = (values - offset) / step
    largest = np.maximum(np.abs(values), abs(offset))
    is_between = np.abs(levels - np.rint(levels)) > np.minimum(
        1e-6 + 4 * epsilon * largest / step, 0.05
    )
    # Under a step far too large all levels are near 0, and yet the values are not there.
    is_away = np.abs(offset + step * np.rint(levels) - values) > max(1e-6, 4 * epsilon) * largest
    return is_between | is_away


def _decimals(value):
    """Returns the number of decimals of the shortest text for a number."""
    exponent = decimal.Decimal(repr(float(value))).normalize().as_tuple().exponent
    return max(0, -exponent)
