"""Trains one row of the EB-and-Flow table: a flow with a Gaussian, a logistic or an RBM base.

    python examples/eb_and_flow.py --dataset fashion_mnist --flow nice --base none \
        --epochs 30 --output runs/fashion_nice_none
    python examples/eb_and_flow.py --dataset fashion_mnist --flow nice --base dense \
        --epochs 30 --output runs/fashion_nice_dense

Ctrl-C saves; the same command then goes on where it stopped. With `--pretraining-epochs` the flow
trains with a Gaussian base first and then shares its weights with the model of `--base`.
`results.json` holds bits per dimension of the test images from both sides: annealed importance
sampling bounds the likelihood from above, reverse annealing from below, in expectation.
"""

import argparse
import dataclasses
import json
import math
import pathlib
import sys
import time

import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp
import tf_keras

from tfp_ebm import datasets, flows, models, partition, plots, training

SAMPLERS = ["replay", "persistent", "weighted", "tempering", "contrastive"]

BASES = ("dense", "per_level", "convolutional", "none", "logistic")


def make_model(
    options: argparse.Namespace, data: datasets.ImageDataset, base: str, flow: object = None
) -> tfp.distributions.Distribution:
    """Returns the model with a base, around a given flow or a fresh one."""
    flow_options = {
        "nice": {"hidden_units": [options.width or 1000] * 5, "dropout_rate": options.dropout},
        "pixels": {"num_couplings": 0},
        "glow": {"num_steps": options.steps, "num_filters": options.width or 512},
    }[options.flow]
    if options.precision == "bfloat16":
        flow_options["network_policy"] = "mixed_bfloat16"
    sampler_options = {"size": options.buffer} if options.sampler == "replay" else {}
    model = models.eb_and_flow(
        data.image_shape,
        data.num_levels,
        flow=flow or {"pixels": "nice"}.get(options.flow, options.flow),
        rbm=base,
        num_hidden=options.num_hidden,
        num_scales=options.scales,
        sampler=options.sampler,
        num_chains=options.chains,
        rbm_options={"sampler_options": sampler_options},
        seed=(options.seed, 1),
        **({} if flow else flow_options),
    )
    if flow is None:
        initialize(model, data.train, options.flow, options.seed)
    initialize_base(model, data.train, options.seed)
    return model


def initialize(
    model: tfp.distributions.Distribution, images: np.ndarray, flow_name: str, seed: int
) -> None:
    """Starts the scales of a flow from the moments of some data."""
    noisy = model.dequantize(images[:1000], seed=(seed, 3))
    flow = model.distribution.bijector
    if flow_name == "glow":
        flows.initialize_from_data(flow, noisy)
        return
    latents = flow.inverse(noisy)
    mean = tf.reduce_mean(latents, axis=0) if flow_name == "pixels" else 0.0
    log_deviation = 0.5 * tf.math.log(tf.reduce_mean((latents - mean) ** 2, axis=0))
    (log_scale,) = [v for v in flow.trainable_variables if v.name.startswith("log_scale")]
    log_scale.assign(-log_deviation)


def initialize_base(model: tfp.distributions.Distribution, images: np.ndarray, seed: int) -> None:
    """Starts the machines of a base at the moments of the latents of some data."""
    latents = model.distribution.bijector.inverse(model.dequantize(images[:1000], seed=(seed, 3)))
    for part, value in parts_and_latents(model, latents):
        part.initialize_from_data(value, seed=(seed, 4))


def parts_and_latents(model: tfp.distributions.Distribution, latents: tf.Tensor) -> list[tuple]:
    """Returns every machine of the base with its part of the latents."""
    parts = training.energy_based_parts(model)
    if not parts:
        return []
    sizes = [part.event_shape[0] for part in parts]
    return list(zip(parts, tf.split(latents, sizes, axis=-1), strict=True))


