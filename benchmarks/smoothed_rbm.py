"""SmoothedRBM against the dense route: invert J~, factorise, `MultivariateNormalTriL`.

python benchmarks/smoothed_rbm.py --output benchmarks/results/smoothed_rbm.json
"""

import harness

CASES = [{"size": 3072, "num_points": 64}]


def _parameters(size):
    import numpy as np

    half = size // 2
    weights = np.random.default_rng(0).normal(size=[half, half]).astype(np.float32)
    return weights / np.linalg.norm(weights, 2), np.zeros(size, np.float32), np.float32(2.5)


def _measure(log_prob, sample, weights):
    import tensorflow as tf

    baseline = harness.peak_memory_mebibytes()

    @tf.function
    def gradient():
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(log_prob())
        return tape.gradient(loss, weights)

    graph_sample = tf.function(sample)
    return {
        "log_prob_and_gradient_seconds": harness.seconds(lambda: gradient().numpy(), repeats=3),
        "sample_seconds": harness.seconds(lambda: graph_sample().numpy(), repeats=3),
        "memory_mebibytes": harness.peak_memory_mebibytes() - baseline,
    }


def _points(size, num_points):
    import tensorflow as tf

    points = tf.random.stateless_normal([num_points, size], (0, 1))
    return points, tf.sign(tf.random.stateless_normal([num_points, size], (0, 2)))


def ours(size, num_points):
    """The structured route; log Z of the spins is a constant of both."""
    import tensorflow as tf

    from tfp_ebm.distributions import SmoothedRBM

    weights, bias, delta = _parameters(size)
    weights = tf.Variable(weights)
    points, spins = _points(size, num_points)
    base = SmoothedRBM(weights, bias, delta)
    return _measure(
        lambda: base.unnormalized_log_prob(points) - base.log_partition_offset(),
        lambda: base.sample(num_points, seed=(0, 3), spins=spins),
        weights,
    )


def dense(size, num_points):
    """Every matrix N x N, as a covariance parametrisation needs."""
    import math

    import tensorflow as tf
    import tensorflow_probability as tfp

    weights, bias, delta = _parameters(size)
    weights = tf.Variable(weights)
    points, spins = _points(size, num_points)
    identity = delta * tf.eye(size // 2)

    def precision():
        upper = tf.concat([identity, weights], axis=1)
        lower = tf.concat([tf.transpose(weights), identity], axis=1)
        return tf.concat([upper, lower], axis=0)

    def normal(matrix, loc):
        covariance = tf.linalg.inv(matrix)
        return tfp.distributions.MultivariateNormalTriL(loc, tf.linalg.cholesky(covariance))

    def log_prob():
        # exp(-z^T J~ z / 2) is the normal at mean 0, up to its constant.
        matrix = precision()
        field = tf.linalg.matmul(points, matrix) + bias
        cosh = tf.reduce_sum(tf.nn.softplus(2 * field) - field, axis=-1)
        gaussian = normal(matrix, tf.zeros([size])).log_prob(points)
        return gaussian + cosh - 0.5 * size * delta - size * math.log(2)

    return _measure(log_prob, lambda: normal(precision(), spins).sample(seed=(0, 3)), weights)


def summarize(rows):
    """Returns how many times faster and smaller."""
    ratios = {}
    for row in rows:
        ratios[str(row["case"]["size"])] = {
            "log_prob_and_gradient": row["dense"]["log_prob_and_gradient_seconds"]
            / row["ours"]["log_prob_and_gradient_seconds"],
            "sample": row["dense"]["sample_seconds"] / row["ours"]["sample_seconds"],
            "memory": row["ours"]["memory_mebibytes"] / row["dense"]["memory_mebibytes"],
        }
    return ratios


if __name__ == "__main__":
    harness.main(__doc__.splitlines()[0], {"ours": ours, "dense": dense}, CASES, summarize)
