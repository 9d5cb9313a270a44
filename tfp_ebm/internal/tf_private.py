"""The one place that imports private parts of TensorFlow."""

from tensorflow.python.eager.record import could_possibly_record as is_recording

# Whether a gradient tape or a forward accumulator is active.
__all__ = ["is_recording"]
