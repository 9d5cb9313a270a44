"""Compares a plain flow, a deeper one, and VFlow on the checkerboard, and other bases too.

    python examples/vflow_checkerboard.py --output vflow_checkerboard

The density is -log 32 = -3.4657 nats on its support, which no model can exceed. The toy study of
"VFlow: More Expressive Generative Flows with Variational Data Augmentation", section 5, at its
widths, batches and 100,000 iterations. As there, steps count those of q(e | x) too: VFlow of three
steps has two in p(x, e) and one layer in q(e | x). Unlike there, q is a Gaussian, and the bound of
each point is averaged over several draws of e, which takes noise out of the gradients.
"""

import argparse
import json
import pathlib
import time

import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp
import tf_keras

from tfp_ebm import conditionals, datasets, distributions, flows, models, plots
from tfp_ebm.training import energy_based_parts

tfd = tfp.distributions
NUM_TEST, NUM_IMPORTANCE = 10_000, 100
BATCH_SIZE, CLIP_NORM = 64, 1.0
# Of plain flows and of VFlow, each the best of a few tried on points of their own.
LEARNING_RATE = {False: 1e-3, True: 3e-3}
NUM_DRAWS = 16
# q(e | x) starts informative and is held until the flow has learnt to use e; trained from the start
# it soon ignores x, and then nothing draws the flow away from a Gaussian that ignores e.
HELD_ITERATIONS = 2_500
# Name: dimensions with the extra ones, steps, base.
MODELS = {
    "glow_3": (2, 3, "normal"),
    "glow_20": (2, 20, "normal"),
    "vflow_3": (10, 3, "normal"),
    "rbm_glow_3": (2, 3, "rbm"),
    "d_glow_3": (2, 3, "spins"),
    "rbm_vflow_3": (10, 3, "rbm"),
    "d_vflow_3": (10, 3, "spins"),
}


