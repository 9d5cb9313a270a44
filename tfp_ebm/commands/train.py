"""The command that trains a model."""

import csv
import pathlib
import platform
import time
from typing import Any

import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp

from tfp_ebm import datasets, models, plots
from tfp_ebm.commands.evaluate import evaluate_model
from tfp_ebm.commands.run_folder import write_json
from tfp_ebm.distributions import Dequantized
from tfp_ebm.distributions.smoothed_spins import SmoothedSpins
from tfp_ebm.internal import checks
from tfp_ebm.internal.keras import keras
from tfp_ebm.training import (
    BestWeights,
    LikelihoodModel,
    LogPartitionCallback,
    MetricsFile,
    checkpoint,
)
from tfp_ebm.version import __version__

__all__ = ["train"]

_WARMUP_STEPS = 100


def train(
    model: str,
    dataset: str,
    output: pathlib.Path,
    epochs: int,
    batch_size: int,
    learning_rate: float,
    ema_momentum: float,
    patience: int | None,
    gibbs_steps: int,
    seed: int,
    data_dir: str | None,
    **model_options: Any,
) -> None:
    """Trains a model on a data set and writes the run folder.

    Args:
      model: name of the model.
      dataset: name of the data set.
      output: folder of the run; must not exist.
      epochs: passes over the training part, at most.
      batch_size: images in an update.
      learning_rate: peak of the learning rate, reached after 100 steps; it falls to 0 as a cosine.
      ema_momentum: momentum of the average of the weights.
      patience: epochs without progress on the validation part before stopping.
      gibbs_steps: sweeps of the persistent chains after each update.
      seed: seed of everything.
      data_dir: folder of TensorFlow Datasets.
      **model_options: further options of the model; None leaves the default.

    Raises:
      ValueError: if an option does not fit, or the folder exists.
    """
    checks.choice("MODEL", model, models.names())
    checks.choice("--dataset", dataset, datasets.names())
    checks.positive_integer("--epochs", epochs)
    checks.positive_integer("--batch-size", batch_size)
    checks.positive_number("--learning-rate", learning_rate)
    if output.exists():
        raise ValueError(
            f"`--output` {output} exists and is left as it is; choose another folder, or remove it."
        )
    data = datasets.load(dataset, data_dir)
    keras.utils.set_random_seed(seed)
    options = {key: value for key, value in model_options.items() if value is not None}
    options |= {"image_shape": data.image_shape, "num_levels": data.num_levels}
    config = {
        "model": model,
        "dataset": dataset,
        "model_options": options,
        "epochs": epochs,
        "batch_size": batch_size,
        "learning_rate": learning_rate,
        "ema_momentum": ema_momentum,
        "patience": patience,
        "gibbs_steps": gibbs_steps,
        "seed": seed,
        "data_dir": data_dir,
        "versions": _versions(),
    }
    density = models.create(model, **options)
    trainer = LikelihoodModel(density, gibbs_steps=gibbs_steps, ema_momentum=ema_momentum)
    trainer.compile(optimizer=_optimizer(learning_rate, epochs * (len(data.train) // batch_size)))
    output.mkdir(parents=True)
    write_json(output / "config.json", config)
    best = BestWeights(patience=patience)
    started = time.perf_counter()
    trainer.fit(
        data.train,
        validation_data=data.validation,
        epochs=epochs,
        batch_size=batch_size,
        verbose=2,
        callbacks=[LogPartitionCallback(seed=(seed, 3)), best, MetricsFile(output / "metrics.csv")],
    )
    training_seconds = time.perf_counter() - started
    result = evaluate_model(density, data.test, seed)
    checkpoint.save(density, output / "checkpoint")
    write_json(
        output / "summary.json",
        {
            "model": model,
            "dataset": dataset,
            "num_parameters": _num_parameters(density),
            "training_seconds": training_seconds,
            "best_epoch": best.best_epoch,
            "validation_nats_per_image": best.best,
            "test": result,
        },
    )
    _draw(density, data, output, seed)
    _report(result, output)


def _versions():
    return {
        "tfp_ebm": __version__,
        "tensorflow": tf.__version__,
        "tensorflow_probability": tfp.__version__,
        "tf_keras": keras.__version__,
        "numpy": np.__version__,
        "python": platform.python_version(),
    }


def _optimizer(learning_rate, num_steps):
    schedule = keras.optimizers.schedules.CosineDecay(
        0.0,
        decay_steps=max(1, num_steps - _WARMUP_STEPS),
        warmup_target=learning_rate,
        warmup_steps=_WARMUP_STEPS,
    )
    return keras.optimizers.Adam(schedule)


def _num_parameters(model):
    return int(sum(np.prod(variable.shape) for variable in model.trainable_variables))


def _draw(model: Dequantized, data: datasets.ImageDataset, output: pathlib.Path, seed: int):
    levels = model.num_levels
    samples = model.sample(64, seed=(seed, 4)).numpy()
    plots.data_and_samples(data.test[:64], samples, output / "samples.png", levels)
    base = model.distribution.distribution
    if isinstance(base, SmoothedSpins):
        z = base.sample(12, seed=(seed, 5))
        spins = base.posterior(z).sample(seed=(seed, 6))
        columns = model.sample([8, 12], seed=(seed, 7), distribution_kwargs={"spins": spins})
        plots.code_columns(columns, output / "columns.png", levels)
    with (output / "metrics.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    series = {
        label: [float(row[key]) for row in rows]
        for label, key in [
            ("training", "bits_per_dimension"),
            ("validation", "val_bits_per_dimension"),
        ]
    }
    plots.curves([int(row["epoch"]) for row in rows], series, output / "curves.png")


def _report(result, output):
    pictures = sorted(path.name for path in output.glob("*.png"))
    print(f"\nrun folder  {output}")
    print(f"pictures    {', '.join(pictures)}")
    print(
        f"test        {result['bits_per_dimension']:.4f} +- "
        f"{result['bits_per_dimension_error']:.4f} bits/dim, "
        f"{result['nats_per_image']:.2f} +- {result['nats_per_image_error']:.2f} nats an image "
        f"(bound, {result['num_images']} images)"
    )
