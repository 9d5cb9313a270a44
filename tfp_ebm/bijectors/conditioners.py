"""Checks of the functions and networks that bijectors are made with."""

from collections.abc import Callable, Iterable
from typing import Any

import tensorflow as tf

from tfp_ebm.internal.held_parts import held_parts
from tfp_ebm.internal.keras import is_keras_3, keras

__all__ = ["check_callable", "check_tracked"]


def check_callable(name: str, value: object) -> None:
    """Raises if a value cannot be called."""
    if not callable(value):
        raise TypeError(f"`{name}` must be callable, got {type(value).__name__}.")


def check_tracked(name: str, value: Callable, others: Iterable[Any]) -> None:
    """Raises if the callable hides variables from TensorFlow that no other part shows it."""
    if isinstance(value, tf.Module):
        _check_built(name, value)
        return
    if is_keras_3(value):
        raise TypeError(
            f"`{name}` is a Keras 3 {type(value).__name__}, whose variables TensorFlow Probability "
            "cannot see, so that it would silently not train; wrap it in "
            "tfp_ebm.networks.Keras3Network, or build it with tf_keras instead."
        )
    others = [part for part in others if isinstance(part, tf.Module)]
    # The coupling, made just now, tracks whatever it has.
    shown = {id(part) for part in others} | {id(v) for part in others[1:] for v in part.variables}
    hidden = [part for part in held_parts(value) if id(part) not in shown and _hides(part, shown)]
    if hidden:
        what = "variable" if isinstance(hidden[0], tf.Variable) else type(hidden[0]).__name__
        raise ValueError(
            f"`{name}` is a plain function that holds a {what}, which would silently not train: "
            "pass the network itself as `conditioner=`, or make the function a `tf.Module` with a "
            "`__call__` that holds it as an attribute."
        )


def _hides(part, shown):
    """Whether a part that a function holds has variables, or will have, that are not shown."""
    if is_keras_3(part):
        return True
    if isinstance(part, tf.Variable):
        return part.trainable and id(part) not in shown
    layers = [layer for layer in (part, *part.submodules) if isinstance(layer, keras.layers.Layer)]
    return any(id(variable) not in shown for variable in part.variables) or any(
        not layer.built for layer in layers
    )


def _check_built(name, module):
    """Raises if the module has a Keras layer whose variables are not there yet."""
    parts = (module, *module.submodules)
    for layer in [part for part in parts if isinstance(part, keras.layers.Layer)]:
        # A layer that only holds others is as good as built when they are.
        is_leaf = not any(isinstance(part, keras.layers.Layer) for part in layer.submodules)
        if is_leaf and not layer.built:
            raise ValueError(
                f"`{name}` has a {type(layer).__name__} that is not built, so that its variables "
                "are not there yet: call the network once on an example of the first part, or "
                "give a model an Input."
            )