def make_model(
    num_dims: int, num_steps: int, base: str = "normal"
) -> tfp.distributions.Distribution:
    """Returns a flow of two dimensions, or VFlow of more; bases allow exact sums."""
    bases = {
        "normal": lambda: None,
        "rbm": lambda: distributions.SmoothedRBM.create(num_dims // 2, num_dims // 2),
        "spins": lambda: distributions.DiscreteMixture.create(num_dims),
    }
    extra = num_dims - 2
    if not extra:  # Plain flows are better when their matrices start as rotations.
        flow = flows.vector_flow(2, num_steps, init="rotation")
        normal = tfd.MultivariateNormalDiag(tf.zeros([2]))
        return tfd.TransformedDistribution(bases[base]() or normal, flow)
    posterior = conditionals.GaussianPosterior(2, extra)
    return models.vector_vflow(2, extra, num_steps - 1, base=bases[base](), posterior=posterior)


def initialize(model: tfp.distributions.Distribution, points: np.ndarray) -> None:
    """Sets the `ActNorm`s of the flow from data, with a draw of e where there is one."""
    if not isinstance(model, distributions.Augmented):
        flows.initialize_from_data(model.bijector, points)
        return
    extra = model.posterior(points).sample(seed=(0, 1))
    joint = tf.concat([points, extra], axis=-1)
    flows.initialize_from_data(model.distribution.bijector, joint)


def log_prob(
    model: tfp.distributions.Distribution, points: tf.Tensor, seed: tf.Tensor
) -> tf.Tensor:
    """Returns the log-density of a plain flow, or the bound of VFlow for several draws of e."""
    if not isinstance(model, distributions.Augmented):
        return model.log_prob(points)
    return model.log_prob(tf.repeat(points[tf.newaxis], NUM_DRAWS, axis=0), seed=seed)


def train(
    model: tfp.distributions.Distribution,
    iterations: int,
    seed: int,
    jit_compile: bool = True,
    block: int = 1_000,
) -> float:
    """Trains by Adam; returns the seconds of an iteration after compilation."""
    density = datasets.density_2d("checkerboard")
    initialize(model, density.sample(512, seed=seed))
    is_augmented = isinstance(model, distributions.Augmented)
    schedule = tf_keras.optimizers.schedules.CosineDecay(
        LEARNING_RATE[is_augmented], iterations, alpha=0.01
    )
    optimizer = tf_keras.optimizers.Adam(schedule, global_clipnorm=CLIP_NORM)
    variables = model.trainable_variables
    optimizer.build(variables)
    late = getattr(model.posterior, "trainable_variables") if is_augmented else ()  # noqa: B009
    held = {variable.ref() for variable in late}

    @tf.function(jit_compile=jit_compile)  # The whole loop, so that small operations cost nothing.
    def steps(batches):
        for index in tf.range(tf.shape(batches)[0]):
            step_seed = tf.stack([seed, tf.cast(optimizer.iterations, tf.int32)])
            with tf.GradientTape() as tape:
                loss = -tf.reduce_mean(log_prob(model, batches[index], step_seed))
            released = tf.cast(optimizer.iterations >= HELD_ITERATIONS, tf.float32)
            gradients = [
                gradient * released if variable.ref() in held else gradient
                for gradient, variable in zip(
                    tape.gradient(loss, variables), variables, strict=True
                )
            ]
            optimizer.apply_gradients(zip(gradients, variables, strict=True))

    block = min(block, iterations)
    times = []
    for start in range(0, iterations, block):
        points = density.sample(block * BATCH_SIZE, seed=1_000_003 * (seed + 1) + start)
        started = time.perf_counter()
        steps(tf.constant(points.reshape(block, BATCH_SIZE, 2)))
        times.append((time.perf_counter() - started) / block)
    return float(np.median(times))


def tight_log_prob(
    model: tfp.distributions.Distribution, points: np.ndarray, num_samples: int, seed: int
):
    """Returns the log-density, exact for plain flows, importance-sampled for VFlow."""
    if isinstance(model, distributions.Augmented):
        return model.importance_log_prob(points, num_samples, seed=(seed, 1))
    return model.log_prob(points)


def run(num_dims: int, num_steps: int, base: str, iterations: int, seed: int):
    """Returns a trained model, nats a point on fresh points, and seconds an iteration."""
    tf_keras.utils.set_random_seed(seed)
    model = make_model(num_dims, num_steps, base)
    seconds = train(model, iterations, seed)
    for part in energy_based_parts(model):
        part.estimate_log_partition()
    test = datasets.density_2d("checkerboard").sample(NUM_TEST, seed=987_654_321 + seed)
    nats = float(np.mean(tight_log_prob(model, test, NUM_IMPORTANCE, seed)))
    return model, nats, seconds


def draw_density(model: tfp.distributions.Distribution, path: pathlib.Path, title: str) -> None:
    """Saves a picture of a density."""
    plots.density_2d(lambda x: tight_log_prob(model, x, 16, 0), path, title=title)


def compare(iterations: int, seeds: int, names: list[str], folder: pathlib.Path) -> None:
    """Trains the models of the table and draws their densities (the paper's figure 2)."""
    path = folder / "results.json"
    report = json.loads(path.read_text()) if path.exists() else {}
    same = (report.get("iterations"), report.get("seeds")) == (iterations, seeds)
    table: dict[str, dict] = (
        report["models"] if same else {}
    )  # Other models of the same study stay.
    for name in names:
        found = [run(*MODELS[name], iterations, seed) for seed in range(seeds)]
        models_found, values, times = zip(*found, strict=True)
        draw_density(models_found[-1], folder / f"{name}.png", name)
        spread = float(np.std(values, ddof=1)) if seeds > 1 else None
        table[name] = {
            "nats": float(np.mean(values)),
            "standard_deviation": spread,
            "values": list(values),
            "milliseconds_an_iteration": 1e3 * float(np.median(times)),
        }
        error = "" if spread is None else f" +- {spread:.4f}"
        print(f"{name:12} {np.mean(values):.4f}{error} nats a point on test", flush=True)
        write(path, iterations, seeds, {"models": table})


def sweep(iterations: int, seeds: int, dims: list[int], steps: list[int], folder) -> None:
    """Trains every number of dimensions with every number of steps (the paper's figure 3)."""
    table: dict[int, list[float]] = {}
    for num_dims in dims:
        table[num_dims] = []
        for num_steps in steps:
            values = [run(num_dims, num_steps, "normal", iterations, s)[1] for s in range(seeds)]
            table[num_dims].append(float(np.mean(values)))
            print(
                f"{num_dims} dimensions, {num_steps} steps: test {np.mean(values):.4f}", flush=True
            )
    write(folder / "sweep.json", iterations, seeds, {"steps": steps, "nats_by_dimensions": table})
    series = {f"{num_dims} dimensions": values for num_dims, values in table.items()}
    plots.curves(steps, series, folder / "sweep.png", "nats a point", "steps")


def represent(iterations: int, folder: pathlib.Path) -> None:
    """Draws where two-step models send the eight squares (the paper's figure 4)."""
    points = datasets.density_2d("checkerboard").sample(4_000, seed=5)
    squares = np.unique(np.floor(points / 2), axis=0, return_inverse=True)[1].ravel()
    panels = {"data x": points}
    for num_dims in (2, 4):
        model, nats, _ = run(num_dims, 2, "normal", iterations, seed=0)
        joint, density = points, model
        if num_dims > 2:
            extra = model.posterior(points).sample(seed=(0, 1)).numpy()
            panels["VFlow: e"] = extra
            joint, density = np.concatenate([points, extra], axis=-1), model.distribution
        latent = density.bijector.inverse(joint).numpy()
        name = "VFlow" if num_dims > 2 else "Glow"
        panels[f"{name}: latents ({nats:.2f})"] = leading_directions(latent, squares)
    plots.scatter_2d(panels, squares, folder / "representation.png")


def leading_directions(points: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Returns the plane of the points in which the means of the labels are furthest apart."""
    means = np.stack([points[labels == label].mean(axis=0) for label in np.unique(labels)])
    directions = np.linalg.svd(means - means.mean(axis=0))[2]
    return points @ directions[:2].T


def time_iterations(names: list[str], folder: pathlib.Path) -> None:
    """Measures an iteration, as one XLA program for the loop and as a plain graph."""
    table: dict[str, dict[str, float]] = {}
    for name in names:
        table[name] = {}
        for label, jit_compile in (("xla", True), ("graph", False)):
            tf_keras.utils.set_random_seed(0)
            seconds = train(make_model(*MODELS[name]), 500, 0, jit_compile, block=100)
            table[name][label] = 1e3 * seconds
        print(f"{name:12} milliseconds an iteration {table[name]}", flush=True)
    write(folder / "timing.json", 500, 1, {"milliseconds_an_iteration": table})


def write(path: pathlib.Path, iterations: int, seeds: int, content: dict) -> None:
    """Writes a JSON file."""
    report = {"iterations": iterations, "seeds": seeds, **content}
    path.write_text(json.dumps(report, indent=1) + "\n")


def main(
    parts: list[str],
    iterations: int,
    seeds: int,
    models_to_run: list[str],
    dims: list[int],
    steps: list[int],
    output: str,
) -> None:
    """Runs the parts that are asked for, and writes JSON files and pictures."""
    folder = pathlib.Path(output)
    folder.mkdir(parents=True, exist_ok=True)
    if "table" in parts:
        compare(iterations, seeds, models_to_run, folder)
    if "sweep" in parts:
        sweep(iterations, seeds, dims, steps, folder)
    if "representation" in parts:
        represent(iterations, folder)
    if "timing" in parts:
        time_iterations(models_to_run, folder)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    known = ("table", "sweep", "representation", "timing")
    parser.add_argument("--parts", nargs="+", choices=known, default=known[:3])
    parser.add_argument("--iterations", type=int, default=100_000)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--models-to-run", nargs="+", choices=MODELS, default=list(MODELS))
    parser.add_argument("--dims", type=int, nargs="+", default=[2, 4, 6, 8, 10])
    parser.add_argument("--steps", type=int, nargs="+", default=[2, 3, 5, 10])
    parser.add_argument("--output", default="vflow_checkerboard")
    main(**vars(parser.parse_args()))
