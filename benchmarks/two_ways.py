"""log Z of machines too wide to be summed, by ways that share no draws.

python benchmarks/two_ways.py --output benchmarks/results/two_ways.json

Six clusters under 300 + 64 smoothed spins, trained by weighted chains at their defaults and a rate
that decays. Then log Z of the machine as it was followed while it was trained; by annealing from
independent units; by reverse annealing from samples of the chains, on average an upper bound; and
both ways along two paths, with whether these agree. Figures in nats, with standard errors.
"""

import argparse
import json
import pathlib

import numpy as np
import tensorflow as tf
import tf_keras
from samplers import smoothed, spins

from tfp_ebm import partition, training

COUNT, EPOCHS, BATCH_SIZE, RATE = 4000, 25, 50, 2e-3


def run(seed, num_steps, num_chains=256):
    """Trains a machine; returns what every way says of its log Z."""
    points = spins(300, 64, [1] * 6, seed)[0]
    base = smoothed(300, 64)(seed=(seed, 1))
    trainer = training.LikelihoodModel(base, seed=(seed, 2))
    # Under a constant rate modes come and go until the last update.
    rate = tf_keras.optimizers.schedules.CosineDecay(RATE, EPOCHS * COUNT // BATCH_SIZE)
    trainer.compile(optimizer=tf_keras.optimizers.Adam(rate))
    trainer.fit(points[:COUNT], batch_size=BATCH_SIZE, epochs=EPOCHS, verbose=0)
    for index in range(12):  # So that jumps measure the last parameters.
        base.update_chains(seed=(seed, 10 + index), value=points[:256])
    running, offset = base.stored_log_partition.read(), float(base.log_partition_offset())
    samples = base.sample(num_chains, seed=(seed, 3))
    forward = partition.annealed_importance_sampling(base, num_chains, num_steps, seed=(seed, 4))
    reverse = partition.reverse_annealing(base, samples, 1, num_steps, seed=(seed, 5)).value.numpy()
    both = base.estimate_log_partition(num_chains, num_steps, seed=(seed, 6))
    free_energy = tf.reduce_mean(base.unnormalized_log_prob(points[COUNT:]))
    return {
        "seed": seed,
        "temperatures": num_steps,
        "acceptance_of_jumps": float(base.chains.acceptance),
        "followed": float(running.value) + offset,
        "followed_error": float(running.standard_error),
        "annealed": float(forward.value),
        "annealed_error": float(forward.standard_error),
        "reverse_annealed": float(reverse.mean()),
        "reverse_annealed_error": float(reverse.std() / np.sqrt(num_chains)),
        "both_ways": float(both.value),
        "both_ways_error": float(both.standard_error),
        "is_consistent": bool(both.is_consistent),
        "test_log_likelihood": float(free_energy - both.value),
    }


def main():
    """Runs the seeds, and writes what there is after each."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--output", required=True, type=pathlib.Path)
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    parser.add_argument("--temperatures", type=int, default=1000)
    options = parser.parse_args()
    rows = []
    for seed in options.seeds:
        rows.append(run(seed, options.temperatures))
        print(json.dumps(rows[-1]), flush=True)
        options.output.write_text(json.dumps(rows, indent=1) + "\n")


if __name__ == "__main__":
    main()
