"""The models of the package."""
