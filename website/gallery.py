"""Pages of the models, flows and bases: from the registry, with what was measured of each."""

import inspect
import json
import pathlib
import re

from tfp_ebm import models
from tfp_ebm.models import bases, registry
from website import api

__all__ = ["pages"]

ROOT = pathlib.Path(__file__).parents[1]
RESULTS = ROOT / "docs" / "results"
_MEASURED = "gallery.json"


def pages() -> dict[str, str]:
    """Returns the pages by where they lie in the documentation."""
    return {
        "models/index.md": _models(),
        "models/flows.md": _parts("flow", models.flow_names(), _FLOWS),
        "models/bases.md": _parts("base", models.base_names(), _BASES),
    }


_FLOWS = """# Flows

Every flow stands on every base that fits, for images, tables and points where it takes them.
`tfp-ebm models NAME` lists the options of one, with defaults. How they compare on one data set is
in [Flows side by side](../studies/flows.md).
"""
_BASES = """# Bases

A base is the distribution of the latents: `--base NAME`, or `base=` of a
[`ModelSpec`](../api/models/ModelSpec.md). What the machines are is told in
[Bases and machines](../concepts/machines.md).
"""
_CAPTION = """
Pictures show samples after a short training, points over the plane or 8x8 digits: what the part
does, not how far it gets. Times are seconds of processor time of the whole command, which compiles,
trains, evaluates and draws, by one thread of a {processor} that other programs shared. Errors are
standard errors over the test events.
"""


def _parts(kind, summaries, introduction):
    record = RESULTS / _MEASURED
    measured = json.loads(record.read_text())["parts"] if record.is_file() else []
    entries = {entry["name"]: entry for entry in measured if entry["kind"] == kind}
    processors = sorted({entry["processor"] for entry in entries.values()})
    lines = [introduction]
    if entries:
        lines.append(_CAPTION.format(processor=" and a ".join(processors)))
        link = f"[results/{_MEASURED}](../results/{_MEASURED})"
        command = json.loads(record.read_text())["command"]
        lines.append(f"Every figure: {link}, made by `{command}`.\n")
    for name, summary in summaries.items():
        lines += _part(kind, name, summary, entries.get(name))
    return "\n".join(lines)


def _part(kind, name, summary, entry):
    """Returns the section of a flow or a base."""
    lines = [f"## `{name}`", "", f"{summary[0].upper()}{summary[1:].rstrip('.')}.", ""]
    if entry is None:
        lines += [f"No run of it is recorded in [results/{_MEASURED}](../results/{_MEASURED}).", ""]
    else:
        picture = f"images/gallery/{kind}-{name}.png"
        if (ROOT / "docs" / picture).is_file():
            lines += [f"![Samples of {name}](../{picture})" + "{ .sample loading=lazy }", ""]
        nats = f"{entry['nats']:.2f} ± {entry['nats_error']:.2f}"
        lines += [
            "| parameters | processor time, s | test, nats an event | kind |",
            "|---|---|---|---|",
            f"| {entry['num_parameters']:,} | {entry['processor_seconds']:.0f} | {nats} "
            f"| {entry['likelihood']} |",
            "",
            f"```sh\n{entry['command']}\n```",
            "",
        ]
    function = registry.find(kind, name).function
    if source := _source(function):
        lines += [f"Source: {source}", ""]
    if page := _page(function):
        lines += [f"Page: [`{page.package}.{page.name}`](../{api.uri(page)})", ""]
    return lines


def _source(function):
    """Returns the paper that a docstring names."""
    found = re.search(r"Source: (.*?)(\n\n|\Z)", inspect.getdoc(function) or "", re.DOTALL)
    return found[1].replace("\n", " ") if found else ""


def _page(function):
    """Returns the public name of what makes a part, if there is one."""
    if inspect.getmodule(function) is bases:
        return None
    target = f"{function.__module__}.{function.__qualname__}"
    return next((name for name in api.names() if name.target == target), None)


def _models():
    """Returns the page of the named models and the presets."""
    digits = json.loads((RESULTS / "ablation_digits.json").read_text())["bases"]
    lines = [
        "# Models",
        "",
        "A model is a flow on a base: [any flow](flows.md) on [any base](bases.md). Some pairs",
        "have names. `tfp-ebm models` lists all of it, `tfp-ebm models NAME` the options of one.",
        "",
        "## Named models",
        "",
        "| name | what it is | command |",
        "|---|---|---|",
    ]
    for name, summary in models.descriptions().items():
        page = f"../api/models/{name}.md"
        shown = f"[`{name}`]({page})" if name in models.__all__ else f"`{name}`"
        command = f"tfp-ebm train {name} --dataset digits --output runs/{name}"
        lines.append(f"| {shown} | {summary} | `{command}` |")
    lines += [
        "",
        "## The same flow on four bases",
        "",
        "![Samples of four bases](../images/ablation_digits_samples.png)",
        "",
        "*Samples on the 8x8 digits, one panel a base.*",
        "",
        "| model | parameters | training, minutes | bits/dim, one-draw bound |",
        "|---|---|---|---|",
    ]
    for name, row in digits.items():
        bits, seconds = row["bits_per_dimension"], row["training_seconds"]
        minutes = sum(seconds) / len(seconds) / 60
        lines.append(
            f"| `{name}` | {row['num_parameters']:,} | {minutes:.1f} "
            f"| {bits['mean']:.3f} ± {bits['error']:.3f} |"
        )
    lines += [
        "",
        "Means and standard errors of three seeds on the 447 test images, minutes of one core: "
        "[results/ablation_digits.json](../results/ablation_digits.json), made by "
        "`python examples/ablation.py --config digits`, which trains `rbm_flow` by 256 persistent "
        "chains; the default is weighted ones now. More data sets are in "
        "[RBM-Flow and D-Flow](../papers/rbm_flow.md).",
        "",
        "## Presets",
        "",
        "Sizes that papers print, and small ones. `tfp-ebm train NAME --dataset DATA --dry-run`",
        "tells the parameters and operations before anything is trained.",
        "",
        "| name | what it is |",
        "|---|---|",
    ]
    lines += [f"| `{name}` | {summary} |" for name, summary in models.preset_names().items()]
    return "\n".join(lines) + "\n"
