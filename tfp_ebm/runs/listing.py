"""The commands that list what there is."""

import tfp_ebm.datasets
import tfp_ebm.models

__all__ = ["datasets", "models"]


def models() -> None:
    """Prints the models and presets that `train` knows, and what each is, separated by tabs."""
    for name, text in {**tfp_ebm.models.descriptions(), **tfp_ebm.models.preset_names()}.items():
        print(f"{name}\t{text}")


def datasets() -> None:
    """Prints the data sets that `train` knows, and what each is, separated by tabs."""
    for name, text in tfp_ebm.datasets.descriptions().items():
        print(f"{name}\t{text}")
