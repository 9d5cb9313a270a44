import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp

from tfp_ebm import distributions
from tfp_ebm.training.data import EventReader

tfd = tfp.distributions
DENSITY = tfd.MultivariateNormalDiag(tf.zeros([2]))
SPINS, BITS = (
    distributions.RestrictedBoltzmannMachine([[0.5]], [0.0, 0.0], binary=binary)
    for binary in (False, True)
)
IMAGES = np.random.default_rng(0).integers(0, 256, size=[20, 4, 4, 1]).astype(np.uint8)


def levels(num_levels, shape=(4, 4, 1)):
    return distributions.Dequantized(tfd.Sample(tfd.Normal(0.0, 1.0), shape), num_levels)


def data_set(*parts):
    return tf.data.Dataset.from_tensor_slices(parts if len(parts) > 1 else parts[0]).batch(5)


def of_unknown_rank(parts, dtype):
    return tf.data.Dataset.from_generator(lambda: iter(parts), output_types=dtype)


class Table:
    """What counts of a pandas DataFrame."""

    def __init__(self, **columns):
        self._columns = columns
        self.columns = list(columns)

    def __getitem__(self, column):
        return np.asarray(self._columns[column])

    def __array__(self, dtype=None, copy=None):
        parts = [self[column] for column in self.columns]
        kinds = {part.dtype for part in parts}
        return np.stack([p.astype(object) if len(kinds) > 1 else p for p in parts], axis=-1)


GAPS = np.ones([9, 2], np.float32)
GAPS[[3, 7], 1] = np.nan

