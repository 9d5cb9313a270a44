"""A training step of NICE with an RBM base, 20 Gibbs steps, against that of a Gaussian base.

    python benchmarks/nice_step.py --output benchmarks/results/nice_step.json

28x28 images, the network of Dinh et al. (19 million parameters), 512 hidden bits, Keras's legacy
Adam, whose kernel is fused; as many chains as images in a batch, and 32. The floor is that of the
matrix products of as many chains alone. The Gaussian step is timed with the newer Adam too. All
take turns in one process, so that what disturbs the machine for a while disturbs each of them.
"""

import statistics

import harness

CASES = [{"batch_size": size, "gibbs_steps": 20} for size in (128, 256, 512)]
ROUNDS = 30


def _step(base, batch_size, gibbs_steps, num_chains=1, legacy=True):
    """Returns a function that runs one update."""
    import numpy as np
    import tensorflow as tf
    import tf_keras

    from tfp_ebm import models, training

    tf_keras.utils.set_random_seed(0)
    model = models.eb_and_flow((28, 28, 1), rbm=base, num_chains=num_chains)
    trainer = training.LikelihoodModel(model, gibbs_steps=gibbs_steps)
    optimizers = tf_keras.optimizers.legacy if legacy else tf_keras.optimizers
    trainer.compile(optimizer=optimizers.Adam(1e-3))
    images = np.random.default_rng(0).integers(0, 256, [batch_size, 28, 28, 1]).astype(np.uint8)
    step = tf.function(trainer.train_step)
    return lambda: float(next(iter(step((images,)).values())))


def _products(batch_size, gibbs_steps):
    """Returns a function that runs the matrix products of the chains, with nothing else."""
    import tensorflow as tf

    weights = 0.01 * tf.random.stateless_normal([784, 512], (0, 1))
    transposed = tf.transpose(weights)

    @tf.function
    def sweeps(visible):
        for _ in tf.range(gibbs_steps):
            visible = tf.matmul(tf.matmul(visible, weights), transposed)
        return visible

    visible = tf.random.stateless_normal([batch_size, 784], (0, 2))
    return lambda: sweeps(visible).numpy()


def milliseconds(batch_size, gibbs_steps):
    """Returns the median time of an update with each base, and of the products."""
    functions = {
        "gaussian": _step("none", batch_size, gibbs_steps),
        "gaussian_newer_adam": _step("none", batch_size, gibbs_steps, legacy=False),
        "rbm": _step("dense", batch_size, gibbs_steps, batch_size),
        "rbm_32_chains": _step("dense", batch_size, gibbs_steps, 32),
        "products": _products(batch_size, gibbs_steps),
    }
    times = {name: [] for name in functions}
    for _ in range(ROUNDS):
        for name, function in functions.items():
            times[name].append(1e3 * harness.seconds(function, repeats=1))
    return {name: statistics.median(own) for name, own in times.items()}


def summarize(rows):
    """Returns the ratios of times to that of the Gaussian base, by the size of a batch."""
    ratios = {}
    for row in rows:
        times = row["milliseconds"]
        base = times["gaussian"]
        ratios[f"batches_of_{row['case']['batch_size']}"] = {
            "over_gaussian": times["rbm"] / base,
            "over_gaussian_with_32_chains": times["rbm_32_chains"] / base,
            "newer_adam_over_legacy": times["gaussian_newer_adam"] / base,
            "floor": 1 + times["products"] / base,
        }
    return ratios


if __name__ == "__main__":
    harness.main(__doc__.splitlines()[0], {"milliseconds": milliseconds}, CASES, summarize)
