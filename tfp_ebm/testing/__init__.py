"""The testing of the package."""
