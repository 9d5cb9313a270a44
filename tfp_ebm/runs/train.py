"""The command that trains a model."""

import contextlib
import os
import pathlib
import sys
import time
from collections.abc import Iterator
from typing import Any

import tensorflow as tf

from tfp_ebm import datasets, metrics, models, training
from tfp_ebm.internal.keras import keras
from tfp_ebm.runs.conditions import as_trained, source_of
from tfp_ebm.runs.configuration import (
    changed_config,
    differing_options,
    load_data,
    new_config,
    sizes_of,
)
from tfp_ebm.runs.evaluate import find_network
from tfp_ebm.runs.finish import finish
from tfp_ebm.runs.initial_weights import initialize, take_weights
from tfp_ebm.runs.run_folder import (
    check_data,
    quoted,
    read_config,
    spec_of,
    write_json,
)
from tfp_ebm.runs.sole_use import sole_use
from tfp_ebm.training import parameter_groups
from tfp_ebm.training.callbacks.epoch_table import read_epoch_rows

__all__ = ["train"]

# How often a worker starts again by itself after another one was lost.
_MAX_RESTARTS = 10


def train(
    model: str | None = None,
    dataset: str | None = None,
    output: pathlib.Path | None = None,
    resume: pathlib.Path | None = None,
    init: pathlib.Path | None = None,
    dry_run: bool = False,
    **given: Any,
) -> None:
    """Trains a model on a data set and writes the run folder, or goes on with a run.

    >>> import tempfile
    >>> from tfp_ebm import runs
    >>> folder = tempfile.mkdtemp()
    >>> given = dict(flow="affine", base="normal", dry_run=True)  # trains nothing
    >>> runs.train(dataset="two_moons", output=f"{folder}/run", **given)
    parameters of the flow...

    Args:
      model: name of a model or preset.
      dataset: name of the data set.
      output: folder of the run; must not exist.
      resume: folder of a run to go on with, instead of the other three.
      init: folder of a run whose trained parts a new run starts from, where they are the same.
      dry_run: whether to tell sizes and costs only.
      **given: the options of `tfp_ebm.internal.train_options`; None leaves the default.

    Raises:
      ValueError: if an option does not fit, or the folder exists.
      NonFiniteError: if the loss is no longer finite; the last good checkpoint stays.
    """
    strategy_name = given.get("strategy")
    if resume is not None:
        for name, value in (("output", output), ("init", init)):
            if value is not None:
                raise ValueError(
                    f"`--{name}` has no place beside `--resume`: a run keeps its folder and "
                    "weights."
                )
        config = _config_to_go_on(resume, {"model": model, "dataset": dataset, **given})
        output, strategy_name = resume, strategy_name or config["strategy"]
    elif output is None and not dry_run:
        raise ValueError("`--output` must name a new folder for the run, got none.")
    strategy = training.make_strategy(strategy_name or "none")
    data = None
    if resume is None:
        # Of stand-ins the number of classes is not known.
        known = sizes_of(dataset) if dry_run and not given.get("condition") else None
        config, data = new_config(model, dataset, given, known)
    if data is None:
        data = load_data(config["dataset"], config["data_dir"], config["data"])
        check_data(resume, config, data)
    if dry_run:
        from tfp_ebm.runs.cost import print_cost

        density = models.build(spec_of(config))
        _optimizers(config, density, len(data.train))  # Refuses rates of parts without parameters.
        print_cost(as_trained(config, density), data.event_shape)
        return
    if resume is not None and _is_finished(output, config, len(data.train)):
        print(
            f"{output} is finished; evaluate it by: tfp-ebm evaluate {quoted(output)}, or go on "
            "with more --epochs"
        )
        return
    trainer = _make_trainer(config, len(data.train), strategy)
    taken = []
    if init is not None:
        taken = take_weights(trainer.distribution, spec_of(config), init)
        print(f"from {init}: {', '.join(taken)}")
    if config["initialize"] and resume is None:
        done = initialize(trainer.distribution, data.train, config["seed"], taken)
        trainer.restart_average()
        print(f"set from data: {', '.join(done)}")
    _tell(data, config)
    with _opened_folder(output, config, resume, strategy):
        with _told_how_to_go_on(output, config, strategy_name):
            seconds = _fit(trainer, config, data, output)
        if training.is_chief(strategy):
            finish(output, data, seconds)


def _tell(data, config):
    """Says what is trained on, and what will take a moment."""
    print(data.describe())
    print(f"model       {config['model']}; the first update compiles it, which takes a while")


def _config_to_go_on(run, given):
    """Returns the configuration of a run, with the changes that are asked for."""
    config = read_config(run)
    read_epoch_rows(run / "metrics.csv")  # Damage would show at the end of an epoch only.
    return changed_config(config, given, run, _last_update(run))


def _last_update(run):
    """Returns the number of updates behind the last checkpoint of training."""
    latest = training.Checkpoints(run / "training").latest
    return 0 if latest is None else int(latest.name.split("-")[1])


