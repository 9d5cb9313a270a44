"""How often the running log Z of a training lies within its stated errors of the exact one.

python benchmarks/running_log_partition.py --output benchmarks/results/running_log_partition.json

Five data sets, whose machines are small enough in one layer to be summed at every checkpoint: equal
and unequal clusters under smoothed spins, many dimensions, a Gaussian-Bernoulli machine of clusters
on a circle, and binarised digits. A training has 200 checkpoints, at even intervals from the first
update to the last. Figures: the share of checkpoints whose running value is within three standard
errors of the sum, the largest error in nats, the median of the stated errors, and the share of
checkpoints where the standard error is small enough for `log_prob` to rest on the running value.
"""

import argparse
import json
import pathlib

import numpy as np
import tf_keras
from samplers import circle, smoothed, spins

from tfp_ebm import datasets, distributions, training

NUM_CHECKPOINTS = 200


def digits(seed):
    """Returns binarised digits, `[1000, 64]`."""
    del seed
    images = datasets.load("digits").train[:1000]
    return (images.reshape([-1, 64]) > 7).astype(np.float32)


def bits(**options):
    """Returns a machine of 64 pixels and 16 hidden bits."""
    return distributions.RestrictedBoltzmannMachine.create(
        64, 16, binary=True, marginal=True, **options
    )


def gaussian(**options):
    """Returns a Gaussian-Bernoulli machine."""
    return distributions.GaussianBernoulliRBM.create(2, 16, weight_scale=0.3, **options)


# Data, machine, points to train, epochs, size of a batch, learning rate.
PROBLEMS = {
    "200 + 12 spins, 8 clusters": (
        lambda seed: spins(200, 12, [1] * 8, seed)[0],
        smoothed(200, 12),
        (4000, 25, 50, 2e-3),
    ),
    "100 + 16 spins, 20 : 5 : 2 : 1": (
        lambda seed: spins(100, 16, [20, 5, 2, 1], seed)[0],
        smoothed(100, 16),
        (4000, 25, 50, 2e-3),
    ),
    "784 + 12 spins, 10 clusters": (
        lambda seed: spins(784, 12, [1] * 10, seed)[0],
        smoothed(784, 12),
        (4000, 12, 50, 2e-3),
    ),
    "Gaussian 2 + 16, 8 clusters": (
        lambda seed: circle(seed)[0],
        gaussian,
        (2048, 120, 256, 0.02),
    ),
    "digits, 64 + 16 bits": (digits, bits, (1000, 100, 50, 2e-3)),
}


class Checkpoints(tf_keras.callbacks.Callback):
    """Compares the running log Z with the exact sum at even intervals."""

    def __init__(self, base, num_updates):
        super().__init__()
        self._base = base
        times = np.linspace(1, num_updates, NUM_CHECKPOINTS)
        self._times, self._num_updates = set(times.round().astype(int)), 0
        self.rows = []

    def on_train_batch_end(self, batch, logs=None):
        """Looks if it is time."""
        del batch, logs
        self._num_updates += 1
        if self._num_updates in self._times:
            stored, machine = self._base.stored_log_partition, self._base.machine()
            exact = float(machine.enumerate_log_partition())
            error, stated = float(stored.value) - exact, float(stored.standard_error)
            self.rows.append((error, stated, bool(stored.is_lost())))


def run(problem, seed):
    """Trains one machine; returns its figures."""
    make_data, make, (count, epochs, batch_size, rate) = PROBLEMS[problem]
    points = make_data(seed)[:count]
    base = make(sampler="weighted", seed=(seed, 1))
    trainer = training.LikelihoodModel(base, seed=(seed, 2))
    trainer.compile(optimizer=tf_keras.optimizers.Adam(rate))
    checkpoints = Checkpoints(base, epochs * -(-count // batch_size))
    trainer.fit(points, batch_size=batch_size, epochs=epochs, verbose=0, callbacks=[checkpoints])
    error, stated, is_lost = (np.array(column) for column in zip(*checkpoints.rows, strict=True))
    within = np.abs(error) <= 3 * stated
    return {
        "problem": problem,
        "seed": seed,
        "checkpoints": len(error),
        "within_3_errors": float(within.mean()),
        "within_3_errors_where_used": float(within[~is_lost].mean()),
        "share_used": float(1 - is_lost.mean()),
        "largest_error": float(np.abs(error).max()),
        "largest_error_where_used": float(np.abs(error[~is_lost]).max()),
        "root_mean_square_error": float(np.sqrt((error**2).mean())),
        "median_stated_error": float(np.median(stated)),
    }


def main():
    """Runs all, or what is asked for, and writes what there is after each."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--output", required=True)
    parser.add_argument("--problems", nargs="+", default=list(PROBLEMS), choices=list(PROBLEMS))
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    options = parser.parse_args()
    path = pathlib.Path(options.output)
    results = json.loads(path.read_text()) if path.exists() else []
    done = {(row["problem"], row["seed"]) for row in results}
    for problem in options.problems:
        for seed in options.seeds:
            if (problem, seed) not in done:
                results.append(run(problem, seed))
                print(json.dumps(results[-1]), flush=True)
                path.write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main()
