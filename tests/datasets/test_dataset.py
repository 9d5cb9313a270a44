import dataclasses

import numpy as np
import pytest

from tfp_ebm.datasets import Column, Dataset

POINTS = np.arange(14.0).reshape(7, 2)
PARTS = (POINTS[:4], POINTS[4:5], POINTS[5:])
LABELS = (np.arange(4) % 2, np.array([4]), np.array([0, 1]))


def test_what_follows_from_the_arrays():
    data = Dataset("points", *PARTS, *LABELS)
    assert data.event_shape == (2,) and data.image_shape is None and data.num_classes == 2
    named = dataclasses.replace(data, label_names=("a", "b", "c"))
    assert named.num_classes == 3 and "labels of 3 classes: a, b, c" in named.describe()
    assert repr(data) == "Dataset 'points': 4 + 1 + 2 events of shape (2,), real numbers"
    images = [part.astype(np.uint8).reshape(-1, 2, 1, 1) for part in PARTS]
    data = Dataset("images", *images, num_levels=14)
    assert data.image_shape == (2, 1, 1) and data.num_classes is None
    assert "14 levels" in repr(data)


def test_only_tables_have_codes():
    data = Dataset("points", *PARTS)
    for method in (data.encode, data.decode):
        with pytest.raises(ValueError, match="points is no table"):
            method({})


def test_rows_must_have_the_columns():
    columns = Column("a", "integer"), Column("b", "integer", offset=1)
    data = Dataset("table", *PARTS, columns=columns)
    assert data.encode({"b": [1, 2], "a": [3, 4]}).tolist() == [[3, 0], [4, 1]]
    with pytest.raises(ValueError, match="`rows` lacks the columns 'b'"):
        data.encode({"a": [1]})
    with pytest.raises(ValueError, match="`rows` must not have the columns 'c'"):
        data.encode({"a": [1], "b": [1], "c": [1]})
    with pytest.raises(ValueError, match="of one length, got a 1, b 2"):
        data.encode({"a": [1], "b": [1, 2]})
    with pytest.raises(ValueError, match=r"`codes` must have shape \[N, 2\], got \(2,\)"):
        data.decode([1.0, 2.0])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"test": POINTS[:0]}, "`test` must hold at least one event"),
        ({"test": POINTS[:, :1]}, r"`test` must have events of shape \(2,\) .* got \(1,\)"),
        ({"train": [[1.0]]}, "`train` must be an array of numbers"),
        ({"validation": POINTS.astype(str)}, "`validation` must be an array of numbers"),
        ({"train_labels": np.arange(3)}, r"`train_labels` must be .* shape \(4,\)"),
        ({"test_labels": np.array([0.0, 1.0])}, "`test_labels` must be integers"),
        ({"test_labels": None}, "must have labels, or none, got none for test"),
        ({"num_levels": 1}, "`num_levels` must be an integer of at least 2"),
        ({"columns": (Column("a", "integer"),)}, "`columns` must be one for each .* got 1"),
    ],
)
def test_parts_that_do_not_fit(changes, message):
    data = Dataset("points", *PARTS, *LABELS)
    with pytest.raises(ValueError, match=message):
        dataclasses.replace(data, **changes)
