"""The commands that compress and restore."""

import importlib

import numpy as np
import pytest

import tfp_ebm
from tfp_ebm import models
from tfp_ebm.cli import main

pytest.importorskip("constriction")
commands = importlib.import_module("tfp_ebm.runs.compress")


@pytest.fixture
def run(tmp_path, monkeypatch):
    """A folder that stands for a run, with its model."""
    model = models.create(
        "integer_flow", (4, 4, 1), 5, num_scales=0, num_steps=1, hidden_units=(3,)
    )
    monkeypatch.setattr(commands, "load_model", lambda folder: ({}, model))
    return tmp_path


def test_what_is_compressed_is_restored(run, capsys):
    images = np.random.default_rng(0).integers(0, 5, [9, 4, 4, 1]).astype(np.uint8)
    np.savez(run / "images.npz", images=images, labels=np.zeros(9))
    source, packed, restored = (str(run / name) for name in ("images.npz", "a.tfe", "again.npz"))
    assert main(["compress", str(run), source, "-o", packed]) == 0
    assert "9 events in" in (told := capsys.readouterr().out) and "bits an entry" in told
    assert main(["decompress", str(run), packed, "--output", restored]) == 0
    np.testing.assert_array_equal(np.load(restored)["images"], images)
    np.save(run / "plain.npy", images)
    commands.compress(run, run / "plain.npy")
    commands.decompress(run, run / "plain.tfe", run / "again.npy")
    np.testing.assert_array_equal(np.load(run / "again.npy"), images)


def test_damage_leaves_no_output(run, capsys):
    np.save(run / "x.npy", np.zeros([3, 4, 4, 1], np.uint8))
    commands.compress(run, run / "x.npy")
    data = bytearray((run / "x.tfe").read_bytes())
    data[40] ^= 1
    (run / "x.tfe").write_bytes(data)
    assert main(["decompress", str(run), str(run / "x.tfe"), "-o", str(run / "y.npz")]) == 2
    assert "damaged" in capsys.readouterr().err
    assert not list(run.glob("y*"))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"a": np.zeros(3), "b": np.zeros(3)}, "holds the arrays a, b; name the one"),
        ({"images": np.full([2, 4, 4, 1], 7)}, "must hold integers from 0 to 4"),
        ({"images": np.zeros([2, 4, 4])}, "must have shape"),
        (b"no array", "is damaged, or no array"),
        (None, "file that exists"),
    ],
)
def test_what_is_no_event_leaves_no_output(run, content, message):
    path = run / "x.npz"
    if isinstance(content, bytes):
        path.write_bytes(content)
    elif content is not None:
        np.savez(path, **content)
    with pytest.raises(ValueError, match=message):
        commands.compress(run, path, run / "x.tfe")
    assert not list(run.glob("x.tfe*"))


def test_outputs_must_be_files_of_their_kind(run):
    np.save(run / "x.npy", np.zeros([3, 4, 4, 1], np.uint8))
    with pytest.raises(ValueError, match="a file in a folder that exists"):
        commands.compress(run, run / "x.npy", run / "missing" / "x.tfe")
    commands.compress(run, run / "x.npy")
    with pytest.raises(ValueError, match=r"must end in .npy or .npz"):
        commands.decompress(run, run / "x.tfe", run / "x.png")
    with pytest.raises(ValueError, match="is no file"):
        commands.decompress(run, run / "none.tfe")
    assert tfp_ebm.coding.CodingError.__mro__[1] is ValueError
