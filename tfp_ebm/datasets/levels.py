"""Arrays as events: images and vectors of levels, and real vectors."""

import warnings
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from tfp_ebm.datasets.columns import MAX_LEVELS
from tfp_ebm.datasets.memory import blocks, is_mapped
from tfp_ebm.datasets.steps import decimal_step
from tfp_ebm.internal import checks

__all__ = ["Events", "as_events"]

_KNOWN_LEVELS = {"bool": 2, "uint8": 1 << 8, "uint16": 1 << 16}
_STEP_TOLERANCE = 1e-4
_CHANNELS = (1, 2, 3, 4)
_NUM_JUDGED = 10_000


class Events(NamedTuple):
    """Checked events of each part that the data came in.

    Attributes:
      parts: `[N, H, W, C]` images, or `[N, D]` vectors, by part.
      num_levels: they are 0 ... num_levels - 1; None for real vectors.
      notes: sentences about what was assumed.
    """

    parts: dict[str, np.ndarray]
    num_levels: int | None
    notes: tuple[str, ...]

    @property
    def told(self) -> dict[str, Any]:
        """What a `Dataset` is told of them."""
        return {"num_levels": self.num_levels, "notes": self.notes}


def as_events(
    source: str, parts: Mapping[str, np.ndarray], num_levels: int | None = None
) -> Events:
    """Returns arrays as images or vectors of levels, or as real vectors.

    Arrays mapped from a file stay so, but for floating-point numbers that become levels.

    Args:
      source: where they are from, for messages.
      parts: `[N, H, W]`, `[N, H, W, C]` or `[N, D]` by part.
      num_levels: number of levels; by default that of the dtype of bool, uint8 and uint16, and for
        other integers the greatest plus 1.

    Raises:
      ValueError: if shapes or types differ or do not fit, values are not finite, or are no levels.
    """
    if num_levels is not None:
        checks.positive_integer("num_levels", num_levels, minimum=2)
    arrays = {part: _shaped(source, array) for part, array in parts.items()}
    _check_alike(source, arrays)
    first = arrays["train"]
    if first.dtype.kind == "f" and num_levels is None:
        return _reals(source, arrays)
    if first.dtype.kind == "f":
        arrays = {part: _rounded(source, part, a, num_levels) for part, a in arrays.items()}
        return Events(arrays, num_levels, ())
    highest = max(_highest(source, part, array) for part, array in arrays.items())
    notes = []
    known = _KNOWN_LEVELS.get(first.dtype.name)
    if num_levels is None:
        num_levels = known or max(2, highest + 1)
        if not known:
            notes.append(
                f"{source} holds {first.dtype}, from 0 to {highest}, so that `num_levels` is taken "
                f"to be {num_levels}; give `num_levels` if there are more."
            )
            warnings.warn(notes[0], stacklevel=2)
        elif 2 * highest < known - 1:
            notes.append(
                f"`num_levels` is {known}, that of {first.dtype}, but the greatest level is "
                f"{highest}."
            )
    if num_levels > MAX_LEVELS:
        raise ValueError(
            f"{source} must have at most 2^23 = {MAX_LEVELS} levels, which float32 holds exactly, "
            f"got {num_levels}."
        )
    if highest >= num_levels:
        _refuse_level(source, arrays, num_levels)
    narrowed = {part: _narrowed(array, num_levels) for part, array in arrays.items()}
    return Events(narrowed, num_levels, tuple(notes))


def _shaped(source, array):
    """Returns an array with an axis of channels if it holds images."""
    if array.dtype.kind not in "biuf":
        raise ValueError(
            f"{source} must hold integers or floating-point numbers, got {array.dtype}."
        )
    if array.ndim == 1:
        raise ValueError(
            f"{source} must hold [N, D], [N, H, W] or [N, H, W, C], got shape {array.shape}; "
            "numbers become vectors of one entry by `x.reshape(-1, 1)`."
        )
    if array.ndim not in (2, 3, 4) or 0 in array.shape[1:]:
        raise ValueError(
            f"{source} must hold [N, D], [N, H, W] or [N, H, W, C], got shape {array.shape}."
        )
    if array.ndim == 4 and array.shape[-1] not in _CHANNELS and array.shape[1] in (1, 3):
        raise ValueError(
            f"{source} must hold images [N, H, W, C] with channels last, got shape {array.shape}; "
            "move them: `np.moveaxis(x, 1, -1)`."
        )
    if not array.dtype.isnative:
        array = array.astype(array.dtype.newbyteorder("="))
    return array[..., np.newaxis] if array.ndim == 3 else array


def _check_alike(source, arrays):
    first = arrays["train"]
    for part, array in arrays.items():
        if array.shape[1:] != first.shape[1:] or array.dtype != first.dtype:
            raise ValueError(
                f"{source} must hold events of one shape and type in every part, got "
                f"{first.shape[1:]} of {first.dtype} in train and {array.shape[1:]} of "
                f"{array.dtype} in {part}."
            )


