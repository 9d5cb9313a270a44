"""The mcmc of the package."""
