"""Faults of the metrics."""

TESTS = {}

FAULTS = {
    "bits_per_dimension": [
        ("return -log_prob / (num_dimensions * math.log(2))", "return -log_prob / num_dimensions"),
        (
            "return -log_prob / (num_dimensions * math.log(2))",
            "return log_prob / (num_dimensions * math.log(2))",
        ),
        ("tf.maximum(self.count - 1, 1)", "self.count"),
        ("self.count.assign_add(tf.cast(tf.size(bits), tf.float64))", "self.count.assign_add(1.0)"),
        ("- mean**2", "- mean"),
    ],
    "frechet": [
        ("value = shift @ shift + np", "value = np"),
        ("/ np.sqrt(len(centred) - 1)", "/ np.sqrt(len(centred))"),
        ("return 2 * centred @ shift + np", "return centred @ shift + np"),
        (".var(ddof=1) / len(first)", ".var(ddof=1)"),
        ("np.linalg.svd(factors[0].T @ factors[1])", "np.linalg.svd(factors[0] @ factors[1])"),
    ],
    "inception_score": [
        ("marginal = part.mean(axis=0)", "marginal = probabilities.mean(axis=0)"),
        ("np.exp(np.sum(part * ratio, axis=1).mean())", "np.sum(part * ratio, axis=1).mean()"),
        (
            "np.exp(np.sum(part * ratio, axis=1).mean())",
            "np.exp(np.sum(part * ratio, axis=1)).mean()",
        ),
    ],
    "kernel": [
        ("- 2 * crossed.sum() / (count * other)", "- crossed.sum() / (count * other)"),
        ("/ (count * (count - 1))", "/ (count * count)"),
        ("base = products / features.shape[1] + 1", "base = products + 1"),
        ("return base * base * base", "return base * base"),
        ("return (count - 1) * without.var()", "return without.var()"),
        ("(within.sum() - 2 * within)", "(within.sum() - within)"),
    ],
    "likelihood": [
        ("nats = -np.asarray(log_prob, np.float64)", "nats = np.asarray(log_prob, np.float64)"),
        ("nats.std(ddof=1) / math.sqrt(len(nats))", "nats.std(ddof=1)"),
        ("to_bits = num_dimensions * math.log(2)", "to_bits = num_dimensions"),
        ("error = math.hypot(over_events, log_partition_error)", "error = over_events"),
        (
            "bits_per_dimension_error=float(error / to_bits)",
            "bits_per_dimension_error=float(error)",
        ),
    ],
    "linear_probe": [
        ("return (part - mean) / scale", "return part - mean"),
        ("math.sqrt(share * (1 - share) / count)", "math.sqrt(share * (1 - share))"),
        ("strength = max(_STRENGTHS", "strength = min(_STRENGTHS"),
    ],
    "record": [
        (
            "first.value - second.value, math.hypot(first.error, second.error)",
            "second.value - first.value, math.hypot(first.error, second.error)",
        ),
        ("math.hypot(first.error, second.error)", "first.error + second.error"),
    ],
    "sample_quality": [
        (
            "min(count, num_reference) > features.shape[1]",
            "min(count, num_reference) >= features.shape[1]",
        ),
        ("num_reference=num_reference,", "num_reference=num_samples,"),
        ("self._network(samples, self._num_levels)", "self._network(samples, 256)"),
    ],
}
