import csv

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp

from tfp_ebm import distributions, metrics, training
from tfp_ebm.internal.keras import keras

tfd = tfp.distributions
DATA = np.random.default_rng(0).integers(2, 6, size=[192, 3]).astype(np.uint8)


def trainer():
    density = tfd.MultivariateNormalDiag(tf.Variable(3 * [10.0]), scale_diag=3 * [2.0])
    made = training.LikelihoodModel(
        distributions.Dequantized(density, num_levels=17), ema_momentum=0.9
    )
    made.compile(optimizer=keras.optimizers.Adam(0.3))
    return made


def rows_of(path):
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.filterwarnings("ignore:The Frechet")
def test_rows_over_epochs(tmp_path):
    judge = metrics.SampleQuality(lambda x: x, DATA, num_levels=17)
    path = tmp_path / "quality.csv"
    callback = training.QualityCurves(judge, path, num_samples=150, every=2, batch_size=64)
    model = trainer()
    history = model.fit(
        DATA, batch_size=64, validation_data=DATA, epochs=12, verbose=0, callbacks=[callback]
    )
    rows = rows_of(path)
    assert [int(row["epoch"]) for row in rows] == [2, 4, 6, 8, 10, 12]
    distances = [float(row["kernel_distance"]) for row in rows]
    assert distances[-1] < 0.1 * distances[0]
    bits = history.history["val_bits_per_dimension"][-1]
    assert float(rows[-1]["bits_per_dimension"]) == pytest.approx(bits)
    assert float(rows[-1]["frechet_distance_error"]) > 0

    with model.averaged_weights():
        samples = training.BatchSampler(model.distribution, 64)(150, seed=(0, 2))
    assert judge(samples)[1].value == distances[-1]

    model.fit(DATA, batch_size=64, epochs=11, initial_epoch=9, verbose=0, callbacks=[callback])
    assert [int(row["epoch"]) for row in rows_of(path)] == [2, 4, 6, 8, 10]


def test_batches_of_samples():
    model = tfd.Normal(tf.Variable([0.0, 50.0]), 1.0)
    draw = training.BatchSampler(model, batch_size=4)
    samples = draw(10, seed=(0, 1))
    assert samples.shape == (10, 2) and len(np.unique(samples)) == 20
    np.testing.assert_array_equal(samples, draw(10, seed=(0, 1)))
    model.loc.assign([100.0, 50.0])
    assert draw(10, seed=(0, 1))[:, 0].mean() > 90
    with pytest.raises(ValueError, match="`num_samples` must be"):
        draw(0)
    with pytest.raises(ValueError, match="`batch_size` must be"):
        training.BatchSampler(model, batch_size=0)
