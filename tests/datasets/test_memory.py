"""Data larger than what may be in memory: the same events as of small data, and little memory."""

import pathlib
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from tfp_ebm import datasets
from tfp_ebm.datasets.memory import fill_column, is_mapped, new_array, release
from tfp_ebm.datasets.raw_columns import RawColumn

ROWS = 60


def write_table(folder, kind):
    import pyarrow
    import pyarrow.csv
    import pyarrow.parquet

    rng = np.random.default_rng(0)
    columns = {
        "real": rng.normal(size=ROWS).astype(np.float32).astype(np.float64),
        "whole": rng.integers(0, 40, ROWS),
        "kind": rng.choice(["one", "two", "three"], ROWS),
        "label": rng.choice(["a", "b"], ROWS),
    }
    path = folder / f"table.{kind}"
    write = pyarrow.csv.write_csv if kind == "csv" else pyarrow.parquet.write_table
    write(pyarrow.table(columns), str(path))
    return path


def write_images(folder):
    rng = np.random.default_rng(0)
    for name in ("cat", "dog"):
        (folder / "images" / name).mkdir(parents=True)
        for index in range(12):
            pixels = rng.integers(0, 256, [5, 4, 3]).astype(np.uint8)
            Image.fromarray(pixels).save(folder / "images" / name / f"{index}.png")
    return folder / "images"


@pytest.fixture
def nothing_fits(monkeypatch):
    monkeypatch.setattr("tfp_ebm.datasets.memory._MAX_IN_MEMORY", 0)
    monkeypatch.setattr("tfp_ebm.datasets.table_files._LARGE", 0)
    monkeypatch.setattr("tfp_ebm.datasets.growing_columns._MAX_TEXTS", 50)


def assert_equal(one, other):
    assert is_mapped(other.train) and not is_mapped(one.train)
    assert one.columns == other.columns and one.label_names == other.label_names
    for part in ("train", "validation", "test"):
        np.testing.assert_array_equal(getattr(one, part), getattr(other, part))
        labels = f"{part}_labels"
        np.testing.assert_array_equal(getattr(one, labels), getattr(other, labels))
    first, second = (
        list(datasets.training_batches(data.train, 7, (0, 1)).take(9)) for data in (one, other)
    )
    for batch, again in zip(first, second, strict=True):
        np.testing.assert_array_equal(batch, again)


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_large_tables_are_read_as_small_ones(tmp_path, request, kind):
    path = write_table(tmp_path, kind)
    small = datasets.load(path, label="label")
    request.getfixturevalue("nothing_fits")
    assert_equal(small, datasets.load(path, label="label"))


def test_large_folders_are_read_as_small_ones(tmp_path, request):
    path = write_images(tmp_path)
    small = datasets.load(path, split_seed=3)
    request.getfixturevalue("nothing_fits")
    assert_equal(small, datasets.load(path, split_seed=3))


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (["1.5", "", "2.5"], r"'x' has a value that is missing.* in row 62"),
        (["1.5", "1e999", "2"], r"'x' has a value that is infinite in row 62.*inf"),
        (["one", "two"], r"'x' must have numbers, or at most 100 .* got 'one'"),
    ],
)
def test_bad_values_of_large_tables_are_named(tmp_path, nothing_fits, rows, message):
    numbers = [f"{number}.25" for number in range(ROWS)]
    lines = [f"{value},{index % 2}" for index, value in enumerate(numbers + rows)]
    (tmp_path / "t.csv").write_text("\n".join(["x,y", *lines]) + "\n")
    with pytest.raises(ValueError, match=message):
        datasets.load(tmp_path / "t.csv")


def test_numbers_of_texts():
    column = RawColumn("x")
    np.testing.assert_array_equal(column.numbers_of(["3", "NA", "-1.5e2"], 0), [3, np.nan, -150])
    with pytest.raises(ValueError, match="got '1_0' in row 12"):
        column.numbers_of(["2", "1_0"], 10)


def test_new_arrays_leave_memory_when_they_are_large(monkeypatch):
    assert not is_mapped(new_array([2, 3], np.uint8))
    monkeypatch.setattr("tfp_ebm.datasets.memory._MAX_IN_MEMORY", 5)
    array = new_array([2, 3], np.uint8)
    array[:] = 7
    release(array)
    assert is_mapped(array) and array.sum() == 42


def test_columns_are_filled_in_pieces(monkeypatch):
    monkeypatch.setattr("tfp_ebm.datasets.memory._BLOCK_BYTES", 2 * 3 * 4)
    array = np.zeros([7, 3], np.float32)
    for index in range(3):
        fill_column(array, index, np.arange(7) + 10 * index)
    np.testing.assert_array_equal(array, np.arange(7)[:, np.newaxis] + [0, 10, 20])


MEASURE = """
import pathlib, sys, threading, time
from tfp_ebm import datasets
from tfp_ebm.datasets import memory, table_files

def now():
    lines = pathlib.Path("/proc/self/status").read_text().splitlines()
    return sum(int(line.split()[1]) for line in lines if line.startswith("VmRSS")) / 1024

memory._MAX_IN_MEMORY = table_files._LARGE = 1 << 24
path = pathlib.Path(sys.argv[1])
def run(path, columns=None):
    data = datasets.load(path, columns=columns)
    size = max(1, (1 << 20) // data.train[0].nbytes)
    for batch in datasets.training_batches(data.train, size, (0, 1)).take(len(data.train) // size):
        pass
    return data

run(sys.argv[2])  # So that all that is loaded once is.
start, peak, done = now(), [0.0], []
def watch():
    while not done:
        peak[0] = max(peak[0], now())
        time.sleep(0.002)
watcher = threading.Thread(target=watch)
watcher.start()
data = run(path)
done.append(True)
watcher.join()
print(data.train.nbytes / 2**20, peak[0] - start)
"""


def _large_images(folder):
    for index in range(400):
        pixels = np.full([512, 512, 3], index % 256, np.uint8)
        pixels[:2, :2] = 255 - index % 256
        Image.fromarray(pixels).save(folder / f"{index}.png", compress_level=1)
    return folder


def _large_table(folder, kind):
    import pyarrow
    import pyarrow.csv
    import pyarrow.parquet

    rng = np.random.default_rng(0)
    columns = 40 if kind == "csv" else 84  # A number of a .csv file takes twice as many bytes.
    table = pyarrow.table({f"c{index}": rng.normal(size=400_000) for index in range(columns)})
    path = folder / f"large.{kind}"
    write = pyarrow.csv.write_csv if kind == "csv" else pyarrow.parquet.write_table
    write(table, str(path))
    return path


@pytest.mark.slow
@pytest.mark.skipif(not pathlib.Path("/proc/self/status").exists(), reason="measured on Linux")
@pytest.mark.parametrize("kind", ["folder", "csv", "parquet"])
def test_a_pass_over_large_data_takes_little_memory(tmp_path, kind):
    folder = tmp_path / "large"
    folder.mkdir()
    path = _large_images(folder) if kind == "folder" else _large_table(folder, kind)
    small = tmp_path / "small"
    small.mkdir()
    small = write_images(small) if kind == "folder" else write_table(small, kind)
    command = [sys.executable, "-c", MEASURE, str(path), str(small)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    size, grown = map(float, done.stdout.split())
    size = size if kind == "folder" else path.stat().st_size / 2**20
    print(f"{kind}: {size:.0f} MiB, of which at most {grown:.0f} are in memory at a time")
    assert size > 100 and grown < 0.6 * size
