"""Asks what a Boltzmann machine under a flow buys, and where, at equal numbers of parameters.

    python examples/boltzmann_base.py --table diamonds.csv --output boltzmann_base

Trains small affine flows (`real_nvp`) of several sizes on several bases and on data that have
kinds: points in separate parts, tables whose columns depend on each other, images of two kinds.
Where a base has parameters of its own, the networks of its flow are narrower by as many. The folder
keeps a JSON file for each model, so that the command can be interrupted and repeated.
"""

import argparse
import dataclasses
import functools
import json
import pathlib
import time
from collections.abc import Iterator
from typing import Any

import data_with_kinds
import numpy as np
import tensorflow as tf
import tf_keras
from matplotlib.figure import Figure

from tfp_ebm import datasets, models, training
from tfp_ebm.datasets import Dataset
from tfp_ebm.distributions import GaussianBernoulliRBM, LabeledRBM
from tfp_ebm.models import DataSpec, ModelSpec
from tfp_ebm.runs.initial_weights import initialize

# A base's name and its options.
Base = tuple[str, dict[str, Any]]
# What each base is called in tables.
BASES: dict[str, Base] = {
    "Gaussian": ("normal", {}),
    "MultiCov": ("multicov", {"delta": 2.5, "learn_delta": True}),
    "spins": ("spins", {"delta": 2.5, "learn_delta": True}),
    "RBM": ("rbm", {"delta": 2.5, "learn_delta": True}),
    "Gaussian RBM": ("gaussian_rbm", {"num_hidden": 16, "weight_scale": 0.3}),
}


@dataclasses.dataclass(frozen=True)
class Problem:
    """How the models of a data set are trained.

    Attributes:
      widths: by the number of couplings, how wide the Gaussian's networks are.
      epochs: epochs, of which the best by validation counts.
      batch_size: events in a batch.
      rate: largest learning rate.
      split: what a coupling conditions on, see `flows.real_nvp`.
    """

    widths: dict[int, int]
    epochs: int
    batch_size: int
    rate: float = 3e-3
    split: str = "halves"


PROBLEMS = {
    "eight_gaussians": Problem({4: 24}, 15, 200),
    "clustered_table": Problem({2: 32, 6: 32}, 12, 100),
    "two_kinds_of_digits": Problem({4: 24}, 50, 50, split="checkerboard"),
    "garments": Problem({4: 48}, 10, 100, split="checkerboard"),
    "table": Problem({4: 48}, 5, 256),
}


def load(name: str, options: argparse.Namespace) -> Dataset:
    """Returns the data of a problem."""
    if name == "table":
        return datasets.load(options.table)
    if name == "garments":
        return data_with_kinds.garments(options.data_dir)
    return getattr(data_with_kinds, name, lambda: datasets.load(name))()


def spec_of(data: Dataset, problem: Problem, base: Base, couplings: int, width: int) -> ModelSpec:
    """Returns the description of a model."""
    flow = {"num_couplings": couplings, "hidden_units": [width, width], "split": problem.split}
    described = DataSpec.of(data, with_labels=base[0] == "labeled_rbm")
    return ModelSpec(described, ("real_nvp", flow), base)


def equal_spec(data: Dataset, problem: Problem, base: Base, couplings: int) -> ModelSpec:
    """Returns a model as large as that of the Gaussian, or smaller by less than a unit of width."""
    width = problem.widths[couplings]
    make = functools.partial(spec_of, data, problem, couplings=couplings)
    gaussian = BASES["Gaussian"]

    def size(base: Base, width: int) -> int:
        return models.num_parameters(models.build(make(base=base, width=width)))

    target = size(gaussian, width)
    added = size(base, 1) - size(gaussian, 1)
    while width > 1 and size(gaussian, width) + added > target:
        width -= 1
    return make(base=base, width=width)


def trained(
    spec: ModelSpec,
    data: Dataset,
    problem: Problem,
    num_seeds: int,
    labels: np.ndarray | None = None,
) -> Iterator[training.LikelihoodModel]:
    """Trains a model once for each seed, with labels if given; yields its trainer each time.

    One traced model is given the first weights of each seed: tracing takes longer than training.
    """
    model = models.build(spec)
    given: dict[str, Any] = {}
    if labels is None:
        trainer = training.LikelihoodModel(model, seed=(0, 1))
    else:
        trainer = training.SemiSupervisedModel(model, label_weight=20.0, seed=(0, 1))
        given["labels"] = labels
    num_updates = problem.epochs * datasets.num_batches(len(data.train), problem.batch_size)
    rate = training.learning_rate_schedule("cosine", problem.rate, num_updates)
    trainer.compile(optimizer=tf_keras.optimizers.Adam(rate, global_clipnorm=50.0))
    for seed in range(num_seeds):
        tf_keras.utils.set_random_seed(seed)
        first = models.build(spec)
        if isinstance(models.parts(first).base, GaussianBernoulliRBM | LabeledRBM):
            initialize(first, data.train, seed)
        tf.nest.map_structure(lambda old, new: old.assign(new), model.variables, first.variables)
        for variable in trainer.optimizer.variables:
            variable.assign(tf.zeros_like(variable))
        trainer.fit(
            data.train,
            **given,
            validation_data=data.validation,
            batch_size=problem.batch_size,
            epochs=problem.epochs,
            callbacks=[training.BestWeights()],
            verbose=0,
        )
        for part in trainer.energy_based:
            part.estimate_log_partition(seed=(seed, 2))
        yield trainer


