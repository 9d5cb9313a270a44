import numpy as np
import pytest
import tensorflow_probability as tfp

from tfp_ebm import distributions, training
from tfp_ebm.distributions import boltzmann_machine
from tfp_ebm.internal.keras import keras

tfd = tfp.distributions


@pytest.mark.slow
def test_log_z_is_estimated_once_an_epoch_and_reported(monkeypatch):
    monkeypatch.setattr(boltzmann_machine, "_MAX_SUMMED_UNITS", 0)
    parts = [
        distributions.SmoothedRBM.create(13, 13, sampler="persistent", num_chains=4, seed=(0, n))
        for n in (1, 2)
    ]
    asked = []

    def estimate(part, num_chains, num_steps, seed=None, max_rounds=2):
        asked.append((parts.index(part), num_chains, num_steps, tuple(seed.numpy())))
        return original(part, num_chains, num_steps, seed=seed, max_rounds=max_rounds)

    original = distributions.SmoothedRBM.estimate_log_partition
    monkeypatch.setattr(distributions.SmoothedRBM, "estimate_log_partition", estimate)
    trainer = training.LikelihoodModel(tfd.Blockwise(parts), gibbs_steps=1)
    trainer.compile(optimizer=keras.optimizers.SGD(0.01), run_eagerly=True)
    data = np.random.default_rng(0).normal(size=[8, 52]).astype(np.float32)
    callback = training.LogPartitionCallback(num_chains=7, num_steps=11, seed=(0, 1))
    for validation in (data, None):
        asked.clear()
        history = trainer.fit(
            data, epochs=2, validation_data=validation, verbose=0, callbacks=[callback]
        ).history
        assert [call[:3] for call in asked] == [(0, 7, 11), (1, 7, 11)] * 2
        assert asked[:2] == asked[2:] and asked[0][3] != asked[1][3]
    records = [part.stored_log_partition.read() for part in parts]
    values = [
        float(r.value + p.log_partition_offset()) for r, p in zip(records, parts, strict=True)
    ]
    assert history["log_partition"][-1] == pytest.approx(sum(values))
    errors = [float(record.standard_error) for record in records]
    assert history["log_partition_error"][-1] == pytest.approx(sum(errors)) and min(errors) > 0
    assert trainer.annealing.num_steps == 1000
