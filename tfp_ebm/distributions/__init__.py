"""The distributions of the package."""
