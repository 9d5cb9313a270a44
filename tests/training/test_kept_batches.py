import numpy as np
import pytest
import tensorflow as tf

from tfp_ebm.training.kept_batches import KeptBatches


def rows_of(batches):
    return np.concatenate([batch.numpy() for batch in batches])


@pytest.mark.parametrize("num_batches", [None, 1000])
def test_what_is_taken_is_spread_and_what_is_held_bounded(num_batches):
    kept = KeptBatches(num_batches, share=0.05, min_events=20, max_events=400)
    assert not kept and kept.take() == []
    for epoch in range(2):
        most = 0
        for batch in np.arange(5000).reshape(1000, 5):
            kept.see(batch + epoch)
            most = max(most, 5 * len(kept))
        assert most <= (400 if num_batches is None else 255)
        rows = rows_of(kept.take())
        assert 250 <= len(rows) <= 300 and not kept
        assert rows[0] == epoch and rows[-1] >= 4850
        gaps = np.diff(rows[::5])
        assert gaps.max() <= 2 * gaps.min() and gaps.max() < 200


def test_few_events_are_all_taken_and_many_are_limited():
    kept = KeptBatches(None, share=0.05, min_events=20, max_events=40)
    for batch in np.arange(15).reshape(3, 5):
        kept.see(batch)
    np.testing.assert_array_equal(rows_of(kept.take()), np.arange(15))
    for batch in np.arange(5000).reshape(1000, 5):
        kept.see(batch)
    assert len(rows_of(kept.take())) <= 40
    kept.see(np.arange(100))  # More than may be held, but all there is.
    assert len(rows_of(kept.take())) == 100


def test_batches_are_copied_in_their_structure():
    kept = KeptBatches(None, share=1.0, min_events=1, max_events=100)
    x, label = np.zeros([2, 3], np.float32), np.zeros([2], np.int64)
    kept.see((x, {"label": label}))
    x += 1
    ((taken, labels),) = kept.take()
    assert taken.dtype == tf.float32 and labels["label"].dtype == tf.int64
    np.testing.assert_array_equal(taken, np.zeros([2, 3]))


def test_data_sets_and_iterators_pass_unchanged():
    kept = KeptBatches(None, share=1.0, min_events=1, max_events=100)
    dataset = tf.data.Dataset.from_tensor_slices({"image": np.arange(10), "label": np.ones(10)})
    dataset = dataset.batch(4)
    shown = kept.of_dataset(dataset)
    assert shown.element_spec == dataset.element_spec and int(shown.cardinality()) == 3
    for one, two in zip(shown, dataset, strict=True):
        np.testing.assert_array_equal(one["image"], two["image"])
    taken = kept.take()
    np.testing.assert_array_equal(rows_of(batch["image"] for batch in taken), np.arange(10))
    assert [len(batch) for batch in kept.of_iterator(iter(np.split(np.arange(9), 3)))] == [3, 3, 3]
    np.testing.assert_array_equal(rows_of(kept.take()), np.arange(9))


def test_of_ragged_batches_the_events_are_kept():
    kept = KeptBatches(None, share=1.0, min_events=1, max_events=100)
    pairs = (np.arange(4), tf.ragged.constant([[1], [], [2, 3], []]))
    for _, words in kept.of_dataset(tf.data.Dataset.from_tensor_slices(pairs).batch(2)):
        assert isinstance(words, tf.RaggedTensor)
    np.testing.assert_array_equal(rows_of(kept.take()), np.arange(4))
