"""What the pixels of an image pass before a flow, and extra channels do not."""

import tensorflow_probability as tfp

from tfp_ebm import bijectors
from tfp_ebm.internal import checks
from tfp_ebm.internal.types import Bijector

__all__ = ["image_preprocessing"]

tfb = tfp.bijectors


def image_preprocessing(
    num_levels: int, num_channels: int, num_augmented: int = 0, alpha: float = 0.05
) -> Bijector:
    """Returns the map of the pixels to logits, data to latent, which leaves extra channels alone.

    Args:
      num_levels: number of pixel levels; data lie in [0, num_levels].
      num_channels: channels, the extra ones among them.
      num_augmented: how many of the last channels are extra ones.
      alpha: margin of the logit, see `tfp_ebm.bijectors.ImageToLogit`.

    Raises:
      ValueError: if the extra channels leave none of the image.
    """
    to_logit = bijectors.ImageToLogit(num_levels=num_levels, alpha=alpha)
    if not checks.positive_integer("num_augmented", num_augmented, minimum=0):
        return to_logit
    if num_augmented >= num_channels:
        raise ValueError(
            f"`num_augmented` must leave channels of the image, got {num_augmented} of "
            f"{num_channels}."
        )
    split = tfb.Split([num_channels - num_augmented, num_augmented], axis=-1)
    return tfb.Chain([tfb.Invert(split), tfb.JointMap([to_logit, tfb.Identity()]), split])
