"""Compares a plain flow, a deeper one, and VFlow on the checkerboard, and other bases too.

    python examples/vflow_checkerboard.py --iterations 60000 --seeds 3 --output vflow_checkerboard

The density is -log 32 = -3.4657 nats on its support, which no model can exceed. The toy study of
"VFlow: More Expressive Generative Flows with Variational Data Augmentation", section 6.1, at its
widths; it trains 100,000 iterations.
"""

import argparse
import json
import pathlib
import time

import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp
import tf_keras

from tfp_ebm import datasets, distributions, models, plots
from tfp_ebm.training import energy_based_parts

tfd = tfp.distributions
NUM_TEST, NUM_IMPORTANCE = 1_000, 100


def standard_normal(x: tf.Tensor) -> tfd.Distribution:
    """Returns q(e | x) of eight extra coordinates that do not depend on x."""
    return tfd.MultivariateNormalDiag(tf.zeros([*x.shape[:-1], 8]))


def make_model(name: str) -> tfd.Distribution:
    """Returns one of the models of the study; their bases are small enough for exact sums."""
    if name == "glow_3":
        return models.vector_vflow(2, 0, num_steps=3)
    if name == "glow_20":
        return models.vector_vflow(2, 0, num_steps=20)
    if name == "vflow_3":
        return models.vector_vflow(2, 8, num_steps=3, posterior=standard_normal)
    if name == "rbm_glow_3":
        return models.vector_vflow(2, 0, num_steps=3, base=distributions.SmoothedRBM.create(1, 1))
    if name == "d_glow_3":
        return models.vector_vflow(2, 0, num_steps=3, base=distributions.DiscreteMixture.create(2))
    base = distributions.SmoothedRBM.create(5, 5)
    return models.vector_vflow(2, 8, num_steps=3, base=base, posterior=standard_normal)


NAMES = ("glow_3", "glow_20", "vflow_3", "rbm_glow_3", "d_glow_3", "rbm_vflow_3")


def train(
    model: tfd.Distribution, iterations: int, batch_size: int, seed: int, rate: float = 1e-3
) -> float:
    """Trains by Adam; returns the seconds of an iteration after compilation."""
    density = datasets.density_2d("checkerboard")
    optimizer = tf_keras.optimizers.Adam(
        tf_keras.optimizers.schedules.CosineDecay(rate, iterations, alpha=0.01)
    )
    variables = model.trainable_variables
    optimizer.build(variables)

    @tf.function(jit_compile=True)  # The whole loop, so that small operations cost nothing.
    def steps(points):
        for index in tf.range(tf.shape(points)[0]):
            step_seed = tf.stack([seed, tf.cast(optimizer.iterations, tf.int32)])
            kwargs = {"seed": step_seed} if isinstance(model, distributions.Augmented) else {}
            with tf.GradientTape() as tape:
                loss = -tf.reduce_mean(model.log_prob(points[index], **kwargs))
            gradients = tape.gradient(loss, variables)
            optimizer.apply_gradients(zip(gradients, variables, strict=True))

    block = min(1_000, iterations)
    times = []
    for start in range(0, iterations, block):
        points = density.sample(block * batch_size, seed=1_000_003 * seed + start)
        started = time.perf_counter()
        steps(tf.constant(points.reshape(block, batch_size, 2)))
        times.append((time.perf_counter() - started) / block)
    return float(np.median(times))


def evaluate(model: tfd.Distribution, seed: int) -> float:
    """Returns nats a point on fresh points, exact or importance-sampled."""
    points = datasets.density_2d("checkerboard").sample(NUM_TEST, seed=987_654_321 + seed)
    for base in energy_based_parts(model):
        base.estimate_log_partition()
    if isinstance(model, distributions.Augmented):
        values = model.importance_log_prob(points, NUM_IMPORTANCE, seed=(seed, 1))
    else:
        values = model.log_prob(points)
    return float(np.mean(values))


def log_density(model: tfd.Distribution) -> tf.Tensor:
    """Returns the function that the picture shows."""
    if isinstance(model, distributions.Augmented):
        return lambda x: model.importance_log_prob(x, 16, seed=(0, 1))
    return model.log_prob


def main(iterations: int, seeds: int, output: str, models_to_run: list[str]) -> None:
    """Trains every model for every seed, and writes a JSON file and pictures."""
    folder = pathlib.Path(output)
    folder.mkdir(parents=True, exist_ok=True)
    table = {}
    for name in models_to_run:
        values, times = [], []
        for seed in range(seeds):
            tf_keras.utils.set_random_seed(seed)
            model = make_model(name)
            times.append(train(model, iterations, 64, seed))
            values.append(evaluate(model, seed))
        plots.density_2d(log_density(model), folder / f"{name}.png", title=name)
        spread = float(np.std(values, ddof=1)) if seeds > 1 else 0.0
        table[name] = {
            "nats": float(np.mean(values)),
            "standard_deviation": spread,
            "values": values,
            "milliseconds_an_iteration": 1e3 * float(np.median(times)),
        }
        print(f"{name:12} {np.mean(values):.4f} +- {spread:.4f} nats a point on test", flush=True)
    report = {"iterations": iterations, "seeds": seeds, "models": table}
    (folder / "results.json").write_text(json.dumps(report, indent=1) + "\n")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--iterations", type=int, default=60_000)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--output", default="vflow_checkerboard")
    parser.add_argument("--models-to-run", nargs="+", choices=NAMES, default=NAMES)
    main(**vars(parser.parse_args()))
