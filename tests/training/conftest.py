import pytest

from tfp_ebm.training import make_strategy


@pytest.fixture(scope="session")
def strategy():
    """Two replicas, on the two logical devices that the upper conftest.py makes of the CPU."""
    mirrored = make_strategy("mirrored")
    assert mirrored.num_replicas_in_sync == 2
    return mirrored
