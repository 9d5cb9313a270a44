"""Trains RBM-Flow with a loop of one's own: a gradient tape and a line for the chains.

python examples/custom_loop.py --epochs 10 --output custom_loop.png
"""

import argparse

import tensorflow as tf
import tf_keras

from tfp_ebm import datasets, models, plots


def main(epochs: int, output: str) -> None:
    """Trains, prints the bound on test images, and draws samples."""
    data = datasets.load("digits")
    model = models.rbm_flow(data.image_shape, num_levels=data.num_levels, num_filters=24)
    base = models.parts(model).base
    optimizer = tf_keras.optimizers.Adam(2e-3)
    optimizer.build(model.trainable_variables)

    @tf.function
    def step(images):
        with tf.GradientTape() as tape:
            loss = -tf.reduce_mean(model.log_prob(images))
        gradients = tape.gradient(loss, model.trainable_variables)
        optimizer.apply_gradients(zip(gradients, model.trainable_variables, strict=True))
        base.update_chains(num_steps=25)  # Persistent contrastive divergence.
        return loss

    batches = tf.data.Dataset.from_tensor_slices(data.train).shuffle(1000, seed=0).batch(50)
    for epoch in range(epochs):
        losses = [float(step(images)) for images in batches]
        print(f"epoch {epoch + 1}: {sum(losses) / len(losses):.2f} nats an image")

    estimate = base.estimate_log_partition(seed=(0, 1))
    bound = -tf.reduce_mean(model.log_prob(data.test, seed=(0, 2)))
    print(f"log Z {estimate.value:.2f} +- {estimate.standard_error:.2f} by {estimate.method}")
    print(f"test bound {bound:.2f} nats an image")
    plots.sample_grid(model.sample(32), output, data.num_levels)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--output", default="custom_loop.png")
    main(**vars(parser.parse_args()))
