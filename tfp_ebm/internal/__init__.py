"""Private helpers: partner versions, private imports, argument checks."""
