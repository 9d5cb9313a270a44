"""A spline flow of a table by this package: from a CSV to test nats and samples."""

import sys

import numpy as np
import tf_keras

import tfp_ebm
from tfp_ebm.models import DataSpec, ModelSpec

path, epochs = sys.argv[1], int(sys.argv[2])
data = tfp_ebm.datasets.load(path, split_seed=0)
model = tfp_ebm.models.build(ModelSpec(DataSpec.of(data), flow="spline", base="normal"))
trainer = tfp_ebm.training.LikelihoodModel(model)
trainer.compile(optimizer=tf_keras.optimizers.Adam(1e-3))
trainer.fit(data.train, epochs=epochs, batch_size=256, verbose=0)
print("nats", -np.mean(model.log_prob(data.test)))
print({name: column.tolist() for name, column in data.decode(model.sample(5)).items()})
