"""Compares flows on bases and data sets: likelihoods, sizes, times, and a page with all of it.

    python examples/compare_flows.py --data two_moons checkerboard digits my.csv --folder comparison

Every cell is a `ModelSpec`, trained by `LikelihoodModel` for the same number of updates, and judged
on the test part. The folder keeps a JSON file and samples for each cell, so that the command can be
interrupted and repeated; at the end it holds `comparison.json`, a picture for each data set, and
the page `comparison.md`. `--page FILE` puts the tables into a page of yours, after its line
"## Tables", in place of what stood there; `--finished` writes all this of what is there so far.
"""

import argparse
import gc
import json
import pathlib
import time

import numpy as np
import tensorflow as tf
import tf_keras

from tfp_ebm import datasets, flows, metrics, models, training
from tfp_ebm.distributions import StochasticBound
from tfp_ebm.models import DataSpec, ModelSpec
from tfp_ebm.plots.figure import new_figure, save
from tfp_ebm.runs.batches import in_batches
from tfp_ebm.runs.machines import estimate_log_partitions
from tfp_ebm.wrappers.stochastic_bound import bound_log_prob

BASES = ("normal", "spins", "rbm")
FLOWS = tuple(name for name in models.flow_names() if name not in ("integer_flow", "iaf"))
# Where defaults are made for larger data than these.
SIZES = {
    "densenet": {"num_steps": 4},
    "flow_plus_plus": {"num_couplings": (2, 1, 2), "num_blocks": 1},
    "glow": {"num_steps": 4, "num_filters": 64},
    "image_real_nvp": {"num_steps": 2},
    "jet": {"num_couplings": 6},
    "nice": {"hidden_units": (128, 128)},
    "real_nvp": {"num_couplings": 6, "hidden_units": (128, 128)},
    "residual": {"num_steps": 4},
}
BATCH_SIZE, NUM_TRAIN, NUM_TEST, NUM_SAMPLES = 128, 10_000, 2_000, 250
COLUMNS = ("flow", "base", "parameters", "training s", "test nats", "kind", "ms for 250 samples")
TABLES = "## Tables\n"


