"""Kills training at random moments, again and again, and compares with training left alone.

python benchmarks/kill_and_resume.py --kills 20 --output docs/results/kill_and_resume.json

Every run is `tfp-ebm train` on the digits, killed by SIGKILL after a random time, then resumed to
its end; its metrics must be those of the undisturbed run, byte by byte.
"""

import argparse
import json
import pathlib
import random
import signal
import subprocess
import sys
import tempfile
import time

TINY = "--num-filters 4 --num-components 2 --num-blocks 1 --batch-size 100 --gibbs-steps 3".split()


def _start(arguments):
    command = [sys.executable, "-m", "tfp_ebm.cli", "train", *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)


def _new_run(folder, epochs):
    return [
        *("rbm_flow", "--dataset", "digits", "--output", folder, "--epochs", epochs),
        *("--checkpoint-every", 3, *TINY),
    ]


def _kill_once(folder, epochs, longest, rng):
    """Returns the seconds after which a fresh run was killed; the folder then exists."""
    process = _start(_new_run(folder, epochs))
    while not (folder / "config.json").exists():
        time.sleep(0.05)
    seconds = rng.uniform(0, longest)
    time.sleep(seconds)
    process.send_signal(signal.SIGKILL)
    process.wait()
    return seconds


def main(kills: int, epochs: int, output: pathlib.Path | None) -> None:
    """Runs undisturbed once, then with a kill as often as asked for."""
    rng = random.Random(0)
    rows = []
    with tempfile.TemporaryDirectory() as parent:
        parent = pathlib.Path(parent)
        whole = parent / "whole"
        started = time.perf_counter()
        if _start(_new_run(whole, epochs)).wait():
            sys.exit("the undisturbed run failed")
        longest = time.perf_counter() - started
        expected = (whole / "metrics.csv").read_bytes()
        for index in range(kills):
            folder = parent / f"killed-{index}"
            seconds = _kill_once(folder, epochs, longest, rng)
            checkpoints = len(list((folder / "training").glob("update-*[0-9]")))
            process = _start(["--resume", folder])
            error = process.communicate()[1]
            row = {
                "killed_after_seconds": round(seconds, 2),
                "checkpoints_then": checkpoints,
                "resumed": process.returncode == 0,
                "same_metrics": (folder / "metrics.csv").read_bytes() == expected,
            }
            rows.append(row)
            print(row, error, flush=True)
    report = {
        "command": f"python {' '.join(sys.argv)}",
        "epochs": epochs,
        "seconds_undisturbed": longest,
        "kills": kills,
        "resumed": sum(row["resumed"] for row in rows),
        "same_metrics": sum(row["same_metrics"] for row in rows),
        "rows": rows,
    }
    if output:
        output.write_text(json.dumps(report, indent=1) + "\n")
    print(f"{report['resumed']} of {kills} resumed, {report['same_metrics']} with the same metrics")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--epochs", type=int, default=6)
    parser.add_argument("--output", type=pathlib.Path)
    main(**vars(parser.parse_args()))
