"""The command that evaluates a run."""

import contextlib
import functools
import json
import math
import pathlib
from typing import Any

import numpy as np
import tensorflow as tf

from tfp_ebm import datasets, metrics, models
from tfp_ebm.distributions import IntegerEvents, StochasticBound
from tfp_ebm.internal import checks
from tfp_ebm.internal.exact_log_dets import exact_log_determinants
from tfp_ebm.internal.tfp_private import samplers
from tfp_ebm.internal.train_options import COUNT_OR_NONE, SEED, SEVERAL_OR_NONE, check_number
from tfp_ebm.internal.types import Distribution
from tfp_ebm.runs.batches import in_batches
from tfp_ebm.runs.conditions import (
    density_inside,
    events_given,
    given,
    given_of,
    inside,
    levels_of,
    parts_of,
)
from tfp_ebm.runs.configuration import load_data
from tfp_ebm.runs.machines import bracket_log_partition, estimate_log_partitions
from tfp_ebm.runs.run_folder import check_data, load_model, read_config, write_json
from tfp_ebm.training.sampling import BatchSampler
from tfp_ebm.wrappers.stochastic_bound import bound_log_prob

__all__ = ["evaluate", "evaluate_model", "find_network", "units_of_table"]

_NETWORKS = ("classifier", "efficientnet_lite0", "inception_v3")


def evaluate(
    run: pathlib.Path,
    seed: int = 0,
    data_dir: str | None = None,
    importance_draws: int = 0,
    num_samples: int = 0,
    network: str = "classifier",
    format: str = "json",
    exact_log_det: bool = False,
) -> None:
    """Prints the figures of a run's model on the test part, and keeps them in the run as JSON.

    >>> from tfp_ebm import runs
    >>> run = runs.example_run()
    >>> runs.evaluate(run)
    {
    ...

    Args:
      run: folder of the run; `evaluation-SEED.json` is written there.
      seed: seed of noise, annealing and samples; the same seed gives the same digits.
      data_dir: folder of TensorFlow Datasets.
      importance_draws: draws of the noise in the importance-sampled bound; 0: none.
      num_samples: samples to judge against as many test images; 0: none.
      network: what judges them, see `find_network`.
      format: `"json"`, or `"tsv"`: names and values separated by tabs.
      exact_log_det: whether log-determinants that the model estimates are computed exactly.

    Raises:
      ValueError: if the folder is not that of a run, or an option does not fit.
    """
    check_number("--seed", seed, SEED)
    check_number("--importance-draws", importance_draws, COUNT_OR_NONE)
    check_number("--num-samples", num_samples, SEVERAL_OR_NONE)
    config = read_config(run)
    data = load_data(config["dataset"], data_dir or config["data_dir"], config["data"])
    check_data(run, config, data)
    _, model = load_model(run)
    if num_samples and levels_of(model) is None:
        raise ValueError("`--num-samples` judges images, and this model has none; leave it out.")
    with exact_log_determinants() if exact_log_det else contextlib.nullcontext():
        result = evaluate_model(
            model, data.test, seed, importance_draws, given_of(model, data, "test")
        )
    result |= units_of_table(result, data)
    if num_samples:
        judge = metrics.SampleQuality(
            find_network(network, data, run), data.test[:num_samples], data.num_levels
        )
        samples = _samples(model, data, num_samples, (seed, 2))
        result["quality"] = [record.to_dict() for record in judge(samples)]
    write_json(run / f"evaluation-{seed}.json", result)
    print(json.dumps(result, indent=2) if format == "json" else "\n".join(_rows(result)))


def _samples(model, data, num_samples, seed):
    if isinstance(model, models.Conditional) and model.num_classes is None:
        return events_given(model, data, num_samples, seed).numpy()
    return BatchSampler(model)(num_samples, seed=seed)


def units_of_table(result: dict[str, Any], data: datasets.Dataset) -> dict[str, float]:
    """Returns the nats of a row in the units of its table, where columns were standardised."""
    scales = [column.scale for column in data.columns or () if column.kind == "continuous"]
    if not scales:
        return {}
    shift = math.fsum(map(math.log, scales))
    return {"nats_per_event_in_units_of_the_table": result["nats_per_event"] + shift}


def _rows(result, prefix=""):
    """Yields the lines of a table of everything inside nested records."""
    pairs = result.items() if isinstance(result, dict) else enumerate(result)
    for name, value in pairs:
        if isinstance(value, dict | list):
            yield from _rows(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}\t{value}"


def find_network(name: str, data: datasets.Dataset, folder: pathlib.Path) -> metrics.FeatureNetwork:
    """Returns a feature network by name.

    Args:
      name: `"inception_v3"`, `"efficientnet_lite0"`, the path of a stored classifier, or
        `"classifier"`: the one stored in the folder, trained on the data first if there is none.
      data: the data set.
      folder: where the classifier is stored.

    Raises:
      ValueError: if there is no such network.
    """
    if name == "inception_v3":
        return metrics.inception_v3()
    if name == "efficientnet_lite0":
        return metrics.efficientnet_lite0()
    if name.endswith(".npz"):
        return metrics.load_classifier(name)
    checks.choice("--network", name, _NETWORKS)
    path = folder / "classifier.npz"
    if path.is_file():
        return metrics.load_classifier(path)
    if data.train_labels is None:
        raise ValueError(
            f"`--network` classifier learns the labels of {data.name}, which has none; take "
            "efficientnet_lite0 or inception_v3."
        )
    validation = (data.validation, data.validation_labels)
    epochs = 5 if len(data.train) > 10_000 else 25
    return metrics.train_classifier(
        data.train, data.train_labels, path, data.num_levels, validation, epochs
    )