def train_and_judge(spec: ModelSpec, data: datasets.Dataset, num_updates: int):
    """Returns the figures of a cell, its samples and the log-probabilities of the test events."""
    tf_keras.backend.clear_session()
    gc.collect()
    tf_keras.utils.set_random_seed(0)
    model = models.build(spec)
    train, test = data.train[:NUM_TRAIN], data.test[:NUM_TEST]
    batch = train[:2_000]
    density = model.dequantize(batch, seed=(0, 3)) if hasattr(model, "dequantize") else batch
    flows.initialize_from_data(models.parts(model).flow, np.asarray(density))
    schedule = tf_keras.optimizers.schedules.CosineDecay(3e-3, num_updates)
    trainer = training.LikelihoodModel(model, seed=(0, 1))
    trainer.compile(optimizer=tf_keras.optimizers.Adam(schedule, global_clipnorm=5.0))
    started = time.perf_counter()
    trainer.fit(
        train,
        validation_data=data.validation[:1_000],
        batch_size=BATCH_SIZE,
        epochs=-(-num_updates * BATCH_SIZE // len(train)),
        callbacks=[training.BestWeights()],
        verbose=0,
    )
    seconds = time.perf_counter() - started
    log_partition = (estimate_log_partitions(model, 0) or {"standard_error": 0.0})["standard_error"]
    log_prob = in_batches(lambda x, seed: bound_log_prob(model, x, seed), test, seed=0)
    determinants = models.log_determinants(model)
    record = metrics.likelihood_record(
        log_prob,
        num_dimensions=int(np.prod(test.shape[1:])),
        kind="one-draw bound" if isinstance(model, StochasticBound) else determinants,
        log_partition_error=log_partition,
        log_determinants=determinants,
    )
    sampler = training.BatchSampler(model, NUM_SAMPLES)
    samples = sampler(NUM_SAMPLES, seed=(0, 2))
    started = time.perf_counter()
    sampler(NUM_SAMPLES, seed=(0, 4))
    figures = {
        "parameters": models.num_parameters(model),
        "training_seconds": round(seconds, 1),
        "nats": round(record.nats, 4),
        "nats_error": round(record.nats_error, 4),
        "kind": record.kind,
        "log_determinants": determinants,
        "log_partition_error": log_partition,
        "sampling_milliseconds": round(1e3 * (time.perf_counter() - started), 1),
    }
    return figures, samples, log_prob


def run_cell(name, spec, data, num_updates, path):
    """Returns the record of a cell, from its file where it is finished."""
    if not path.exists():
        result = {"data": name, "flow": spec.flow[0], "base": spec.base[0]}
        try:
            models.check(spec)
            figures, samples, log_prob = train_and_judge(spec, data, num_updates)
        except (ValueError, tf.errors.OpError) as error:
            result["refused"] = str(error).partition("\n")[0]
        else:
            result |= figures
            np.savez_compressed(path.with_suffix(".npz"), samples=samples, log_prob=log_prob)
        path.write_text(json.dumps(result, indent=1) + "\n")
    return json.loads(path.read_text())


def add_gains(results, folder):
    """Adds to each cell how far it is ahead of the same flow on a Gaussian, paired by event."""
    for key, result in results.items():
        gaussian = f"{result['data']}-{result['flow']}-normal"
        if result["base"] != "normal" and "nats" in result and "nats" in results.get(gaussian, ()):
            ours, theirs = (np.load(folder / f"{name}.npz")["log_prob"] for name in (key, gaussian))
            gap = ours.astype(float) - theirs
            error = np.hypot(gap.std(ddof=1) / len(gap) ** 0.5, result["log_partition_error"])
            result["gain_over_normal"] = [round(float(gap.mean()), 4), round(float(error), 4)]


def draw(results, name, data, folder):
    """Draws samples of every cell of a data set: images, or the first two columns as points."""
    shown = {
        key: result
        for key, result in results.items()
        if result["data"] == name and "nats" in result
    }
    kinds, grounds = (
        list(dict.fromkeys(result[field] for result in shown.values()))
        for field in ("flow", "base")
    )
    figure = new_figure(1.2 * len(kinds), 1.3 * len(grounds))
    panels = figure.subplots(len(grounds), len(kinds), squeeze=False)
    low, high = np.quantile(data.test.reshape([len(data.test), -1])[:, :2], [0.001, 0.999], axis=0)
    for axes in panels.ravel():
        axes.set(xticks=[], yticks=[])
    for key, result in shown.items():
        samples = np.load(folder / f"{key}.npz")["samples"]
        row, column = grounds.index(result["base"]), kinds.index(result["flow"])
        axes = panels[row, column]
        if data.image_shape is not None:
            rows = samples[:16].reshape([4, 4, *data.image_shape]).transpose([0, 2, 1, 3, 4])
            sides = (4 * data.image_shape[0], 4 * data.image_shape[1], -1)
            axes.imshow(rows.reshape(sides) / (data.num_levels - 1), cmap="gray", vmin=0, vmax=1)
        else:
            axes.scatter(*samples[:, :2].astype(float).T, s=1.0, linewidths=0)
            axes.set(xlim=(low[0], high[0]), ylim=(low[1], high[1]))
        if row == 0:
            axes.set_title(result["flow"], fontsize=7)
        if column == 0:
            axes.set_ylabel(result["base"], fontsize=7)
    save(figure, folder / f"{name}.png")


def tables(results: dict[str, dict], truths: dict[str, float]) -> str:
    """Returns a table for each data set, as Markdown."""
    lines = []
    for name in dict.fromkeys(result["data"] for result in results.values()):
        lines += [f"### {name}", ""]
        if name in truths:
            lines += [f"The density itself has {truths[name]:.3f} nats.", ""]
        lines += [f"| {' | '.join((*COLUMNS, 'ahead of normal'))} |", "|---" * 8 + "|"]
        for result in results.values():
            if result["data"] == name and "nats" in result:
                gain = result.get("gain_over_normal")
                cells = [
                    f"`{result['flow']}`",
                    f"`{result['base']}`",
                    f"{result['parameters']:,}",
                    f"{result['training_seconds']:.0f}",
                    f"{result['nats']:.3f} ± {result['nats_error']:.3f}",
                    result["kind"],
                    f"{result['sampling_milliseconds']:.0f}",
                    f"{gain[0]:+.3f} ± {gain[1]:.3f}" if gain else "",
                ]
                lines.append(f"| {' | '.join(cells)} |")
        lines.append("")
    return "\n".join(lines)


def publish(results, truths, updates, folder, page):
    """Writes the record of the cells, and their tables."""
    cells = [result for result in results.values() if "nats" in result]
    record = {"updates": updates, "densities": truths, "cells": cells}
    (folder / "comparison.json").write_text(json.dumps(record, indent=1) + "\n")
    text = tables(results, truths)
    (folder / "comparison.md").write_text(f"# Flows on bases\n\n{TABLES}\n{text}")
    if page is not None:
        kept = page.read_text().partition(TABLES)[0]
        page.write_text(f"{kept}{TABLES}\n{text}")


def main(
    data: list[str],
    folder: pathlib.Path,
    flow: list[str],
    base: list[str],
    updates: int,
    page: pathlib.Path | None,
    finished: bool,
) -> None:
    """Trains what is not there yet, unless `finished` says to leave it out; writes the page."""
    folder.mkdir(parents=True, exist_ok=True)
    results, truths, sets = {}, {}, {}
    for source in data:
        events = datasets.load(source)
        name = pathlib.Path(source).stem
        sets[name] = events
        for kind in flow:
            for ground in base:
                key = f"{name}-{kind}-{ground}"
                path = folder / f"{key}.json"
                if finished and not path.exists():
                    continue
                spec = ModelSpec(DataSpec.of(events), (kind, SIZES.get(kind, {})), ground)
                results[key] = run_cell(name, spec, events, updates, path)
                print(key, results[key].get("nats", "refused"), flush=True)
        if source in datasets.density_names():
            log_prob = datasets.density_2d(source).log_prob
            if log_prob is not None:
                truths[source] = -float(np.mean(log_prob(events.test[:NUM_TEST])))
    add_gains(results, folder)
    for name, events in sets.items():
        draw(results, name, events, folder)
    publish(results, truths, updates, folder, page)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--data", nargs="+", default=["two_moons", "checkerboard", "digits"])
    parser.add_argument(
        "--folder", type=pathlib.Path, default="comparison", help="where results and the page go"
    )
    parser.add_argument("--flow", nargs="+", default=FLOWS, choices=models.flow_names())
    parser.add_argument("--base", nargs="+", default=BASES, choices=models.base_names())
    parser.add_argument("--updates", type=int, default=600)
    parser.add_argument("--page", type=pathlib.Path, help="a page whose tables are to be replaced")
    parser.add_argument(
        "--finished", action="store_true", help="show the cells that are there, and train none"
    )
    main(**vars(parser.parse_args()))
