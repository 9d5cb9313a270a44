"""The command that trains a model."""

import os
import pathlib
import platform
import sys
import time
from typing import Any

import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp

from tfp_ebm import datasets, metrics, models, training
from tfp_ebm.commands.evaluate import find_network
from tfp_ebm.commands.finish import finish
from tfp_ebm.commands.run_folder import known_models, make_model, read_config, write_json
from tfp_ebm.internal import checks
from tfp_ebm.internal.hardware import has_bfloat16_units
from tfp_ebm.internal.keras import keras
from tfp_ebm.internal.train_options import MODEL_OPTIONS, OPTIONS
from tfp_ebm.training import parameter_groups
from tfp_ebm.version import __version__

__all__ = ["train"]

# How often a worker starts again by itself after another one was lost.
_MAX_RESTARTS = 10


def train(
    model: str | None = None,
    dataset: str | None = None,
    output: pathlib.Path | None = None,
    resume: pathlib.Path | None = None,
    dry_run: bool = False,
    **given: Any,
) -> None:
    """Trains a model on a data set and writes the run folder, or goes on with a run.

    Args:
      model: name of a model or preset.
      dataset: name of the data set.
      output: folder of the run; must not exist.
      resume: folder of a run to go on with, instead of the other three.
      dry_run: whether to tell sizes and costs only.
      **given: the options of `tfp_ebm.internal.train_options`; None leaves the default.

    Raises:
      ValueError: if an option does not fit, or the folder exists.
      NonFiniteError: if the loss is no longer finite; the last good checkpoint stays.
    """
    strategy_name = given.get("strategy")
    if resume is not None:
        config = read_config(resume)
        _check_same(config, {"model": model, "dataset": dataset, **given}, resume)
        output, strategy_name = resume, strategy_name or config["strategy"]
    strategy = training.make_strategy(strategy_name or "none")
    data = None
    if resume is None:
        config, data = _new_config(model, dataset, output, dry_run, given)
    data = data or datasets.load(config["dataset"], config["data_dir"])
    if dry_run:
        from tfp_ebm.commands.cost import print_cost

        print_cost(make_model(config["model"], config["model_options"]), data.image_shape)
        return
    if resume is not None and (output / "summary.json").exists():
        print(f"{output} is finished; evaluate it by: tfp-ebm evaluate {output}")
        return
    trainer = _make_trainer(config, len(data.train), strategy)
    _open_folder(output, config, resume, strategy)
    try:
        seconds = _fit(trainer, config, data, output)
    except (tf.errors.UnavailableError, tf.errors.AbortedError, tf.errors.CancelledError):
        _start_again(output, strategy_name)
    except KeyboardInterrupt:
        print(f"\ninterrupted and saved; go on by: tfp-ebm train --resume {output}")
        raise
    if training.is_chief(strategy):
        finish(output, data, seconds)


def _new_config(model, dataset, output, dry_run, given):
    """Returns the whole configuration of a new run, checked, and its data."""
    checks.choice("MODEL", model, known_models())
    checks.choice("--dataset", dataset, datasets.names())
    if output is None and not dry_run:
        raise ValueError("`--output` must name a new folder for the run, got none.")
    is_preset = model not in models.names()
    options = {}
    for option in OPTIONS:
        default = None if is_preset and option.name in MODEL_OPTIONS else option.default
        value = given.get(option.name)
        options[option.name] = default if value is None else value
    for name in ("epochs", "batch_size", "steps_per_execution", "keep"):
        checks.positive_integer(f"--{name.replace('_', '-')}", options[name])
    checks.positive_number("--learning-rate", options["learning_rate"])
    _settle_precision(options)
    data = datasets.load(dataset, options["data_dir"])
    model_options = {
        name: value for name in MODEL_OPTIONS if (value := options.pop(name)) is not None
    }
    if options["precision"] == "bfloat16":
        model_options["network_policy"] = "mixed_bfloat16"
    model_options |= {"image_shape": list(data.image_shape), "num_levels": data.num_levels}
    config = {
        "model": model,
        "dataset": dataset,
        "model_options": model_options,
        **options,
        "versions": _versions(),
    }
    return config, data


def _settle_precision(options):
    if options["precision"] == "bfloat16" and not has_bfloat16_units():
        print("this machine has no bfloat16 units, which would be slower: float32 it is")
        options["precision"] = "float32"


def _check_same(config, given, resume):
    """Raises if options given beside `--resume` differ from those of the run."""
    known = {**config, **config["model_options"]}
    differing = [
        name
        for name, value in given.items()
        if value is not None and name != "strategy" and known.get(name) != value
    ]
    if differing:
        raise ValueError(
            f"{resume} has another configuration, which differs in {', '.join(differing)}; leave "
            "these options out to go on with the run, or train into a new folder."
        )


