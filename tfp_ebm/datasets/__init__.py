"""The datasets of the package."""
