"""Trains one row of the EB-and-Flow table: a flow with a Gaussian, a logistic or an RBM base.

    python examples/papers/eb_and_flow.py --dataset fashion_mnist --flow nice --base none \
        --epochs 30 --output runs/fashion_nice_none
    python examples/papers/eb_and_flow.py --dataset fashion_mnist --flow nice --base dense \
        --epochs 30 --output runs/fashion_nice_dense

Ctrl-C saves; the same command then goes on where it stopped. With `--pretraining-epochs` the flow
trains with a Gaussian base first, and the model of `--base` starts from it. Each stage is a run
folder of `tfp-ebm train`; `results.json` holds what `tfp-ebm evaluate` says of it: bits per
dimension of the test part, and the bracket that reverse annealing puts around log Z.
"""

import argparse
import json
import pathlib
import sys
from typing import Any

from tfp_ebm import runs

BASES = {
    "dense": "gaussian_rbm",
    "per_level": "per_level",
    "convolutional": "conv_rbm",
    "none": "normal",
    "logistic": "logistic",
}
MACHINES = ("dense", "per_level", "convolutional")
# Options that go to `tfp-ebm train`, under its names.
SHARED = (
    ("batch_size", int, 128),
    ("learning_rate", float, 1e-3),
    ("base_learning_rate", float, None),
    ("warmup_steps", int, 100),
    ("clip_norm", float, None),
    ("precision", str, "float32"),
    ("sampler", str, "replay"),
    ("gibbs_steps", int, 20),
    ("seed", int, 0),
    ("data_dir", str, None),
)


def settings(options: argparse.Namespace, base: str) -> list[str]:
    """Returns the options of flow and base, as `tfp-ebm train --set` takes them."""
    flows = {
        "nice": {"hidden_units": [options.width or 1000] * 5, "dropout_rate": options.dropout},
        "pixels": {"num_couplings": 0},
        "glow": {
            "num_scales": options.scales,
            "num_steps": options.steps,
            "num_filters": options.width or 512,
        },
    }
    chosen = {f"flow.{name}": value for name, value in flows[options.flow].items()}
    if base in MACHINES:
        chosen |= {"base.num_chains": options.chains}
        if options.num_hidden:
            chosen["base.num_hidden"] = options.num_hidden
        if options.sampler == "replay":
            chosen["base.sampler_options"] = {"size": options.buffer}
    return [f"{name}={json.dumps(value)}" for name, value in chosen.items()]


def stage(
    options: argparse.Namespace, base: str, epochs: int, folder: pathlib.Path, init: Any = None
) -> dict[str, Any]:
    """Trains a model into a run folder, or goes on with it, and returns its figures."""
    given = {name: getattr(options, name) for name, *_ in SHARED}
    if base not in MACHINES:
        given |= {"sampler": None, "gibbs_steps": None, "base_learning_rate": None}
    figures = runs.complete(
        folder,
        epochs,
        dataset=options.dataset,
        init=init,
        flow="nice" if options.flow == "pixels" else options.flow,
        base=BASES[base],
        set=settings(options, base),
        initialize=init is None or base in MACHINES,
        **given,
    )
    return {"epochs": epochs, **figures}


def trained(options: argparse.Namespace) -> tuple[pathlib.Path, dict[str, Any]]:
    """Returns the run folder of the trained model, and the figures of each stage."""
    folder = pathlib.Path(options.output)
    folder.mkdir(parents=True, exist_ok=True)
    stages, before = {}, None
    if options.pretraining_epochs:
        before = folder / "pretraining"
        stages["pretraining"] = stage(options, "none", options.pretraining_epochs, before)
    run = folder / "training"
    stages["training"] = stage(options, options.base, options.epochs, run, before)
    return run, stages


def main(options: argparse.Namespace) -> None:
    """Trains in one or two stages, and writes `results.json`."""
    _, stages = trained(options)
    command = " ".join(["python", *sys.argv])
    report = {"command": command, "options": vars(options), "stages": stages}
    path = pathlib.Path(options.output) / "results.json"
    path.write_text(json.dumps(report, indent=1) + "\n")
    print(f"test {json.dumps({name: part['test'] for name, part in stages.items()})}")


def parser() -> argparse.ArgumentParser:
    """Returns the parser of the command line."""
    result = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    result.add_argument("--dataset", default="digits", help="as for `tfp-ebm train`")
    result.add_argument("--flow", default="nice", choices=["nice", "glow", "pixels"])
    result.add_argument("--base", default="dense", choices=BASES)
    for name, kind, default, help in (
        ("width", int, None, "of the networks: 1000 for nice, 512 for glow"),
        ("dropout", float, 0.0, "in the networks of nice"),
        ("scales", int, 2, "of glow"),
        ("steps", int, 8, "at each scale of glow"),
        ("num-hidden", int, None, "bits of the RBM, by default 512"),
        ("epochs", int, 30, "passes over the data"),
        ("pretraining-epochs", int, 0, "with a Gaussian base"),
        ("chains", int, 64, "that move after each update"),
        ("buffer", int, 10_000, "size of the replay buffer"),
        ("output", str, "eb_and_flow", "folder"),
    ):
        result.add_argument(f"--{name}", type=kind, default=default, help=help)
    for name, kind, default in SHARED:
        help = "as for `tfp-ebm train`"
        result.add_argument(f"--{name.replace('_', '-')}", type=kind, default=default, help=help)
    return result


if __name__ == "__main__":
    main(parser().parse_args())
