"""What the benchmarks share: parts in separate processes, best of several runs, JSON out.

Every figure is a ratio between parts of one run of one script. Parts run one after the other in
processes of their own, because the thread pools of two frameworks in one process slow each other.
"""

import argparse
import json
import os
import pathlib
import platform
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any


def seconds(
    function: Callable[[], Any],
    repeats: int = 5,
    warm_up: int = 1,
    clock: Callable[[], float] = time.perf_counter,
) -> float:
    """Returns the shortest time of a call."""
    for _ in range(warm_up):
        function()
    times = []
    for _ in range(repeats):
        started = clock()
        function()
        times.append(clock() - started)
    return min(times)


def median_milliseconds(
    functions: dict[str, Callable[[], Any]], rounds: int, updates: int
) -> dict[str, float]:
    """Returns the processor's median time of an update by each function, which makes some a call.

    They take turns, so that all see the same disturbances.
    """
    times: dict[str, list[float]] = {name: [] for name in functions}
    for _ in range(rounds):
        for name, function in functions.items():
            times[name].append(1e3 * seconds(function, 1, 0, time.process_time) / updates)
    return {name: statistics.median(own) for name, own in times.items()}


def peak_memory_mebibytes() -> float:
    """Returns the largest resident size of this process so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main(
    description: str,
    parts: dict[str, Callable[..., dict]],
    cases: list[dict],
    summarize: Callable[[list[dict]], dict],
) -> None:
    """Runs every part on every case and prints the result as JSON.

    Args:
      description: what is measured.
      parts: name to a function of a case's keywords that returns figures.
      cases: keywords for the parts.
      summarize: makes the ratios from a list of `{"case": ..., "part": figures}`.
    """
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--output", type=pathlib.Path, help="JSON file to write")
    parser.add_argument("--part", choices=parts, help=argparse.SUPPRESS)
    parser.add_argument("--case", type=json.loads, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.part:
        print(json.dumps(parts[options.part](**options.case)))
        return
    environment = {"TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "-1", **os.environ}
    rows = []
    for case in cases:
        row = {"case": case}
        for part in parts:
            command = [sys.executable, sys.argv[0], "--part", part, "--case", json.dumps(case)]
            result = subprocess.run(command, env=environment, capture_output=True, text=True)
            if result.returncode:
                sys.exit(f"{part} failed on {case}:\n{result.stderr[-2000:]}")
            row[part] = json.loads(result.stdout.splitlines()[-1])
        rows.append(row)
        print(json.dumps(row), file=sys.stderr)
    report = {
        "command": f"python {' '.join(sys.argv)}",
        "cores": os.cpu_count(),
        "processor": _processor(),
        "ratios": summarize(rows),
        "rows": rows,
    }
    text = json.dumps(report, indent=1)
    print(text)
    if options.output:
        options.output.write_text(text + "\n")


def _processor():
    try:
        lines = pathlib.Path("/proc/cpuinfo").read_text().splitlines()
        return next(line.split(":")[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor()
