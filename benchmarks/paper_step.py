"""One training step of the paper-size RBM-Flow, and the share of its base.

    python benchmarks/paper_step.py --output benchmarks/results/paper_step.json

Chains are the default ones. The base's part is its density and gradient, the chains' move, and the
constraint that keeps its precision positive definite; times are those of the processor in one
thread, that of a move the mean of four, in one of which chains jump. Images are those of CIFAR-10's
test part if TFDS has it, or else random bytes. Their way through the untrained flow and back is
checked as well.
"""

import time

import harness

CASES = [{"batch_size": 20, "recompute": False}, {"batch_size": 20, "recompute": True}]


def _images(count):
    """Returns images of CIFAR-10's shape, and whether they are real."""
    import numpy as np

    from tfp_ebm import datasets

    try:
        return datasets.load("cifar10").test[:count], True
    except (ImportError, OSError, ValueError):
        return np.random.default_rng(0).integers(0, 256, [count, 32, 32, 3]).astype(np.uint8), False


def round_trip(batch_size, recompute):
    """Largest error in levels of pixels, 0 to 256, of images sent through the flow and back."""
    import tensorflow as tf
    import tf_keras

    from tfp_ebm import models

    tf_keras.utils.set_random_seed(0)
    model = models.preset("paper_cifar10_rbm", recompute=recompute)
    images, are_real = _images(batch_size)
    levels = tf.cast(images, tf.float32) + tf.random.stateless_uniform(images.shape, (0, 1))
    flow = model.distribution.bijector
    z = tf.function(flow.inverse)(levels)
    back = tf.function(flow.forward)(tf.identity(z))  # A new tensor, which no cache knows.
    again = tf.function(flow.inverse)(tf.identity(back))
    return {
        "images_are_real": are_real,
        "error_in_levels": float(tf.reduce_max(tf.abs(back - levels))),
        "error_in_latents": float(tf.reduce_max(tf.abs(again - z))),
    }


def step(batch_size, recompute):
    """Times a step with and without the base's part."""
    import tensorflow as tf
    import tf_keras

    from tfp_ebm import models, training

    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    tf_keras.utils.set_random_seed(0)
    started = time.process_time()
    model = models.preset("paper_cifar10_rbm", recompute=recompute, dropout_rate=0.2)
    construction = time.process_time() - started
    images, _ = _images(batch_size)
    trainer = training.LikelihoodModel(model)
    trainer.compile(optimizer=tf_keras.optimizers.Adam(1e-4))
    train_step = tf.function(trainer.train_step)
    started = time.process_time()
    float(next(iter(train_step((images,)).values())))
    first = time.process_time() - started
    seconds = harness.seconds(
        lambda: float(next(iter(train_step((images,)).values()))), 2, 0, time.process_time
    )
    base = models.parts(model).base
    z = tf.random.stateless_normal([batch_size, 3072], (0, 1))
    move = tf.function(lambda: base.update_chains(value=z))
    chains = harness.seconds(lambda: [move() for _ in range(4)], 3, 1, time.process_time) / 4
    constrain = tf.function(lambda: base.weights.constraint(base.weights))
    constraint = harness.seconds(lambda: constrain().numpy(), 3, 1, time.process_time)

    @tf.function
    def base_gradient(z):
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean(base.log_prob(z))
        return tape.gradient(loss, base.trainable_variables)

    density = harness.seconds(lambda: base_gradient(z)[0].numpy(), 3, 1, time.process_time)
    return {
        "construction_seconds": construction,
        "first_step_seconds": first,
        "step_seconds": seconds,
        "chains_seconds": chains,
        "constraint_seconds": constraint,
        "base_density_and_gradient_seconds": density,
        "share_of_base": (chains + constraint + density) / seconds,
        "peak_memory_gibibytes": harness.peak_memory_mebibytes() / 1024,
    }


def summarize(rows):
    """Returns the shares, and the error of the round trip."""
    return {"round_trip": rows[0]["round_trip"]} | {
        f"recompute {row['case']['recompute']}": {
            key: row["step"][key]
            for key in ("share_of_base", "step_seconds", "peak_memory_gibibytes")
        }
        for row in rows
    }


if __name__ == "__main__":
    harness.main(
        __doc__.splitlines()[0], {"step": step, "round_trip": round_trip}, CASES, summarize
    )
