"""Compression that loses nothing."""

import os
import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf

import tfp_ebm
from tfp_ebm import coding, models
from tfp_ebm.models import DataSpec, ModelSpec
from tfp_ebm.testing.conformance import randomize

pytest.importorskip("constriction")
SMALL = {
    "num_scales": 1,
    "num_steps": 1,
    "num_filters": 4,
    "hidden_units": (5,),
    "base.num_filters": 4,
}


@pytest.fixture(scope="module")
def model():
    made = models.create("integer_flow", (4, 4, 1), 17, rezero=False, **SMALL)
    randomize(made, 0.2)
    return made


@pytest.fixture(scope="module")
def images(model):
    return model.sample(50, seed=(0, 1)).numpy()


@pytest.fixture(scope="module")
def file(model, images):
    return coding.compress(model, images, block_size=20)


def _bytes(model, events):
    return -np.sum(model.log_prob(events).numpy().astype(np.float64)) / np.log(2) / 8


def test_images_come_back_at_the_size_of_their_likelihood(model, images, file):
    again = coding.decompress(model, file)
    np.testing.assert_array_equal(again, images)
    assert again.dtype == np.uint8
    assert len(file) <= 1.005 * _bytes(model, images) + 64


@pytest.mark.slow
@pytest.mark.parametrize("count", [0, 1, 20, 21])
def test_any_number_of_images(model, images, count):
    reported = []
    file = coding.compress(model, images[:count], block_size=20, progress=reported.append)
    np.testing.assert_array_equal(coding.decompress(model, file), images[:count])
    assert reported == list(range(20, count, 20)) + [count] * bool(count)


@pytest.mark.slow
def test_images_that_the_model_thinks_impossible(model):
    extreme = np.random.default_rng(0).choice([0, 16], [9, 4, 4, 1]).astype(np.uint8)
    file = coding.compress(model, extreme)
    np.testing.assert_array_equal(coding.decompress(model, file), extreme)


def test_quadripartite_and_flat_models():
    options = {**SMALL, "num_scales": 0}
    made = models.create("integer_flow", (4, 4, 1), 5, coupling="quadripartite", **options)
    randomize(made, 0.2)
    images = made.sample(7, seed=(0, 1)).numpy()
    np.testing.assert_array_equal(coding.decompress(made, coding.compress(made, images)), images)


@pytest.mark.slow
def test_rows_of_a_table():
    data = DataSpec((3,), columns=("integer", 4, "integer"), location=(9, 0, -5), scale=(3, 1, 2))
    flow = ("integer_flow", {"num_steps": 1, "hidden_units": (5,)})
    made = models.build(ModelSpec(data, flow, "discretized_logistic"))
    randomize(made, 0.2)
    rows = np.concatenate([made.sample(30, seed=(0, 1)), [[-(2.0**21), 3, 2.0**21]]])
    np.testing.assert_array_equal(coding.decompress(made, coding.compress(made, rows)), rows)
    with pytest.raises(ValueError, match="beyond those that are coded"):
        coding.compress(made, [[2.0**22, 0, 0]])


def test_damage_at_any_place_is_named(model, file):
    rng = np.random.default_rng(0)
    for place in [0, 4, 5, 30, len(file) - 1, *rng.integers(0, len(file), 20)]:
        damaged = bytearray(file)
        damaged[place] ^= int(rng.integers(1, 256))
        with pytest.raises(coding.CodingError):
            coding.decompress(model, bytes(damaged))
    for size in (0, 3, 20, len(file) // 2, len(file) - 1):
        with pytest.raises(coding.CodingError):
            coding.decompress(model, file[:size])


@pytest.mark.slow
def test_another_models_weights_are_refused(model, file):
    other = models.create("integer_flow", (4, 4, 1), 17, rezero=False, **SMALL)
    with pytest.raises(coding.CodingError, match="written with another model"):
        coding.decompress(other, file)
    variable = model.trainable_variables[0]
    kept = variable.numpy()
    variable.assign_add(tf.ones_like(variable) * 1e-6)
    with pytest.raises(coding.CodingError, match="written with another model"):
        coding.decompress(model, file)
    variable.assign(kept)
    coding.decompress(model, file)


def test_other_rounding_is_noticed_before_anything_is_returned(model, file, monkeypatch):
    from tfp_ebm.coding import block_coder

    original = block_coder.upper_half
    monkeypatch.setattr(
        block_coder, "upper_half", lambda *given: tf.maximum(original(*given) - 9000, 1)
    )
    with pytest.raises(coding.CodingError, match="round otherwise here"):
        coding.decompress(model, file)


@pytest.mark.parametrize(
    ("events", "message"),
    [
        (np.zeros([2, 4, 4]), r"`events` must have shape \[N, 4, 4, 1\], got \(2, 4, 4\)"),
        (np.full([2, 4, 4, 1], 0.5), "must hold integers from 0 to 16"),
        (np.full([2, 4, 4, 1], 17), "must hold integers from 0 to 16"),
        (np.full([2, 4, 4, 1], np.nan), "must hold integers from 0 to 16"),
    ],
)
def test_what_is_no_event_is_refused(model, events, message):
    with pytest.raises(ValueError, match=message):
        coding.compress(model, events)


@pytest.mark.slow
@pytest.mark.parametrize("threads", ["1", "4"])
def test_another_process_with_other_threads_reads_the_same_bits(
    model, images, file, threads, tmp_path
):
    tfp_ebm.save(model, tmp_path / "model", models.spec_of(model))
    (tmp_path / "file.tfe").write_bytes(file)
    script = (
        "import sys, numpy, tfp_ebm; from tfp_ebm import coding; model = tfp_ebm.load(sys.argv[1]);"
        "numpy.save(sys.argv[3], coding.decompress(model, open(sys.argv[2], 'rb').read()))"
    )
    environment = {**os.environ, "TF_NUM_INTRAOP_THREADS": threads}
    paths = [str(tmp_path / name) for name in ("model", "file.tfe", "out.npy")]
    subprocess.run([sys.executable, "-c", script, *paths], env=environment, check=True)
    np.testing.assert_array_equal(np.load(paths[2]), images)
