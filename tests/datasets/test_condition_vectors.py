"""What events are given, from columns of tables and arrays of archives."""

import numpy as np
import pytest

from tfp_ebm.datasets import Column, Dataset, condition_vectors, load


def table(tmp_path, num_rows=30):
    lines = ["age,works,height,weight"]
    for index in range(num_rows):
        lines.append(f"{20 + index % 7},{'yes' if index % 3 else 'no'},{index}.5,{index**2}.25")
    path = tmp_path / "people.csv"
    path.write_text("\n".join(lines) + "\n")
    return path


def test_columns_become_vectors_and_leave_the_events(tmp_path):
    data = load(table(tmp_path), condition=["works", "age"], split_seed=1)
    assert [column.name for column in data.columns] == ["height", "weight"]
    assert data.train.shape[1] == 2 and data.train_condition.shape == (24, 3)
    works, age = data.condition_columns
    assert works.categories == ("no", "yes") and age.kind == "continuous"
    np.testing.assert_allclose(data.train_condition[:, 2].mean(), 0, atol=1e-6)
    np.testing.assert_allclose(data.train_condition[:, 2].std(), 1, atol=1e-6)
    rows = np.rint(data.decode(data.train)["height"] - 0.5)
    expected = [[index % 3 == 0, index % 3 != 0, 20 + index % 7] for index in rows]
    got = data.train_condition * [1, 1, age.scale] + [0, 0, age.location]
    np.testing.assert_allclose(got, expected, atol=1e-4)
    assert "given vectors of size 3: works, age" in data.describe()
    again = load(
        table(tmp_path), columns=data.columns, condition=data.condition_columns, split_seed=1
    )
    np.testing.assert_array_equal(again.test_condition, data.test_condition)


def test_what_is_told_of_a_column_counts(tmp_path):
    data = load(table(tmp_path), condition=["age"], columns={"age": "category"})
    assert data.train_condition.shape == (24, 7) and data.condition_columns[0].categories[0] == "20"


def test_values_become_a_vector():
    age = Column("age", "continuous", location=40.0, scale=10.0)
    works = Column("works", "category", categories=("no", "yes"))
    vectors = condition_vectors([works, age], {"age": [50.0, 30.0], "works": ["yes", "no"]})
    np.testing.assert_array_equal(vectors, [[0, 1, 1], [1, 0, -1]])
    with pytest.raises(ValueError, match=r"must have the columns works, age, .* got age"):
        condition_vectors([works, age], {"age": [1.0]})
    with pytest.raises(ValueError, match=r"'works'.*'perhaps'"):
        condition_vectors([works], {"works": ["perhaps"]})


@pytest.mark.parametrize(
    ("condition", "message"),
    [
        (["age", "wage"], "`condition`.*'wage'"),
        (["age", "age"], "must name different columns"),
        ("age", "must be names of columns of a table"),
        (["age", "works", "height", "weight"], "must have a column besides"),
    ],
)
def test_wrong_columns_are_named(tmp_path, condition, message):
    with pytest.raises(ValueError, match=message):
        load(table(tmp_path), condition=condition)


def test_a_condition_must_vary_and_have_a_value_in_every_row(tmp_path):
    (tmp_path / "same.csv").write_text("a,b\n" + "".join(f"1,{i}.5\n" for i in range(9)))
    with pytest.raises(ValueError, match="must vary, got one value in every row of 'a' 1"):
        load(tmp_path / "same.csv", condition=["a"])
    rows = "".join(f"{i if i != 4 else ''},{i}.5\n" for i in range(9))
    (tmp_path / "gap.csv").write_text("a,b\n" + rows)
    with pytest.raises(ValueError, match="'a' has a value that is missing in row 5"):
        load(tmp_path / "gap.csv", condition=["a"])


def test_arrays_of_an_archive(tmp_path):
    images, given = np.arange(80).reshape(20, 2, 2).astype(np.uint8), np.arange(20.0)
    np.savez(tmp_path / "a.npz", images=images, angle=given)
    data = load(tmp_path / "a.npz", condition="angle", split_seed=2)
    np.testing.assert_array_equal(data.train[:, 0, 0, 0] / 4, data.train_condition[:, 0])
    vectors = np.stack([given, -given], axis=1)
    parts = {"train": slice(12), "val": slice(12, 16), "test": slice(16, 20)}
    arrays = {f"{part}_images": images[rows] for part, rows in parts.items()}
    arrays |= {f"{part}_angle": vectors[rows] for part, rows in parts.items()}
    np.savez(tmp_path / "b.npz", **arrays)
    data = load(tmp_path / "b.npz", condition="angle")
    np.testing.assert_array_equal(data.validation_condition, vectors[12:16])


@pytest.mark.parametrize(
    ("given", "name", "message"),
    [
        (np.zeros(19), "angle", "a vector for each event of train 20, got train 19"),
        (np.zeros([20, 2, 2]), "angle", r"must be numbers \[N, C\], got float64 of shape"),
        (np.array(["a"] * 20), "angle", r"must be numbers \[N, C\], got <U1"),
        (np.zeros(20), "angel", "`condition` must be an array of .*, images, angle, got 'angel'"),
        (np.full(20, np.nan), "angle", "`train_condition` must be finite, got .* for event 0"),
    ],
)
def test_wrong_arrays_are_named(tmp_path, given, name, message):
    np.savez(tmp_path / "a.npz", images=np.zeros([20, 2, 2], np.uint8), angle=given)
    with pytest.raises(ValueError, match=message):
        load(tmp_path / "a.npz", condition=name)


def test_other_data_take_no_condition(tmp_path):
    np.save(tmp_path / "a.npy", np.zeros([20, 2, 2], np.uint8))
    with pytest.raises(ValueError, match="`condition` must be left out"):
        load(tmp_path / "a.npy", condition="angle")
    with pytest.raises(ValueError, match="does not take `condition`"):
        load("digits", condition=["angle"])


def test_a_data_set_checks_its_conditions():
    events = np.random.default_rng(0).normal(size=[6, 2])
    parts = (events[:4], events[4:5], events[5:])
    vectors = [np.zeros([len(part), 3], np.float32) for part in parts]
    names = ("train_condition", "validation_condition", "test_condition")
    given = dict(zip(names, vectors, strict=True))
    assert Dataset("mine", *parts, **given).train_condition.shape == (4, 3)
    with pytest.raises(ValueError, match=r"`test_condition` must be real numbers of shape \(1, 3"):
        Dataset("mine", *parts, **{**given, "test_condition": np.zeros([1, 2])})
    with pytest.raises(ValueError, match="must have condition, or none, got none for test"):
        Dataset("mine", *parts, **{**given, "test_condition": None})
