"""Modes that only random hidden layers lead to: a wide Gaussian-Bernoulli machine on latents.

    python examples/papers/eb_and_flow.py --dataset mnist --flow nice --base dense --epochs 30 \
        --sampler weighted --chains 512 --gibbs-steps 6 --batch-size 256 --learning-rate 2e-3 \
        --precision bfloat16 --output RUN    # Ctrl-C after four epochs
    python benchmarks/far_modes.py --run RUN/training --output benchmarks/results/far_modes.json

The flow is frozen. Machines of 512 bits are trained on the latents of 20,000 images by several
samplers, six sweeps of 512 chains after each of 600 updates of 256 images, Adam at 0.002 on a
cosine to 0. A machine may keep most of its mass where many more bits are up than any image sets:
annealing by temperature and reverse annealing from test images then agree with each other, and
the mean log-density of 2,000 test images that they tell is wrong by tens of nats. Beside them the
one by `estimate_log_partition`, which looks from random hidden layers too; and how many of
the bits are up in states swept from there.
"""

import argparse
import json
import pathlib
import time

import tensorflow as tf
from bases_on_latents import fitted, latents_of

from tfp_ebm import datasets, distributions, partition, runs
from tfp_ebm.mcmc import block_gibbs
from tfp_ebm.mcmc.climbers import Climbers
from tfp_ebm.mcmc.jumps import random_states
from tfp_ebm.mcmc.memory import Scouts

BLIND = "weighted, scouts that cool alone"
METHODS = ("weighted", BLIND, "persistent", "replay")
NUM_HIDDEN, NUM_SWEEPS = 512, 6


def trained(latents, method, updates, seed):
    """Trains a machine; returns it and processor seconds."""
    sampler = method.partition(",")[0]
    base = distributions.GaussianBernoulliRBM.create(
        latents.shape[-1], NUM_HIDDEN, sampler=sampler, num_chains=512, seed=(seed, 1)
    )
    base.initialize_from_data(latents[:1000], seed=(seed, 3))
    start = time.process_time()
    fitted(base, latents, updates, NUM_SWEEPS, batch_size=256, seed=(seed, 2))
    return base, time.process_time() - start


def judged(base, test, seed):
    """Returns test nats by several estimates of log Z."""
    log_weight = float(tf.reduce_mean(base.unnormalized_log_prob(test)))
    options = {"num_chains": 256, "num_steps": 1000, "seed": (seed, 4)}
    both = base.estimate_log_partition(**options)
    forward = partition.annealed_importance_sampling(base, **options)
    reverse = partition.reverse_annealing(base, test[:128], 1, 1000, seed=(seed, 5))
    machine = base.machine()
    states = random_states(machine, machine.sample_reference(64, (seed, 6)), (seed, 7))
    swept = block_gibbs.run(machine, states, 64, (seed, 8))
    return {
        "test_log_likelihood": log_weight - float(both.value),
        "standard_error": float(both.standard_error),
        "is_consistent": bool(both.is_consistent),
        "by_forward_annealing": log_weight - float(forward.value),
        "by_reverse_annealing_from_test_images": log_weight - float(tf.reduce_mean(reverse.value)),
        "share_of_bits_up": {
            name: float(tf.reduce_mean(tf.sigmoid(machine.latent_log_odds(units))))
            for name, units in (("test images", test), ("from random hidden layers", swept))
        },
    }


def main(options):
    """Trains by every method, and writes what there is after each."""
    config, model = runs.load_model(options.run)
    data = datasets.load(config["dataset"], options.data_dir).as_images()
    train, test = latents_of(model, data.train[:20_000], 1), latents_of(model, data.test[:2000], 2)
    proposing = Scouts.proposing
    rows = json.loads(options.output.read_text()) if options.output.exists() else []
    for method in options.methods:
        # For comparison alone: the package has no way to leave out random hidden layers.
        Scouts.proposing = Climbers.proposing if method == BLIND else proposing
        base, seconds = trained(train, method, options.updates, options.seed)
        row = {"method": method, "seed": options.seed, "updates": options.updates}
        row |= judged(base, test, options.seed)
        rows.append(row | {"cpu_seconds": round(seconds, 1)})
        print(json.dumps(rows[-1]), flush=True)
        options.output.write_text(json.dumps(rows, indent=1) + "\n")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--run", required=True, type=pathlib.Path)
    parser.add_argument("--output", required=True, type=pathlib.Path)
    parser.add_argument("--methods", nargs="+", default=METHODS, choices=METHODS)
    parser.add_argument("--updates", type=int, default=600)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--data-dir", help="folder of TensorFlow Datasets")
    main(parser.parse_args())
