"""Kills training at random moments, again and again, and compares with training left alone.

python benchmarks/kill_and_resume.py --kills 20 --output docs/results/kill_and_resume.json

Every run trains a small RBM-Flow on the digits in a process of its own, is killed by SIGKILL at a
random moment, and is then taken up to its end; its metrics must be those of the undisturbed run,
byte by byte.
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

NUM_EPOCHS = 8


def train(folder: pathlib.Path) -> None:
    """Trains, from the newest checkpoint in the folder if there is one."""
    import tensorflow as tf

    from tfp_ebm import datasets, models, training
    from tfp_ebm.internal.keras import keras

    tf.config.experimental.enable_op_determinism()
    keras.utils.set_random_seed(0)
    data = datasets.load("digits")
    model = models.rbm_flow(
        data.image_shape,
        num_levels=17,
        num_filters=8,
        num_components=4,
        num_blocks=1,
        num_couplings=(1, 1, 1),
        dropout_rate=0.2,
        sampler="replay",
    )
    trainer = training.LikelihoodModel(model, ema_momentum=0.999, gibbs_steps=5, seed=(0, 1))
    trainer.compile(optimizer=keras.optimizers.Adam(2e-3))
    best = training.BestWeights(folder=folder / "best")
    checkpoints = training.Checkpoints(folder / "training", every=4, best=best)
    checkpoints.restore(trainer)
    trainer.fit(
        data.train,
        validation_data=data.validation,
        batch_size=64,
        epochs=NUM_EPOCHS,
        verbose=0,
        callbacks=[
            training.LogPartitionCallback(num_chains=32, num_steps=50, seed=(0, 2)),
            training.MetricsFile(folder / "metrics.csv"),
            best,
            checkpoints,
        ],
    )


def _start(folder):
    folder.mkdir(exist_ok=True)
    command = [sys.executable, sys.argv[0], "--train", str(folder)]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def _newest(folder):
    updates = sorted(path.name for path in (folder / "training").glob("update-*[0-9]"))
    return int(updates[-1].split("-")[1]) if updates else 0


def _kill_once(folder, update, seconds):
    """Kills a run some time after its checkpoint of an update; returns whether it was going on."""
    process = _start(folder)
    while _newest(folder) < update and process.poll() is None:
        time.sleep(0.01)
    time.sleep(seconds)
    was_running = process.poll() is None
    process.send_signal(signal.SIGKILL)
    process.wait()
    return was_running


def main(kills: int, output: pathlib.Path | None) -> None:
    """Runs undisturbed once, then with a kill as often as asked for."""
    rng = random.Random(0)
    rows = []
    with tempfile.TemporaryDirectory() as parent:
        parent = pathlib.Path(parent)
        if _start(parent / "whole").wait():
            sys.exit("the undisturbed run failed")
        last = _newest(parent / "whole")
        expected = (parent / "whole" / "metrics.csv").read_bytes()
        for index in range(kills):
            folder = parent / f"killed-{index}"
            update, seconds = rng.randrange(last), rng.uniform(0, 1)
            was_running = _kill_once(folder, update, seconds)
            row = {
                "killed_after_update": update,
                "and_seconds": round(seconds, 3),
                "was_running": was_running,
                "newest_checkpoint": _newest(folder),
                "resumed": _start(folder).wait() == 0,
                "same_metrics": (folder / "metrics.csv").read_bytes() == expected,
            }
            rows.append(row)
            print(row, flush=True)
    report = {
        "command": f"python {' '.join(sys.argv)}",
        "updates": last,
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
    parser.add_argument("--output", type=pathlib.Path)
    parser.add_argument("--train", type=pathlib.Path, help=argparse.SUPPRESS)
    options = vars(parser.parse_args())
    if folder := options.pop("train"):
        train(folder)
    else:
        main(**options)
