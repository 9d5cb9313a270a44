"""Composes a two-dimensional density from a smoothed RBM and spline couplings.

    python examples/two_moons.py --epochs 30 --output two_moons.png

Any elementwise bijector makes a coupling: here TFP's rational quadratic spline.
"""

import argparse

import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp
import tf_keras
from sklearn.datasets import make_moons

from tfp_ebm import bijectors, distributions, networks, training

tfb, tfd = tfp.bijectors, tfp.distributions
NUM_BINS = 8


def spline(parameters: tf.Tensor) -> tfp.bijectors.Bijector:
    """Returns a spline on [-4, 4] for one coordinate, from `[..., 3 * NUM_BINS - 1]`."""
    widths, heights, slopes = tf.split(
        tf.expand_dims(parameters, -2), [NUM_BINS, NUM_BINS, NUM_BINS - 1], axis=-1
    )
    return tfb.RationalQuadraticSpline(
        bin_widths=8 * (0.01 + 0.92 * tf.nn.softmax(widths)),
        bin_heights=8 * (0.01 + 0.92 * tf.nn.softmax(heights)),
        knot_slopes=0.01 + tf.nn.softplus(slopes),
        range_min=-4.0,
    )


def coupling() -> bijectors.Coupling:
    """Returns a coupling of the two coordinates."""
    return bijectors.Coupling(tfb.Split(2), spline, networks.MLP(1, 3 * NUM_BINS - 1, [64, 64]))


def main(epochs: int, output: str) -> None:
    """Trains, prints the exact test log-likelihood, and draws the samples."""
    points = make_moons(6_000, noise=0.08, random_state=0)[0].astype(np.float32)
    points = (points - points.mean(0)) / points.std(0)
    swap = tfb.Permute([1, 0])
    flow = tfb.Invert(tfb.Chain([coupling(), swap, coupling(), swap, coupling()]))
    base = distributions.SmoothedRBM.create(num_visible=1, num_hidden=1, delta=2.5)
    model = tfd.TransformedDistribution(base, flow)

    trainer = training.LikelihoodModel(model)
    trainer.compile(optimizer=tf_keras.optimizers.Adam(2e-3))
    trainer.fit(points[:5_000], epochs=epochs, batch_size=100, verbose=2)
    print(f"test log-likelihood {model.log_prob(points[5_000:]).numpy().mean():.3f} nats, exact")

    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 4), layout="constrained")
    samples = model.sample(1_000).numpy()
    for axes, cloud, title in zip(
        figure.subplots(1, 2), (points[5_000:], samples), ("data", "samples"), strict=True
    ):
        axes.scatter(*cloud.T, s=3)
        axes.set_title(title)
    figure.savefig(output, dpi=100)
    print("picture:", output)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--epochs", type=int, default=30)
    parser.add_argument("--output", default="two_moons.png")
    main(**vars(parser.parse_args()))
