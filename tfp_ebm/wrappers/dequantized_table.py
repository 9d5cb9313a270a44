"""A distribution over rows of real numbers, whole numbers and categories, from a density."""

import math
import numbers
from collections.abc import Sequence

import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp

from tfp_ebm.internal import checks
from tfp_ebm.internal.tfp_private import parameter_properties, ps, samplers
from tfp_ebm.internal.types import Distribution, Unpack
from tfp_ebm.internal.unit_cells import SIGNIFICANT_BITS, in_cell
from tfp_ebm.wrappers.bound_options import BoundOptions
from tfp_ebm.wrappers.dequantizing import Dequantizing

__all__ = ["DequantizedTable"]


class DequantizedTable(Dequantizing):
    """Rows of a table, modelled by the density of a real vector that each row makes with noise.

        P(x) = integral of p(h) over all h that stand for the row x
        log P(x) >= log p(h) - log q(h | x),   h ~ q(h | x)

    h has E real numbers, those of each column in turn:

    * `"continuous"`: the cell itself.
    * `"integer"`: k + u, u uniform on [0, 1), for any whole number k, negative ones too.
    * K, a category of K values 0 ... K - 1: K numbers of which number k is the largest, standard
      normal ones with the largest put there: `q(h | k) = K prod_i N(h_i; 0, 1)` on them.

    So P is a density in the continuous columns, in nats, and a probability in the others.
    `log_prob(x)` is the lower bound of one draw: a *bound*, and deterministic given `seed`; without
    columns to draw for it is exact. `importance_log_prob` tightens it. `sample` gives whole
    numbers, and categories as indices, in the dtype of the density; whole numbers so large that the
    dtype has no fraction there are moved to the nearest that has. Where errors cannot be raised,
    under XLA, the log-probability of what is no cell is NaN.

    Where the density draws NaN, as after training that went wrong, `validate_args` raises. Without
    it eager mode warns, and the cell is NaN.

    It is no composite tensor, since the density may own networks: a `tf.function` can use it, but
    not return it.

    #### Example

    >>> import tensorflow as tf
    >>> import tensorflow_probability as tfp
    >>> tfd = tfp.distributions
    >>> density = tfd.MultivariateNormalDiag(tf.zeros([1 + 1 + 3]))
    >>> table = DequantizedTable(density, ["continuous", "integer", 3])
    >>> table.sample(5).shape, table.log_prob([[0.7, -2.0, 1.0]]).shape
    (TensorShape([5, 3]), TensorShape([1]))
    >>> category = DequantizedTable(tfd.MultivariateNormalDiag(tf.zeros([3])), [3])
    >>> bool(tf.abs(category.log_prob([2.0]) + tf.math.log(3.0)) < 1e-5)
    True

    Source: Hoogeboom et al., "Argmax Flows and Multinomial Diffusion" (2021), section 3, with noise
    that treats all values alike; "VFlow: More Expressive Generative Flows with Variational Data
    Augmentation", equation 7, for whole numbers.
    """

    _bound_salt, _point_salt = "table_bound", "dequantized_table"

    def __init__(
        self,
        distribution: Distribution,
        columns: Sequence[str | int],
        **options: Unpack[BoundOptions],
    ) -> None:
        """Constructs the distribution.

        Args:
          distribution: a density over `[E]`, in float32 or float64, where E counts 1 for each
            continuous and each integer column and K for each category of K values.
          columns: kinds of the D columns: `"continuous"`, `"integer"`, or the number of values of a
            category, at least 2.
          **options: `BoundOptions`.

        Raises:
          ValueError: if there is no column, one is of no such kind, or the density's event shape
            does not fit.
          TypeError: if `distribution` is no distribution over float32 or float64, or `columns` no
            sequence.
        """
        parameters = dict(locals())
        columns = _checked_columns(columns)
        num_reals = sum(column if isinstance(column, int) else 1 for column in columns)
        _check_density(distribution, num_reals)
        with tf.name_scope(options.get("name") or "DequantizedTable") as name:
            self._distribution = distribution
            self._columns = columns
            super().__init__(distribution.dtype, parameters, name)

    @classmethod
    def _parameter_properties(cls, dtype, num_classes=None):
        return {"distribution": parameter_properties.BatchedComponentProperties()}

    @property
    def columns(self) -> tuple[str | int, ...]:
        """The kinds of the columns."""
        return tuple(self._columns)

    def _event_shape(self):
        return tf.TensorShape([len(self._columns)])

    def _event_shape_tensor(self):
        return tf.constant([len(self._columns)])

    def _is(self, kind):
        """Returns which columns are of a kind, `[D]`."""
        return np.array([column == kind for column in self._columns])

    def _limits(self):
        """Returns the lowest and the highest values of cells in float64, `[D]` each."""
        largest = 2.0 ** (SIGNIFICANT_BITS[self.dtype] - 1)
        ends = {
            "continuous": (float(self.dtype.min), float(self.dtype.max)),
            "integer": (-largest, largest - 1),
        }
        pairs = [ends[c] if c in ends else (0.0, c - 1.0) for c in self._columns]
        return np.array(pairs).T

    def _checked(self, value):
        """Returns the value in the density's dtype, checked to hold cells of every column."""
        exact = value
        if value.dtype.is_integer or value.dtype.is_bool or value.dtype.size < self.dtype.size:
            exact = tf.cast(value, tf.float64)  # Far beyond the limits for cells that it rounds.
        lowest, highest = (tf.constant(limit, exact.dtype) for limit in self._limits())
        is_cell = (exact >= lowest) & (exact <= highest)
        is_cell &= self._is("continuous") | tf.equal(exact, tf.floor(exact))
        return checks.valid(tf.cast(value, self.dtype), is_cell, self._message(is_cell))

    def _message(self, is_cell):
        """Returns what to say of values that are no cells, with the first wrong column if known."""
        kinds, where = dict.fromkeys(self._columns), ""
        if tf.executing_eagerly() and not bool(tf.reduce_all(is_cell)):
            rows = is_cell.numpy().reshape(-1, len(self._columns))
            column = int(np.argmin(rows.all(axis=0)))
            kinds, where = [self._columns[column]], f" in column {column}"
        wanted = ", ".join(self._describe(kind) for kind in kinds)
        return (
            f"`value` of `{self.name}` must hold {wanted}{where} (NaN and infinity are none); "
            "encode the data so, or change `columns`."
        )

    def _describe(self, kind):
        if kind == "continuous":
            return "finite numbers of continuous columns"
        if kind == "integer":
            power = SIGNIFICANT_BITS[self.dtype] - 1
            return f"whole numbers from -2^{power} to 2^{power} - 1 of integer columns"
        return f"indices 0 to {kind - 1} of categories of {kind} values"

    def _draw_hidden(self, value, seed):
        """Returns h and log q(h | x)."""
        integer_seed, category_seed = samplers.split_seed(seed, n=2, salt="dequantized_table")
        cells, log_prob = value, tf.zeros(ps.shape(value)[:-1], value.dtype)
        if self._is("integer").any():
            noise = samplers.uniform(ps.shape(value), seed=integer_seed, dtype=value.dtype)
            cells = tf.where(self._is("integer"), in_cell(value, noise), value)
        counts = [column for column in self._columns if isinstance(column, int)]
        if not counts:
            return cells, log_prob
        shape = ps.concat([ps.shape(value)[:-1], [sum(counts)]], axis=0)
        normals = samplers.normal(shape, seed=category_seed, dtype=value.dtype)
        normalization = 0.5 * sum(counts) * math.log(2 * math.pi) - sum(map(math.log, counts))
        log_prob = -0.5 * tf.reduce_sum(normals**2, axis=-1) - normalization
        draws, parts = iter(tf.split(normals, counts, axis=-1)), []
        for index, column in enumerate(self._columns):
            cell = cells[..., index : index + 1]
            parts.append(_led_by(next(draws), cell) if isinstance(column, int) else cell)
        return tf.concat(parts, axis=-1), log_prob

    def _call_sample_n(self, sample_shape, seed, **kwargs):
        words = ("which makes no cell", "NaN too")
        hidden, _ = self._drawn_inside(sample_shape, seed, *words, **kwargs)
        sizes = [column if isinstance(column, int) else 1 for column in self._columns]
        parts = zip(tf.split(hidden, sizes, axis=-1), self._columns, self._limits().T, strict=True)
        return tf.concat([_cell(*part) for part in parts], axis=-1)


