"""A training step of NICE with an RBM base, 20 Gibbs steps, against that of a Gaussian base.

    python benchmarks/nice_step.py --output benchmarks/results/nice_step.json

28x28 images, the network of Dinh et al. (19 million parameters), 512 hidden bits, Keras's legacy
Adam, whose kernel is fused; as many chains as images in a batch, and with a quarter. The floor is
that of the matrix products of the chains alone. The Gaussian step is timed with the newer Adam too.
"""

import harness

CASES = [{"batch_size": 128, "gibbs_steps": 20}]


def _step(base, batch_size, gibbs_steps, num_chains=1, legacy=True):
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
    elapsed = harness.seconds(lambda: float(step((images,))["loss"]), repeats=15, warm_up=3)
    return {
        "milliseconds": 1e3 * elapsed,
        "num_parameters": sum(int(np.prod(v.shape)) for v in model.trainable_variables),
    }


def gaussian(batch_size, gibbs_steps):
    """Milliseconds of a step with the standard Gaussian base."""
    return _step("none", batch_size, gibbs_steps)


def gaussian_newer_adam(batch_size, gibbs_steps):
    """Milliseconds of a step with the standard Gaussian base and `tf_keras.optimizers.Adam`."""
    return _step("none", batch_size, gibbs_steps, legacy=False)


def rbm(batch_size, gibbs_steps):
    """Milliseconds of a step with the RBM and its replay buffer."""
    return _step("dense", batch_size, gibbs_steps, batch_size)


def rbm_few_chains(batch_size, gibbs_steps):
    """Milliseconds of a step with a quarter of the chains."""
    return _step("dense", batch_size, gibbs_steps, batch_size // 4)


def products(batch_size, gibbs_steps):
    """Milliseconds of the matrix products of the chains of one step, with nothing else."""
    import tensorflow as tf

    weights = 0.01 * tf.random.stateless_normal([784, 512], (0, 1))
    transposed = tf.transpose(weights)

    @tf.function
    def sweeps(visible):
        for _ in tf.range(gibbs_steps):
            visible = tf.matmul(tf.matmul(visible, weights), transposed)
        return visible

    visible = tf.random.stateless_normal([batch_size, 784], (0, 2))
    return {"milliseconds": 1e3 * harness.seconds(lambda: sweeps(visible).numpy(), repeats=15)}


def summarize(rows):
    """Returns the ratios of times to that of the Gaussian base."""
    row = rows[0]
    base = row["gaussian"]["milliseconds"]
    return {
        "over_gaussian": row["rbm"]["milliseconds"] / base,
        "over_gaussian_with_a_quarter_of_the_chains": row["rbm_few_chains"]["milliseconds"] / base,
        "newer_adam_over_legacy": row["gaussian_newer_adam"]["milliseconds"] / base,
        "floor": 1 + row["products"]["milliseconds"] / base,
    }


PARTS = {
    "gaussian": gaussian,
    "gaussian_newer_adam": gaussian_newer_adam,
    "rbm": rbm,
    "rbm_few_chains": rbm_few_chains,
    "products": products,
}

if __name__ == "__main__":
    harness.main(__doc__.splitlines()[0], PARTS, CASES, summarize)
