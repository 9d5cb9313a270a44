"""A training step of the transformer flow in its matrix products, against the rate of a product.

    python benchmarks/jet_step.py --output benchmarks/results/jet_step.json

32x32 colour images in patches of 4x4, two couplings, transformers of two blocks; float32, Adam. The
operations counted are those of the products alone, forward and twice backward; the rate is that of
a product of square float32 matrices, timed in turns with the step in one process.
"""

import statistics

import harness

CASES = [
    {"batch_size": 32, "num_filters": width, "num_couplings": 2, "num_blocks": 2}
    for width in (256, 512)
]
ROUNDS, SIDE = 12, 1536


def operations(batch_size, num_filters, num_couplings, num_blocks):
    """Floating-point operations of the products of a step."""
    length, channels, width = 64, 48, num_filters
    tokens = batch_size * length
    block = 2 * tokens * 12 * width**2 + 2 * 2 * tokens * length * width
    ends = 2 * tokens * width * (channels // 2 + channels)
    return 3 * num_couplings * (num_blocks * block + ends)


def shares(**case):
    """Times of a step and of a product, and the share of its rate that the step reaches."""
    import tensorflow as tf
    import tensorflow_probability as tfp
    import tf_keras

    from tfp_ebm import flows

    tfd = tfp.distributions
    batch_size = case.pop("batch_size")
    flow = flows.jet((32, 32, 3), patch_size=4, **case)
    model = tfd.TransformedDistribution(tfd.MultivariateNormalDiag(tf.zeros([3072])), flow)
    variables, optimizer = model.trainable_variables, tf_keras.optimizers.Adam(1e-4)
    optimizer.build(variables)
    x = 256 * tf.random.stateless_uniform([batch_size, 32, 32, 3], (0, 1))
    a = tf.random.stateless_normal([SIDE, SIDE], (0, 2))

    @tf.function
    def step():
        with tf.GradientTape() as tape:
            loss = -tf.reduce_mean(model.log_prob(x))
        optimizer.apply_gradients(zip(tape.gradient(loss, variables), variables, strict=True))
        return loss

    @tf.function
    def product():
        return tf.matmul(a, a)[0, 0]

    functions = {"step": lambda: step().numpy(), "product": lambda: product().numpy()}
    times = {name: [] for name in functions}
    for function in functions.values():
        function()
    for _ in range(ROUNDS):
        for name, function in functions.items():
            times[name].append(harness.seconds(function, repeats=1, warm_up=0))
    rate = {
        "step": operations(batch_size, **case) / min(times["step"]),
        "product": 2 * SIDE**3 / min(times["product"]),
    }
    return {
        "step_milliseconds": 1e3 * min(times["step"]),
        "step_median_milliseconds": 1e3 * statistics.median(times["step"]),
        **{f"{name}_gigaflops": value / 1e9 for name, value in rate.items()},
        "share": rate["step"] / rate["product"],
    }


def summarize(rows):
    """Returns the share of the rate by the width of the transformers."""
    return {f"width_{row['case']['num_filters']}": row["shares"]["share"] for row in rows}


if __name__ == "__main__":
    harness.main(__doc__.splitlines()[0], {"shares": shares}, CASES, summarize)
