"""Trains every registered flow and base once, for the gallery of the site.

    python -m website.measure_gallery --folder build/gallery

Each is one command of `tfp-ebm`, which the gallery shows. Points over the plane where the part
takes them, the 8x8 digits where it is for images. Runs that are there are kept, so the command can
be interrupted and repeated; a new flow or base needs no line here.
"""

import argparse
import json
import pathlib
import shlex
import shutil
import time

from PIL import Image

import tfp_ebm
from benchmarks import harness
from tfp_ebm import cli, models
from tfp_ebm.models import DataSpec, ModelSpec

__all__ = ["commands", "measure"]

ROOT = pathlib.Path(__file__).parents[1]
RECORD = ROOT / "docs" / "results" / "gallery.json"
PICTURES = ROOT / "docs" / "images" / "gallery"
_SECONDS = "processor_seconds.json"
_WIDTH = 480  # of a picture, in pixels
_OF_SCALES = ("gaussian_rbm", "per_level", "conv_rbm")  # bases whose place is under image flows
_TRAINING = {"two_moons": "--epochs 2", "digits": "--epochs 3"}
_SMALL = {  # options that keep a run to minutes
    "densenet": "--set flow.num_steps=2",
    "residual": "--set flow.num_steps=2",
    "flow_plus_plus": "--num-filters 8 --num-components 4 --num-blocks 1",
    "glow": "--num-filters 32",
    "image_real_nvp": "--num-filters 16",
    "jet": "--num-filters 64",
    "integer_flow": "--set flow.num_filters=16 --set flow.hidden_units=64",
}


def commands() -> dict[tuple[str, str], str]:
    """Returns the command of every flow and base that the command line trains."""
    found = {}
    for flow in models.flow_names():
        base = "discretized_logistic" if flow == "integer_flow" else "normal"
        if command := _command(flow, base, "two_moons") or _command(flow, base, "digits"):
            found["flow", flow] = command
    for base in models.base_names():
        pairs = [("spline", "two_moons"), ("glow", "digits"), ("integer_flow", "digits")]
        for flow, data in pairs[1:] if base in _OF_SCALES else pairs:
            if command := _command(flow, base, data):
                found["base", base] = command
                break
    return found


def _command(flow, base, data):
    """Returns the command that trains a pair, None if the pair or the data do not fit."""
    try:
        models.build(ModelSpec(DataSpec.of(tfp_ebm.datasets.load(data)), flow, base))
    except ValueError:
        return None
    small = f" {_SMALL[flow]}" if flow in _SMALL else ""
    return f"train --flow {flow} --base {base} --dataset {data} {_TRAINING[data]}{small}"


def measure(folder: pathlib.Path) -> None:
    """Trains what is not there yet, points first, and writes the record and the pictures."""
    PICTURES.mkdir(parents=True, exist_ok=True)
    folder.mkdir(parents=True, exist_ok=True)
    wanted = commands()
    # What was measured before stays until its run is there again.
    record = json.loads(RECORD.read_text())["parts"] if RECORD.is_file() else []
    entries = {(entry["kind"], entry["name"]): entry for entry in record}
    for part, command in sorted(wanted.items(), key=lambda item: "digits" in item[1]):
        run = folder / "-".join(command.split()[2:5:2])
        if not (run / _SECONDS).is_file():
            print(f"\n{command}", flush=True)
            shutil.rmtree(run, ignore_errors=True)  # What an interruption left.
            start = time.process_time()
            if cli.main([*shlex.split(command), "--output", str(run)]):
                continue
            (run / _SECONDS).write_text(json.dumps(time.process_time() - start))
        entries[part] = _entry(*part, command, run)
        parts = [entries[name] for name in wanted if name in entries]
        RECORD.write_text(json.dumps({"command": _COMMAND, "parts": parts}, indent=1) + "\n")


_COMMAND = "python -m website.measure_gallery --folder build/gallery"


def _entry(kind, name, command, run):
    """Returns the record of a run, and keeps its picture."""
    summary = json.loads((run / "summary.json").read_text())
    likelihood = summary["test"]["likelihood"][0]
    picture = Image.open(run / "samples.png").convert("RGB")
    picture.thumbnail((_WIDTH, _WIDTH))
    picture.quantize(64).save(PICTURES / f"{kind}-{name}.png", optimize=True)
    return {
        "kind": kind,
        "name": name,
        "command": f"tfp-ebm {command} --output runs/{name}",
        "num_parameters": summary["num_parameters"],
        "processor_seconds": round(json.loads((run / _SECONDS).read_text()), 1),
        "nats": likelihood["nats"],
        "nats_error": likelihood["nats_error"],
        "likelihood": likelihood["kind"],
        "processor": harness._processor(),
    }


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--folder", type=pathlib.Path, default=ROOT / "build" / "gallery")
    measure(parser.parse_args().folder)
