"""Fits a posterior with two modes by reverse KL, with flows of a Gaussian, of spins and of an RBM.

    python examples/variational_inference.py --output posterior.png

Squares of projections, y_j = (a_j . theta)^2 + noise, cannot tell theta from -theta: the posterior
of this phase retrieval has two modes far apart. A flow of a Gaussian has to tear its one mode in
two, or to give one up; a flow of a base with two modes only has to move them. Reverse KL seeks
modes, and stays in one that both modes of the base fell into: so a few gradient ascents find the
modes first, and the flow starts as the map that takes those of the base to them. The base keeps its
parameters, so that draws of it do not depend on what is trained, and gradients may run through the
flow alone. The evidence is known by quadrature: the gap of the evidence lower bound is the
divergence of the fit from the posterior.
"""

import argparse
import itertools
import math
import warnings

import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp
import tf_keras

from tfp_ebm import distributions, flows

tfb, tfd = tfp.bijectors, tfp.distributions
NUM_STEPS, NUM_SAMPLES, NUM_TEST = 1_000, 64, 20_000
BASES = ("normal", "spins", "rbm")
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


def find_modes(num_starts: int = 16, num_steps: int = 200) -> np.ndarray:
    """Returns the two modes farthest from each other, `[2, 2]`, that gradient ascents end in."""
    theta = tf.Variable(tf.random.stateless_normal([num_starts, 2], (0, 7)))
    optimizer = tf_keras.optimizers.Adam(0.1)
    optimizer.build([theta])
    climb = tf.function(tfp.math.minimize, autograph=False)
    climb(
        lambda: -tf.reduce_sum(log_joint(theta)),
        num_steps,
        optimizer,
        trainable_variables=[theta],
    )
    ends = theta.numpy()
    distances = np.linalg.norm(ends[:, np.newaxis] - ends, axis=-1)
    return ends[list(np.unravel_index(np.argmax(distances), distances.shape))]


def make_base(name: str) -> tfp.distributions.Distribution:
    """Returns a base over the plane, of one mode or of two."""
    if name == "normal":
        return tfd.MultivariateNormalDiag(tf.zeros([2]))
    if name == "spins":
        # The second spin is +1 but for 6 in a million draws.
        return distributions.DiscreteMixture(tf.constant([0.0, 6.0]), delta=16.0)
    # The spins are +1 or -1 together, but for 3 in ten thousand draws: mass between the modes of
    # the posterior would cost as many nats as their barrier is high.
    return distributions.SmoothedRBM(tf.constant([[4.0]]), tf.zeros([2]), delta=4.5)


# Where the two modes of a base are.
CENTERS = {"spins": [[-1, 1], [1, 1]], "rbm": [[-1, -1], [1, 1]]}


def placement(name: str) -> tfp.bijectors.Bijector:
    """Returns the turn, scale and shift that take the modes of a base to those of the posterior.

    A Gaussian, which has one mode, stays where it is.
    """
    if name not in CENTERS:
        return tfb.Identity()
    sources, targets = np.array(CENTERS[name], float), find_modes().astype(float)
    one, other = (complex(*(points[1] - points[0])) for points in (sources, targets))
    turn = other / one
    matrix = np.array([[turn.real, -turn.imag], [turn.imag, turn.real]])
    shift = targets.mean(axis=0) - matrix @ sources.mean(axis=0)
    lower_upper, permutation = tf.linalg.lu(tf.constant(matrix, tf.float32))
    shifted = tfb.Shift(tf.constant(shift, tf.float32))
    return shifted(tfb.ScaleMatvecLU(lower_upper, permutation))


def make_flow(name: str, base_name: str) -> tfp.bijectors.Bijector:
    """Returns a flow for a base; residual layers sample in their cheap direction.

    Flows start near the identity, after the modes are placed. That of a Gaussian, which gave one
    mode up from there, starts at a random rotation.
    """
    if name == "residual":
        flow = tfb.Invert(flows.residual((2,), None, num_steps=8, hidden_units=[32, 32]))
    else:
        make = flows.vector_flow if name == "coupling" else flows.spline_flow
        flow = make(2, num_steps=6, init="identity" if base_name in CENTERS else "rotation")
    return placement(base_name)(flow)


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


def draw(samples: dict[str, np.ndarray], output: str) -> None:
    """Draws samples of every flow, a row, with every base."""
    from matplotlib.figure import Figure

    num_rows = len(samples) // len(BASES)
    figure = Figure(figsize=(9, 3 * num_rows), layout="constrained")
    panels = figure.subplots(num_rows, len(BASES), squeeze=False, sharex=True, sharey=True)
    for axes, (title, theta) in zip(panels.flat, samples.items(), strict=True):
        axes.scatter(*theta.T, s=2)
        axes.set_title(title)
    figure.savefig(output, dpi=100)
    print("picture:", output)


def main(num_steps: int, flow_names: list[str], output: str) -> None:
    """Fits every flow with every base, prints the divergences, and draws the samples."""
    samples = {}
    for flow_name, base_name in itertools.product(flow_names, BASES):
        tf_keras.utils.set_random_seed(0)
        surrogate = fit(make_flow(flow_name, base_name), make_base(base_name), num_steps)
        gap, error, share = judge(surrogate)
        print(
            f"{flow_name} of {base_name}: KL(q || posterior) {gap:.3f} +- {error:.3f} nats, "
            f"{share:.0%} of {NUM_TEST:,} test samples in the positive mode"
        )
        title = f"{flow_name} of {base_name}: {gap:.2f} nats"
        samples[title] = surrogate.sample(1_000, seed=(0, 3)).numpy()
    draw(samples, output)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--num-steps", type=int, default=NUM_STEPS)
    parser.add_argument("--flows", nargs="+", default=["coupling", "spline", "residual"])
    parser.add_argument("--output", default="posterior.png")
    arguments = parser.parse_args()
    main(arguments.num_steps, arguments.flows, arguments.output)
