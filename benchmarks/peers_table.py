"""Counts what it takes to get from a CSV to test nats and samples, here and with two neighbours.

    python -m venv peers && peers/bin/pip install zuko normflows
    python benchmarks/peers_table.py --csv diamonds.csv --peers peers/bin/python

The three programs in `peers/` do the same: read the numeric columns of a table, divide it,
dequantise by the steps of its columns, standardise, train a spline flow of 4 steps and 8 bins,
print the nats of a test row (of its cell, in the units of the table) and samples in those units.
Lines are those with code, imports and docstrings left out; steps are statements.
"""

import argparse
import ast
import json
import pathlib
import subprocess
import sys
import time

FOLDER = pathlib.Path(__file__).parent / "peers"


def size(path):
    """Returns the numbers of lines of code and of statements of a program."""
    body = [
        node
        for node in ast.parse(path.read_text()).body
        if not isinstance(node, ast.Import | ast.ImportFrom)
        and not isinstance(getattr(node, "value", None), ast.Constant)
    ]
    nodes = [node for top in body for node in ast.walk(top)]
    lines = {line for node in nodes if hasattr(node, "lineno") for line in (node.lineno,)}
    return len(lines), sum(isinstance(node, ast.stmt) for node in nodes)


def run(python, path, csv, epochs):
    """Runs a program; returns its test nats and its seconds."""
    started = time.perf_counter()
    command = [python, path, csv, str(epochs)]
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    seconds = time.perf_counter() - started
    return float(next(x for x in output.splitlines() if x.startswith("nats")).split()[1]), seconds


def main(options):
    """Prints a row for each program, and writes them as JSON."""
    table = {}
    for path in sorted(FOLDER.glob("*_table.py")):
        name = path.stem.removesuffix("_table")
        lines, steps = size(path)
        python = sys.executable if name == "tfp_ebm" else options.peers
        nats, seconds = run(python, path, options.csv, options.epochs)
        table[name] = {"lines": lines, "steps": steps, "test_nats": nats, "seconds": seconds}
        print(f"{name:10} {lines:3} lines {steps:3} steps {nats:8.3f} nats {seconds:6.1f} s")
    pathlib.Path(options.output).write_text(json.dumps(table, indent=1) + "\n")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--csv", required=True, help="a table of numbers with a header")
    parser.add_argument("--peers", required=True, help="a Python that has zuko and normflows")
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--output", default="peers_table.json")
    main(parser.parse_args())
