"""What each command of `tfp-ebm` does."""

from tfp_ebm.runs.evaluate import evaluate
from tfp_ebm.runs.listing import datasets, models
from tfp_ebm.runs.sample import sample
from tfp_ebm.runs.train import train

__all__ = ["datasets", "evaluate", "models", "sample", "train"]
