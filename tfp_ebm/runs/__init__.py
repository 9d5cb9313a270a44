"""Run folders as a library: what each command of `tfp-ebm` does."""

from tfp_ebm.runs.complete import complete
from tfp_ebm.runs.compress import compress, decompress
from tfp_ebm.runs.encode import encode
from tfp_ebm.runs.evaluate import evaluate, evaluate_model
from tfp_ebm.runs.example import example_run
from tfp_ebm.runs.listing import datasets, models
from tfp_ebm.runs.run_folder import load_model
from tfp_ebm.runs.sample import sample
from tfp_ebm.runs.saving import load, save
from tfp_ebm.runs.train import train
from tfp_ebm.runs.trained import trained_names, trained_record

__all__ = [
    "complete",
    "compress",
    "datasets",
    "decompress",
    "encode",
    "evaluate",
    "evaluate_model",
    "example_run",
    "load",
    "load_model",
    "models",
    "sample",
    "save",
    "train",
    "trained_names",
    "trained_record",
]
