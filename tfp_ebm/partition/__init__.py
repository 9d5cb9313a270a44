"""The partition of the package."""