def train(
    model: tfp.distributions.Distribution,
    data: datasets.ImageDataset,
    epochs: int,
    options: argparse.Namespace,
    folder: pathlib.Path,
) -> dict:
    """Trains, or goes on, and returns what it took."""
    trainer = training.LikelihoodModel(
        model, gibbs_steps=options.gibbs_steps, seed=(options.seed, 2)
    )
    num_updates = epochs * datasets.num_batches(len(data.train), options.batch_size)
    rate = training.learning_rate_schedule(
        "cosine", options.learning_rate, num_updates, options.warm_up
    )
    # The fused kernel of Keras's older Adam takes a third of the time on 19 million weights.
    adam = tf_keras.optimizers.legacy.Adam(rate, global_clipnorm=options.clip_norm)
    trainer.compile(optimizer=adam)
    settings = {key: value for key, value in vars(options).items() if key not in NOT_COMPARED}
    extras = {}
    if options.validation_every == 1:
        extras["best"] = training.BestWeights(folder=folder.with_suffix(".best"))
    checkpoints = training.Checkpoints(folder, keep=1, config=settings, **extras)
    checkpoints.restore(trainer)
    started = time.perf_counter()
    trainer.fit(
        data.train,
        validation_data=data.validation[: options.num_test],
        validation_freq=options.validation_every,
        batch_size=options.batch_size,
        epochs=epochs,
        verbose=2,
        callbacks=[
            training.MetricsFile(folder.with_suffix(".csv")),
            *extras.values(),
            checkpoints,
        ],
    )
    took = {"epochs": epochs, "seconds_since_resumed": time.perf_counter() - started}
    return took | {name: {"epoch": part.best_epoch} for name, part in extras.items()}


def bounds(
    model: tfp.distributions.Distribution, images: np.ndarray, options: argparse.Namespace
) -> dict:
    """Returns bits per dimension of images, one uniform noise draw each, from both sides.

    `bits_per_dimension` rests on annealed importance sampling, which flatters the likelihood;
    `bits_per_dimension_from_below` adds the gap to reverse annealing, measured on the first
    `--num-reverse` images, and is the conservative figure.
    """
    flow = model.distribution.bijector
    to_bits = -1 / (math.prod(images.shape[1:]) * math.log(2))
    parts = training.energy_based_parts(model)
    errors = [
        part.estimate_log_partition(
            options.annealing_chains,
            options.annealing_steps,
            options.schedule,
            seed=(options.seed, 5),
        ).standard_error
        for part in parts
    ]
    log_prob = tf.function(lambda x, seed: model.log_prob(x, seed=seed))
    values = np.concatenate(
        [
            log_prob(images[start : start + 100], tf.constant([options.seed, start])).numpy()
            for start in range(0, len(images), 100)
        ]
    ).astype(np.float64)
    result = {
        "num_images": len(images),
        "bits_per_dimension": values.mean() * to_bits,
        "standard_error": -to_bits * values.std(ddof=1) / math.sqrt(len(values)),
        "exact": not parts,
    }
    if parts:
        few = images[: options.num_reverse]
        latents = flow.inverse(model.dequantize(few, seed=(options.seed, 6)))
        gaps = np.zeros(len(few))
        for part, value in parts_and_latents(model, latents):
            reverse = partition.reverse_annealing(
                part,
                value,
                options.reverse_chains,
                options.annealing_steps,
                options.schedule,
                seed=(options.seed, 7),
            )
            gaps += np.asarray(reverse.value, np.float64) - float(part.log_partition())
        gap = gaps * -to_bits
        result |= {
            "bits_per_dimension_from_below": result["bits_per_dimension"] + gap.mean(),
            "gap": gap.mean(),
            "gap_standard_error": gap.std(ddof=1) / math.sqrt(len(gap)),
            "log_partition_standard_error_nats": float(sum(errors)),
            "annealing_steps": options.annealing_steps,
            "schedule": options.schedule,
        }
    return result


# Settings that a resumed run may change.
NOT_COMPARED = (
    *("output", "data_dir", "num_test", "num_reverse", "reverse_chains"),
    *("annealing_steps", "annealing_chains", "schedule", "validation_every"),
)


def load(options: argparse.Namespace) -> datasets.ImageDataset:
    """Returns the data set, its training part cut to `--num-train`."""
    data = datasets.load(options.dataset, options.data_dir).as_images()
    count = options.num_train
    return dataclasses.replace(
        data, train=data.train[:count], train_labels=data.train_labels[:count]
    )


