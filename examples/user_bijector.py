"""Composes the smoothed RBM with TensorFlow Probability's bijectors: RealNVP, MAF and splines.

python examples/user_bijector.py --flow maf --epochs 20 --output user_bijector.png
"""

import argparse

import tensorflow as tf
import tensorflow_probability as tfp
import tf_keras

from tfp_ebm import bijectors, datasets, distributions, networks, plots, training

tfb, tfd = tfp.bijectors, tfp.distributions


class ShiftAndLogScale(tf.Module):
    """A network in the form that `tfb.RealNVP` wants."""

    def __init__(self) -> None:
        super().__init__()
        self.network = networks.MLP(1, 2, [64, 64], zero_output=True)

    def __call__(self, x: tf.Tensor, output_units: int, **kwargs: object) -> list[tf.Tensor]:
        """Returns the shift and the log-scale of the second coordinate."""
        del output_units, kwargs
        return tf.split(self.network(x), 2, axis=-1)


class Spline(tf.Module):
    """A network to a rational quadratic spline on [-6, 6], for `tfp_ebm.bijectors.Coupling`."""

    def __init__(self, num_bins: int = 12) -> None:
        super().__init__()
        self.network = networks.MLP(1, 3 * num_bins - 1, [64, 64], zero_output=True)
        self.num_bins = num_bins

    def __call__(self, x: tf.Tensor) -> tfp.bijectors.Bijector:
        """Returns the spline of the second coordinate."""
        bins = self.num_bins
        widths, heights, slopes = tf.split(self.network(x)[..., None, :], [bins, bins, -1], -1)
        return tfb.RationalQuadraticSpline(
            bin_widths=0.12 + (12 - 0.12 * bins) * tf.nn.softmax(widths),
            bin_heights=0.12 + (12 - 0.12 * bins) * tf.nn.softmax(heights),
            knot_slopes=1e-3 + tf.nn.softplus(slopes + 0.54),  # 1 at the start.
            range_min=-6.0,
        )


def make_flow(name: str) -> tfp.bijectors.Bijector:
    """Returns four layers of RealNVP, of spline couplings or of a masked autoregressive flow."""
    layers = []
    for _ in range(4):
        if name == "realnvp":
            layer = tfb.RealNVP(num_masked=1, shift_and_log_scale_fn=ShiftAndLogScale())
        elif name == "spline":
            layer = bijectors.Coupling(tfb.Split(2), Spline())
        else:
            made = tfb.AutoregressiveNetwork(2, hidden_units=[64, 64], activation="tanh")
            layer = tfb.MaskedAutoregressiveFlow(made)
        layers += [layer, tfb.Permute([1, 0])]
    return tfb.Chain(layers)


def main(flow: str, epochs: int, output: str) -> None:
    """Trains on the pinwheel, prints the test log-likelihood, and draws the density."""
    density = datasets.density_2d("pinwheel")
    base = distributions.SmoothedRBM.create(num_visible=1, num_hidden=1, delta=2.0)
    model = tfd.TransformedDistribution(base, make_flow(flow))
    if not model.trainable_variables:
        model.log_prob(density.sample(2, seed=0))  # TFP's MADE creates its weights when called.
    trainer = training.LikelihoodModel(model)
    trainer.compile(optimizer=tf_keras.optimizers.Adam(2e-3, global_clipnorm=1.0))
    trainer.fit(density.sample(10_000, seed=1), epochs=epochs, batch_size=200, verbose=2)
    print(f"test log-likelihood {model.log_prob(density.sample(2_000, seed=2)).numpy().mean():.3f}")
    plots.density_2d(model.log_prob, output, title=f"{flow} on a smoothed RBM")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--flow", choices=["realnvp", "spline", "maf"], default="maf")
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--output", default="user_bijector.png")
    main(**vars(parser.parse_args()))
