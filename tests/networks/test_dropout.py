import numpy as np
import pytest
import tensorflow as tf

from tfp_ebm.networks.dropout import dropout

NUM_ENTRIES = 200_001


@pytest.mark.parametrize("rate", [0.2, 0.5, 0.9])
@pytest.mark.parametrize("dtype", [tf.float32, tf.bfloat16])
def test_share_and_scale(rate, dtype):
    y = tf.cast(dropout(tf.ones([NUM_ENTRIES], dtype), rate, (1, 2)), tf.float32).numpy()
    kept = y[y != 0]
    np.testing.assert_allclose(kept, 1 / (1 - rate), rtol=1e-2 if dtype == tf.bfloat16 else 1e-4)
    error = np.sqrt(rate * (1 - rate) / NUM_ENTRIES)
    assert abs(len(kept) / NUM_ENTRIES - (1 - rate)) < 4 * error


def test_entries_are_independent_of_their_neighbours():
    kept = dropout(tf.ones([NUM_ENTRIES]), 0.5, (3, 4)).numpy() > 0
    for lag in (1, 2, 3, 4):
        together = np.mean(kept[lag:] & kept[:-lag])
        assert abs(together - 0.25) < 4 * np.sqrt(0.25 * 0.75 / NUM_ENTRIES)


def test_seeds_decide_and_compiling_changes_nothing():
    x = tf.random.stateless_normal([3, 5, 7], (0, 0))
    one, same, other = (dropout(x, 0.4, seed).numpy() for seed in ((1, 2), (1, 2), (1, 3)))
    np.testing.assert_array_equal(one, same)
    assert np.any(one != other)
    compiled = tf.function(lambda x: dropout(x, 0.4, (1, 2)), jit_compile=True)
    large = tf.ones([NUM_ENTRIES])
    tf.config.run_functions_eagerly(True)
    try:
        plain = dropout(large, 0.4, (1, 2)).numpy()
    finally:
        tf.config.run_functions_eagerly(False)
    np.testing.assert_allclose(dropout(large, 0.4, (1, 2)), plain, rtol=1e-6)
    np.testing.assert_allclose(compiled(x), one, rtol=1e-6)


def test_gradient_is_the_mask():
    x = tf.ones([1000])
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = dropout(x, 0.3, (5, 6))
    np.testing.assert_array_equal(tape.gradient(y, x), y)


def test_nothing_happens_without_seed_or_rate():
    x = tf.ones([4])
    assert dropout(x, 0.5, None) is x
    assert dropout(x, 0.0, (1, 2)) is x
