"""Compares a plain flow of images with VFlow of more channels, at equal parameters and epochs.

    python examples/vflow_fixed_budget.py --output vflow_fixed_budget

The study of "VFlow: More Expressive Generative Flows with Variational Data Augmentation", table 2,
at a size that one core trains in an hour: images are averaged over squares of 2x2 pixels, and extra
channels are paid for with fewer gated blocks. Run again with the same arguments it goes on after
the last whole epoch.
"""

import argparse
import json
import pathlib
from collections.abc import Sequence

import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp
import tf_keras

from tfp_ebm import datasets, distributions, models
from tfp_ebm.training import checkpoint

LEARNING_RATE, WARMUP_STEPS, CLIP_NORM = 2e-3, 100, 100.0


class Run(tf.Module):
    """A model with its optimizer and the number of epochs trained, for checkpoints."""

    def __init__(self, model: tfp.distributions.Distribution, num_steps: int) -> None:
        """Makes the optimizer: a warm-up, then a cosine."""
        super().__init__()
        schedule = tf_keras.optimizers.schedules.CosineDecay(
            0.0, num_steps, warmup_target=LEARNING_RATE, warmup_steps=WARMUP_STEPS
        )
        self.model = model
        self.optimizer = tf_keras.optimizers.Adam(schedule, global_clipnorm=CLIP_NORM)
        self.optimizer.build(model.trainable_variables)
        self.epoch = tf.Variable(0, trainable=False)

    @tf.function(jit_compile=True)
    def step(self, images: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
        """Updates the weights by a batch and returns its bound, nats an image."""
        variables = self.model.trainable_variables
        with tf.GradientTape() as tape:
            loss = -tf.reduce_mean(self.model.log_prob(images, seed=seed))
        self.optimizer.apply_gradients(zip(tape.gradient(loss, variables), variables, strict=True))
        return -loss


def averaged_squares(images: np.ndarray, factor: int) -> np.ndarray:
    """Returns images of a smaller side, each pixel the rounded mean of a square."""
    count, height, width, channels = images.shape
    shape = (count, height // factor, factor, width // factor, factor, channels)
    return np.rint(images.reshape(shape).mean(axis=(2, 4))).astype(np.uint8)


def make_model(
    image_shape: Sequence[int], num_levels: int, extra: int, blocks: int, filters: int
) -> distributions.Dequantized:
    """Returns the plain flow, or with extra channels VFlow."""
    options = {
        "num_levels": num_levels,
        "num_filters": filters,
        "num_blocks": blocks,
        "num_components": 2,
        "num_couplings": (2, 2, 2),
        "dropout_rate": 0.0,
    }
    if not extra:
        return models.gaussian_flow(image_shape, **options)
    return models.vflow(image_shape, extra, posterior_blocks=1, posterior_couplings=2, **options)


def train(run: Run, images: np.ndarray, epochs: int, batch_size: int, seed: int, folder) -> None:
    """Trains up to `epochs`, from the checkpoint in the folder if there is one."""
    if (folder / "manifest.json").exists():
        checkpoint.restore(run, folder)
    for epoch in range(int(run.epoch), epochs):
        order = np.random.default_rng((seed, epoch)).permutation(len(images))
        bounds = []
        for start in range(0, len(order) - batch_size + 1, batch_size):
            batch = images[order[start : start + batch_size]]
            bounds.append(float(run.step(batch, tf.constant([seed, epoch * len(images) + start]))))
        run.epoch.assign(epoch + 1)
        checkpoint.save(run, folder)
        print(f"  epoch {epoch + 1}: {np.mean(bounds):.2f} nats an image in training", flush=True)


def bits(log_prob: np.ndarray, image_shape: Sequence[int]) -> np.ndarray:
    """Returns bits per dimension of nats an image."""
    return -np.asarray(log_prob, np.float64) / (np.prod(image_shape) * np.log(2))


def evaluate(model: distributions.Dequantized, images: np.ndarray, num_samples: int) -> dict:
    """Returns both bounds on the test images, in bits per dimension."""
    one = [model.log_prob(images[i : i + 64], seed=(i, 1)) for i in range(0, len(images), 64)]
    many = [
        model.importance_log_prob(images[i : i + 64], num_samples, seed=(i, 2))
        for i in range(0, len(images), 64)
    ]
    one, many = (bits(np.concatenate(values), model.event_shape) for values in (one, many))
    return {
        "one_draw": float(one.mean()),
        "importance_sampled": float(many.mean()),
        "standard_error": float(many.std(ddof=1) / np.sqrt(len(many))),
    }


def main(
    dataset: str,
    factor: int,
    num_train: int,
    num_test: int,
    epochs: int,
    batch_size: int,
    seeds: int,
    filters: int,
    extra_channels: list[int],
    blocks: list[int],
    num_samples: int,
    output: str,
) -> None:
    """Trains every setting with every seed, and writes a JSON file after each."""
    folder = pathlib.Path(output)
    folder.mkdir(parents=True, exist_ok=True)
    data = datasets.load(dataset)
    images = averaged_squares(data.train[:num_train], factor)
    test = averaged_squares(data.test[:num_test], factor)
    results = folder / "results.json"
    table = json.loads(results.read_text()) if results.exists() else []
    done = {(row["extra_channels"], row["seed"]) for row in table}
    for seed in range(seeds):
        for extra, num_blocks in zip(extra_channels, blocks, strict=True):
            if (extra, seed) in done:
                continue
            tf_keras.utils.set_random_seed(seed)
            model = make_model(test.shape[1:], data.num_levels, extra, num_blocks, filters)
            run = Run(model, epochs * (len(images) // batch_size))
            train(run, images, epochs, batch_size, seed, folder / f"extra_{extra}_seed_{seed}")
            row = {
                "extra_channels": extra,
                "seed": seed,
                "num_blocks": num_blocks,
                "num_parameters": sum(int(tf.size(v)) for v in model.trainable_variables),
                "test_bits_per_dimension": evaluate(model, test, num_samples),
            }
            table.append(row)
            results.write_text(json.dumps(table, indent=1) + "\n")
            print(f"test {json.dumps(row)}", flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--dataset", choices=datasets.names(), default="cifar10")
    parser.add_argument("--factor", type=int, default=2, help="side of the averaged squares")
    parser.add_argument("--num-train", type=int, default=8_000)
    parser.add_argument("--num-test", type=int, default=512)
    parser.add_argument("--epochs", type=int, default=12)
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--filters", type=int, default=20)
    parser.add_argument("--extra-channels", type=int, nargs="+", default=[0, 1, 3])
    parser.add_argument("--blocks", type=int, nargs="+", default=[5, 4, 3])
    parser.add_argument("--num-samples", type=int, default=32, help="draws of the tighter bound")
    parser.add_argument("--output", default="vflow_fixed_budget")
    main(**vars(parser.parse_args()))