def trained(
    options: argparse.Namespace, data: datasets.ImageDataset
) -> tuple[tfp.distributions.Distribution, dict]:
    """Returns the trained model and a report of each stage; goes on with a run that is there."""
    folder = pathlib.Path(options.output)
    folder.mkdir(parents=True, exist_ok=True)
    tf_keras.utils.set_random_seed(options.seed)
    stages, flow = {}, None

    def stage(name, base, epochs, flow):
        model = make_model(options, data, base, flow)
        took = train(model, data, epochs, options, folder / name)
        stages[name] = took | {"test": bounds(model, data.test[: options.num_test], options)}
        return model

    if options.pretraining_epochs:
        before = stage("pretraining", "none", options.pretraining_epochs, None)
        flow = models.parts(before).flow
    return stage("training", options.base, options.epochs, flow), stages


def main(options: argparse.Namespace) -> None:
    """Trains in one or two stages, evaluates, and writes `results.json` and a picture."""
    data = load(options)
    model, stages = trained(options, data)
    report = {
        "command": " ".join(["python", *sys.argv]),
        "options": vars(options),
        "num_parameters": sum(int(np.prod(v.shape)) for v in model.trainable_variables),
        "stages": stages,
    }
    folder = pathlib.Path(options.output)
    (folder / "results.json").write_text(json.dumps(report, indent=1) + "\n")
    samples = model.sample(64, seed=(options.seed, 8)).numpy()
    plots.data_and_samples(data.test[:64], samples, folder / "samples.png", data.num_levels)
    print(f"test {json.dumps(stages)}")


def parser() -> argparse.ArgumentParser:
    """Returns the parser of the command line."""
    result = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    result.add_argument("--dataset", default="digits", choices=datasets.names())
    result.add_argument("--data-dir", help="folder of TensorFlow Datasets")
    result.add_argument("--flow", default="nice", choices=["nice", "glow", "pixels"])
    result.add_argument("--base", default="dense", choices=BASES)
    result.add_argument("--width", type=int, help="of the networks: 1000 for nice, 512 for glow")
    result.add_argument("--dropout", type=float, default=0.0, help="in the networks of nice")
    result.add_argument("--scales", type=int, default=2, help="of glow")
    result.add_argument("--steps", type=int, default=8, help="at each scale of glow")
    result.add_argument("--num-hidden", type=int, help="bits of the RBM, by default 512")
    result.add_argument("--epochs", type=int, default=30)
    result.add_argument("--pretraining-epochs", type=int, default=0, help="with a Gaussian base")
    result.add_argument("--batch-size", type=int, default=128)
    result.add_argument("--learning-rate", type=float, default=1e-3, help="of Adam; decays")
    result.add_argument("--warm-up", type=int, default=100, help="updates until the peak rate")
    result.add_argument("--clip-norm", type=float, help="longest gradient, of all weights at once")
    result.add_argument(
        "--precision", default="float32", choices=["float32", "bfloat16"], help="of the networks"
    )
    result.add_argument("--chains", type=int, default=64, help="that move after each update")
    result.add_argument("--gibbs-steps", type=int, default=20)
    result.add_argument("--sampler", default="replay", choices=SAMPLERS)
    result.add_argument("--buffer", type=int, default=10_000, help="size of the replay buffer")
    result.add_argument(
        "--validation-every", type=int, default=1, help="epochs; 1 keeps the best weights"
    )
    result.add_argument("--seed", type=int, default=0)
    result.add_argument("--num-train", type=int, help="use the first images only")
    result.add_argument("--num-test", type=int, default=10_000)
    result.add_argument("--num-reverse", type=int, default=200, help="images of the lower bound")
    result.add_argument("--reverse-chains", type=int, default=4)
    result.add_argument("--annealing-steps", type=int, default=1000)
    result.add_argument("--annealing-chains", type=int, default=512)
    result.add_argument(
        "--schedule", default="linear", choices=["linear", "geometric", "adaptive"], help="of both"
    )
    result.add_argument("--output", default="eb_and_flow")
    return result


if __name__ == "__main__":
    main(parser().parse_args())