def run(data: Dataset, spec: ModelSpec, problem: Problem, num_seeds: int) -> dict[str, Any]:
    """Trains a model once for each seed; returns its size, test nats and processor seconds."""
    nats, seconds = [], [time.process_time()]
    for trainer in trained(spec, data, problem, num_seeds):
        figures = trainer.evaluate(data.test, batch_size=500, verbose=0, return_dict=True)
        nats.append(figures["loss"])
        seconds.append(time.process_time())
    size = models.num_parameters(models.build(spec))
    taken = np.diff(seconds).round(1).tolist()
    return {"parameters": size, "nats": nats, "seconds": taken, "spec": spec.to_dict()}


def over_gaussian(results: dict[str, dict]) -> dict[str, dict[str, tuple[float, float]]]:
    """Returns by how many nats each base is ahead of the Gaussian, seed by seed, with its error."""
    gains: dict[str, dict[str, tuple[float, float]]] = {}
    for key, result in results.items():
        problem, base = key.rsplit("-", 1)
        gaussian = results.get(f"{problem}-Gaussian")
        if gaussian is not None:
            gain = np.subtract(gaussian["nats"], result["nats"])
            error = np.std(gain, ddof=1) / np.sqrt(len(gain)) if len(gain) > 1 else np.nan
            gains.setdefault(problem, {})[base] = (float(np.mean(gain)), float(error))
    return gains


def table(results: dict[str, dict], gains: dict[str, dict[str, tuple[float, float]]]) -> str:
    """Returns a row for each model: its size, its nats, and by how much it is ahead."""
    lines = ["| data, couplings | base | parameters | test nats | ahead of the Gaussian |"]
    lines.append("|---" * 5 + "|")
    for problem, rows in gains.items():
        for base, (gain, error) in rows.items():
            result = results[f"{problem}-{base}"]
            nats = f"{np.mean(result['nats']):.3f}"
            ahead = "" if base == "Gaussian" else f"{gain:+.3f} ± {error:.3f}"
            names = f"{problem.replace('-', ', ').replace('_', ' ')} | {base.replace('_', ' ')}"
            lines.append(f"| {names} | {result['parameters']:,} | {nats} | {ahead} |")
    return "\n".join(lines) + "\n"


def draw(gains: dict[str, dict[str, tuple[float, float]]], path: pathlib.Path) -> None:
    """Draws how far each base is ahead of the Gaussian, a panel for each problem."""
    figure = Figure(figsize=(2.6 * len(gains), 3.6), layout="constrained")
    panels = figure.subplots(1, len(gains), squeeze=False)[0]
    for axes, (problem, rows) in zip(panels, gains.items(), strict=True):
        names = [base for base in rows if base != "Gaussian"]
        labels = [name.replace("_", " ") for name in names]
        means, errors = ([rows[name][column] for name in names] for column in (0, 1))
        axes.bar(labels, means, yerr=errors)
        axes.axhline(0, color="black", linewidth=0.8)
        axes.tick_params(axis="x", labelrotation=60)
        axes.set_title(problem.replace("_", " ").replace("-", ", "), fontsize=8)
    panels[0].set_ylabel("nats ahead of the Gaussian")
    figure.savefig(path, dpi=110)


def publish(results: dict[str, dict], folder: pathlib.Path) -> None:
    """Writes the record of the models, their table and the picture."""
    gains = over_gaussian(results)
    report = {"command": "python examples/boltzmann_base.py", "models": results, "gains": gains}
    (folder / "results.json").write_text(json.dumps(report, indent=1) + "\n")
    (folder / "results.md").write_text(table(results, gains))
    draw(gains, folder / "gains.png")
    print(table(results, gains))


def main(options: argparse.Namespace) -> None:
    """Trains what is not there yet, and reports on all that is."""
    folder = pathlib.Path(options.output)
    folder.mkdir(parents=True, exist_ok=True)
    cells = {
        f"{name}-{couplings}-{base.replace(' ', '_')}": (name, couplings, base)
        for name, problem in PROBLEMS.items()
        for couplings in problem.widths
        for base in BASES
    }
    for beginning in options.only:
        for key, (name, couplings, base) in cells.items():
            path = folder / f"{key}.json"
            if not key.startswith(beginning) or path.exists():
                continue
            problem = PROBLEMS[name]
            problem = dataclasses.replace(problem, epochs=options.epochs or problem.epochs)
            data = load(name, options)
            spec = equal_spec(data, problem, BASES[base], couplings)
            result = run(data, spec, problem, options.seeds)
            path.write_text(json.dumps(result, indent=1) + "\n")
            print(f"{key}: test nats {result['nats']}", flush=True)
    kept = {key: folder / f"{key}.json" for key in cells if (folder / f"{key}.json").exists()}
    results = {key: json.loads(path.read_text()) for key, path in kept.items()}
    publish(results, folder)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--output", default="boltzmann_base")
    parser.add_argument("--only", nargs="+", default=[""], help="beginnings of what is trained")
    parser.add_argument("--table", help="a table, such as diamonds.csv")
    parser.add_argument("--data-dir", help="folder of TensorFlow Datasets")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--epochs", type=int, help="in place of each problem's own")
    main(parser.parse_args())
