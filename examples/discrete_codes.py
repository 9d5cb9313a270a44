"""Asks how well a linear classifier reads the labels off the discrete codes of images.

    python examples/discrete_codes.py --output discrete_codes.png

Trains D-Flow, RBM-Flow and the Gaussian flow on the digits, unless `--runs` names trained ones, and
compares on the test part, each at its size: the code s, its hidden layer alone, the latent z and
its signs; against raw pixels and principal components, as numbers and as one bit each. The paper
"RBM-Flow and D-Flow" claims, from pictures, that codes carry global features.
"""

import argparse
import json
import pathlib

import numpy as np
import tensorflow as tf
import tf_keras

from tfp_ebm import cli, datasets, metrics, models
from tfp_ebm.runs.run_folder import load_model

MODELS = ("d_flow", "rbm_flow", "gaussian_flow")


def in_parts(function, images: np.ndarray) -> list[np.ndarray]:
    """Returns the outputs of a function of images, compiled and called on a tenth at a time."""
    compiled = tf.function(function, autograph=False)
    outputs = [compiled(part) for part in np.array_split(images, 10)]
    return [np.concatenate(pieces) for pieces in zip(*outputs, strict=True)]


def pictures(parts: dict[str, np.ndarray]) -> dict[str, dict[str, np.ndarray]]:
    """Returns what needs no model: pixels and principal components, whole and as signs."""
    flat: dict[str, np.ndarray] = {
        name: images.reshape(len(images), -1) / 1.0 for name, images in parts.items()
    }
    size = flat["train"].shape[1]
    mean = flat["train"].mean(axis=0)
    axes = np.linalg.svd(flat["train"] - mean, full_matrices=False)[2]
    varied = np.argsort(-flat["train"].var(axis=0))
    result: dict[str, dict[str, np.ndarray]] = {}
    for count in (size, size // 2):
        pixels = {name: part[:, varied[:count]] for name, part in flat.items()}
        middle = np.median(pixels["train"], axis=0)
        components = {name: (part - mean) @ axes[:count].T for name, part in flat.items()}
        result[f"pixels, {count}"] = pixels
        result[f"pixels above their median, {count}"] = {k: v > middle for k, v in pixels.items()}
        result[f"principal components, {count}"] = components
        signs = {name: part > 0 for name, part in components.items()}
        result[f"signs of principal components, {count}"] = signs
    return result


def representations(name: str, model, parts: dict[str, np.ndarray]) -> dict[str, dict]:
    """Returns what a model makes of the images."""
    flow = model.distribution.bijector

    def latent(images):
        return [flow.inverse(model.dequantize(images, seed=(0, 1)))]

    def code(images):
        spins = models.encode(model, images, seed=(0, 1))
        return spins.mode(), spins.mean()

    z = {part: in_parts(latent, images)[0] for part, images in parts.items()}
    size = z["train"].shape[1]
    result = {f"{name}: z, {size}": z}
    if name == "gaussian_flow":
        return {**result, f"{name}: signs of z, {size}": {k: v > 0 for k, v in z.items()}}
    codes = {part: in_parts(code, images) for part, images in parts.items()}
    spins = {part: mode for part, (mode, _) in codes.items()}
    result[f"{name}: code s, {size}"] = spins
    result[f"{name}: mean of s, {size}"] = {part: mean for part, (_, mean) in codes.items()}
    if name == "rbm_flow":
        visible = models.parts(model).base.num_visible
        for layer, units in (("visible", np.s_[:visible]), ("hidden", np.s_[visible:])):
            count = spins["train"][:, units].shape[1]
            result[f"{name}: {layer} layer of s, {count}"] = {
                part: value[:, units] for part, value in spins.items()
            }
    return result


def draw(figures: dict[str, metrics.ProbeAccuracy], path: str) -> None:
    """Saves a bar for each representation."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 0.3 * len(figures) + 0.8), layout="constrained")
    axes = figure.subplots()
    values = [record.value for record in figures.values()]
    axes.barh(list(figures), values, xerr=[record.standard_error for record in figures.values()])
    axes.invert_yaxis()
    axes.set_xlim(min(values) - 0.05, 1)
    axes.set_xlabel("accuracy of a linear classifier on the test part")
    figure.savefig(path, dpi=120)


def main(
    runs: list[str],
    models_to_train: list[str],
    untrained: bool,
    epochs: int,
    num_filters: int,
    output: str,
) -> None:
    """Trains where needed, probes, and writes a picture and a JSON file beside it."""
    path = pathlib.Path(output)
    if not runs:
        for name in models_to_train:
            runs.append(f"{path.with_suffix('')}_{name}")
            options = f"--dataset digits --epochs {epochs} --num-filters {num_filters}".split()
            if cli.main(["train", name, "--output", runs[-1], *options]):
                raise SystemExit(2)
    data = datasets.load("digits")
    parts = {"train": data.train, "validation": data.validation, "test": data.test}
    everything = pictures(parts)
    for run in runs:
        config, model = load_model(pathlib.Path(run))
        everything |= representations(config["model"], model, parts)
    if untrained:  # Whatever the base: its couplings and fields start at 0, so codes are signs.
        tf_keras.utils.set_random_seed(0)
        model = models.gaussian_flow(data.image_shape, data.num_levels, num_filters=num_filters)
        found = representations("gaussian_flow", model, parts)
        everything |= {name.replace("gaussian", "untrained"): part for name, part in found.items()}
    figures = {}
    for name, features in everything.items():
        figures[name] = metrics.linear_probe(
            features["train"],
            data.train_labels,
            (features["validation"], data.validation_labels),
            (features["test"], data.test_labels),
        )
        record = figures[name]
        print(f"{name:42} {record.value:.3f} ± {record.standard_error:.3f} of the test labels")
    report = {
        "command": f"python examples/discrete_codes.py --epochs {epochs}",
        "figures": {name: record._asdict() for name, record in figures.items()},
    }
    path.with_suffix(".json").write_text(json.dumps(report, indent=1) + "\n")
    draw(figures, output)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--runs", nargs="+", default=[], help="folders that `tfp-ebm train` wrote")
    parser.add_argument("--models-to-train", nargs="*", choices=MODELS, default=MODELS)
    parser.add_argument("--untrained", action="store_true", help="judge a flow as it starts, too")
    parser.add_argument("--epochs", type=int, default=40)
    parser.add_argument("--num-filters", type=int, default=32)
    parser.add_argument("--output", default="discrete_codes.png")
    main(**vars(parser.parse_args()))
