"""What makes the site: pages from docstrings, the registry and the records of measurements."""
