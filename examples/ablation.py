"""Trains every base on the same flow, and writes the tables and figures of the RBM-Flow paper.

    python examples/ablation.py --config digits --output ablation_digits --docs docs

One run for each base and seed, and for each delta. Complete runs are kept, and one that was
interrupted goes on from its last epoch, so the command can just be repeated. Run folders are those
of `tfp-ebm evaluate` and `sample`. Configurations lie in the folder `ablation`:

| config | data | model | budget |
|---|---|---|---|
| smoke | digits | 4 filters | seconds a run; nothing to conclude from |
| digits | digits | 643,000 parameters, 40 epochs | minutes a run |
| fashion_mnist | Fashion-MNIST | 717,000 parameters, 6 epochs | an hour a run on one core |
| cifar10 | CIFAR-10 | 6.1 million parameters, 6 epochs | minutes a run on a GPU |
"""

import argparse
import json
import pathlib
import shutil

import numpy as np

import tfp_ebm
from tfp_ebm import datasets, metrics, models, plots, runs, training
from tfp_ebm.runs.evaluate import find_network

CONFIGS = pathlib.Path(__file__).with_suffix("")
# Bits per dimension, Inception score and Frechet distance of CIFAR-10, table 1 of the paper.
PAPER = {
    "rbm_flow": (3.18, 4.4, 105),
    "d_flow": (3.19, 3.2, 114),
    "multicov_flow": (3.17, 3.8, 109),
    "gaussian_flow": (3.17, 3.8, 109),
}
QUALITY = ("kernel_distance", "frechet_distance", "inception_score")


def list_runs(config: dict) -> dict[str, dict]:
    """Returns what defines each run, by the name of its folder."""
    runs = {}
    for base, own in config["bases"].items():
        for seed in config["seeds"]:
            options = {**config["model_options"], **own}
            runs[f"{base}-seed{seed}"] = {"model": base, "seed": seed, "model_options": options}
    study = config.get("delta_study", {"bases": []})
    for base in study["bases"]:
        for delta in study["deltas"]:
            own = {"learn_delta": True} if delta == "learned" else {"delta": delta}
            for seed in study["seeds"]:
                options = {**config["model_options"], **config["bases"][base], **own}
                run = {"model": base, "seed": seed, "delta": delta, "model_options": options}
                run["training"] = study.get("training", {})
                runs[f"{base}-delta{delta}-seed{seed}"] = run
    for run in runs.values():
        run["training"] = {**config["training"], **run.get("training", {})}
    return runs


def check_counts(config: dict, data: datasets.Dataset) -> None:
    """Raises unless the bases have nearly the same number of parameters, as in table 2."""
    all_runs = list_runs(config)
    counts = {}
    for base in config["bases"]:
        options = all_runs[f"{base}-seed{config['seeds'][0]}"]["model_options"]
        spec = models.named_spec(base, models.DataSpec.of(data), **options)
        counts[base] = models.num_parameters(models.build(spec))
    print("parameters", counts, flush=True)
    if max(counts.values()) > 1.02 * min(counts.values()):
        raise ValueError(
            f"The bases must have numbers of parameters within 2 percent, got {counts}."
        )


def complete(name: str, run: dict, config: dict, output: pathlib.Path, options: dict) -> dict:
    """Returns the result of a run, training it as far as its folder does not hold it."""
    folder, quality = output / name, config["quality"]
    if (result_file := folder / "result.json").is_file():
        return json.loads(result_file.read_text())
    print(f"\n{name}", flush=True)
    network = quality["network"]
    if network == "classifier":
        network = str((output / "classifier.npz").resolve())
    curves = {
        "quality_samples": quality["curve_samples"],
        "quality_every": quality["every"],
        "quality_network": network,
    }
    evaluation = {
        "seed": run["seed"],
        "importance_draws": config["importance_draws"],
        "num_samples": quality["num_samples"],
        "network": network,
    }
    figures = runs.complete(
        folder,
        evaluation=evaluation,
        model=run["model"],
        dataset=config["dataset"],
        set=[f"{name}={json.dumps(value)}" for name, value in run["model_options"].items()],
        seed=run["seed"],
        keep=1,
        **(options if "delta" in run else options | curves),
        **run["training"],
    )
    result = {"run": run, **figures}
    result_file.write_text(json.dumps(result, indent=1) + "\n")
    test = figures["test"]
    bits, error = test["bits_per_dimension"], test["bits_per_dimension_error"]
    print(f"{name}: test {bits:.4f} +- {error:.4f} bits/dim", flush=True)
    return result


def figures_of(result: dict) -> dict[str, tuple[float, float]]:
    """Returns value and error of every figure of a run."""
    figures = {
        {
            "one-draw bound": "bits_per_dimension",
            "importance-sampled bound": "importance_bits_per_dimension",
            "density at the raw pixels": "raw_bits_per_dimension",
        }[record["kind"]]: (record["bits_per_dimension"], record["bits_per_dimension_error"])
        for record in result["test"]["likelihood"]
    }
    for record in result["test"]["quality"]:
        figures[record["metric"]] = (record["value"], record["error"])
    return figures


