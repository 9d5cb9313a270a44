import csv
import importlib.util
import pathlib

import numpy as np
import pyarrow
import pyarrow.parquet
import pytest

from tfp_ebm import datasets
from tfp_ebm.datasets import Column

RNG = np.random.default_rng(0)
SIZE = 40
ROWS = {
    "carat": np.round(0.2 + 0.01 * RNG.integers(0, 15, SIZE), 2),
    "cut": np.array(["Fair", "Good", "Ideal"])[np.arange(SIZE) % 3],
    "price": 300 + 7 * RNG.integers(0, 90, SIZE),
    "weight": RNG.normal(70, 12, SIZE),
}


def write(folder, rows, name="table.csv"):
    path = folder / name
    if path.suffix == ".parquet":
        pyarrow.parquet.write_table(pyarrow.table(dict(rows)), path)
        return path
    with open(path, "w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(rows)
        writer.writerows(zip(*(np.asarray(v).tolist() for v in rows.values()), strict=True))
    return path


def everything(data):
    return np.concatenate([data.train, data.validation, data.test])


@pytest.mark.parametrize("name", ["table.csv", "table.parquet"])
def test_columns_are_found_and_coded(tmp_path, name):
    data = datasets.load(write(tmp_path, ROWS, name), shuffle=False)
    assert (len(data.train), len(data.validation), len(data.test)) == (32, 4, 4)
    carat, cut, price, weight = data.columns
    assert carat == Column(
        "carat",
        "integer",
        step=0.01,
        offset=ROWS["carat"][:32].min(),
        num_levels=round(100 * np.ptp(ROWS["carat"][:32])) + 1,
    )
    assert cut == Column("cut", "category", categories=("Fair", "Good", "Ideal"))
    assert (price.kind, price.step, price.offset) == ("integer", 1.0, ROWS["price"][:32].min())
    assert weight.kind == "continuous"
    codes = everything(data)
    assert codes.dtype == np.float32 and data.num_levels is None and data.event_shape == (4,)
    low = np.round(100 * ROWS["carat"][:32].min())
    np.testing.assert_array_equal(codes[:, 0], np.round(100 * ROWS["carat"]) - low)
    np.testing.assert_array_equal(codes[:, 1], np.arange(SIZE) % 3)
    np.testing.assert_array_equal(codes[:, 2], ROWS["price"] - ROWS["price"][:32].min())
    training = ROWS["weight"][:32]
    expected = (ROWS["weight"] - training.mean()) / training.std()
    np.testing.assert_allclose(codes[:, 3], expected, rtol=1e-6)
    assert "carat: steps of 0.01 from 0.2" in data.describe()
    assert "Column 'carat' has steps of 0.01; columns={'carat':" in data.describe()


@pytest.mark.parametrize("name", ["table.csv", "table.parquet"])
def test_codes_become_rows_again(tmp_path, name):
    data = datasets.load(write(tmp_path, ROWS, name), shuffle=False)
    rows = data.decode(everything(data))
    for column in ("carat", "cut", "price"):
        np.testing.assert_array_equal(rows[column], ROWS[column])
    assert rows["price"].dtype == np.int64
    np.testing.assert_allclose(rows["weight"], ROWS["weight"], rtol=1e-6)
    np.testing.assert_array_equal(data.encode(ROWS), everything(data))


def test_rows_become_a_file_that_is_read_as_it_was(tmp_path):
    data = datasets.load(write(tmp_path, ROWS))
    datasets.write_table(tmp_path / "again.csv", data.train, data.columns)
    again = datasets.load(tmp_path / "again.csv", columns=data.columns, shuffle=False)
    np.testing.assert_allclose(everything(again), data.train, atol=1e-6)
    assert again.columns == data.columns
    text = (tmp_path / "again.csv").read_text().splitlines()
    assert text[0] == "carat,cut,price,weight" and len(text) == 33
    assert all(len(line.split(",")[0]) <= 4 for line in text[1:])  # 0.29, not 0.29000000000000004.


def test_nothing_is_written_of_codes_that_stand_for_nothing(tmp_path):
    data = datasets.load(write(tmp_path, ROWS))
    path = tmp_path / "samples.csv"
    for wrong, message in ((0.5, "whole numbers as codes, got 0.5 in row 1"), (np.nan, "finite")):
        codes = data.train[:3].copy()
        codes[1, 0] = wrong
        with pytest.raises(ValueError, match=f"Column 'carat' must have {message}"):
            datasets.write_table(path, codes, data.columns)
    with pytest.raises(ValueError, match="columns of one length, got a 1, b 2"):
        datasets.write_table(path, {"a": [1], "b": [1, 2]})
    assert [entry.name for entry in tmp_path.iterdir()] == ["table.csv"]
    with pytest.raises(ValueError, match="surrogates not allowed"):
        datasets.write_table(path, {"a": ["fine", "\ud800"]})
    assert [entry.name for entry in tmp_path.iterdir()] == ["table.csv"]
    with pytest.raises(OSError):
        datasets.write_table(tmp_path / "nowhere" / "a.csv", {"a": [1]})


def test_what_is_told_of_columns_overrides_what_is_found(tmp_path):
    told = {"carat": "continuous", "cut": "ignore", "price": "category", "weight": 0.5}
    rows = {**ROWS, "price": ROWS["price"] % 5, "weight": np.round(ROWS["weight"])}
    with pytest.warns(UserWarning, match="'carat' is continuous, but 40 rows have only"):
        data = datasets.load(write(tmp_path, rows), columns=told)
    assert [column.name for column in data.columns] == ["carat", "price", "weight"]
    assert [column.kind for column in data.columns] == ["continuous", "category", "integer"]
    assert data.columns[1].categories == ("0", "1", "2", "3", "4")
    assert data.columns[2].step == 0.5
    assert np.abs(data.train[:, 0].mean()) < 1e-6 and data.train[:, 0].std() == pytest.approx(1)


def test_a_label_is_taken_out_of_the_table(tmp_path):
    data = datasets.load(write(tmp_path, ROWS), label="cut", shuffle=False)
    assert [column.name for column in data.columns] == ["carat", "price", "weight"]
    assert data.label_names == ("Fair", "Good", "Ideal") and data.num_classes == 3
    np.testing.assert_array_equal(data.test_labels, np.arange(36, 40) % 3)


def test_the_classes_of_a_label_may_be_those_of_another_table(tmp_path):
    classes = Column("cut", "category", categories=("Poor", "Ideal", "Good", "Fair"))
    data = datasets.load(write(tmp_path, ROWS), label=classes, shuffle=False)
    assert data.label_names == classes.categories and len(data.columns) == 3
    np.testing.assert_array_equal(data.test_labels, [3, 2, 1, 3])
    again = datasets.load(tmp_path / "table.csv", label=classes, columns=data.columns)
    assert again.columns == data.columns
    with pytest.raises(ValueError, match="'cut' must be one of Fair, Ideal, got 'Good' in row 1"):
        fewer = Column("cut", "category", categories=("Fair", "Ideal"))
        datasets.load(tmp_path / "table.csv", label=fewer)
    with pytest.raises(ValueError, match="column of categories, got one of kind 'integer'"):
        datasets.load(tmp_path / "table.csv", label=Column("price", "integer"))


def test_a_column_that_numbers_the_rows_is_warned_of(tmp_path):
    with pytest.warns(UserWarning, match="'id' numbers the rows, .*columns={'id': \"ignore\"}"):
        datasets.load(write(tmp_path, {"id": range(1, SIZE + 1), **ROWS}))


def test_parts_may_have_files_of_their_own(tmp_path):
    path = write(tmp_path, ROWS)
    some = {name: values[5:9] for name, values in ROWS.items()}
    some["cut"] = np.array(["Fair", "Poor", "Fair", "Good"])
    test = write(tmp_path, some, "test.csv")
    data = datasets.load(path, test=test)
    assert (len(data.train), len(data.validation), len(data.test)) == (36, 4, 4)
    assert data.decode(data.test)["cut"].tolist() == some["cut"].tolist()
    del some["cut"]
    with pytest.raises(ValueError, match="they differ in 'cut'"):
        datasets.load(path, test=write(tmp_path, some, "test.csv"))


def test_a_resolution_finer_than_float32_is_continuous(tmp_path):
    rows = {"a": 0.001 * RNG.integers(0, 2**35, SIZE), "b": ROWS["price"]}
    rows["a"][1] = rows["a"][0]
    with pytest.warns(UserWarning, match="'a' has steps of 0.001, but .* more than 2"):
        data = datasets.load(write(tmp_path, rows))
    assert data.columns[0].kind == "continuous" and len(data.notes) == 1
    with pytest.raises(ValueError, match=r"at most 2\^23"):
        datasets.load(tmp_path / "table.csv", columns={"a": 0.001})


WRONG = {
    "missing number": ("price", "", "is missing in row 3 after the header: ''"),
    "named missing": ("price", "NA", "is missing in row 3"),
    "infinite": ("weight", "-inf", "is infinite in row 3"),
    "text": ("price", "1,299", "is no number, unlike most of the column in row 3"),
    "all infinite": ("price", "1e999", "is infinite in row 3"),
    "digits": ("price", str(2**60 + 1), "has more digits than a double in row 3"),
    "large": ("weight", "1e200", "is too large for arithmetic in row 3"),
    "missing text": ("cut", "", "is missing in row 3"),
}


@pytest.mark.parametrize("kind", WRONG)
def test_wrong_values_are_named(tmp_path, kind):
    column, value, message = WRONG[kind]
    rows = {name: values.astype(object) for name, values in ROWS.items()}
    rows[column][2] = value
    with pytest.raises(ValueError, match=f"Column {column!r} has a value that {message}"):
        datasets.load(write(tmp_path, rows))


@pytest.mark.parametrize("value", [None, np.nan])
def test_missing_values_of_a_parquet_file_are_named(tmp_path, value):
    for column in ("price", "weight"):
        rows = {**ROWS, column: [*ROWS[column][:2].tolist(), value, *ROWS[column][3:].tolist()]}
        with pytest.raises(ValueError, match=rf"Column '{column}' .* missing \(NaN\) in row 3"):
            datasets.load(write(tmp_path, rows, "table.parquet"))


@pytest.mark.parametrize(
    ("rows", "options", "message"),
    [
        (
            {"a": np.ones(9), "b": range(9), "c": ["x"] * 9},
            {},
            r"in every row of 'a' 1.0, 'c' x; .*columns=.'a': \"ignore\", 'c': \"ignore\"",
        ),
        ({"a": np.arange(SIZE) > 35}, {}, None),
        ({"a": [f"name {i}" for i in range(SIZE)]}, {}, "got 40 different texts in 40 rows"),
        ({"a": [f"n{i % 101}" for i in range(202)]}, {}, "at most 100 categories that"),
        ({"a": [f"n{i % 101}" for i in range(202)]}, {"columns": {"a": "category"}}, None),
        ({}, {"columns": {"weigth": 1.0}}, "Did you mean 'weight'"),
        ({}, {"columns": {"weight": "continous"}}, "Did you mean 'continuous'"),
        ({}, {"columns": {"weight": 0.5}}, "'weight' .* is off the steps of 0.5 in row 1"),
        ({}, {"columns": {"weight": "integer"}}, "'weight' .* is off the steps of 1 in row 1"),
        ({}, {"columns": {"carat": -1}}, "must be a finite number above 0, got -1"),
        ({}, {"columns": {"cut": "continuous"}}, "'cut' .* is no number in row 1"),
        ({}, {"columns": "carat"}, "`columns` must be kinds or steps by name"),
        ({}, {"label": "cutt"}, "Did you mean 'cut'"),
        ({}, {"label": "weight"}, "at most 1000 classes that repeat, got 'weight' with 40"),
        ({"a": ["x", "y"] * 4}, {"label": "a"}, "must have a column besides those left out"),
        ({}, {"label": "cut", "columns": {"cut": "ignore"}}, "`label` must be one of"),
        ({"a": ["1e999"] * 3 + ["1"]}, {}, r"is infinite in row 1 .*in 2 more rows"),
        ({}, {"num_levels": 4}, "does not take `num_levels`"),
        ({}, {"columns": [Column("carat", "integer", step=0.01)]}, "got also 'cut', 'price'"),
    ],
)
def test_columns_that_do_not_fit(tmp_path, rows, options, message):
    path = write(tmp_path, rows or ROWS)
    if message is None:
        assert datasets.load(path, **options).columns[0].kind == "category"
        return
    with pytest.raises(ValueError, match=message):
        datasets.load(path, **options)


def test_what_varies_in_other_parts_alone_is_refused(tmp_path):
    rows = {"a": [0.0] * 39 + [0.123456789], "b": ROWS["price"]}
    for value in (0.123456789, 3):
        rows["a"][-1] = value
        with pytest.raises(
            ValueError, match=r"must vary, got 0.* in every row of the training part"
        ):
            datasets.load(write(tmp_path, rows), shuffle=False)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is empty; it must start with a line that names the columns"),
        ("a,b\n", "has a header and no rows"),
        ("a,b\n1,2\n3,4\n", "at least 3 events"),
        ("a,b\n1,2\n3\n5,6\n", "could not be read as a table in UTF-8: .*Expected 2"),
        ("1,2\n3,4\n5,6\n", "must start with a line that names the columns, got 1, 2"),
        ("a;b\n1;2\n3;4\n5;6\n", "must have commas between columns, got 'a;b'"),
        ("a,a\n1,2\n3,4\n5,6\n", "must name every column differently, got 'a' twice"),
        (",a\n1,2\n3,4\n5,6\n", "got '' for column 1; .*index=False"),
        (b"a,b\n\xff,2\n3,4\n5,6\n", "in UTF-8"),
        (b"\x00\x01\x02\xff", "in UTF-8"),
    ],
)
def test_files_that_are_no_tables(tmp_path, text, message):
    path = tmp_path / "table.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(ValueError, match=message):
        datasets.load(path)


