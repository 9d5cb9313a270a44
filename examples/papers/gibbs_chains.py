"""Compares Gibbs chains in the latent space of a flow with those of an RBM on pixels.

    python examples/papers/gibbs_chains.py --dataset digits --epochs 60 --output gibbs_chains

Trains both by `eb_and_flow.py` (or takes up their runs in the output folder), draws consecutive
states of a chain of each, pushed through the inverse flow, and counts the classes that a small
trained classifier sees within 100 steps. Figure 1 of "EB-and-Flow".
"""

import argparse
import json
import pathlib
import sys

import eb_and_flow
import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp
import tf_keras

import tfp_ebm
from tfp_ebm import datasets, mcmc, models, plots

NUM_STEPS = 100


def classifier(data: datasets.ImageDataset, epochs: int) -> tuple[tf_keras.Model, float]:
    """Returns a small network that tells the classes apart, and its share of right test images."""
    network = tf_keras.Sequential(
        [
            tf_keras.layers.Flatten(),
            tf_keras.layers.GaussianNoise(0.1),
            tf_keras.layers.Dense(256, activation="relu"),
            tf_keras.layers.Dropout(0.3),
            tf_keras.layers.Dense(data.num_classes, activation="softmax"),
        ]
    )
    network.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    top = np.float32(data.num_levels - 1)
    network.fit(data.train / top, data.train_labels, batch_size=64, epochs=epochs, verbose=0)
    accuracy = network.evaluate(data.test / top, data.test_labels, verbose=0)[1]
    return network, float(accuracy)


def chain_images(
    model: tfp.distributions.Distribution, num_chains: int, burn_in: int, seed: int
) -> np.ndarray:
    """Returns consecutive states of chains as images, `[NUM_STEPS, num_chains, H, W, C]`."""
    base, flow, *_ = models.parts(model)
    machine = base.machine()
    start = machine.sample_reference(num_chains, (seed, 1))
    start = mcmc.block_gibbs.run(machine, start, burn_in, seed=(seed, 2))
    states = tfp.mcmc.sample_chain(
        NUM_STEPS, start, kernel=mcmc.BlockGibbs(machine), trace_fn=None, seed=(seed, 3)
    )
    images = tf.map_fn(lambda state: tf.floor(flow.forward(tf.identity(state))), states)
    return np.clip(images.numpy(), 0, model.num_levels - 1).astype(np.uint8)


def classes_visited(network: tf_keras.Model, images: np.ndarray, top: int) -> dict:
    """Returns how many classes a chain shows within its states, averaged over chains.

    `confident` counts a class only where the network gives it 0.9 or more, so that noise that
    flips an undecided prediction does not count as a visit.
    """
    flat = images.reshape(-1, *images.shape[2:]) / np.float32(top)
    chances = network.predict(flat, batch_size=1000, verbose=0)
    chances = chances.reshape(*images.shape[:2], -1)
    is_top = chances == chances.max(axis=-1, keepdims=True)
    result = {}
    for name, lowest in (("any", 0.0), ("confident", 0.9)):
        visited = np.any(is_top & (chances >= lowest), axis=0).sum(axis=-1)
        error = visited.std(ddof=1) / np.sqrt(len(visited))
        result[name] = {"mean": float(visited.mean()), "standard_error": float(error)}
    return result


def main(options: argparse.Namespace, further: list[str]) -> None:
    """Trains, draws the picture, and writes the counts to `results.json`."""
    folder = pathlib.Path(options.output)
    parser = eb_and_flow.parser()
    report: dict = {"command": " ".join(["python", *sys.argv])}
    data = datasets.load(options.dataset).as_images()
    chains = {}
    for flow, title in (("pixels", "RBM on pixels"), ("nice", "EB-and-Flow")):
        settings = ["--dataset", options.dataset, "--flow", flow, "--epochs", str(options.epochs)]
        settings += ["--output", str(folder / flow), *further]
        run = parser.parse_args(settings)
        trained, stages = eb_and_flow.trained(run)
        model = tfp_ebm.load(trained)
        images = chain_images(model, options.num_chains, options.burn_in, run.seed)
        network, accuracy = classifier(data, options.classifier_epochs)
        chains[f"{title}: {NUM_STEPS} consecutive Gibbs steps"] = images[:, 0]
        report[flow] = {
            "classes_in_100_steps": classes_visited(network, images, data.num_levels - 1),
            "classifier_test_accuracy": accuracy,
            "command": "python examples/papers/eb_and_flow.py " + " ".join(settings),
            "stages": stages,
        }
    for kind in ("any", "confident"):
        counts = [report[f]["classes_in_100_steps"][kind]["mean"] for f in ("nice", "pixels")]
        report[f"ratio_{kind}"] = counts[0] / max(counts[1], 1e-9)
    plots.gibbs_chain(chains, folder / "chains.png", data.num_levels)
    (folder / "results.json").write_text(json.dumps(report, indent=1) + "\n")
    summary = {flow: report[flow]["classes_in_100_steps"] for flow in ("pixels", "nice")}
    print(f"test {json.dumps(summary)}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=(__doc__ or "").partition("\n")[0],
        epilog="Further options go to eb_and_flow.py.",
    )
    parser.add_argument("--dataset", default="digits", choices=datasets.names())
    parser.add_argument("--epochs", type=int, default=60)
    parser.add_argument("--num-chains", type=int, default=50)
    parser.add_argument("--burn-in", type=int, default=1000)
    parser.add_argument("--classifier-epochs", type=int, default=20)
    parser.add_argument("--output", default="gibbs_chains")
    main(*parser.parse_known_args())
