"""Compares a plain flow of images with VFlow of more channels, at equal parameters and epochs.

    python examples/papers/vflow_fixed_budget.py --output vflow_fixed_budget

The study of "VFlow: More Expressive Generative Flows with Variational Data Augmentation", table 2,
at a size that one core trains in an hour: images are averaged over squares of 2x2 pixels, and extra
channels are paid for with fewer gated blocks. Every row is a run folder of `tfp-ebm train`; run
again with the same arguments the study goes on where it stopped.
"""

import argparse
import json
import pathlib
from typing import Any

import numpy as np

from tfp_ebm import datasets, runs

# As in `tfp-ebm train --set`.
FLOW = ("num_components=2", "num_couplings=[2,2,2]", "dropout_rate=0.0")
POSTERIOR = ("posterior=variational", "posterior.num_blocks=1", "posterior.num_couplings=2")


def averaged_squares(images: np.ndarray, factor: int) -> np.ndarray:
    """Returns images of a smaller side, each pixel the rounded mean of a square."""
    count, height, width, channels = images.shape
    shape = (count, height // factor, factor, width // factor, factor, channels)
    return np.rint(images.reshape(shape).mean(axis=(2, 4))).astype(np.uint8)


def write_images(options: argparse.Namespace, path: pathlib.Path) -> None:
    """Writes the images of the study as a file that every run reads."""
    data = datasets.load(options.dataset).as_images()
    np.savez(
        path,
        train=averaged_squares(data.train[: options.num_train], options.factor),
        validation=averaged_squares(data.validation[: options.num_test], options.factor),
        test=averaged_squares(data.test[: options.num_test], options.factor),
    )


def train(options: argparse.Namespace, path: pathlib.Path, extra: int, blocks: int, seed: int):
    """Trains one row, or goes on with it, and returns it."""
    folder = path.parent / f"extra_{extra}_seed_{seed}"
    new: dict[str, Any] = {
        "model": "vflow" if extra else "gaussian_flow",
        "dataset": str(path),
        "num_levels": datasets.load(options.dataset).num_levels,
        "num_augmented": extra or None,
        "num_filters": options.filters,
        "set": [*FLOW, f"flow.num_blocks={blocks}", *(POSTERIOR if extra else ())],
        "batch_size": options.batch_size,
        "learning_rate": 2e-3,
        "clip_norm": 100.0,
        "seed": seed,
    }
    draws = {"importance_draws": options.num_samples}
    figures = runs.complete(folder, options.epochs, draws, **new)
    one, many = figures["test"]["likelihood"][:2]
    return {
        "extra_channels": extra,
        "seed": seed,
        "num_blocks": blocks,
        "num_parameters": figures["num_parameters"],
        "test_bits_per_dimension": {
            "one_draw": one["bits_per_dimension"],
            "importance_sampled": many["bits_per_dimension"],
            "standard_error": many["bits_per_dimension_error"],
        },
    }


def main(options: argparse.Namespace) -> None:
    """Trains every setting with every seed, and writes a JSON file after each."""
    folder = pathlib.Path(options.output)
    folder.mkdir(parents=True, exist_ok=True)
    images, results = folder / "images.npz", folder / "results.json"
    if not images.exists():
        write_images(options, images)
    table = []
    for seed in range(options.seeds):
        for extra, blocks in zip(options.extra_channels, options.blocks, strict=True):
            table.append(train(options, images, extra, blocks, seed))
            results.write_text(json.dumps(table, indent=1) + "\n")
            print(f"test {json.dumps(table[-1])}", flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--dataset", choices=datasets.names(), default="cifar10")
    parser.add_argument("--factor", type=int, default=2, help="side of the averaged squares")
    parser.add_argument("--num-train", type=int, default=8_000)
    parser.add_argument("--num-test", type=int, default=512)
    parser.add_argument("--epochs", type=int, default=12)
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--filters", type=int, default=20)
    parser.add_argument("--extra-channels", type=int, nargs="+", default=[0, 1, 3])
    parser.add_argument("--blocks", type=int, nargs="+", default=[5, 4, 3])
    parser.add_argument("--num-samples", type=int, default=32, help="draws of the tighter bound")
    parser.add_argument("--output", default="vflow_fixed_budget")
    main(parser.parse_args())