def summarise(results: list[dict]) -> dict[str, dict]:
    """Returns mean, error and seeds' values of every figure; one seed keeps its own error."""
    figures = [figures_of(result) for result in results]
    summary = {"num_parameters": results[0]["num_parameters"]}
    for name in figures[0]:
        summary[name] = mean_and_error([part[name] for part in figures])
    for name in ("training_seconds", "best_epoch"):
        summary[name] = [result[name] for result in results]
    return summary


def against_gaussian(results: list[dict]) -> dict[str, dict]:
    """Returns what each base has over the Gaussian one, seed by seed, with the error over seeds.

    With one seed the error is that of both figures taken as independent: too wide, since they are
    of the same images.
    """
    gaussian = {r["run"]["seed"]: r for r in results if r["run"]["model"] == "gaussian_flow"}
    differences: dict[str, dict] = {}
    for result in results:
        base, other = result["run"]["model"], gaussian.get(result["run"]["seed"])
        if other is None or base == "gaussian_flow":
            continue
        rows = differences.setdefault(base, {"bits_per_dimension": []})
        one, two = (part["test"]["likelihood"][0] for part in (result, other))
        name = "bits_per_dimension"
        error = np.hypot(one[f"{name}_error"], two[f"{name}_error"])
        rows[name].append((one[name] - two[name], float(error)))
        for pair in zip(result["test"]["quality"], other["test"]["quality"], strict=True):
            one, two = (metrics.Record(**record) for record in pair)
            rows.setdefault(one.metric, []).append(metrics.difference(one, two))
    return {
        base: {name: mean_and_error(pairs) for name, pairs in rows.items()}
        for base, rows in differences.items()
    }


def network_of(results: list[dict]) -> str:
    """Returns the SHA-256 of the weights of the network that judged the samples of all runs.

    Raises:
      ValueError: if several did: their distances cannot be compared.
    """
    judged: dict[str, str] = {}
    for result in results:
        for record in result["test"]["quality"]:
            run = f"{result['run']['model']}, seed {result['run']['seed']}"
            judged.setdefault(record["network_sha256"], run)
    if len(judged) != 1:
        raise ValueError(
            "The samples of all runs must be judged by one network, or their distances cannot be "
            f"compared; got these networks, each with the first run that it judged: {judged}. "
            "Remove result.json and evaluation-*.json of the runs that are to be judged again."
        )
    return next(iter(judged))


def tabulate(settings: dict, results: list[dict]) -> dict[str, dict]:
    """Returns the figures of every base and delta, from the results of the runs."""
    plain = [result for result in results if "delta" not in result["run"]]
    content = {"bases": {}, "against_gaussian": against_gaussian(plain), "delta_study": {}}
    for base in settings["bases"]:
        own = [result for result in results if result["run"]["model"] == base]
        content["bases"][base] = summarise([r for r in own if "delta" not in r["run"]])
        for delta in settings.get("delta_study", {"deltas": []})["deltas"]:
            if some := [r for r in own if r["run"].get("delta") == delta]:
                content["delta_study"].setdefault(base, {})[str(delta)] = summarise(some)
    return content


def mean_and_error(figures: list[tuple[float, float]]) -> dict:
    """Returns the mean over seeds and its error; one seed keeps its own error."""
    values = [value for value, _ in figures]
    several = len(values) > 1
    error = np.std(values, ddof=1) / np.sqrt(len(values)) if several else figures[0][1]
    return {"mean": float(np.mean(values)), "error": float(error), "values": values}


def cell(summary: dict, name: str) -> str:
    """Returns a cell of a table."""
    if name not in summary:
        return "-"
    mean, error = summary[name]["mean"], summary[name]["error"]
    return f"{mean:.3f} ± {error:.3f}"


