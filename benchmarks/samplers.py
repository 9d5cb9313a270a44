"""Every sampler of the negative phase on clustered data, against the exact gradient.

    python benchmarks/samplers.py --output benchmarks/results/samplers.json

Four problems whose machines are small enough in one layer to be summed, so that the test
log-likelihood is exact and the gradient can be: eight clusters under 200 + 12 spins; ten under
784 + 16 spins; four of very different weights under 100 + 20 spins, with a decaying learning rate;
eight clusters on a circle under a Gaussian-Bernoulli machine of 2 + 18 units. Figures: test
log-likelihood in nats, the total variation between the weights of the clusters in the model and in
the data, seconds of the process. A low-rank start keeps the weights to the principal directions of
the data, one fewer than clusters, for the first fifth of the updates. Swaps along checkpoints of
training are no part of the package.
"""

import argparse
import json
import pathlib
import time
from typing import NamedTuple

import numpy as np
import tensorflow as tf
import tf_keras
from trajectory_tempering import TrajectoryTempering

from tfp_ebm import datasets, distributions, training
from tfp_ebm.mcmc import methods
from tfp_ebm.partition import negative_phase


class Method(NamedTuple):
    """Sampler, None for the exact gradient, and what is not as by default."""

    sampler: str | None
    num_chains: int | None = None
    num_sweeps: int | None = None
    memory_size: int | None = None
    has_low_rank_start: bool = False


METHODS = {
    "exact": Method(None, num_chains=2, num_sweeps=0),
    "weighted": Method("weighted"),
    **{
        sampler: Method(sampler, 128, 25)
        for sampler in ("persistent", "replay", "tempering", "contrastive", "trajectory")
    },
    "weighted, low-rank start": Method("weighted", has_low_rank_start=True),
    "persistent, low-rank start": Method("persistent", 128, 25, has_low_rank_start=True),
}
# What the defaults of weighted chains are chosen by.
VARIANTS = {
    **{f"weighted, {n} chains": Method("weighted", num_chains=n) for n in (256, 512, 2048)},
    **{f"weighted, {n} sweeps": Method("weighted", num_sweeps=n) for n in (1, 6, 25)},
    **{f"weighted, memory {n}": Method("weighted", memory_size=n) for n in (32, 64, 1024)},
}
methods.METHODS["trajectory"] = TrajectoryTempering


def spins(num_visible, num_hidden, shares, seed):
    """Returns smoothed spins around random centres, the centres, and labels of the points."""
    rng = np.random.default_rng(seed)
    centres = rng.choice([-1.0, 1.0], size=[len(shares), num_visible + num_hidden])
    points, labels = datasets.clusters(
        centres, 5000, noise=8**-0.5, flips=0.03, shares=shares, seed=rng
    )
    return points, centres, labels


def circle(seed):
    """Returns points of eight clusters on a circle, their centres, and labels."""
    centres = datasets.on_circle(8)
    points, labels = datasets.clusters(centres, 3048, seed=seed)
    return points, centres, labels


def smoothed(num_visible, num_hidden):
    """Returns a constructor of a machine from sampler, chains and seed."""
    return lambda **options: distributions.SmoothedRBM.create(
        num_visible, num_hidden, delta=8.0, **options
    )


def gaussian(**options):
    """Returns a Gaussian-Bernoulli machine."""
    return distributions.GaussianBernoulliRBM.create(2, 18, weight_scale=0.3, **options)


# Data, machine, number of points to train, epochs, size of a batch, rate, whether it decays.
PROBLEMS = {
    "200 + 12, 8 clusters": (
        lambda seed: spins(200, 12, [1] * 8, seed),
        smoothed(200, 12),
        (4000, 25, 50, 2e-3, False),
    ),
    "784 + 16, 10 clusters": (
        lambda seed: spins(784, 16, [1] * 10, seed),
        smoothed(784, 16),
        (4000, 12, 50, 2e-3, False),
    ),
    "100 + 20, 20 : 5 : 2 : 1": (
        lambda seed: spins(100, 20, [20, 5, 2, 1], seed),
        smoothed(100, 20),
        (4000, 25, 50, 2e-3, True),
    ),
    "Gaussian 2 + 18": (circle, gaussian, (2048, 120, 256, 0.02, False)),
}


