"""What other bases are worth on the latents that a trained flow leaves.

    python benchmarks/bases_on_latents.py --run RUN --output bases_on_latents.json

The flow is frozen, so that nothing but the base can gain. Each base is trained on the latents of
the training images, one draw of noise, and is judged by its mean log-density of those of the test
images, in nats an image beyond a standard normal, with the standard error of the difference to the
run's own base over images. log Z of machines is annealed both ways.
"""

import argparse
import json
import pathlib
import sys
import time

import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp
import tf_keras

from tfp_ebm import datasets, distributions, models, runs, training

tfd = tfp.distributions
BATCH_SIZE = 64


def latents_of(model, images, seed):
    """Returns the latents of images, `[N, D]`."""
    draw = tf.function(lambda x, key: models.latents(model, x, key))
    parts = [
        draw(tf.constant(images[start : start + 250]), tf.constant([seed, start])).numpy()
        for start in range(0, len(images), 250)
    ]
    return np.concatenate(parts)


def covariance(train):
    """Returns the Gaussian of the mean and the whole covariance."""
    factor = np.linalg.cholesky(np.cov(train.astype(np.float64), rowvar=False))
    return tfd.MultivariateNormalTriL(train.mean(axis=0), factor.astype(np.float32))


def candidates(own, size):
    """Returns what makes each base, by name."""
    half = (size - size // 2, size // 2)
    rbm = distributions.SmoothedRBM.create

    def from_own():
        base = rbm(*half, seed=(0, 2))
        base.weights.assign(own.weights)
        base.bias.assign(own.bias)
        return base

    return {
        "multicov": lambda: distributions.BipartiteNormal.create(*half),
        "rbm, persistent, 256 chains, 10 sweeps": lambda: rbm(
            *half, sampler="persistent", num_chains=256, seed=(0, 1)
        ),
        "rbm": lambda: rbm(*half, seed=(0, 1)),
        "rbm, learned delta": lambda: rbm(*half, learn_delta=True, seed=(0, 1)),
        "rbm, from the run's own": from_own,
    }


def fitted(base, train, updates, sweeps, batch_size=BATCH_SIZE, seed=(0, 3)):
    """Trains a base on latents."""
    trainer = training.LikelihoodModel(base, gibbs_steps=sweeps, seed=seed)
    rate = tf_keras.optimizers.schedules.CosineDecay(2e-3, updates)
    trainer.compile(optimizer=tf_keras.optimizers.Adam(rate))
    trainer.fit(train, batch_size=batch_size, epochs=1, steps_per_epoch=updates, verbose=0)
    return base


def judged(base, test, reference, own):
    """Returns the figures of a base, and its log-densities less those of a standard normal."""
    figures = {}
    if hasattr(base, "estimate_log_partition"):
        found = base.estimate_log_partition(num_steps=2000, seed=(0, 4))
        figures["log_partition_error"] = float(found.standard_error)
        figures["is_consistent"] = bool(found.is_consistent)
    gain = (
        np.concatenate([base.log_prob(part).numpy() for part in np.array_split(test, 10)])
        - reference
    )
    figures["nats_beyond_standard_normal"] = float(gain.mean())
    if own is not None:
        difference = gain - own
        figures["nats_beyond_own"] = float(difference.mean())
        figures["error"] = float(difference.std(ddof=1) / len(difference) ** 0.5)
    return figures, gain


def main(run, output, updates):
    """Trains every base on the latents of a run, and writes what there is after each."""
    config, model = runs.load_model(run)
    data = datasets.load(config["dataset"]).as_images()
    train, test = (latents_of(model, part, 1 + k) for k, part in enumerate([data.train, data.test]))
    size = train.shape[-1]
    normal = tfd.MultivariateNormalDiag(tf.zeros([size]))
    reference = normal.log_prob(test).numpy()
    base = models.parts(model).base
    figures, own = judged(base, test, reference, None)
    rows = [{"base": "the run's own", **figures}]
    gaussian, _ = judged(covariance(train), test, reference, own)
    rows.append({"base": "Gaussian, whole covariance", **gaussian})
    for name, make in candidates(base, size).items():
        start = time.process_time()
        made = fitted(make(), train, updates, 10 if "10 sweeps" in name else None)
        seconds = time.process_time() - start
        figures, _ = judged(made, test, reference, own)
        chains = getattr(made, "chains", None)
        figures["chains"] = {k: float(v) for k, v in chains.figures().items()} if chains else {}
        rows.append({"base": name, **figures, "cpu_seconds": round(seconds, 1)})
        print(json.dumps(rows[-1]), flush=True)
        command = f"python {' '.join(sys.argv)}"
        content = {
            "command": command,
            "dataset": config["dataset"],
            "updates": updates,
            "rows": rows,
        }
        output.write_text(json.dumps(content, indent=1) + "\n")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--run", required=True, type=pathlib.Path)
    parser.add_argument("--output", required=True, type=pathlib.Path)
    parser.add_argument("--updates", type=int, default=4000)
    main(**vars(parser.parse_args()))
