"""Hamiltonian Monte Carlo through a trained flow, with jumps between the modes of its base.

    python examples/neutra.py --output chains.png

The posterior is that of variational_inference.py: two modes with a barrier of 35 nats, which
Hamiltonian chains in theta never cross. A flow fitted by reverse KL pulls the posterior back to
nearly its base, where Hamiltonian steps are at home, and where draws of the base are good proposals
of jumps; the Metropolis rule makes both exact. Through a flow of a Gaussian, which has torn its one
mode in two, Hamiltonian steps cross seldom; through that of an RBM whose two modes lie on those of
the posterior they never do, and nearly all jumps are accepted.

Source: Hoffman et al., "NeuTra-lizing bad geometry in Hamiltonian Monte Carlo using neural
transport" (2019), for the Hamiltonian steps.
"""

import argparse
from collections.abc import Callable

import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp
import tf_keras
from variational_inference import TRUTH, fit, log_joint, make_base, make_flow

NUM_CHAINS, NUM_LEAPFROG_STEPS = 32, 5


def in_turn(kernels: list, start: tf.Tensor, num_results: int) -> tf.Tensor:
    """Returns the states, `[num_results, *start.shape]`, after a step of each kernel in turn."""

    def sweep(state, index):
        for number, kernel in enumerate(kernels):
            seed = tf.stack([index, number])
            state, _ = kernel.one_step(state, kernel.bootstrap_results(state), seed=seed)
        return state

    scan = tf.function(lambda: tf.scan(sweep, tf.range(num_results), start), autograph=False)
    return scan()


def hamiltonian(log_prob: Callable, step_size: float) -> tfp.mcmc.TransitionKernel:
    """Returns the Hamiltonian kernel."""
    return tfp.mcmc.HamiltonianMonteCarlo(log_prob, step_size, NUM_LEAPFROG_STEPS)


def chains_through(
    surrogate: tfp.distributions.Distribution, start: tf.Tensor, num_results: int, jump: bool = True
):
    """Returns draws of theta, `[num_results, NUM_CHAINS, 2]`, by chains over the latents."""
    flow, base = surrogate.bijector, surrogate.distribution

    def log_prob(z):
        z = tf.identity(z)
        return log_joint(flow.forward(z)) + flow.forward_log_det_jacobian(z, event_ndims=1)

    # Of proposals that do not depend on the state, the rule compares the ratios of target and
    # proposal; of a symmetric kernel, what it is told is the target. So it is told the ratio.
    jumps = tfp.mcmc.RandomWalkMetropolis(
        lambda z: log_prob(z) - base.log_prob(z),
        new_state_fn=lambda parts, seed: [base.sample(NUM_CHAINS, seed=seed) for _ in parts],
    )
    kernels = [hamiltonian(log_prob, 0.2), *([jumps] if jump else [])]
    z = in_turn(kernels, flow.inverse(start), num_results)
    return flow.forward(z).numpy()


def report(name: str, theta: np.ndarray) -> float:
    """Prints how often chains changed their mode; returns the share of the positive one."""
    is_positive = theta[..., 0] > 0
    switches = 1_000 * np.mean(is_positive[1:] != is_positive[:-1])
    share = is_positive.mean()
    print(
        f"{name}: {switches:.1f} changes of mode in 1,000 steps, {share:.3f} of the draws in the "
        "positive mode (0.5 is right)"
    )
    return share


def main(num_steps: int, num_results: int, output: str) -> None:
    """Trains a flow of a Gaussian and one of an RBM, runs the chains, and draws them."""
    from matplotlib.figure import Figure

    # All chains start in one mode.
    noise = tf.random.stateless_normal([NUM_CHAINS, 2], (0, 5))
    start = tf.constant(TRUTH, tf.float32) + 0.1 * noise
    runs = {"in theta": in_turn([hamiltonian(log_joint, 0.1)], start, num_results).numpy()}
    for name in ("normal", "rbm"):
        tf_keras.utils.set_random_seed(0)
        surrogate = fit(make_flow("coupling", name), make_base(name), num_steps)
        for kind in ("steps", "steps and jumps"):
            theta = chains_through(surrogate, start, num_results, jump=kind != "steps")
            runs[f"{kind} in a flow of {name}"] = theta
    print(f"{NUM_CHAINS} chains of {num_results} steps, a test of mixing:")
    figure = Figure(figsize=(15, 3), layout="constrained")
    panels = figure.subplots(1, len(runs), sharey=True)
    for axes, (name, theta) in zip(panels, runs.items(), strict=True):
        report(name, theta)
        axes.plot(theta[:, 0, 0], linewidth=0.5)
        axes.set_title(name)
    figure.savefig(output, dpi=100)
    print("picture:", output)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--num-steps", type=int, default=1_000)
    parser.add_argument("--num-results", type=int, default=500)
    parser.add_argument("--output", default="chains.png")
    arguments = parser.parse_args()
    main(arguments.num_steps, arguments.num_results, arguments.output)