def _summed(make, seed):
    """Returns a machine that sums over all states in every evaluation, larger than by default."""
    limit = negative_phase.MAX_EXACT_UNITS
    negative_phase.MAX_EXACT_UNITS = 20
    try:
        return make(seed=seed)
    finally:
        negative_phase.MAX_EXACT_UNITS = limit


def run(problem, method, seed):
    """Trains one machine; returns its figures."""
    make_data, make, (count, epochs, batch_size, rate, decays) = PROBLEMS[problem]
    points, centres, labels = make_data(seed)
    chosen = (METHODS | VARIANTS)[method]
    if chosen.sampler is None:
        base = _summed(make, (seed, 1))
    else:
        memory = {"memory_size": chosen.memory_size} if chosen.memory_size else None
        base = make(
            sampler=chosen.sampler,
            num_chains=chosen.num_chains,
            sampler_options=memory,
            seed=(seed, 1),
        )
    steps = epochs * -(-count // batch_size)
    if decays:
        rate = tf_keras.optimizers.schedules.CosineDecay(rate, steps)
    trainer = training.LikelihoodModel(base, gibbs_steps=chosen.num_sweeps, seed=(seed, 2))
    trainer.compile(optimizer=tf_keras.optimizers.Adam(rate))
    callbacks = []
    if chosen.has_low_rank_start:
        rank = min(len(centres) - 1, *base.weights.shape)
        callbacks = [training.LowRankStart(base, points[:count], rank, steps // 5, (seed, 4))]
    start = time.process_time()
    history = trainer.fit(
        points[:count], batch_size=batch_size, epochs=epochs, verbose=0, callbacks=callbacks
    )
    seconds = time.process_time() - start
    base.estimate_log_partition()  # At most 20 units: a sum.
    log_prob = float(tf.reduce_mean(base.log_prob(points[count:])))
    train = -float(tf.reduce_mean(base.log_prob(points[:count])))
    machine = base.machine()
    drawn = machine.complete(machine.sample_exactly(4000, (seed, 3)), (seed, 4)).numpy()
    drawn = drawn[:, : centres.shape[1]]
    nearest = np.argmin(((drawn[:, None] - centres) ** 2).sum(axis=-1), axis=1)
    shares = [np.bincount(part, minlength=len(centres)) / len(part) for part in (nearest, labels)]
    return {
        "problem": problem,
        "method": method,
        "seed": seed,
        "chains": chosen.num_chains or base.chains.num_chains,
        "sweeps": chosen.num_sweeps,
        "test_log_likelihood": log_prob,
        "total_variation": 0.5 * float(np.abs(shares[0] - shares[1]).sum()),
        "shares": shares[0].round(3).tolist(),
        "data_shares": shares[1].round(3).tolist(),
        "error_of_last_loss": history.history["loss"][-1] - train,
        "cpu_seconds": round(seconds, 1),
    }


def main():
    """Runs all, or what is asked for, and writes what there is after each."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--output", required=True)
    choices = [*METHODS, *VARIANTS]
    parser.add_argument("--methods", nargs="+", default=list(METHODS), choices=choices)
    parser.add_argument("--problems", nargs="+", default=list(PROBLEMS), choices=list(PROBLEMS))
    parser.add_argument("--seeds", nargs="+", type=int, default=[0])
    options = parser.parse_args()
    path = pathlib.Path(options.output)
    results = json.loads(path.read_text()) if path.exists() else []
    done = {(row["problem"], row["method"], row["seed"]) for row in results}
    for problem in options.problems:
        for seed in options.seeds:
            for method in options.methods:
                if (problem, method, seed) not in done:
                    results.append(run(problem, method, seed))
                    print(json.dumps(results[-1]), flush=True)
                    path.write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main()
