import os

if "PYTEST_XDIST_WORKER" in os.environ:
    # One core for each process and those it starts: threads of two would wait for each other.
    os.environ.setdefault("TF_NUM_INTRAOP_THREADS", "1")

import pytest

from tfp_ebm.internal.keras import keras


@pytest.fixture(autouse=True)
def repeatable():
    """Weights drawn by Keras initializers are the same in every run of a test."""
    keras.utils.set_random_seed(0)
