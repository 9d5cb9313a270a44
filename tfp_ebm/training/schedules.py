"""Learning rates over training."""

from typing import Any

import tensorflow as tf

from tfp_ebm.internal import checks
from tfp_ebm.internal.keras import keras
from tfp_ebm.internal.types import TensorLike

__all__ = ["SCHEDULES", "WarmupDecay", "learning_rate_schedule"]

SCHEDULES = ("constant", "cosine", "exponential")


class WarmupDecay(keras.optimizers.schedules.LearningRateSchedule):
    """Rises linearly to its peak, then decays by a constant factor an update.

        rate(t) = peak min(1, (t + 1) / warmup_steps) decay_rate^max(0, t - warmup_steps)

    Flow++ rises over 2,000 updates to 3e-4 and stays; VFlow decays after its warm-up.

    >>> schedule = WarmupDecay(1.0, warmup_steps=4, decay_rate=0.5)
    >>> [float(schedule(t)) for t in (0, 1, 3, 4, 5)]
    [0.25, 0.5, 1.0, 1.0, 0.5]
    """

    def __init__(self, peak: float, warmup_steps: int = 0, decay_rate: float = 1.0) -> None:
        """Constructs the schedule.

        Args:
          peak: the highest rate.
          warmup_steps: updates until it is reached.
          decay_rate: factor of every later update, in (0, 1].
        """
        self.peak = checks.positive_number("peak", peak)
        self.warmup_steps = checks.positive_integer("warmup_steps", warmup_steps, minimum=0)
        self.decay_rate = checks.positive_number("decay_rate", decay_rate)
        if self.decay_rate > 1:
            raise ValueError(f"`decay_rate` must be at most 1, got {decay_rate!r}.")

    def __call__(self, step: TensorLike) -> tf.Tensor:
        """Returns the rate of an update, numbered from 0."""
        step = tf.cast(step, tf.float32)
        rise = tf.minimum(1.0, (step + 1) / max(1, self.warmup_steps))
        return self.peak * rise * self.decay_rate ** tf.maximum(0.0, step - self.warmup_steps)

    def get_config(self) -> dict[str, Any]:
        """Returns the arguments."""
        return {
            "peak": self.peak,
            "warmup_steps": self.warmup_steps,
            "decay_rate": self.decay_rate,
        }


def learning_rate_schedule(
    name: str, peak: float, num_steps: int, warmup_steps: int = 0, decay_rate: float = 0.9999
) -> keras.optimizers.schedules.LearningRateSchedule:
    """Returns a schedule by name.

    >>> from tfp_ebm import training
    >>> rate = training.learning_rate_schedule("cosine", peak=1e-3, num_steps=100, warmup_steps=10)
    >>> bool(abs(rate(10) - 1e-3) < 1e-6), float(rate(100)) < 1e-5
    (True, True)

    Args:
      name: `"constant"`, `"cosine"` (falls to 0 at the last update) or `"exponential"`, each after
        a linear warm-up.
      peak: the highest rate.
      num_steps: updates in all.
      warmup_steps: updates until the peak.
      decay_rate: factor of an update, for `"exponential"`.

    Raises:
      ValueError: if there is no such schedule or a number does not fit.
    """
    checks.choice("name", name, SCHEDULES)
    if name == "cosine":
        return keras.optimizers.schedules.CosineDecay(
            0.0 if warmup_steps else peak,
            decay_steps=max(1, num_steps - warmup_steps),
            warmup_target=peak if warmup_steps else None,
            warmup_steps=warmup_steps,
        )
    return WarmupDecay(peak, warmup_steps, 1.0 if name == "constant" else decay_rate)
