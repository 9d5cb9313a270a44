"""A training step of NICE with an RBM base against that of a Gaussian base.

    python benchmarks/nice_step.py --output benchmarks/results/nice_step.json

28x28 images of digits, the network of Dinh et al. (19 million parameters), 512 hidden bits, Keras's
legacy Adam, whose kernel is fused; as many chains as images in a batch, and 32. The chains are the
default ones, which choose their own sweeps, and `persistent` ones of 20 sweeps. The floor is that
of the matrix products of 20 sweeps of as many chains alone. The Gaussian step is timed with the
newer Adam too. Times are milliseconds of the processor in one thread, means over four updates, in
one of which the default chains jump; medians of several turns, which all take in one process. The
models are trained for 48 updates before.
"""

import harness

CASES = [{"batch_size": 128}]
ROUNDS, UPDATES, WARM_UP = 8, 4, 48


def _step(base, batch_size, gibbs_steps=None, legacy=True, **options):
    """Returns a function that runs a few updates."""
    import tensorflow as tf
    import tf_keras

    from tfp_ebm import datasets, models, training

    tf_keras.utils.set_random_seed(0)
    model = models.eb_and_flow((28, 28, 1), rbm=base, **options)
    trainer = training.LikelihoodModel(model, gibbs_steps=gibbs_steps)
    optimizers = tf_keras.optimizers.legacy if legacy else tf_keras.optimizers
    trainer.compile(optimizer=optimizers.Adam(1e-3))
    images = tf.constant(datasets.load("mnist").train[:batch_size])
    step = tf.function(trainer.train_step)

    def run(updates=UPDATES):
        for _ in range(updates):
            logs = step((images,))
        return float(next(iter(logs.values())))

    run(WARM_UP)
    return run


def _products(num_chains, sweeps=20):
    """Returns a function that runs the matrix products of the chains, with nothing else."""
    import tensorflow as tf

    weights = 0.01 * tf.random.stateless_normal([784, 512], (0, 1))
    transposed = tf.transpose(weights)

    @tf.function
    def run():
        visible = tf.random.stateless_normal([num_chains, 784], (0, 2))
        for _ in tf.range(UPDATES * sweeps):
            visible = tf.matmul(tf.matmul(visible, weights), transposed)
        return visible

    return lambda: run().numpy()


def milliseconds(batch_size):
    """Returns the time of an update with each base, and of the products."""
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    persistent = {"gibbs_steps": 20, "sampler": "persistent"}
    functions = {
        "gaussian": _step("none", batch_size),
        "gaussian_newer_adam": _step("none", batch_size, legacy=False),
        "rbm": _step("dense", batch_size, num_chains=batch_size),
        "rbm_32_chains": _step("dense", batch_size, num_chains=32),
        "rbm_persistent": _step("dense", batch_size, num_chains=batch_size, **persistent),
        "rbm_persistent_32_chains": _step("dense", batch_size, num_chains=32, **persistent),
        "products": _products(batch_size),
    }
    return harness.median_milliseconds(functions, ROUNDS, UPDATES)


def summarize(rows):
    """Returns the ratios of times to that of the Gaussian base, by the size of a batch."""
    ratios = {}
    for row in rows:
        times = row["milliseconds"]
        ratios[f"batches_of_{row['case']['batch_size']}"] = {
            name: own / times["gaussian"] for name, own in times.items() if name != "gaussian"
        }
    return ratios


if __name__ == "__main__":
    harness.main(__doc__.splitlines()[0], {"milliseconds": milliseconds}, CASES, summarize)
