"""Strategies of `tf.distribute` by name, with the checks that save an hour of waiting."""

import json
import os

import tensorflow as tf

from tfp_ebm.internal import checks

__all__ = ["STRATEGIES", "is_chief", "make_strategy"]

STRATEGIES = ("none", "mirrored", "multi_worker")


def make_strategy(name: str) -> tf.distribute.Strategy:
    """Returns a strategy; call it before anything else of TensorFlow.

    >>> from tfp_ebm import training
    >>> training.make_strategy("none").num_replicas_in_sync
    1

    Args:
      name: `"none"`; `"mirrored"`: all GPUs of this machine, or all logical CPUs where there is
        none; `"multi_worker"`: the machines that the environment variable TF_CONFIG lists.

    Raises:
      ValueError: if there is no such strategy, or TF_CONFIG is malformed.
    """
    checks.choice("strategy", name, STRATEGIES)
    if name == "none":
        return tf.distribute.get_strategy()
    if name == "mirrored":
        devices = tf.config.list_logical_devices("GPU") or tf.config.list_logical_devices("CPU")
        return tf.distribute.MirroredStrategy([device.name for device in devices])
    _check_tf_config(os.environ.get("TF_CONFIG"))
    return tf.distribute.MultiWorkerMirroredStrategy()


def is_chief(strategy: tf.distribute.Strategy) -> bool:
    """Whether this process writes files: the only worker, or the first of several.

    >>> from tfp_ebm import training
    >>> training.is_chief(training.make_strategy("none"))
    True
    """
    resolver = strategy.cluster_resolver
    return (
        resolver is None
        or not resolver.task_type
        or (resolver.task_type in ("chief", "worker") and resolver.task_id == 0)
    )


def _check_tf_config(text):
    example = (
        'for example {"cluster": {"worker": ["host1:2222", "host2:2222"]}, '
        '"task": {"type": "worker", "index": 0}}'
    )
    if not text:
        raise ValueError(f"TF_CONFIG must be set for several workers, {example}.")
    try:
        config = json.loads(text)
        workers = config["cluster"]["worker"]
        task, index = config["task"]["type"], config["task"]["index"]
    except (ValueError, KeyError, TypeError):
        raise ValueError(f"TF_CONFIG must be JSON like this, {example}, got {text!r}.") from None
    if not isinstance(workers, list) or not all(":" in str(worker) for worker in workers):
        raise ValueError(f"TF_CONFIG must list workers as host:port, {example}, got {workers!r}.")
    if task != "worker" or not isinstance(index, int) or not 0 <= index < len(workers):
        raise ValueError(
            f"TF_CONFIG must name this task as one of its {len(workers)} workers, {example}, got "
            f"type {task!r} and index {index!r}."
        )
