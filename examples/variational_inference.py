"""Fits a posterior with two modes by reverse KL, with flows of a Gaussian, of spins and of an RBM.

    python examples/variational_inference.py --output posterior.png

Squares of projections, y_j = (a_j . theta)^2 + noise, cannot tell theta from -theta: the posterior
of this phase retrieval has two modes far apart. A flow of a Gaussian has to tear its one mode in
two, or to give one up; a flow of a base with two modes only has to move them. The base keeps its
parameters, so that draws of it do not depend on what is trained, and gradients may run through the
flow alone. The evidence is known by quadrature: the gap of the evidence lower bound is the
divergence of the fit from the posterior.
"""

import argparse
import math
import warnings

import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp
import tf_keras

from tfp_ebm import distributions, flows

tfb, tfd = tfp.bijectors, tfp.distributions
NUM_STEPS, NUM_SAMPLES, NUM_TEST = 1_000, 64, 20_000
TRUTH = np.array([1.5, 1.0])
ANGLES = np.linspace(0, math.pi, 5, endpoint=False)
DIRECTIONS = np.stack([np.cos(ANGLES), np.sin(ANGLES)])


def log_joint(theta: tf.Tensor) -> tf.Tensor:
    """Returns log p(theta, y), `[...]`, at theta `[..., 2]`."""
    prior = tfd.MultivariateNormalDiag(tf.zeros([2], theta.dtype), 1.5 * tf.ones([2], theta.dtype))
    projections = tf.tensordot(theta, tf.constant(DIRECTIONS, theta.dtype), 1)
    observed = tf.constant((TRUTH @ DIRECTIONS) ** 2, theta.dtype)
    likelihood = tfd.Normal(projections**2, tf.constant(0.5, theta.dtype))
    return prior.log_prob(theta) + tf.reduce_sum(likelihood.log_prob(observed), axis=-1)


def log_evidence() -> float:
    """Returns log p(y) by quadrature on a grid."""
    axis = np.linspace(-8, 8, 801)
    grid = np.stack(np.meshgrid(axis, axis), axis=-1).reshape(-1, 2)
    total = tf.reduce_logsumexp(log_joint(tf.constant(grid)))
    return float(total) + 2 * math.log(axis[1] - axis[0])


def make_base(name: str) -> tfp.distributions.Distribution:
    """Returns a base over the plane: of one mode, of four, or of two on a diagonal."""
    if name == "normal":
        return tfd.MultivariateNormalDiag(tf.zeros([2]))
    if name == "spins":
        return distributions.DiscreteMixture(tf.zeros([2]), delta=2.5)
    # A coupling of the two spins, which are +1 or -1 together.
    return distributions.SmoothedRBM(tf.constant([[2.0]]), tf.zeros([2]), delta=2.5)


def make_flow(name: str) -> tfp.bijectors.Bijector:
    """Returns a flow from latents to theta; residual layers sample in their cheap direction."""
    if name == "residual":
        return tfb.Invert(flows.residual((2,), None, num_steps=8, hidden_units=[32, 32]))
    make = flows.vector_flow if name == "coupling" else flows.spline_flow
    return make(2, num_steps=6, init="rotation")


def fit(
    flow: tfp.bijectors.Bijector, base: tfp.distributions.Distribution, num_steps: int
) -> tfp.distributions.Distribution:
    """Returns the surrogate posterior, its flow trained by reverse KL."""
    surrogate = tfd.TransformedDistribution(base, flow)
    schedule = tf_keras.optimizers.schedules.CosineDecay(5e-3, num_steps)
    optimizer = tf_keras.optimizers.Adam(schedule, global_clipnorm=10.0)
    optimizer.build(flow.trainable_variables)

    @tf.function(autograph=False)
    def run():
        return tfp.vi.fit_surrogate_posterior(
            log_joint,
            surrogate,
            optimizer,
            num_steps,
            sample_size=NUM_SAMPLES,
            trainable_variables=flow.trainable_variables,
            seed=(0, 1),
        )

    with warnings.catch_warnings():
        # Draws of a base that is not trained need no gradient.
        warnings.filterwarnings("ignore", message="Reparameterization gradients requested")
        run()
    return surrogate


def judge(surrogate: tfp.distributions.Distribution) -> tuple[float, float, float]:
    """Returns the divergence from the posterior, its error, and the share of the positive mode."""
    theta, log_prob = surrogate.experimental_sample_and_log_prob(NUM_TEST, seed=(0, 2))
    gap = log_evidence() - (log_joint(theta) - log_prob).numpy().astype(np.float64)
    return gap.mean(), gap.std() / math.sqrt(len(gap)), np.mean(theta[:, 0] > 0)


def main(num_steps: int, flow_names: list[str], output: str) -> None:
    """Fits every flow with every base, prints the divergences, and draws the samples."""
    tf_keras.utils.set_random_seed(0)
    from matplotlib.figure import Figure

    bases = ("normal", "spins", "rbm")
    figure = Figure(figsize=(9, 3 * len(flow_names)), layout="constrained")
    panels = figure.subplots(len(flow_names), 3, squeeze=False, sharex=True, sharey=True)
    for row, flow_name in zip(panels, flow_names, strict=True):
        for axes, base_name in zip(row, bases, strict=True):
            surrogate = fit(make_flow(flow_name), make_base(base_name), num_steps)
            gap, error, share = judge(surrogate)
            print(
                f"{flow_name} of {base_name}: KL(q || posterior) {gap:.3f} +- {error:.3f} nats, "
                f"{share:.0%} of {NUM_TEST:,} test samples in the positive mode"
            )
            axes.scatter(*surrogate.sample(1_000, seed=(0, 3)).numpy().T, s=2)
            axes.set_title(f"{flow_name} of {base_name}: {gap:.2f} nats")
    figure.savefig(output, dpi=100)
    print("picture:", output)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--num-steps", type=int, default=NUM_STEPS)
    parser.add_argument("--flows", nargs="+", default=["coupling", "spline", "residual"])
    parser.add_argument("--output", default="posterior.png")
    arguments = parser.parse_args()
    main(arguments.num_steps, arguments.flows, arguments.output)