def _reals(source, arrays):
    first = arrays["train"]
    if first.ndim == 4:
        raise ValueError(
            f"{source} must hold images as levels, got {first.dtype}; give `num_levels`, such as "
            "256, if they are level / (num_levels - 1) in [0, 1]; whole numbers become levels by "
            "`x.astype(np.uint8)`; real numbers without levels become vectors by "
            "`x.reshape(len(x), -1)`."
        )
    if first.dtype not in (np.float32, np.float64):
        known = np.float32 if first.dtype == np.float16 else np.float64
        arrays = {part: array.astype(known) for part, array in arrays.items()}
    low, high = np.inf, -np.inf
    for part, array in arrays.items():
        for start, block in blocks(array):
            _refuse(source, part, start, block, ~np.isfinite(block), "be finite", "drop or fill it")
            low, high = np.minimum(low, block.min(axis=0)), np.maximum(high, block.max(axis=0))
    constant = np.flatnonzero(low == high)
    if constant.size:
        raise ValueError(
            f"{source} must hold entries that vary, got {low[constant[0]]:g} in every row of "
            f"column {constant[0]}; leave it out: `np.delete(x, {constant[0]}, axis=1)`."
        )
    return Events(arrays, None, _resolution_notes(source, arrays["train"]))


def _resolution_notes(source, array):
    """Warns where real numbers look rounded, judged by some of the rows."""
    some = np.asarray(array[:_NUM_JUDGED])
    stepped = [i for i in range(some.shape[1]) if _is_stepped(some[:, i])]
    if not stepped:
        return ()
    columns = ", ".join(map(str, stepped[:10]))
    note = (
        f"{source} holds real numbers, but those of column {columns} are multiples of a step and "
        "repeat: their density has no upper bound. Save a table with a header (.csv), whose "
        "columns have steps, or integers."
    )
    warnings.warn(note, stacklevel=2)
    return (note,)


def _is_stepped(values):
    return len(np.unique(values)) < len(values) and (
        values.min() < values.max() and decimal_step(values) is not None
    )


def _highest(source, part, array):
    """Returns the greatest level of a part, if none is negative."""
    highest = 0
    for start, block in blocks(array):
        if block.dtype.kind == "i":
            fix = "subtract the least, or save a table with a header (.csv)"
            _refuse(source, part, start, block, block < 0, "hold levels from 0", fix)
        highest = max(highest, int(block.max()))
    return highest


def _refuse_level(source, arrays, num_levels):
    for part, array in arrays.items():
        for start, block in blocks(array):
            expected = f"hold levels from 0 to {num_levels - 1}, for `num_levels`={num_levels}"
            fix = "give a greater `num_levels`, or rescale"
            _refuse(source, part, start, block, block >= num_levels, expected, fix)


def _rounded(source, part, array, num_levels):
    """Returns level / (num_levels - 1) in [0, 1] as levels."""
    tolerance = max(_STEP_TOLERANCE, float(np.finfo(array.dtype).eps) * (num_levels - 1))
    if tolerance > 0.25:
        raise ValueError(
            f"{source} must hold {num_levels} levels exactly, which {array.dtype} does not; save "
            "them as integers."
        )
    levels = np.empty(array.shape, _smallest(num_levels))
    for start, block in blocks(array):
        scaled = block.astype(np.float64) * (num_levels - 1)
        with np.errstate(invalid="ignore"):  # Of infinite values, which are near nothing.
            near = np.abs(scaled - np.rint(scaled)) <= tolerance
        wrong = ~(near & (scaled > -0.5) & (scaled < num_levels - 0.5))
        expected = f"hold level / {num_levels - 1} in [0, 1], for `num_levels`={num_levels}"
        _refuse(
            source, part, start, block, wrong, expected, "give the right `num_levels`, or integers"
        )
        levels[start : start + len(block)] = np.rint(scaled)
    return levels


def _refuse(source, part, start, block, wrong, expected, fix):
    if wrong.any():
        index = np.unravel_index(int(np.argmax(wrong)), wrong.shape)
        place = ", ".join(str(int(i)) for i in (start + index[0], *index[1:]))
        raise ValueError(
            f"{source} must {expected}, got {block[index].item()!r} at [{place}] of the {part} "
            f"part; {fix}."
        )


def _smallest(num_levels):
    return next(
        t for t in (np.uint8, np.uint16, np.int32, np.int64) if num_levels - 1 <= np.iinfo(t).max
    )


def _narrowed(array, num_levels):
    """Returns levels in the smallest type, unless they would have to leave their file for that."""
    if array.dtype == bool:
        return array.view(np.uint8)
    if is_mapped(array):
        return array
    return array.astype(_smallest(num_levels), copy=False)
