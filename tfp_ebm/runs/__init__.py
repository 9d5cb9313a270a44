"""What each command of `tfp-ebm` does."""

from tfp_ebm.commands.evaluate import evaluate
from tfp_ebm.commands.listing import datasets, models
from tfp_ebm.commands.sample import sample
from tfp_ebm.commands.train import train

__all__ = ["datasets", "evaluate", "models", "sample", "train"]
