"""Faults of the models."""

TESTS = {
    "glow": "image_flows",
    "flow_plus_plus": "image_flows",
    "initialization": "image_flows",
    "coupling_steps": "image_flows",
    "nice": "image_flows",
    "vector_flow": "vector_posteriors",
}

FAULTS = {
    "codes": [
        (
            "model.distribution.bijector.inverse(model.dequantize(images, seed=seed))",
            "model.distribution.bijector.forward(model.dequantize(images, seed=seed))",
        ),
    ],
    "multi_scale": [
        ("return shapes[::-1]", "return shapes"),
        ("channels //= 2", "pass"),
    ],
}
