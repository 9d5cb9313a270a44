"""Faults of the data sets."""

TESTS = {"batches": "registry", "image_dataset": "registry"}

FAULTS = {
    "densities": [
        ("-math.log(32)", "-math.log(16)"),
        ("math.log(2 * math.pi * scale**2)", "math.log(2 * math.pi * scale)"),
        ("np.tile(weight * angle / (9 * np.pi**2), 2)", "np.tile(weight / (9 * np.pi**2), 2)"),
        ("total - constant - np.log(radius)", "total - constant"),
    ],
}
