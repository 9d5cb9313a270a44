import warnings

import numpy as np
import pytest
import tensorflow as tf

from tfp_ebm import training
from tfp_ebm.distributions import GaussianBernoulliRBM
from tfp_ebm.internal.keras import keras
from tfp_ebm.training.saving.replica_states import ReplicaStates, move_stale_chains


def machine():
    return GaussianBernoulliRBM.create(3, 14, num_chains=4, sampler="persistent", seed=(0, 1))


def test_only_chains_that_were_left_behind_are_moved():
    left, following = machine(), machine()
    left.visible_bias.assign_add(tf.ones([3]))
    before = left.chains.units.numpy()
    np.testing.assert_array_equal(before, following.chains.units)
    move_stale_chains([left, following], 2, seed=(0, 2))
    assert np.any(left.chains.units != before) and not left.are_chains_stale()
    np.testing.assert_array_equal(following.chains.units, before)
    assert int(left.chains.num_sweeps) == 2 and int(following.chains.num_sweeps) == 0


def test_one_replica_needs_no_states_beside_the_model():
    assert ReplicaStates([machine()]).variables == ()


@pytest.mark.slow
def test_training_goes_on_from_averaged_weights_without_a_warning():
    points = np.random.default_rng(0).normal(size=[32, 3]).astype(np.float32)
    base = machine()
    trainer = training.LikelihoodModel(base, gibbs_steps=1, ema_momentum=0.5)
    trainer.compile(optimizer=keras.optimizers.Adam(0.1))
    options = {"batch_size": 16, "epochs": 2, "verbose": 0, "validation_data": points}
    with warnings.catch_warnings():
        warnings.filterwarnings("error", ".*of other parameters.*")
        for _ in range(2):
            trainer.fit(points, callbacks=[training.BestWeights()], **options)
            assert bool(base.are_chains_stale())
            base.log_prob(points)  # BestWeights restores the log Z of its weights too.
