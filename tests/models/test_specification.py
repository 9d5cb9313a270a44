import json

import numpy as np
import pytest

from tfp_ebm.models import DataSpec, ModelSpec, specification


def test_a_description_survives_json():
    spec = ModelSpec(
        DataSpec((3,), columns=("continuous", "integer", 4), location=(0.5, 3.0, 0.0)),
        flow=("vector_glow", {"hidden_units": [8, 8]}),
        base=("rbm", {"delta": 2.0}),
        num_augmented=2,
        posterior="normal",
        dtype="float64",
        name="mine",
    )
    content = json.loads(json.dumps(spec.to_dict()))
    assert ModelSpec.from_dict(content) == spec
    assert spec.flow == ("vector_glow", {"hidden_units": (8, 8)})
    assert "noise" not in content and content["data"]["event_shape"] == [3]


def test_kinds_and_numbers_of_latents():
    images = DataSpec((2, 3, 2), 5)
    assert (images.kind, images.num_latents) == ("images", 12)
    table = DataSpec((4,), columns=("continuous", 3, "integer", 2))
    assert (table.kind, table.num_latents) == ("table", 7)
    assert (DataSpec((4,)).kind, DataSpec((4,)).num_latents) == ("vectors", 4)


class Column:
    def __init__(self, kind, categories=None):
        self.kind, self.categories = kind, categories


class Data:
    num_levels, num_classes = None, 3

    def __init__(self, train, columns=None):
        self.train, self.columns = train, columns
        self.event_shape = train.shape[1:]


def test_a_data_set_is_described_by_its_moments(monkeypatch):
    monkeypatch.setattr(specification, "_BLOCK", 7)  # Which leaves one row over.
    rng = np.random.default_rng(0)
    train = np.stack([rng.normal(5, 2, 50), rng.integers(0, 9, 50), rng.integers(0, 4, 50)], 1)
    columns = [Column("continuous"), Column("integer"), Column("category", "abcd")]
    spec = DataSpec.of(Data(train, columns))
    assert spec.columns == ("continuous", "integer", 4) and spec.num_classes is None
    mean, deviation = train.mean(axis=0), train.std(axis=0)
    np.testing.assert_allclose(spec.location, [mean[0], mean[1], 0], rtol=1e-5)
    np.testing.assert_allclose(spec.scale, [deviation[0], deviation[1], 1], rtol=1e-5)
    vectors = DataSpec.of(Data(train), with_labels=True)
    assert vectors.columns is None and vectors.num_classes == 3
    np.testing.assert_allclose(vectors.location, mean, rtol=1e-5)


def test_vectors_of_levels_are_tables_of_whole_numbers():
    data = Data(np.random.default_rng(0).integers(0, 5, [30, 3]).astype(np.uint8))
    data.num_levels = 5
    spec = DataSpec.of(data)
    assert spec.columns == ("integer",) * 3 and spec.num_levels is None
    np.testing.assert_allclose(spec.location, data.train.mean(axis=0), rtol=1e-5)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: DataSpec((8, 8, 1)), r"\(H, W, C\) with `num_levels`, or \(D,\)"),
        (lambda: DataSpec((8, 8), 17), "`image_shape` must be three positive integers"),
        (lambda: DataSpec((8, 8, 1), 1), "`num_levels` must be an integer of at least 2"),
        (lambda: DataSpec((0,)), "`event_shape` must be an integer of at least 1"),
        (lambda: DataSpec((2,), columns=("integer",)), "`columns` must have an entry for each"),
        (lambda: DataSpec((1,), columns=("whole",)), "number of categories of at least 2"),
        (lambda: DataSpec((1,), columns=(1,)), "number of categories of at least 2"),
        (lambda: DataSpec((1,), columns=(True,)), "number of categories of at least 2"),
        (lambda: DataSpec((2,), location=(0.0, float("nan"))), "`location` must be finite"),
        (lambda: DataSpec((2,), scale=(1.0, 0.0)), "`scale` must be positive"),
        (lambda: DataSpec((2,), num_classes=1), "`num_classes` must be"),
        (lambda: DataSpec((8, 8, 1), 17, scale=(1.0,)), "`scale` must have an entry"),
        (lambda: ModelSpec((8, 8, 1), "glow"), "`data` must be a DataSpec"),
        (lambda: ModelSpec(DataSpec((2,)), ("glow",)), "`flow` must be a name, or a pair"),
        (lambda: ModelSpec(DataSpec((2,)), "glow", ("rbm", [1])), "`base` must be a name"),
        (lambda: ModelSpec(DataSpec((2,)), "glow", dtype="float16"), "`dtype` must be one of"),
        (lambda: ModelSpec(DataSpec((2,)), "glow", posterior="normal"), "needs extra dimensions"),
        (lambda: ModelSpec(DataSpec((2,)), "glow", num_augmented=-1), "`num_augmented` must be"),
        (lambda: ModelSpec.from_dict([]), "must be objects"),
        (lambda: ModelSpec.from_dict({"flow": "glow"}), "must be objects"),
        (lambda: ModelSpec.from_dict({"data": {}, "flow": "glow"}), "the data lacks event_shape"),
        (lambda: ModelSpec.from_dict({"data": {"event_shape": [2]}}), "the model lacks flow"),
        (
            lambda: ModelSpec.from_dict({"data": {"event_shape": [2]}, "flows": "glow"}),
            "`field of the model` must be one of .* Did you mean 'flow'",
        ),
        (
            lambda: ModelSpec.from_dict({"data": {"event_shape": 2}, "flow": "glow"}),
            "the model is not of its form",
        ),
    ],
)
def test_what_does_not_fit_is_named(make, message):
    with pytest.raises(ValueError, match=message):
        make()
