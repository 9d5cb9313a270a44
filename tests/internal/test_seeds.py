import threading

import numpy as np
import pytest
import tensorflow as tf

from tfp_ebm.internal.seeds import sanitize_seed, seed_scope


def drawn(count=3):
    return [tuple(sanitize_seed(None, salt="here").numpy()) for _ in range(count)]


def test_a_scope_makes_every_seed_anew_and_repeats_as_a_whole():
    with seed_scope(tf.constant([0, 1])):
        one = drawn()
    with seed_scope(tf.constant([0, 1])):
        again = drawn()
    with seed_scope(tf.constant([0, 2])):
        other = drawn()
    assert one == again and len(set(one)) == 3 and not set(one) & set(other)


def test_given_seeds_are_their_own_in_a_scope_too():
    expected = sanitize_seed((3, 4), salt="here").numpy()
    with seed_scope(tf.constant([0, 1])):
        np.testing.assert_array_equal(sanitize_seed((3, 4), salt="here"), expected)
    assert np.any(sanitize_seed((3, 4), salt="there").numpy() != expected)


def test_scopes_nest_and_end_whatever_happens():
    with seed_scope(tf.constant([0, 1])):
        expected = drawn(2)
    with seed_scope(tf.constant([0, 1])):
        first = drawn(1)
        with pytest.raises(KeyError), seed_scope(tf.constant([0, 2])):
            drawn()
            raise KeyError
        assert first + drawn(1) == expected
    assert drawn(1) != drawn(1)


def test_a_scope_is_of_its_thread():
    found = []
    with seed_scope(tf.constant([0, 1])):
        expected = drawn()
    with seed_scope(tf.constant([0, 1])):
        for _ in range(2):
            thread = threading.Thread(target=lambda: found.extend(drawn(1)))
            thread.start()
            thread.join()
        assert drawn(1) == expected[:1]
    assert not set(found) & set(expected)
