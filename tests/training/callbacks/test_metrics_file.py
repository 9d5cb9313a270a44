import csv
import types

import tensorflow as tf

from tfp_ebm import training


def test_rows_number_epochs_from_1(tmp_path):
    path = tmp_path / "metrics.csv"
    callback = training.MetricsFile(path)
    callback.set_model(types.SimpleNamespace(distribute_strategy=tf.distribute.get_strategy()))
    for epoch in range(2):
        callback.on_epoch_end(epoch, {"loss": tf.constant(0.5 + epoch)})
    with path.open() as file:
        assert list(csv.DictReader(file)) == [
            {"epoch": "1", "loss": "0.5"},
            {"epoch": "2", "loss": "1.5"},
        ]
