"""An RBM of 500 hidden units on binarised MNIST: samplers, and the package rbms (PyTorch).

pip install rbms==0.5.0 torch
python benchmarks/mnist_machine.py --output benchmarks/results/mnist_machine.json

Images are binarised at 127; this package takes them as spins, the other as bits, whose gradient it
centres. Visible biases start at the data's, weights at N(0, 0.01^2); batches of 100, a cosine to 0.
All train with as many chains and updates; the package rbms takes as many sweeps as bring it to the
time of the weighted chains at the least. Its optimizers are its own default, SGD at 0.01, which it
normalises, and Adam at our rate. Test log-likelihoods in nats from log Z annealed both ways
(`tfp_ebm.partition.bidirectional_annealing`), with its error and what each direction of annealing
by temperature alone says, the reverse one from test images, and from where 2,000 sweeps took them;
all from one program.
"""

import argparse
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time

import numpy as np

NUM_HIDDEN, BATCH_SIZE, RATE = 500, 100, 1e-3
# Sweeps after an update.
METHODS = {"weighted": None, "persistent": 5, "rbms, SGD": 10, "rbms, Adam": 10}
SWEEPS_FROM_TEST_IMAGES = 2_000
RANK = 16  # Of the weights, in principal directions, at a low-rank start.


def save_images(folder):
    """Writes binarised images of both parts, `[N, 784]` float32."""
    from tfp_ebm import datasets

    data = datasets.load("mnist")
    for split in ("train", "test"):
        pixels = np.asarray(getattr(data, split)).reshape([-1, 784])
        np.save(folder / f"{split}.npy", (pixels > 127).astype(np.float32))


def visible_bias(data):
    """Returns the log odds of the pixels."""
    mean = (data.sum(axis=0) + 1) / (len(data) + 2)
    return (np.log(mean) - np.log1p(-mean)).astype(np.float32)


def train_ours(data, sampler, sweeps, options):
    """Trains by `fit`; returns weights, biases, seconds and updates."""
    import tf_keras

    from tfp_ebm import distributions, training

    base = distributions.RestrictedBoltzmannMachine.create(
        784,
        NUM_HIDDEN,
        binary=False,
        sampler=sampler,
        num_chains=options.chains,
        seed=(options.seed, 1),
    )
    base.initialize_from_data(2 * data - 1, seed=(options.seed, 3))
    trainer = training.LikelihoodModel(base, gibbs_steps=sweeps, seed=(options.seed, 2))
    if options.seconds is None:
        rate = tf_keras.optimizers.schedules.CosineDecay(RATE, options.updates)
        length = {"epochs": 1, "steps_per_epoch": options.updates, "callbacks": []}
    else:
        rate, until = RATE, _until(options.seconds)
        length = {"epochs": 10**6, "steps_per_epoch": 500, "callbacks": [until]}
    if options.low_rank_updates:
        start = training.LowRankStart(base, 2 * data - 1, RANK, options.low_rank_updates)
        length["callbacks"].append(start)
    trainer.compile(optimizer=tf_keras.optimizers.Adam(rate))
    start = time.perf_counter()
    trainer.fit(2 * data - 1, batch_size=BATCH_SIZE, verbose=options.verbose, **length)
    seconds, updates = time.perf_counter() - start, int(trainer.num_updates)
    return base.weights.numpy(), base.bias.numpy(), seconds, updates


def _until(seconds):
    """Returns a callback that ends training after some time, the rate on a cosine to 0."""
    import tf_keras

    class Until(tf_keras.callbacks.Callback):
        def on_train_begin(self, logs=None):
            self._start = time.perf_counter()

        def on_train_batch_begin(self, batch, logs=None):
            share = min(1.0, (time.perf_counter() - self._start) / seconds)
            rate = RATE * (1 + np.cos(np.pi * share)) / 2
            self.model.optimizer.learning_rate.assign(rate)
            self.model.stop_training = share == 1.0

    return Until()


def train_rbms(data, optimizer, sweeps, options):
    """Trains by the peer's own update; returns weights, biases, seconds and updates."""
    import torch
    from rbms.bernoulli_bernoulli.classes import BBRBM
    from rbms.training.pcd import fit_batch_pcd

    torch.manual_seed(options.seed)
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", os.cpu_count())))
    model = BBRBM(
        0.01 * torch.randn(784, NUM_HIDDEN),
        torch.from_numpy(visible_bias(data)),
        torch.zeros(NUM_HIDDEN),
    )
    for parameter in model.parameters():
        parameter.grad = torch.zeros_like(parameter)
    data = torch.from_numpy(data)
    chains, shares = model.init_chains(options.chains), torch.ones(BATCH_SIZE)
    rate, make = (1e-2, torch.optim.SGD) if optimizer == "SGD" else (RATE, torch.optim.Adam)
    optimizer = make(model.parameters(), lr=rate, maximize=True)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, options.updates)
    start = time.perf_counter()
    with torch.no_grad():
        for _ in range(options.updates):
            batch = data[torch.randint(len(data), [BATCH_SIZE])], shares
            chains, _ = fit_batch_pcd(batch, chains, model, sweeps, 1.0)
            optimizer.step()
            schedule.step()
    seconds = time.perf_counter() - start
    bias = np.concatenate([model.vbias.numpy(), model.hbias.numpy()])
    return model.weight_matrix.numpy(), bias, seconds, options.updates


