"""Shows how a machine's mass leaves the modes that its chains still sit in, and what cures it.

    python examples/collapse.py --epochs 120 --output collapse.png

A Gaussian-Bernoulli machine of 2 + 18 units on eight clusters, trained with the chains of each
sampler. Rows: samplers; columns: times. Shades: the model's density, exact; red: its chains.
"""

import argparse
import json
import pathlib

import numpy as np
import tensorflow as tf
import tf_keras
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from tfp_ebm import datasets, distributions, training

SIDE = 14.0
NUM_CLUSTERS = 8
# Chains and sweeps after an update.
SAMPLERS = {"persistent": (512, 10), "replay": (512, 10), "weighted": (512, 2)}


def clusters(count: int, seed: int) -> np.ndarray:
    """Returns points of eight clusters on a circle of radius 10, `[count, 2]`."""
    return datasets.clusters(datasets.on_circle(NUM_CLUSTERS), count, seed=seed).points


def exact_log_prob(base: distributions.GaussianBernoulliRBM, points: np.ndarray) -> np.ndarray:
    """Returns the log-density, log Z summed over all hidden states."""
    machine = base.machine()
    return (machine.log_marginal(tf.constant(points)) - machine.enumerate_log_partition()).numpy()


def shares_of_clusters(points: np.ndarray) -> np.ndarray:
    """Returns how many of the points lie nearest to each cluster, as shares."""
    angle = np.arctan2(points[:, 1], points[:, 0]) * NUM_CLUSTERS / (2 * np.pi)
    nearest = np.round(angle).astype(int) % NUM_CLUSTERS
    return np.bincount(nearest, minlength=NUM_CLUSTERS) / len(points)


class Pictures(tf_keras.callbacks.Callback):
    """Keeps density, chains and figures at a few times."""

    def __init__(self, epochs: list[int], test: np.ndarray, grid: np.ndarray) -> None:
        super().__init__()
        self._epochs, self._test, self._grid = epochs, test, grid
        self.kept: list[dict] = []

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        """Looks at the machine if it is time."""
        if epoch + 1 not in self._epochs:
            return
        base = self.model.distribution
        drawn = base.machine().sample_exactly(2000, (0, 1)).numpy()
        self.kept.append(
            {
                "epoch": epoch + 1,
                "test_negative_log_likelihood": -float(exact_log_prob(base, self._test).mean()),
                "shares_of_model": shares_of_clusters(drawn).round(3).tolist(),
                "shares_of_chains": shares_of_clusters(base.chains.units.numpy()).tolist(),
                "density": np.exp(exact_log_prob(base, self._grid)),
                "chains": base.chains.units.numpy(),
            }
        )


def train(sampler: str, epochs: int, seed: int) -> list[dict]:
    """Trains with the chains of one sampler; returns what there was to see at three times."""
    num_chains, num_sweeps = SAMPLERS[sampler]
    base = distributions.GaussianBernoulliRBM.create(
        2, 18, weight_scale=0.3, sampler=sampler, num_chains=num_chains, seed=(seed, 1)
    )
    trainer = training.LikelihoodModel(base, gibbs_steps=num_sweeps, seed=(seed, 2))
    trainer.compile(optimizer=tf_keras.optimizers.Adam(0.02))
    axis = np.linspace(-SIDE, SIDE, 80, dtype=np.float32)
    grid = np.stack(np.meshgrid(axis, axis), axis=-1).reshape(-1, 2)
    times = sorted({max(1, epochs // 12), max(1, epochs // 3), epochs})
    pictures = Pictures(times, clusters(1000, seed + 1), grid)
    trainer.fit(
        clusters(2048, seed), batch_size=256, epochs=epochs, verbose=0, callbacks=[pictures]
    )
    return pictures.kept


def draw(found: dict[str, list[dict]], path: pathlib.Path) -> None:
    """Draws a row for each sampler, a column for each time."""
    columns = len(next(iter(found.values())))
    figure = Figure(figsize=(3 * columns, 3 * len(found)), layout="constrained")
    FigureCanvasAgg(figure)
    panels = figure.subplots(len(found), columns, squeeze=False)
    for row, (sampler, kept) in zip(panels, found.items(), strict=True):
        for axes, one in zip(row, kept, strict=True):
            density = one["density"].reshape(80, 80)
            axes.imshow(density**0.3, extent=[-SIDE, SIDE] * 2, origin="lower", cmap="Blues")
            axes.scatter(*one["chains"][:200].T, s=3, color="tab:red")
            axes.set_xlim(-SIDE, SIDE)
            axes.set_ylim(-SIDE, SIDE)
            axes.set_axis_off()
            nll = one["test_negative_log_likelihood"]
            axes.set_title(f"{sampler}, epoch {one['epoch']}: {nll:.2f} nats", fontsize=9)
    figure.savefig(path, dpi=100)


def main() -> None:
    """Trains, draws, and writes the figures beside the picture."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--epochs", type=int, default=120)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--samplers", nargs="+", default=list(SAMPLERS), choices=list(SAMPLERS))
    parser.add_argument("--output", type=pathlib.Path, default=pathlib.Path("collapse.png"))
    options = parser.parse_args()
    found = {name: train(name, options.epochs, options.seed) for name in options.samplers}
    draw(found, options.output)
    figures = {
        name: [
            {key: value for key, value in one.items() if key not in ("density", "chains")}
            for one in kept
        ]
        for name, kept in found.items()
    }
    options.output.with_suffix(".json").write_text(json.dumps(figures, indent=1) + "\n")
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
