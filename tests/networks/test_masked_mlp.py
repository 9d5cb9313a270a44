import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp

from tfp_ebm.networks import MaskedMLP
from tfp_ebm.testing.conformance import randomize

OPTIONS = {"activation": "tanh", "dtype": tf.float64}


def dependence(network, size):
    """Returns which outputs of an entry depend on which inputs, by differences."""
    x = np.random.default_rng(0).normal(size=size)
    moved = network(x + 0.5 * np.eye(size)).numpy() - network(x[np.newaxis]).numpy()
    return np.any(np.abs(moved) > 1e-9, axis=-1).T


@pytest.mark.parametrize("hidden_units", [(), (5,), (20, 9), (2, 2)])
@pytest.mark.parametrize("size", [1, 2, 5])
def test_outputs_see_the_entries_before_them_and_no_others(size, hidden_units):
    network = MaskedMLP(size, 3, hidden_units, **OPTIONS)
    randomize(network, 0.5)  # Whatever an update does to the weights.
    seen = dependence(network, size)
    allowed = np.tril(np.ones([size, size], bool), -1)
    assert not np.any(seen & ~allowed)
    np.testing.assert_array_equal(np.any(seen, axis=0), np.any(allowed, axis=0))
    if min(hidden_units, default=size) >= size:
        np.testing.assert_array_equal(seen, allowed)


def test_all_outputs_see_the_context():
    network = MaskedMLP(4, 2, (9, 9), num_context=3, **OPTIONS)
    randomize(network, 0.5)
    seen = dependence(network, 7)
    np.testing.assert_array_equal(seen[:, :4], np.tril(np.ones([4, 4], bool), -1))
    assert np.all(seen[:, 4:])


def test_one_entry_alone_has_trainable_numbers():
    network = MaskedMLP(1, 2, (9,), output_bias=[0.5, -1.0], **OPTIONS)
    np.testing.assert_array_equal(network(np.ones([3, 1])), 3 * [[[0.5, -1.0]]])
    assert [v.shape.as_list() for v in network.trainable_variables] == [[2]]


@pytest.mark.parametrize("hidden_units", [(), (5,), (20, 9), (2, 2)])
@pytest.mark.parametrize(("size", "num_context"), [(1, 0), (1, 2), (2, 0), (5, 0), (5, 3)])
def test_entries_made_one_by_one_are_those_of_the_whole_network(size, num_context, hidden_units):
    network = MaskedMLP(size, 3, hidden_units, num_context=num_context, **OPTIONS)
    randomize(network, 0.5)
    z, context = np.split(np.random.default_rng(0).normal(size=[4, size + num_context]), [size], 1)

    def next_entry(i, outputs):
        assert outputs.shape == (4, 3)
        return tf.gather(z, i, axis=1) * tf.exp(outputs[:, 0]) + outputs[:, 1] * outputs[:, 2]

    y = network.entry_by_entry(next_entry, tf.constant(context))
    outputs = network(tf.concat([y, context], axis=1))
    expected = z * tf.exp(outputs[..., 0]) + outputs[..., 1] * outputs[..., 2]
    np.testing.assert_allclose(y, expected, rtol=1e-10)


def test_where_outputs_start():
    network = MaskedMLP(3, 2, (9,), zero_output=True, output_bias=[0.5, -1.0], **OPTIONS)
    np.testing.assert_array_equal(network(np.ones([1, 3])), [3 * [[0.5, -1.0]]])
    assert network(np.ones([2, 7, 3])).shape == (2, 7, 3, 2)
    assert network(np.ones([0, 3])).shape == (0, 3, 2)


def test_the_network_of_tensorflow_probability_loses_its_masks():
    """Why there is one of our own: noise on all weights, as of an average or another optimizer."""
    network = tfp.bijectors.AutoregressiveNetwork(2, 4, hidden_units=[9], dtype=tf.float64)
    network(np.zeros([1, 4]))
    randomize(network, 0.5)
    assert np.any(np.triu(dependence(network, 4)))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"hidden_units": (1,)}, "`hidden_units` must be at least 2 in each layer, got 1"),
        ({"hidden_units": (0,)}, "`hidden_units` must be an integer of at least 1, got 0"),
        ({"output_bias": [1.0]}, "`output_bias` must have 2 numbers"),
        ({"num_context": -1}, "`num_context` must be an integer of at least 0"),
    ],
)
def test_errors(options, message):
    with pytest.raises(ValueError, match=message):
        MaskedMLP(4, 2, **options)


def test_vectors_of_another_size():
    with pytest.raises(ValueError, match="made for vectors of size 4, its context included"):
        MaskedMLP(4, 2, (3,))(tf.zeros([2, 5]))
