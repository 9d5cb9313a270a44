"""Flows with energy-based bases for TensorFlow Probability."""