def test_parquet_files_that_are_no_tables(tmp_path):
    path = tmp_path / "table.parquet"
    path.write_bytes(b"PAR1 no table")
    with pytest.raises(ValueError, match="could not be read as a table"):
        datasets.load(path)
    write(tmp_path, {"a": range(9), "__index_level_0__": range(9)}, path.name)
    with pytest.raises(ValueError, match="got '__index_level_0__' for column 2"):
        datasets.load(path)
    days = pyarrow.array([1, 2, 3, 4], pyarrow.date32())
    write(tmp_path, {"day": days, "a": [1, 2, 3, 4]}, path.name)
    with pytest.raises(ValueError, match=r"Column 'day' of .* numbers or texts, got date32"):
        datasets.load(path)
    assert datasets.load(path, columns={"day": "ignore"}).event_shape == (1,)
    with pytest.raises(FileNotFoundError):
        datasets.load(tmp_path / "nowhere.csv")


def diamonds():
    found = importlib.util.find_spec("plotnine")
    path = pathlib.Path(found.origin).parent / "data" / "diamonds.csv" if found else None
    return path if path and path.exists() else None


@pytest.mark.slow
def test_diamonds():
    path = diamonds()
    if path is None:
        pytest.skip("plotnine, which carries the table, is not installed")
    data = datasets.load(path, label="cut")
    assert len(data.train) == 43_152 and data.num_classes == 5
    steps = {column.name: column.step for column in data.columns if column.kind == "integer"}
    assert steps == {"carat": 0.01, "depth": 0.1, "table": 0.1, "price": 1.0} | dict.fromkeys(
        "xyz", 0.01
    )
    np.testing.assert_array_equal(data.encode(data.decode(data.train)), data.train)


@pytest.mark.parametrize("separator", [";", "\t", "|"])
def test_other_separators_are_refused(tmp_path, separator):
    path = tmp_path / "t.csv"
    path.write_text(f"a{separator}b\n" + f"1{separator}2\n" * 9)
    with pytest.raises(ValueError, match="must have commas between columns, got"):
        datasets.load(path)


def test_names_are_stripped_as_values_are(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("a , b\n" + "".join(f"{index}, {index % 2}\n" for index in range(9)))
    assert [column.name for column in datasets.load(path).columns] == ["a", "b"]
    path.write_text("a, a\n" + "".join(f"{index}, {index % 2}\n" for index in range(9)))
    with pytest.raises(ValueError, match="must name every column differently, got 'a' twice"):
        datasets.load(path)


def test_bytes_of_0_are_refused(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("a,b\n" + "".join(f"{index},\0{index % 2}\n" for index in range(9)))
    with pytest.raises(ValueError, match="Column 'b' has bytes of 0 in its texts"):
        datasets.load(path)
