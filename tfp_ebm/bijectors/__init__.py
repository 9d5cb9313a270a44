"""The bijectors of the package."""
