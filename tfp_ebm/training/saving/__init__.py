"""Checkpoints of models, and of training with all that it needs to go on."""

from tfp_ebm.training.saving import checkpoint
from tfp_ebm.training.saving.checkpoints import Checkpoints

__all__ = ["Checkpoints", "checkpoint"]
