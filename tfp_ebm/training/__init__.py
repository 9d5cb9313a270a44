"""The training of the package."""
