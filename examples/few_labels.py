"""Asks what models know of classes of which a few events tell, base against base, at equal sizes.

    python examples/few_labels.py --output few_labels

Models of `boltzmann_base.py` learn from events without labels. Logistic regression then learns the
classes from what they make of 1, 5 or 20 events of each class: their latents, and the mean of their
discrete code. Beside them stand the events themselves, and a machine with units for the labels,
which learns from all events and these labels at once. The folder keeps a JSON file for each model,
so that the command can be interrupted and repeated.
"""

import argparse
import dataclasses
import functools
import json
import pathlib
from typing import Any

import boltzmann_base
import data_with_kinds
import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp
from boltzmann_base import Problem, trained
from sklearn.linear_model import LogisticRegression

from tfp_ebm import datasets, models
from tfp_ebm.datasets import Dataset
from tfp_ebm.models import ModelSpec

# The data, which of the problems of `boltzmann_base.py` they are trained as, and couplings.
PROBLEMS = {
    "clustered_table": ("clustered_table", 2),
    "digits": ("two_kinds_of_digits", 4),
    "garments": ("garments", 4),
}
LABELED = "RBM with labels"
BASES = boltzmann_base.BASES | {
    LABELED: ("labeled_rbm", {"num_hidden": 16, "weight_scale": 0.3}),
}
NUM_LABELS, NUM_DRAWS = (1, 5, 20), 20


def load(name: str, data_dir: str | None) -> Dataset:
    """Returns the data of a problem."""
    if name == "digits":
        return datasets.load(name)
    options = [data_dir] if name == "garments" else []
    return getattr(data_with_kinds, name)(*options)


def numbers(data: Dataset, events: np.ndarray) -> np.ndarray:
    """Returns events as vectors, categories as indicators."""
    if data.columns is None:
        return events.reshape(len(events), -1).astype(np.float32)
    return datasets.condition_vectors(data.columns, data.decode(events))


def in_parts(function: Any, events: np.ndarray) -> dict[str, np.ndarray]:
    """Returns the outputs of a function of events, compiled and called on 500 at a time."""
    compiled = tf.function(function, autograph=False)
    parts = [compiled(events[i : i + 500]) for i in range(0, len(events), 500)]
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def chosen(labels: np.ndarray, count: int, seed: int) -> np.ndarray:
    """Returns the indices of as many events of each class."""
    order = np.random.default_rng(seed).permutation(len(labels))
    return np.concatenate([order[labels[order] == label][:count] for label in np.unique(labels)])


def accuracies(data: Dataset, train: np.ndarray, test: np.ndarray) -> dict[str, float]:
    """Returns the accuracy of logistic regression on features, a mean over draws of the labels."""
    mean, scale = train.mean(axis=0), train.std(axis=0)
    train, test = (np.divide(part - mean, np.maximum(scale, 1e-6)) for part in (train, test))
    train_labels, test_labels = np.asarray(data.train_labels), np.asarray(data.test_labels)
    found = {}
    for count in NUM_LABELS:
        scores = []
        for draw in range(NUM_DRAWS):
            known = chosen(train_labels, count, draw)
            regression = LogisticRegression(max_iter=2000)
            regression.fit(train[known], train_labels[known])
            scores.append(regression.score(test, test_labels))
        found[str(count)] = float(np.mean(scores))
    return found


def features(model: tfp.distributions.Distribution, events: tf.Tensor) -> dict[str, tf.Tensor]:
    """Returns the latents of events, and what the base says of their code and class."""
    base, z = models.parts(model).base, models.latents(model, events, seed=(0, 1))
    found = {"z": z}
    if hasattr(base, "label_posterior"):
        found["label units"] = base.label_posterior(z).mode()
    elif hasattr(base, "posterior"):
        found["code"] = base.posterior(z).mean()
    return found