def _is_finished(run, config, num_images):
    """Whether a run has its summary, and no epochs to come since its options were changed."""
    if not (run / "summary.json").exists():
        return False
    if config == read_config(run):
        return True
    steps = datasets.num_batches(num_images, config["batch_size"])
    return _last_update(run) >= config["epochs"] * steps


@contextlib.contextmanager
def _told_how_to_go_on(output: pathlib.Path, config: dict, strategy_name: str) -> Iterator[None]:
    """Says how training goes on after what stopped it."""
    try:
        yield
    except (tf.errors.UnavailableError, tf.errors.AbortedError, tf.errors.CancelledError):
        _start_again(output, strategy_name)
    except KeyboardInterrupt:
        print(f"\ninterrupted and saved; go on by: tfp-ebm train --resume {quoted(output)}")
        raise
    except training.NonFiniteError as error:
        raise training.NonFiniteError(
            f"{error} From the last checkpoint, update {_last_update(output)}, training goes on "
            f"with another rate by: tfp-ebm train --resume {quoted(output)} --learning-rate "
            f"{config['learning_rate'] / 2:g} (or --clip-norm, --seed); the run records the change."
        ) from error


@contextlib.contextmanager
def _opened_folder(
    output: pathlib.Path,
    config: dict,
    resume: pathlib.Path | None,
    strategy: tf.distribute.Strategy,
) -> Iterator[None]:
    """Makes the folder of a new run, or notes what changes in it, and keeps it for this process."""
    if not training.is_chief(strategy):
        yield
        return
    if resume is None:
        _make_folder(output, config, strategy)
    with sole_use(output):
        if resume is not None and config != read_config(output):
            write_json(output / "config.json", config)
            (output / "summary.json").unlink(missing_ok=True)
        yield


def _make_folder(output, config, strategy):
    """Makes the folder of a new run; several workers started again find their own."""
    if output.exists():
        several = strategy.cluster_resolver is not None
        if not several or not (output / "config.json").is_file():
            raise ValueError(
                f"`--output` {output} exists and is left as it is; choose another folder, remove "
                f"it, or go on with a run by: tfp-ebm train --resume {quoted(output)}"
            )
        if differing := differing_options(read_config(output), {**config, "versions": None}):
            raise ValueError(
                f"{output} holds a run with another configuration, which differs in "
                f"{', '.join(differing)}; choose another folder."
            )
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
        density = models.build(spec_of(config))
        kind = training.LikelihoodModel
        if config["condition"]:
            kind = training.ConditionalLikelihoodModel
        trainer = kind(
            as_trained(config, density),
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
    trainer.reseed((seed, 1))  # The checkpoint may hold another one.
    started = time.perf_counter()
    trainer.fit(
        _events(config, data, "train"),
        validation_data=_events(config, data, "validation"),
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


def _events(config, data, part):
    """Returns the events of a part, with their labels where the model depends on them."""
    events = getattr(data, part)
    if config["condition"] is None:
        return events
    kind = "labels" if source_of(config["condition"]) is None else "condition"
    return events, getattr(data, f"{part}_{kind}")


def _chosen_callbacks(config, data, output):
    chosen = []
    if (count := config["quality_samples"]) or config["sample_grids"]:
        if data.image_shape is None:
            raise ValueError(
                "`--quality-samples` and `--sample-grids` are for images; leave them out."
            )
        if source_of(config["condition"]) is not None:
            raise ValueError(
                "`--quality-samples` and `--sample-grids` draw from classes in turn, and this "
                "model is given vectors; leave them out."
            )
    if count:
        network = find_network(config["quality_network"], data, output)
        judge = metrics.SampleQuality(network, data.validation[:count], data.num_levels)
        path, every = output / "quality.csv", config["quality_every"]
        chosen.append(training.QualityCurves(judge, path, count, every))
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
        return keras.optimizers.Adam(
            schedule, beta_2=config["beta_2"], global_clipnorm=config["clip_norm"]
        )

    rate = config["learning_rate"]
    own = {name: config[f"{name}_learning_rate"] for name in ("base", "noise")}
    own = {name: own_rate for name, own_rate in own.items() if own_rate is not None}
    if not own:
        return optimizer(rate)
    groups = [name for name, part in parameter_groups(density).items() if part]
    for name in own:
        if name not in groups:
            raise ValueError(
                f"`--{name}-learning-rate` has nothing to train: the {name} of {config['model']} "
                "has no parameters; leave it out."
            )
    return {name: optimizer(own.get(name, rate)) for name in groups}


def _start_again(output, strategy_name):
    """Replaces this process by one that goes on from the last checkpoint."""
    restarts = int(os.environ.get("TFP_EBM_RESTARTS", "0")) + 1
    if strategy_name != "multi_worker" or restarts > _MAX_RESTARTS:
        raise
    print(f"another worker was lost; waiting for it, restart {restarts}", flush=True)
    os.environ["TFP_EBM_RESTARTS"] = str(restarts)
    command = [sys.executable, "-m", "tfp_ebm.cli", "train", "--resume", str(output)]
    os.execv(sys.executable, command)