def _checked_columns(columns):
    """Returns the kinds of columns, numbers of values as Python integers."""
    if isinstance(columns, str) or not isinstance(columns, Sequence | np.ndarray):
        raise TypeError(
            '`columns` must be a sequence of "continuous", "integer" or numbers of values, got '
            f"{type(columns).__name__}."
        )
    checked = []
    for index, column in enumerate(columns):
        is_count = isinstance(column, numbers.Integral) and not isinstance(column, bool)
        if not (is_count and column >= 2) and column not in ("continuous", "integer"):
            raise ValueError(
                '`columns` must hold "continuous", "integer" or the number of values of a '
                f"category, at least 2, got {column!r} at {index}."
            )
        checked.append(int(column) if is_count else column)
    if not checked:
        raise ValueError("`columns` must name the kind of at least one column, got none.")
    return tuple(checked)


def _check_density(distribution, num_reals):
    if not isinstance(distribution, tfp.distributions.Distribution):
        raise TypeError(
            "`distribution` must be a tfp.distributions.Distribution over real vectors, got "
            f"{type(distribution).__name__}."
        )
    if distribution.dtype not in (tf.float32, tf.float64):
        raise TypeError(
            "`distribution` must be a density over float32 or float64, got dtype "
            f"{distribution.dtype}."
        )
    if not distribution.event_shape.is_compatible_with([num_reals]):
        raise ValueError(
            f"`distribution` must have event shape ({num_reals},), 1 for each continuous and each "
            "integer column and K for each category of K values, got "
            f"{distribution.event_shape}."
        )


