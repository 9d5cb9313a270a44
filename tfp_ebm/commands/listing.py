"""The commands that list what there is."""

import tfp_ebm.datasets
import tfp_ebm.models

__all__ = ["datasets", "models"]


def models() -> None:
    """Prints the names of the models, one a line."""
    print("\n".join(tfp_ebm.models.names()))


def datasets() -> None:
    """Prints the names of the data sets, one a line."""
    print("\n".join(tfp_ebm.datasets.names()))
