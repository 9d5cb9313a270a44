import numpy as np
import tensorflow as tf

from tfp_ebm.runs.batches import in_batches


def test_compiled_batches_of_any_size_give_the_eager_digits():
    images = np.arange(250, dtype=np.uint8).reshape(250, 1)
    values = in_batches(lambda x, seed: tf.cast(x[:, 0], tf.float32) * 2, images, 0)
    np.testing.assert_array_equal(values, 2.0 * np.arange(250))
