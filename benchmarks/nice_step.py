"""A training step of NICE with an RBM base, 20 Gibbs steps, against that of a Gaussian base.

    python benchmarks/nice_step.py --output benchmarks/results/nice_step.json

28x28 images, the network of Dinh et al. (19 million parameters), 512 hidden bits, Adam, as many
chains as images in a batch.
"""

import harness

CASES = [{"batch_size": 128, "gibbs_steps": 20}]


def _step(base, batch_size, gibbs_steps):
    import numpy as np
    import tensorflow as tf
    import tf_keras

    from tfp_ebm import models, training

    tf_keras.utils.set_random_seed(0)
    model = models.eb_and_flow((28, 28, 1), rbm=base, num_chains=batch_size)
    trainer = training.LikelihoodModel(model, gibbs_steps=gibbs_steps)
    trainer.compile(optimizer=tf_keras.optimizers.Adam(1e-3))
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


def rbm(batch_size, gibbs_steps):
    """Milliseconds of a step with the RBM and its replay buffer."""
    return _step("dense", batch_size, gibbs_steps)


def summarize(rows):
    """Returns the ratio of times."""
    return {"over_gaussian": rows[0]["rbm"]["milliseconds"] / rows[0]["gaussian"]["milliseconds"]}


if __name__ == "__main__":
    harness.main(__doc__.splitlines()[0], {"gaussian": gaussian, "rbm": rbm}, CASES, summarize)