def _open_folder(output, config, resume, strategy):
    """Makes the folder of a new run; several workers started again find their own."""
    if resume is not None or not training.is_chief(strategy):
        return
    if output.exists():
        several = strategy.cluster_resolver is not None
        if not several or not (output / "config.json").is_file():
            raise ValueError(
                f"`--output` {output} exists and is left as it is; choose another folder, remove "
                f"it, or go on with a run by: tfp-ebm train --resume {output}"
            )
        _check_same(read_config(output), {**config, "versions": None}, output)
        return
    partial = output.with_name(output.name + ".partial")  # A run folder has a config.json, always.
    partial.mkdir(parents=True, exist_ok=True)
    write_json(partial / "config.json", config)
    partial.rename(output)


def _make_trainer(config, num_images, strategy):
    seed = config["seed"]
    keras.utils.set_random_seed(seed)
    tf.config.experimental.enable_op_determinism()
    with strategy.scope():
        density = make_model(config["model"], config["model_options"])
        trainer = training.LikelihoodModel(
            density,
            gibbs_steps=config["gibbs_steps"],
            ema_momentum=config["ema_momentum"],
            base_weight_penalty=config["base_weight_penalty"],
            seed=(seed, 1),
        )
        trainer.compile(
            optimizer=_optimizers(config, density, num_images),
            steps_per_execution=config["steps_per_execution"],
            jit_compile=config["jit_compile"] or None,
        )
    return trainer


def _fit(trainer, config, data, output):
    """Trains, from the newest checkpoint if there is one; returns the seconds of this part."""
    seed = config["seed"]
    with trainer.distribute_strategy.scope():
        best = training.BestWeights(patience=config["patience"], folder=output / "checkpoint")
    checkpoints = training.Checkpoints(
        output / "training", config["keep"], config["checkpoint_every"], best=best
    )
    checkpoints.restore(trainer)
    started = time.perf_counter()
    trainer.fit(
        data.train,
        validation_data=data.validation,
        epochs=config["epochs"],
        batch_size=config["batch_size"],
        horizontal_flips=config["horizontal_flips"],
        verbose=1 if sys.stdout.isatty() else 2,
        callbacks=[
            training.TerminateOnNonFinite(),
            training.LogPartitionCallback(seed=(seed, 3)),
            *_chosen_callbacks(config, data, output),
            training.MetricsFile(output / "metrics.csv"),
            best,
            checkpoints,
        ],
    )
    return time.perf_counter() - started


def _chosen_callbacks(config, data, output):
    chosen = []
    if count := config["quality_samples"]:
        network = find_network("classifier", data, output)
        judge = metrics.SampleQuality(network, data.validation[:count], data.num_levels)
        chosen.append(training.QualityCurves(judge, output / "quality.csv", count))
    if config["chain_health"]:
        chosen.append(training.ChainHealth())
    if config["sample_grids"]:
        chosen.append(training.SampleGrids(output / "samples"))
    if config["tensorboard"]:
        chosen.append(training.TensorBoard(output / "tensorboard"))
    return chosen


def _optimizers(config, density, num_images):
    steps = config["epochs"] * datasets.num_batches(num_images, config["batch_size"])

    def optimizer(rate):
        schedule = training.learning_rate_schedule(
            config["schedule"], rate, steps, config["warmup_steps"], config["decay_rate"]
        )
        return keras.optimizers.Adam(schedule, global_clipnorm=config["clip_norm"])

    rate = config["learning_rate"]
    own = {name: config[f"{name}_learning_rate"] for name in ("base", "noise")}
    if not any(own.values()):
        return optimizer(rate)
    groups = [name for name, part in parameter_groups(density).items() if part]
    return {name: optimizer(own.get(name) or rate) for name in groups}


def _start_again(output, strategy_name):
    """Replaces this process by one that goes on from the last checkpoint."""
    restarts = int(os.environ.get("TFP_EBM_RESTARTS", "0")) + 1
    if strategy_name != "multi_worker" or restarts > _MAX_RESTARTS:
        raise
    print(f"another worker was lost; waiting for it, restart {restarts}", flush=True)
    os.environ["TFP_EBM_RESTARTS"] = str(restarts)
    command = [sys.executable, "-m", "tfp_ebm.cli", "train", "--resume", str(output)]
    os.execv(sys.executable, command)


def _versions():
    return {
        "tfp_ebm": __version__,
        "tensorflow": tf.__version__,
        "tensorflow_probability": tfp.__version__,
        "tf_keras": keras.__version__,
        "numpy": np.__version__,
        "python": platform.python_version(),
    }
