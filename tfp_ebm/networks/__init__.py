"""The networks of the package."""