def evaluate_model(
    model: Distribution | models.Conditional,
    events: np.ndarray,
    seed: int = 0,
    importance_draws: int = 0,
    condition: np.ndarray | None = None,
) -> dict[str, Any]:
    """Returns the likelihood of a model on events in every unit, and the log Z it rests on.

    Of several machines log Z, its squared errors and the bracket are summed, and listed.
    The headline figures are those of the first record, the one-draw bound where there is one;
    `likelihood` holds the whole records. Where log-determinants are estimates, each figure is the
    mean of two draws, which tell the error of the estimate.

    >>> import numpy as np, tensorflow_probability as tfp
    >>> from tfp_ebm import runs
    >>> normal = tfp.distributions.MultivariateNormalDiag(np.zeros([2], np.float32))
    >>> record = runs.evaluate_model(normal, np.zeros([5, 2], np.float32))["likelihood"][0]
    >>> record["kind"], round(record["nats"], 3)
    ('exact', 1.838)

    Args:
      model: the model.
      events: `[N, *event_shape]`.
      seed: seed of the noise and of the annealing.
      importance_draws: draws of the noise in the importance-sampled bound; 0: no such bound.
      condition: the class `[N]` or the vector `[N, C]` that each event is given, for a conditional
        model, whose figures are those of an event given it; others ignore it.
    """
    noun = "image" if levels_of(model) else "event"
    result = {f"num_{noun}s": len(events), "seed": seed}
    if not isinstance(model, models.Conditional):
        condition = None
    elif condition is None:
        raise ValueError("`condition` is needed: the model is of events given a class or a vector.")
    else:
        result["condition"] = "labels" if model.num_classes else "vectors"
    log_partition_error = 0.0
    if log_partition := estimate_log_partitions(model, seed):
        result["log_partition"] = log_partition
        log_partition_error = log_partition["standard_error"]
    if bracket := bracket_log_partition(model, events, seed, condition):
        result["bracket"] = bracket
    records = _likelihoods(model, events, condition, seed, importance_draws, log_partition_error)
    likelihood = [record.to_dict() for record in records]
    result["bound"] = likelihood[0]["kind"]
    result[f"nats_per_{noun}"] = likelihood[0]["nats"]
    result[f"nats_per_{noun}_error"] = likelihood[0]["nats_error"]
    result["bits_per_dimension"] = likelihood[0]["bits_per_dimension"]
    result["bits_per_dimension_error"] = likelihood[0]["bits_per_dimension_error"]
    result["likelihood"] = likelihood
    return result


def _likelihoods(model, events, condition, seed, importance_draws, log_partition_error):
    """Returns the records: the density's or the one-draw bound, the tighter one, raw pixels."""
    is_bound = isinstance(inside(model), StochasticBound)
    dtype, levels = parts_of(model).density.dtype, levels_of(model)
    estimated = models.log_determinants(inside(model))
    own = "one-draw bound" if is_bound else estimated
    figures = [(own, int(is_bound), functools.partial(_log_prob_given, model))]
    if importance_draws:
        if not is_bound:
            raise ValueError(
                "`--importance-draws` tighten a bound by draws of noise, but this model has a "
                "density and no noise; leave them out."
            )
        if estimated != "exact":
            raise ValueError(
                "`--importance-draws` need exact log-determinants, since exponentials of estimates "
                "are too large on the average; add `--exact-log-det`."
            )

        def tighter(x, seed, condition=None):
            return given(model, condition).importance_log_prob(x, importance_draws, seed)

        figures.append(("importance-sampled bound", importance_draws, tighter))
    if levels is not None and is_bound:
        density = density_inside(model)

        def raw(x, seed, condition=None):
            return _log_prob_given(density, tf.cast(x, dtype), seed, condition)

        figures.append(("density at the raw pixels", 0, raw))
    records = []
    for kind, num_draws, log_prob in figures:
        values, error = _values(log_prob, events, seed, condition, estimated)
        record = metrics.likelihood_record(
            values,
            num_dimensions=math.prod(events.shape[1:]),
            num_levels=levels,
            kind=kind,
            num_draws=num_draws if estimated == "exact" else 2 * num_draws,
            log_partition_error=log_partition_error,
            dequantisation=_dequantisation(inside(model)) if num_draws else "none",
            preprocessing=_preprocessing(model),
            log_determinants=estimated,
            estimate_error=error,
        )
        records.append(record)
    return records


def _values(log_prob, events, seed, condition, estimated):
    """Returns log-probabilities `[N]`, and the standard error of their mean due to estimates."""
    if estimated == "exact":
        return in_batches(log_prob, events, seed, condition), 0.0

    def pair(x, seed, *condition):
        seeds = (seed, samplers.fold_in(seed, 1))
        return tf.stack([log_prob(x, one, *condition) for one in seeds], axis=1)

    pairs = in_batches(pair, events, seed, condition).astype(np.float64)
    # The variance of a mean of two is a quarter of that of their difference.
    return pairs.mean(axis=1), float(np.linalg.norm(pairs[:, 0] - pairs[:, 1])) / (2 * len(pairs))


def _log_prob_given(model, x, seed, condition=None):
    return bound_log_prob(given(model, condition), x, seed)


def _dequantisation(model):
    noise = models.parts(model).noise
    return f"{'uniform' if noise is None else 'variational'} on the unit cell"


def _preprocessing(model):
    """Returns what events pass before the flow, in words."""
    if isinstance(inside(model), IntegerEvents):
        return "none: whole numbers are mapped to whole numbers"
    for part in model.submodules:
        if type(part).__name__ == "ImageToLogit":
            low, high = part.alpha, 1 - part.alpha
            return (
                f"[0, {part.num_levels}] to [{low:g}, {high:g}], then logit; its log-determinant "
                "is counted"
            )
    return "that of the flow; its log-determinant is counted"
