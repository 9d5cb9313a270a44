import numpy as np
import pytest

from tfp_ebm.training import WarmupDecay, learning_rate_schedule

STEPS = np.arange(40)


@pytest.mark.parametrize("warmup_steps", [0, 1, 7])
@pytest.mark.parametrize("decay_rate", [0.9, 1.0])
def test_warm_up_and_decay_are_the_formula(warmup_steps, decay_rate):
    schedule = WarmupDecay(3.0, warmup_steps, decay_rate)
    rise = np.minimum(1, (STEPS + 1) / max(1, warmup_steps))
    expected = 3 * rise * decay_rate ** np.maximum(0, STEPS - warmup_steps)
    np.testing.assert_allclose([schedule(step) for step in STEPS], expected, rtol=1e-5)
    again = WarmupDecay(**schedule.get_config())
    np.testing.assert_array_equal(
        [again(step) for step in STEPS], [schedule(step) for step in STEPS]
    )


def test_constant_and_exponential_are_warm_up_and_decay():
    constant = learning_rate_schedule("constant", 2.0, 40, 5, decay_rate=0.9)
    falling = learning_rate_schedule("exponential", 2.0, 40, 5, decay_rate=0.9)
    for name, rate in ((constant, 1.0), (falling, 0.9)):
        expected = [WarmupDecay(2.0, 5, rate)(step) for step in STEPS]
        np.testing.assert_array_equal([name(step) for step in STEPS], expected)


@pytest.mark.parametrize("warmup_steps", [0, 8])
def test_cosine_falls_to_0_at_the_last_update(warmup_steps):
    schedule = learning_rate_schedule("cosine", 2.0, 40, warmup_steps)
    share = np.clip((STEPS - warmup_steps) / (40 - warmup_steps), 0, 1)
    expected = 1 + np.cos(np.pi * share)
    if warmup_steps:
        expected = np.where(STEPS < warmup_steps, 2 * STEPS / warmup_steps, expected)
    np.testing.assert_allclose([schedule(step) for step in STEPS], expected, rtol=1e-5, atol=1e-6)
    assert float(schedule(40)) == pytest.approx(0, abs=1e-6)