def _led_by(normals, index):
    """Returns normal numbers `[..., K]`, the largest exchanged with that at an index `[..., 1]`."""
    count = normals.shape[-1]
    here = tf.equal(index, tf.range(count, dtype=index.dtype))
    top = tf.one_hot(tf.argmax(normals, axis=-1), count, on_value=True, off_value=False)
    largest = tf.reduce_max(normals, axis=-1, keepdims=True)
    displaced = tf.reduce_sum(tf.where(here, normals, tf.zeros_like(normals)), -1, keepdims=True)
    # A little above the largest, so that it leads another of the same value too.
    spacing = tf.constant(2.0 ** (1 - SIGNIFICANT_BITS[normals.dtype]), normals.dtype)
    leading = largest + tf.maximum(tf.abs(largest), 1) * spacing
    led = tf.where(here, leading, tf.where(top, displaced, normals))
    return led + 0 * index  # NaN where the index is.


def _cell(hidden, column, limits):
    """Returns the cell, `[..., 1]`, that real numbers stand for."""
    if column == "continuous":
        return hidden
    is_number = tf.reduce_all(~tf.math.is_nan(hidden), axis=-1, keepdims=True)
    if column == "integer":
        lowest, highest = (tf.constant(limit, hidden.dtype) for limit in limits)
        cell = tf.clip_by_value(tf.floor(hidden), lowest, highest)
    else:
        cell = tf.cast(tf.argmax(hidden, axis=-1)[..., tf.newaxis], hidden.dtype)
    return tf.where(is_number, cell, tf.constant(math.nan, hidden.dtype))
