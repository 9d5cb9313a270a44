"""Compares flows on bases and data sets: likelihoods, sizes, times, and a page with all of it.

    python examples/compare_flows.py --data two_moons checkerboard rings digits my.csv \
        --folder comparison

Every cell is a `ModelSpec`, trained by `LikelihoodModel` and judged by `runs.evaluate_model` on the
test part. The folder keeps a JSON file for each cell, so that the command can be interrupted and
repeated, and a page, `comparison.md`, with a picture of samples for each cell.
"""

import argparse
import json
import pathlib
import time

import numpy as np
import tf_keras

from tfp_ebm import datasets, flows, models, plots, training
from tfp_ebm.models import DataSpec, ModelSpec
from tfp_ebm.runs.evaluate import evaluate_model

BASES = ("normal", "spins", "rbm")
FLOWS = tuple(name for name in models.flow_names() if name not in ("integer_flow", "iaf"))
COLUMNS = (
    "flow",
    "base",
    "parameters",
    "training s",
    "test nats",
    "kind",
    "sampling ms",
    "samples",
)


def train_and_judge(spec: ModelSpec, data: datasets.Dataset, epochs: int, picture: pathlib.Path):
    """Returns the figures of a cell, and draws its samples."""
    tf_keras.utils.set_random_seed(0)
    model = models.build(spec)
    batch = data.train[:2_000]
    density = model.dequantize(batch, seed=(0, 3)) if hasattr(model, "dequantize") else batch
    flows.initialize_from_data(models.parts(model).flow, np.asarray(density))
    trainer = training.LikelihoodModel(model, seed=(0, 1))
    optimizer = tf_keras.optimizers.Adam(1e-3, global_clipnorm=5.0)
    trainer.compile(optimizer=optimizer)
    started = time.perf_counter()
    best = training.BestWeights(patience=20)
    trainer.fit(
        data.train,
        validation_data=data.validation[:2_000],
        batch_size=128,
        epochs=epochs,
        callbacks=[best],
        verbose=0,
    )
    seconds = time.perf_counter() - started
    record = evaluate_model(model, data.test[:2_000], seed=0)["likelihood"][0]
    sampler = training.BatchSampler(model)
    samples = sampler(100, seed=(0, 2))
    started = time.perf_counter()
    sampler(100, seed=(0, 4))
    milliseconds = 1e3 * (time.perf_counter() - started)
    draw(samples, data, picture)
    return {
        "parameters": int(sum(np.prod(v.shape) for v in model.trainable_variables)),
        "training s": round(seconds, 1),
        "test nats": f"{record['nats']:.2f} ± {record['nats_error']:.2f}",
        "kind": record["kind"],
        "sampling ms": round(milliseconds, 1),
    }


def draw(samples, data, path):
    """Draws samples as images, or the first two columns of others as points."""
    if data.image_shape is not None:
        plots.sample_grid(samples[:64], path, num_levels=data.num_levels)
    else:
        points = np.asarray(samples, float)[:, :2]
        plots.scatter_2d({"samples": points}, np.zeros(len(points), int), path)


def page(results: dict[str, dict]) -> str:
    """Returns the page: a table for each data set."""
    lines = ["# Flows on bases", ""]
    for name in sorted({result["data"] for result in results.values()}):
        lines += [f"## {name}", "", f"| {' | '.join(COLUMNS)} |", "|---" * len(COLUMNS) + "|"]
        for key, result in results.items():
            if result["data"] == name:
                cells = {**result, "samples": f"![samples]({key}.png)"}
                lines.append(f"| {' | '.join(str(cells.get(c, '-')) for c in COLUMNS)} |")
        lines.append("")
    return "\n".join(lines)


def main(
    data: list[str], folder: pathlib.Path, flow: list[str], base: list[str], epochs: int
) -> None:
    """Trains what is not there yet, and writes the page."""
    folder.mkdir(parents=True, exist_ok=True)
    results = {}
    for name in data:
        events = datasets.load(name)
        for kind in flow:
            for ground in base:
                key = f"{events.name}-{kind}-{ground}"
                path = folder / f"{key}.json"
                if not path.exists():
                    spec = ModelSpec(DataSpec.of(events), kind, ground)
                    result = {"data": events.name, "flow": kind, "base": ground}
                    try:
                        models.check(spec)
                    except ValueError as error:
                        result["refused"] = str(error)
                    else:
                        result |= train_and_judge(spec, events, epochs, folder / f"{key}.png")
                    path.write_text(json.dumps(result, indent=1) + "\n")
                results[key] = json.loads(path.read_text())
                print(key, results[key].get("test nats", "refused"), flush=True)
    shown = {key: result for key, result in results.items() if "refused" not in result}
    (folder / "comparison.md").write_text(page(shown))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--data", nargs="+", default=["two_moons", "checkerboard", "digits"])
    parser.add_argument(
        "--folder", type=pathlib.Path, default="comparison", help="where results and the page go"
    )
    parser.add_argument("--flow", nargs="+", default=FLOWS, choices=models.flow_names())
    parser.add_argument("--base", nargs="+", default=BASES, choices=models.base_names())
    parser.add_argument("--epochs", type=int, default=100)
    main(**vars(parser.parse_args()))
