"""The same training on one device, on two replicas of one process, and in two processes.

python benchmarks/strategies.py --output docs/results/strategies_digits.json

Trains RBM-Flow on the digits by the command line, 10 epochs each, and compares test bits/dim.
"""

import argparse
import json
import os
import pathlib
import socket
import subprocess
import sys
import tempfile

MIRRORED = """
import sys, tensorflow as tf
cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
from tfp_ebm import cli
sys.exit(cli.main(sys.argv[1:]))
"""


def _free_port():
    with socket.socket() as server:
        server.bind(("localhost", 0))
        return server.getsockname()[1]


def _run(strategy, folder, arguments):
    """Trains in as many processes as the strategy wants; returns the run's summary."""
    run = folder / strategy
    options = ["train", "rbm_flow", "--dataset", "digits", "--output", str(run), *arguments]
    options += ["--strategy", strategy]
    start = ["-c", MIRRORED] if strategy == "mirrored" else ["-m", "tfp_ebm.cli"]
    environments = [dict(os.environ)]
    if strategy == "multi_worker":
        workers = [f"localhost:{_free_port()}" for _ in range(2)]
        environments = [
            {
                **os.environ,
                "TF_CONFIG": json.dumps(
                    {"cluster": {"worker": workers}, "task": {"type": "worker", "index": index}}
                ),
            }
            for index in range(2)
        ]
    processes = [
        subprocess.Popen([sys.executable, *start, *options], env=environment)
        for environment in environments
    ]
    if any(process.wait() for process in processes):
        sys.exit(f"{strategy} failed")
    return json.loads((run / "summary.json").read_text())


def main(epochs: int, output: pathlib.Path | None) -> None:
    """Trains three times and writes the figures."""
    report = {"command": f"python {' '.join(sys.argv)}", "epochs": epochs, "strategies": {}}
    with tempfile.TemporaryDirectory() as folder:
        for strategy in ("none", "mirrored", "multi_worker"):
            summary = _run(strategy, pathlib.Path(folder), ["--epochs", str(epochs)])
            report["strategies"][strategy] = {
                key: summary["test"][key]
                for key in ("bits_per_dimension", "bits_per_dimension_error")
            }
    values = [row["bits_per_dimension"] for row in report["strategies"].values()]
    report["largest_difference"] = max(values) - min(values)
    text = json.dumps(report, indent=1)
    print(text)
    if output:
        output.write_text(text + "\n")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--output", type=pathlib.Path)
    main(**vars(parser.parse_args()))
