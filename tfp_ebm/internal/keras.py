"""The one place that imports Keras.

Keras 3 layers are no `tf.Module`s, so TensorFlow Probability cannot see their variables; tf_keras
(Keras 2) layers are, and train through bijectors and distributions.
"""

import tf_keras as keras

__all__ = ["keras"]
