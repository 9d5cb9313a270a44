"""MixLogCDF against TensorFlow Probability's own `MixtureSameFamily` of `Logistic`.

python benchmarks/mix_log_cdf.py --output benchmarks/results/mix_log_cdf.json
"""

import harness

CASES = [{"shape": [32, 16, 16, 6], "num_components": 32}]


def _inputs(shape, num_components):
    import tensorflow as tf

    x = tf.random.stateless_normal(shape, (0, 1))
    parameters = [
        scale * tf.random.stateless_normal([*shape, num_components], (0, seed))
        for scale, seed in ((1.0, 2), (2.0, 3), (0.5, 4))
    ]
    return x, parameters


def _measure(forward, inverse, x, parameters):
    import tensorflow as tf

    @tf.function
    def gradient(x, *parameters):
        with tf.GradientTape() as tape:
            tape.watch([x, *parameters])
            y, log_det = forward(x, *parameters)
            loss = tf.reduce_sum(y) + tf.reduce_sum(log_det)
        return tape.gradient(loss, [x, *parameters])

    y = tf.function(lambda *a: forward(*a)[0])(x, *parameters)
    graph_inverse = tf.function(inverse)
    found = graph_inverse(y, *parameters)
    residual = tf.abs(tf.function(lambda *a: forward(*a)[0])(found, *parameters) - y)
    return {
        "forward_and_gradient_seconds": harness.seconds(
            lambda: gradient(x, *parameters)[0].numpy(), repeats=15
        ),
        "inverse_seconds": harness.seconds(
            lambda: graph_inverse(y, *parameters).numpy(), repeats=15
        ),
        "inverse_residual": float(tf.reduce_max(residual)),
        "peak_memory_mebibytes": harness.peak_memory_mebibytes(),
    }


def ours(shape, num_components):
    """The bijector of this package."""
    from tfp_ebm.bijectors import MixLogCDF

    x, parameters = _inputs(shape, num_components)

    def forward(x, *parameters):
        bijector = MixLogCDF(*parameters)
        return bijector.forward(x), bijector.forward_log_det_jacobian(x, event_ndims=0)

    def inverse(y, *parameters):
        return MixLogCDF(*parameters).inverse(y)

    return _measure(forward, inverse, x, parameters)


def composition(shape, num_components):
    """The same map by `log_cdf`, `log_survival_function` and `log_prob`, bisected."""
    import tensorflow as tf
    import tensorflow_probability as tfp

    tfd = tfp.distributions
    x, parameters = _inputs(shape, num_components)

    def mixture(logits, locs, log_scales):
        return tfd.MixtureSameFamily(
            tfd.Categorical(logits=logits), tfd.Logistic(locs, tf.exp(log_scales))
        )

    def forward(x, *parameters):
        distribution = mixture(*parameters)
        log_cdf = distribution.log_cdf(x)
        log_survival = distribution.log_survival_function(x)
        return log_cdf - log_survival, distribution.log_prob(x) - log_cdf - log_survival

    def inverse(y, logits, locs, log_scales):
        distribution = mixture(logits, locs, log_scales)
        ends = locs + tf.exp(log_scales) * y[..., tf.newaxis]
        low, high = tf.reduce_min(ends, axis=-1), tf.reduce_max(ends, axis=-1)

        def body(low, high, middle, residual):
            del residual
            value = distribution.log_cdf(middle) - distribution.log_survival_function(middle)
            is_below = value < y
            low, high = tf.where(is_below, middle, low), tf.where(is_below, high, middle)
            return low, high, 0.5 * (low + high), tf.reduce_max(tf.abs(value - y))

        start = (low, high, 0.5 * (low + high), tf.constant(1.0))
        return tf.while_loop(lambda *state: state[-1] > 1e-4, body, start, maximum_iterations=60)[2]

    return _measure(forward, inverse, x, parameters)


def summarize(rows):
    """Returns how many times faster."""
    ours, other = rows[0]["ours"], rows[0]["composition"]
    return {
        key: other[f"{key}_seconds"] / ours[f"{key}_seconds"]
        for key in ("forward_and_gradient", "inverse")
    }


if __name__ == "__main__":
    harness.main(
        __doc__.splitlines()[0], {"ours": ours, "composition": composition}, CASES, summarize
    )
