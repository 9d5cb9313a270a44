"""One training step of the paper-size RBM-Flow, and the share of its base.

    python benchmarks/paper_step.py --output benchmarks/results/paper_step.json

200 Gibbs sweeps of 20 chains follow every update. Images are random bytes of CIFAR-10's shape: the
time of a step does not depend on what they show.
"""

import harness

CASES = [{"batch_size": 20, "recompute": False}, {"batch_size": 20, "recompute": True}]


def step(batch_size, recompute):
    """Times a step with and without the base's part, and a round trip of the flow."""
    import time

    import numpy as np
    import tensorflow as tf
    import tf_keras

    from tfp_ebm import models, training

    tf_keras.utils.set_random_seed(0)
    started = time.perf_counter()
    model = models.preset("paper_cifar10_rbm", num_chains=20, recompute=recompute, dropout_rate=0.2)
    construction = time.perf_counter() - started
    images = np.random.default_rng(0).integers(0, 256, [batch_size, 32, 32, 3]).astype(np.uint8)
    trainer = training.LikelihoodModel(model, gibbs_steps=200)
    trainer.compile(optimizer=tf_keras.optimizers.Adam(1e-4))
    train_step = tf.function(trainer.train_step)
    started = time.perf_counter()
    float(train_step((images,))["loss"])
    first = time.perf_counter() - started
    seconds = harness.seconds(lambda: float(train_step((images,))["loss"]), repeats=2, warm_up=0)
    base = model.distribution.distribution
    sweeps = harness.seconds(lambda: base.update_chains(200), repeats=2)
    z = tf.random.stateless_normal([batch_size, 3072], (0, 1))

    @tf.function
    def base_gradient(z):
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(base.log_prob(z))
        return tape.gradient(loss, base.trainable_variables)

    density = harness.seconds(lambda: base_gradient(z)[0].numpy(), repeats=3)
    return {
        "construction_seconds": construction,
        "first_step_seconds": first,
        "step_seconds": seconds,
        "sweeps_seconds": sweeps,
        "base_density_and_gradient_seconds": density,
        "share_of_base": (sweeps + density) / seconds,
        "peak_memory_gibibytes": harness.peak_memory_mebibytes() / 1024,
    }


def summarize(rows):
    """Returns the shares."""
    return {
        f"recompute {row['case']['recompute']}": {
            key: row["step"][key]
            for key in ("share_of_base", "step_seconds", "peak_memory_gibibytes")
        }
        for row in rows
    }


if __name__ == "__main__":
    harness.main(__doc__.splitlines()[0], {"step": step}, CASES, summarize)