def tables(report: dict) -> str:
    """Returns the tables as Markdown."""
    lines = [
        "| model | parameters | seeds | bits/dim | importance-sampled | raw pixels | "
        "kernel distance | Frechet distance | Inception score | "
        "the paper on CIFAR-10: bits/dim, IS, FID |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    names = ("bits_per_dimension", "importance_bits_per_dimension", "raw_bits_per_dimension")
    for base, summary in report["bases"].items():
        cells = [cell(summary, name) for name in (*names, *QUALITY)]
        paper = ", ".join(map(str, PAPER[base]))
        counts = f"{summary['num_parameters']:,} | {len(summary['best_epoch'])}"
        lines.append(f"| `{base}` | {counts} | {' | '.join(cells)} | {paper} |")
    if report["against_gaussian"]:
        head = ["bits_per_dimension", *QUALITY]
        names_of_columns = " | ".join(name.replace("_", " ") for name in head)
        lines += ["", f"| minus `gaussian_flow` | {names_of_columns} |", "|---|---|---|---|---|"]
        for base, rows in report["against_gaussian"].items():
            lines.append(f"| `{base}` | {' | '.join(cell(rows, name) for name in head)} |")
    if report["delta_study"]:
        lines += ["", "| model | delta | bits/dim | kernel distance |", "|---|---|---|---|"]
        for base, rows in report["delta_study"].items():
            for delta, summary in rows.items():
                cells = [cell(summary, name) for name in ("bits_per_dimension", "kernel_distance")]
                lines.append(f"| `{base}` | {delta} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def draw(config: dict, output: pathlib.Path, num_levels: int) -> dict[str, pathlib.Path]:
    """Draws figures 1 and 2 of the paper from the first seeds; figure 3 is drawn by the runs."""
    seed = config["seeds"][0]
    panels: dict[str, dict] = {}
    grids, paths = {}, {}
    for base in config["bases"]:
        folder = output / f"{base}-seed{seed}"
        rows = np.genfromtxt(folder / "quality.csv", delimiter=",", names=True, ndmin=1)
        columns = rows.dtype.names or ()
        for name in ("bits_per_dimension", *QUALITY):
            if name in columns:
                errors = rows[f"{name}_error"] if f"{name}_error" in columns else None
                label = name.replace("_", " ")
                panels.setdefault(label, {})[base] = (rows["epoch"], rows[name], errors)
        grids[base] = training.BatchSampler(tfp_ebm.load(folder))(60, seed=(seed, 2))
        if (folder / "columns.png").is_file():
            paths[f"{base}_columns"] = folder / "columns.png"
    paths["curves"] = plots.curve_panels(panels, output / "curves.png")
    paths["samples"] = plots.sample_grids(grids, output / "samples.png", num_levels)
    return paths


def publish(name: str, report: dict, pictures: dict, docs: pathlib.Path) -> None:
    """Puts the record, the pictures and a section of a page into the documentation."""
    for folder in (docs / "results", docs / "images", docs / "papers"):
        folder.mkdir(parents=True, exist_ok=True)
    record = f"results/ablation_{name}.json"
    (docs / record).write_text(json.dumps(report, indent=1) + "\n")
    start, stop = f"<!-- ablation {name} -->", f"<!-- end of ablation {name} -->"
    section = f"{start}\n## Ablation: {name}\n\n```sh\n{report['command']}\n```\n"
    section += f"\n{report['statement']}\n"
    section += f"\n{tables(report)}\nEvery figure: [{record}](../{record}).\n"
    for title, picture in sorted(pictures.items()):
        copy = f"images/ablation_{name}_{title}.png"
        shutil.copy(picture, docs / copy)
        section += f"\n![{name}: {title}](../{copy})\n"
    section += stop
    page = docs / "papers" / "rbm_flow_log.md"
    text = page.read_text() if page.is_file() else "# Results\n"
    if start in text:
        before, rest = text.split(start, 1)
        text = before + section + rest.split(stop, 1)[1]
    else:
        text = f"{text.rstrip()}\n\n{section}\n"
    page.write_text(text)


def main(config: str, output: str, docs: str | None, data_dir: str | None, only: str) -> None:
    """Completes the runs whose name begins with `only`, and reports once all are there."""
    path = pathlib.Path(config) if config.endswith(".json") else CONFIGS / f"{config}.json"
    settings = json.loads(path.read_text())
    folder = pathlib.Path(output)
    folder.mkdir(parents=True, exist_ok=True)
    data = datasets.load(settings["dataset"], data_dir).as_images()
    check_counts(settings, data)
    # Trains the classifier, if that is the network.
    find_network(settings["quality"]["network"], data, folder)
    all_runs = list_runs(settings)
    for name, run in all_runs.items():
        if name.startswith(only):
            complete(name, run, settings, folder, {"data_dir": data_dir})
    missing = [name for name in all_runs if not (folder / name / "result.json").is_file()]
    if missing:
        print(f"not yet trained: {', '.join(missing)}")
        return
    results = [json.loads((folder / name / "result.json").read_text()) for name in all_runs]
    command = f"python examples/ablation.py --config {config}"
    report = {"command": command, "statement": settings["statement"], "config": settings}
    report["network_sha256"] = network_of(results)
    report |= tabulate(settings, results)
    (folder / "results.json").write_text(json.dumps(report, indent=1) + "\n")
    (folder / "results.md").write_text(tables(report))
    pictures = draw(settings, folder, data.num_levels)
    if docs is not None:
        publish(path.stem, report, pictures, pathlib.Path(docs))
    print(tables(report))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--config", default="digits", help="name beside this file, or a JSON file")
    parser.add_argument("--output", default="ablation", help="folder of the runs")
    parser.add_argument("--docs", help="documentation that the results go into")
    parser.add_argument("--data-dir", help="folder of TensorFlow Datasets")
    parser.add_argument("--only", default="", help="train only runs whose names begin so")
    main(**vars(parser.parse_args()))