def evaluate(test, weights, bias, is_binary, options):
    """Returns test log-likelihood with log Z annealed both ways."""
    import tensorflow as tf

    from tfp_ebm import distributions, mcmc, partition

    machine = distributions.RestrictedBoltzmannMachine(weights, bias, is_binary).machine()
    base = distributions.RestrictedBoltzmannMachine(
        weights,
        bias,
        is_binary,
        marginal=True,
        chains=mcmc.start_chains("persistent", machine, 256, (options.seed, 5)),
    )
    arguments = {"num_chains": 256, "num_steps": options.temperatures, "seed": (options.seed, 4)}
    both = base.estimate_log_partition(**arguments)
    free_energy = float(tf.reduce_mean(base.unnormalized_log_prob(test)))
    forward = partition.annealed_importance_sampling(base, **arguments)
    images = test[:256]
    spins = 2 * images - 1 if is_binary else images
    spins = mcmc.block_gibbs.run(machine, spins, SWEEPS_FROM_TEST_IMAGES, (options.seed, 6))
    swept = (spins + 1) / 2 if is_binary else spins

    def by_reverse_annealing(states):
        found = partition.reverse_annealing(base, states, 1, options.temperatures)
        return free_energy - float(tf.reduce_mean(found.value))

    return {
        "test_log_likelihood": free_energy - float(both.value),
        "standard_error": float(both.standard_error),
        "is_consistent": bool(tf.reduce_all(both.is_consistent)),
        "by_forward_annealing": free_energy - float(forward.value),
        "by_reverse_annealing_from_test_images": by_reverse_annealing(images),
        "by_reverse_annealing_from_chains": by_reverse_annealing(swept),
    }


def train(method, folder, options):
    """Trains by one method; writes weights, biases, seconds and updates."""
    data, sweeps = np.load(folder / "train.npy"), _sweeps(method, options)
    if method.startswith("rbms"):
        trained = train_rbms(data, method.split(", ")[1], sweeps, options)
    else:
        trained = train_ours(data, method, sweeps, options)
    names = ("weights", "bias", "seconds", "updates")
    np.savez(folder / "trained.npz", **dict(zip(names, trained, strict=True)))


def run(method, folder, options):
    """Trains and evaluates by one method; returns its figures."""
    # In processes of their own, as the two frameworks cannot share one.
    subprocess.run([sys.executable, *sys.argv, "--train", method, str(folder)], check=True)
    trained = np.load(folder / "trained.npz")
    figures = {
        "method": method,
        "seed": options.seed,
        "updates": int(trained["updates"]),
        "chains": options.chains,
        "sweeps": _sweeps(method, options),
        "low_rank_updates": options.low_rank_updates,
        "seconds": round(float(trained["seconds"]), 1),
        "temperatures": options.temperatures,
    }
    test = np.load(folder / "test.npy")
    is_binary = method.startswith("rbms")
    test = test if is_binary else 2 * test - 1
    return figures | evaluate(test, trained["weights"], trained["bias"], is_binary, options)


def _sweeps(method, options):
    return METHODS[method] if options.sweeps is None else options.sweeps


def main():
    """Runs what is asked for, and writes what there is after each method."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--output", required=True, type=pathlib.Path)
    parser.add_argument("--methods", nargs="+", default=list(METHODS), choices=list(METHODS))
    parser.add_argument("--updates", type=int, default=2000)
    parser.add_argument("--chains", type=int, default=512)
    parser.add_argument("--sweeps", type=int, help="in place of a method's own")
    parser.add_argument("--seconds", type=float, help="of training, in place of updates; ours only")
    parser.add_argument(
        "--low-rank-updates",
        type=int,
        default=0,
        help="first updates of weights in 16 principal directions only; ours only",
    )
    parser.add_argument("--temperatures", type=int, default=4000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--verbose", type=int, default=0)
    parser.add_argument("--train", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.train:
        train(options.train[0], pathlib.Path(options.train[1]), options)
        return
    rows = json.loads(options.output.read_text()) if options.output.exists() else []
    with tempfile.TemporaryDirectory() as folder:
        save_images(pathlib.Path(folder))
        for method in options.methods:
            rows.append(run(method, pathlib.Path(folder), options))
            print(json.dumps(rows[-1]), flush=True)
            options.output.write_text(json.dumps(rows, indent=1) + "\n")


if __name__ == "__main__":
    main()
