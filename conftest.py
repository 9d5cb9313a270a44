"""Settings shared by the tests and the doctests."""

import gc
import os

import pytest

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")
if "PYTEST_XDIST_WORKER" in os.environ:  # One thread for each of the processes side by side.
    os.environ.setdefault("TF_NUM_INTRAOP_THREADS", "1")
    os.environ.setdefault("TF_NUM_INTEROP_THREADS", "1")
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    os.environ.setdefault("OMP_NUM_THREADS", "1")


def _divide_cpu(tf):
    """Makes two logical devices, for the tests of training on several; all else uses the first."""
    cpu = tf.config.list_physical_devices("CPU")[0]
    tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)


def _import_tensorflow_quietly():
    """Keeps what TensorFlow's native code writes past its log level out of the test report."""
    kept = os.dup(2)
    with open(os.devnull, "w") as sink:
        os.dup2(sink.fileno(), 2)
        try:
            import tensorflow as tf

            _divide_cpu(tf)
            tf.config.list_logical_devices()
        finally:
            os.dup2(kept, 2)
            os.close(kept)


_import_tensorflow_quietly()
# What TensorFlow and its graphs are made of is millions of objects, not to be gone through often.
gc.freeze()
gc.set_threshold(20_000, 10, 10)


def pytest_configure(config):
    """Lets TensorFlow Probability's seed helpers run outside an absl main program."""
    from absl import flags

    if not flags.FLAGS.is_parsed():
        flags.FLAGS.mark_as_parsed()


# Examples of these train something.
_SLOW_EXAMPLES = ("tfp_ebm/runs/", "tfp_ebm/training/callbacks/", "tfp_ebm/metrics/features/")


def pytest_collection_modifyitems(items):
    """Marks the examples that train as slow."""
    for item in items:
        path = item.path.as_posix()
        if isinstance(item, pytest.DoctestItem) and any(part in path for part in _SLOW_EXAMPLES):
            item.add_marker("slow")
