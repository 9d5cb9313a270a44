"""The page of benchmarks by processor, made of their records."""

import json
import pathlib
from collections.abc import Iterator

__all__ = ["pages"]

ROOT = pathlib.Path(__file__).parents[1]
RESULTS = ROOT / "benchmarks" / "results"
_INTRODUCTION = """# Benchmarks by processor

Every figure that a benchmark calls a ratio or a share, from its record, under the processor that
it was measured on. The same ratio differs between processors by up to three times: compare rows
under one heading. What the figures say is told in [Benchmarks](benchmarks.md).
"""


def pages() -> dict[str, str]:
    """Returns the page by where it lies in the documentation."""
    processors: dict[str, list[str]] = {}
    for path in sorted(RESULTS.glob("*.json")):
        record = json.loads(path.read_text())
        if not isinstance(record, dict) or "ratios" not in record:
            continue
        where = f"{record['processor']}, {record['cores']} cores"
        link = f"[{path.stem}](../../benchmarks/results/{path.name})"
        script = f"[command](../../benchmarks/{path.stem}.py)"
        rows = [
            f"| {link} | {' / '.join(names).replace('_', ' ')} | {value:.3g} | {script} |"
            for names, value in _leaves(record["ratios"])
        ]
        processors.setdefault(where, []).extend(rows)
    lines = [_INTRODUCTION]
    for where, rows in processors.items():
        lines += [
            f"## {where}",
            "",
            "| record | figure | value | |",
            "|---|---|---|---|",
            *rows,
            "",
        ]
    return {"studies/processors.md": "\n".join(lines)}


def _leaves(ratios, names=()) -> Iterator[tuple[tuple[str, ...], float]]:
    """Yields every number of a nest of ratios, with the names that lead to it."""
    if isinstance(ratios, dict):
        for name, value in ratios.items():
            yield from _leaves(value, (*names, str(name)))
    elif isinstance(ratios, float):
        yield names, ratios
