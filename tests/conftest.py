import pytest

from tfp_ebm.internal.keras import keras


@pytest.fixture(autouse=True)
def repeatable():
    """Weights drawn by Keras initializers are the same in every run of a test."""
    keras.utils.set_random_seed(0)