REFUSED = {
    "a table with gaps": (
        DENSITY,
        Table(width=GAPS[:, 0], height=GAPS[:, 1]),
        r"must be finite, .* 2 of 9 rows, the first of them row 3, in the columns height; drop",
    ),
    "columns too many": (
        DENSITY,
        Table(a=[1.0], b=[2.0], c=[3.0]),
        r"shape \[N, 2\] .*, got 3 columns, a, b, c; select the 2 of the 3",
    ),
    "columns too few": (DENSITY, Table(a=[1.0]), r"shape \[N, 2\] .*, got 1 columns, a\.$"),
    "a column for a scalar": (tfd.Normal(0.0, 1.0), [[1.0]], r"by `x.reshape\(\[-1\]\)`"),
    "masked": (DENSITY, np.ma.masked_less(GAPS, 2.0), "`x` must be known everywhere"),
    "bits for spins": (SPINS, np.eye(2), r"must hold -1 and 1, .* spins by `2 \* x - 1`"),
    "spins for bits": (BITS, 1 - 2 * np.eye(2), r"must hold 0 and 1, .* by `\(1 \+ x\) / 2`"),
    "numbers for spins": (distributions.IndependentSpins([0.1]), [[0.5]], "must hold -1 and 1"),
    "a column of words": (
        DENSITY,
        Table(a=[1.0, 2.0], name=["x", "y"]),
        "table of numbers, which the columns name are not",
    ),
    "an array with gaps": (DENSITY, GAPS, "2 of 9 rows, the first of them row 3; drop or fill"),
    "a batch with gaps": (DENSITY, data_set(GAPS), "`x` must be finite"),
    "a generator with gaps": (DENSITY, iter([GAPS]), "`x` must be finite"),
    "integers": (DENSITY, np.ones([3, 2], np.int64), r"density, got int64.*Dequantized.*astype"),
    "bools": (DENSITY, np.ones([3, 2], bool), "density, got bool"),
    "a data set of integers": (DENSITY, data_set(np.ones([6, 2], np.int32)), "density, got int32"),
    "words": (DENSITY, np.array([["a", "b"]]), "must hold numbers, got an array of <U1"),
    "objects": (DENSITY, [{1, 2}, {3, 4}], "array of numbers.*generator of them, got list"),
    "a number": (DENSITY, 3.0, "array of numbers.* got float"),
    "a path": (DENSITY, "images", "array of numbers.* got str"),
    "a ragged list": (
        DENSITY,
        [[1.0, 2.0], [3.0]],
        "got a list that does not make one; cut or pad",
    ),
    "ragged": (DENSITY, tf.ragged.constant([[1.0, 2.0], [3.0]]), r"RaggedTensor.*to_tensor"),
    "sparse": (DENSITY, tf.sparse.from_dense([[1.0, 0.0]]), "SparseTensor.*tf.sparse.to_dense"),
    "a ragged data set": (
        DENSITY,
        tf.data.Dataset.from_tensor_slices(tf.ragged.constant([[1.0, 2.0], [3.0]])).batch(2),
        "batches of tensors, got RaggedTensorSpec.*to_tensor",
    ),
    "single events": (
        DENSITY,
        tf.data.Dataset.from_tensor_slices(GAPS),
        r"single events of shape \(2,\); make batches by `.batch\(batch_size\)`",
    ),
    "single events of unknown rank": (
        DENSITY,
        of_unknown_rank([np.ones(2)], tf.float32),
        "make batches by",
    ),
    "one event": (DENSITY, np.ones(2, np.float32), r"becomes a batch by `x\[np.newaxis\]`"),
    "no channel": (levels(256), IMAGES[..., 0], r"add the last axis by `x\[..., np.newaxis\]`"),
    "flat": (levels(256), IMAGES.reshape(20, 16), r"by `x.reshape\(\[-1, 4, 4, 1\]\)`"),
    "other images": (levels(256), IMAGES[:, :3], r"got \(20, 3, 4, 1\)\.$"),
    "scaled": (levels(256), IMAGES / 255, r"from 0.0 to 1.0.*`np.round\(x \* 255\).astype"),
    "centred": (levels(256), IMAGES / 127.5 - 1, "from -1.0 to 1.0.*rescale the data to levels"),
    "resized": (levels(256), IMAGES * 0.7, r"round them to levels: `np.round\(x\).astype"),
    "more levels": (levels(17), IMAGES, r"integers from 0 to 16, .* `num_levels=25\d` or more"),
    "binary": (levels(256), IMAGES // 128, "nothing but 0 and 1: .*`num_levels=2`"),
    "a binary data set": (levels(256), data_set(IMAGES // 128), "nothing but 0 and 1"),
    "images from a directory": (
        levels(256),
        data_set(IMAGES.astype(np.float32), np.arange(20)),
        r"got a data set of float32; .*`.map\(lambda x: tf.cast\(tf.round\(x\), tf.uint8\)\)`",
    ),
    "resized images from a directory": (
        levels(256),
        data_set(IMAGES * np.float32(0.7)),
        "a data set of float32 with values from 0.0 to .* round them to levels",
    ),
    "an empty array": (DENSITY, GAPS[:0], "`x` is empty"),
    "an empty generator": (DENSITY, iter([]), "`x` is empty"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_does_not_fit_is_refused_with_the_remedy(case):
    model, data, message = REFUSED[case]
    with pytest.raises(ValueError, match=message):
        EventReader(model).read("x", data)


ROWS = np.arange(12, dtype=np.float64).reshape(6, 2) / 8
TAKEN = {
    "float64": ROWS,
    "a tensor": tf.constant(ROWS),
    "a list": ROWS.tolist(),
    "a table": Table(a=ROWS[:, 0], b=ROWS[:, 1]),
    "a table of several kinds": Table(a=ROWS[:, 0].astype(np.float32), b=ROWS[:, 1]),
    "a pair": (ROWS, np.arange(6)),
    "a dictionary": {"image": ROWS, "label": np.arange(6)},
}


@pytest.mark.parametrize("kind", TAKEN)
def test_what_is_like_an_array_is_taken_as_one(kind):
    array = EventReader(DENSITY).read("x", TAKEN[kind])
    assert array.dtype == np.float32
    np.testing.assert_array_equal(array, ROWS)


def test_columns_must_stay_the_same():
    reader = EventReader(DENSITY)
    reader.read("x", Table(a=[1.0], b=[2.0]))
    reader.read("validation_data", Table(a=[3.0], b=[4.0]))
    with pytest.raises(
        ValueError, match=r"`validation_data` must have the columns a, b .* got b, a"
    ):
        reader.read("validation_data", Table(b=[1.0], a=[2.0]))


def test_discrete_models_take_integers():
    """Also where their dtype is a float, as that of a Poisson distribution and of spins."""
    counts = np.array([[0, 3], [2, 1]])
    for model in (tfd.Independent(tfd.Poisson([1.0, 2.0]), 1), tfd.Sample(tfd.Poisson(1.0), [2])):
        array = EventReader(model).read("x", counts)
        assert array.dtype == np.float32
        np.testing.assert_array_equal(array, counts)
    assert EventReader(SPINS).read("x", [[1, -1], [1, 1]]).dtype == np.float32
    assert EventReader(BITS).read("x", np.eye(2, dtype=bool)).dtype == np.float32
    binary = EventReader(levels(2)).read("x", IMAGES > 127)
    assert binary.dtype == np.uint8
    np.testing.assert_array_equal(binary, IMAGES // 128)
    few = EventReader(levels(256, (2,))).read("x", np.array([[0, 1], [1, 1]]))  # May be by chance.
    assert few.shape == (2, 2)
    whole = EventReader(levels(256)).read("x", IMAGES.astype(np.float32))
    np.testing.assert_array_equal(whole, IMAGES)


def test_data_sets_of_unknown_rank_get_one():
    reader = EventReader(DENSITY)
    taken = reader.read("x", of_unknown_rank([ROWS[:3], ROWS[3:]], tf.float32))
    assert taken.element_spec.shape.as_list() == [None, 2]
    np.testing.assert_array_equal(np.concatenate(list(taken.as_numpy_iterator())), ROWS)
    types = ({"image": tf.float32}, tf.int32)
    pairs = [({"image": ROWS}, np.arange(6))]
    taken = reader.read("x", of_unknown_rank(pairs, types))
    assert taken.element_spec[0]["image"].shape.as_list() == [None, 2]


def test_generators_lose_no_batch():
    batches = list(EventReader(DENSITY).read("x", iter(np.split(ROWS, 3))))
    np.testing.assert_array_equal(np.concatenate(batches), ROWS)


def test_whole_numbers_are_rows_of_a_table():
    rows = np.array([[1, 2], [3, 4]], np.uint8)
    table = distributions.DequantizedTable(DENSITY, ["integer", "integer"])
    read = EventReader(table).read("x", rows)
    assert read.dtype == np.float32 and np.array_equal(read, rows)
    with pytest.raises(ValueError, match="must hold real numbers"):
        EventReader(DENSITY).read("x", rows)
