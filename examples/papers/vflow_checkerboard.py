"""Compares a plain flow, a deeper one, and VFlow on the checkerboard, and other bases too.

    python examples/papers/vflow_checkerboard.py --output vflow_checkerboard

The density is -log 32 = -3.4657 nats on its support, which no model can exceed. The toy study of
"VFlow: More Expressive Generative Flows with Variational Data Augmentation", section 5, at its
widths and its 100,000 updates. As there, steps count those of q(e | x) too: VFlow of three steps
has two in p(x, e) and one layer in q(e | x). Unlike there, q is a Gaussian, and VFlow is given 16
times the points of a plain flow, which takes the noise of e out of the gradients. Every row is a
run folder of `tfp-ebm train`; stopped, the study goes on where it was.
"""

import argparse
import json
import pathlib

import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp

import tfp_ebm
from tfp_ebm import datasets, distributions, models, plots, runs

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
# Updates in which q(e | x) stays as it started, which depends on x, until the flow has learnt to
# use e; trained from the start it soon ignores x, and nothing draws it away from there.
HELD_UPDATES = 2_500


def trained(
    options: argparse.Namespace, row: tuple[int, int, str], seed: int
) -> tuple[pathlib.Path, float]:
    """Returns the run folder of a row, trained as far as it is not, and its test nats a point."""
    num_dims, num_steps, base = row
    extra, points = num_dims - 2, options.output / "points.npz"
    name = f"{num_dims}_dims-{num_steps}_steps-{base}-seed{seed}"
    # Plain flows are better when their matrices start as rotations.
    flow = {"num_steps": num_steps - bool(extra), "init": "identity" if extra else "rotation"}
    batch_size = options.batch_size * (16 if extra else 1)
    updates = len(np.load(points)["train"]) // batch_size
    given = {
        "dataset": str(points),
        "flow": "vector_glow",
        "base": base,
        "num_augmented": extra or None,
        "set": [f"flow.{option}={value}" for option, value in flow.items()],
        "batch_size": batch_size,
        "learning_rate": 3e-3 if extra else 1e-3,
        "clip_norm": 1.0,
        "initialize": True,
        "jit_compile": True,
        "steps_per_execution": min(500, updates),
        "seed": seed,
    }
    if extra:
        held = options.output / f"{name}-held"
        if not (held / "summary.json").exists():
            epochs = -(-min(HELD_UPDATES, options.updates) // updates)
            runs.train(output=held, noise_learning_rate=1e-9, epochs=epochs, **given)
        given |= {"init": held, "initialize": False}
    epochs, draws = -(-options.updates // updates), {"importance_draws": 100 if extra else 0}
    figures = runs.complete(options.output / name, epochs, draws, **given)
    return options.output / name, -figures["test"]["likelihood"][-1]["nats"]


def compare(options: argparse.Namespace, rows: dict[str, tuple[int, int, str]]) -> dict:
    """Trains rows with every seed and draws their densities, as in figures 2 and 3."""
    table = {}
    for name, row in rows.items():
        found = [trained(options, row, seed) for seed in range(options.seeds)]
        values = [nats for _, nats in found]
        spread = float(np.std(values, ddof=1)) if options.seeds > 1 else None
        mean = float(np.mean(values))
        table[name] = {"nats": mean, "standard_deviation": spread, "values": values}
        print(f"{name:12} {table[name]} nats a point on test", flush=True)
        draw_density(tfp_ebm.load(found[-1][0]), options.output / f"{name}.png")
    return table


def draw_density(model: tfp.distributions.Distribution, path: pathlib.Path) -> None:
    """Saves a picture of a density."""

    def log_prob(points: np.ndarray) -> tf.Tensor:
        if isinstance(model, distributions.Augmented):
            return model.importance_log_prob(points, 16, seed=(0, 1))
        return model.log_prob(points)

    plots.density_2d(log_prob, path, title=path.stem)


def represent(options: argparse.Namespace, points: np.ndarray) -> None:
    """Draws where two-step models send the eight squares, as in figure 4."""
    squares = np.unique(np.floor(points / 2), axis=0, return_inverse=True)[1].ravel()
    panels = {"data x": points}
    for name, num_dims in (("Glow", 2), ("VFlow", 4)):
        folder, nats = trained(options, (num_dims, 2, "normal"), seed=0)
        latents = models.latents(tfp_ebm.load(folder), points, seed=(0, 1)).numpy()
        # The plane in which the means of the squares are furthest apart.
        means = np.stack([latents[squares == square].mean(axis=0) for square in np.unique(squares)])
        directions = np.linalg.svd(means - means.mean(axis=0))[2][:2]
        panels[f"{name}: latents ({nats:.2f})"] = latents @ directions.T
    plots.scatter_2d(panels, squares, options.output / "representation.png")


def main(options: argparse.Namespace) -> None:
    """Runs the parts that are asked for, and writes `results.json` and pictures."""
    options.output.mkdir(parents=True, exist_ok=True)
    density, path = datasets.density_2d("checkerboard"), options.output / "points.npz"
    if not path.exists():
        train, validation, test = (
            density.sample(size, seed=size) for size in (options.num_points, 2_000, 10_000)
        )
        np.savez(path, train=train, validation=validation, test=test)
    report = {"updates": options.updates, "seeds": options.seeds}
    if "table" in options.parts:
        report["models"] = compare(options, {name: MODELS[name] for name in options.models_to_run})
    if "sweep" in options.parts:
        rows = {
            f"{dims}_dims_{steps}": (dims, steps, "normal")
            for dims in options.dims
            for steps in options.steps
        }
        report["sweep"] = compare(options, rows)
    if "representation" in options.parts:
        represent(options, density.sample(4_000, seed=5))
    (options.output / "results.json").write_text(json.dumps(report, indent=1) + "\n")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    known = ("table", "sweep", "representation")
    parser.add_argument("--parts", nargs="+", choices=known, default=known)
    parser.add_argument("--updates", type=int, default=100_000)
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--num-points", type=int, default=512_000, help="that are trained on")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--models-to-run", nargs="+", choices=MODELS, default=list(MODELS))
    parser.add_argument("--dims", type=int, nargs="+", default=[2, 4, 6, 8, 10])
    parser.add_argument("--steps", type=int, nargs="+", default=[2, 3, 5, 10])
    parser.add_argument("--output", type=pathlib.Path, default="vflow_checkerboard")
    main(parser.parse_args())