def by_features(data: Dataset, spec: ModelSpec, problem: Problem, num_seeds: int) -> dict[str, Any]:
    """Returns the accuracies from latents and codes of models that saw no labels, seed by seed."""
    found: dict[str, Any] = {}
    for trainer in trained(spec, data, problem, num_seeds):
        make = functools.partial(features, trainer.distribution)
        train, test = (in_parts(make, part) for part in (data.train, data.test))
        for kind in train:
            found.setdefault(kind, []).append(accuracies(data, train[kind], test[kind]))
    return found


def by_label_units(
    data: Dataset, spec: ModelSpec, problem: Problem, num_seeds: int
) -> dict[str, Any]:
    """Returns the accuracies of p(y | x) of models that saw few labels, seed by seed."""
    found: list[dict[str, float]] = [{} for _ in range(num_seeds)]
    for count in NUM_LABELS:
        labels, all_labels = np.full(len(data.train), -1), np.asarray(data.train_labels)
        known = chosen(all_labels, count, 0)
        labels[known] = all_labels[known]
        for seed, trainer in enumerate(trained(spec, data, problem, num_seeds, labels)):
            made = in_parts(functools.partial(features, trainer.distribution), data.test)
            found[seed][str(count)] = float(np.mean(made["label units"] == data.test_labels))
    return {"label units": found}


def table(results: dict[str, dict[str, list[dict[str, float]]]]) -> str:
    """Returns a row for each way to tell classes: means over seeds, with their errors."""
    counts = " | ".join(f"{count} of each class" for count in NUM_LABELS)
    lines = [f"| data | base | from | {counts} |", "|---" * (3 + len(NUM_LABELS)) + "|"]
    for key, kinds in results.items():
        name, base = key.split("-")
        for kind, seeds in kinds.items():
            cells = []
            for count in NUM_LABELS:
                values = [seed[str(count)] for seed in seeds]
                cells.append(f"{np.mean(values):.3f}")
                if len(values) > 1:
                    cells[-1] += f" ± {np.std(values, ddof=1) / np.sqrt(len(values)):.3f}"
            row = [name.replace("_", " "), base.replace("_", " "), kind, *cells]
            lines.append(f"| {' | '.join(row)} |")
    return "\n".join(lines) + "\n"


def main(options: argparse.Namespace) -> None:
    """Trains what is not there yet, and reports on all that is."""
    folder = pathlib.Path(options.output)
    folder.mkdir(parents=True, exist_ok=True)
    results = {}
    for name in PROBLEMS:
        for base in ("none", *BASES):
            key = f"{name}-{base.replace(' ', '_')}"
            path = folder / f"{key}.json"
            if not path.exists() and any(key.startswith(each) for each in options.only):
                data = load(name, options.data_dir)
                if base == "none":
                    parts = (numbers(data, part) for part in (data.train, data.test))
                    found = {"x": [accuracies(data, *parts)]}
                else:
                    as_problem, couplings = PROBLEMS[name]
                    problem = boltzmann_base.PROBLEMS[as_problem]
                    problem = dataclasses.replace(problem, epochs=options.epochs or problem.epochs)
                    spec = boltzmann_base.equal_spec(data, problem, BASES[base], couplings)
                    study = by_label_units if base == LABELED else by_features
                    found = study(data, spec, problem, options.seeds)
                path.write_text(json.dumps(found, indent=1) + "\n")
                print(f"{key}: accuracy on the test part {json.dumps(found)}", flush=True)
            if path.exists():
                results[key] = json.loads(path.read_text())
    report = {"command": "python examples/few_labels.py", "accuracies": results}
    (folder / "results.json").write_text(json.dumps(report, indent=1) + "\n")
    (folder / "results.md").write_text(table(results))
    print(table(results))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--output", default="few_labels")
    parser.add_argument("--only", nargs="+", default=[""], help="beginnings of what is trained")
    parser.add_argument("--data-dir", help="folder of TensorFlow Datasets")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--epochs", type=int, help="in place of each problem's own")
    main(parser.parse_args())
