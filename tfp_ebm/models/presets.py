"""Models with fixed sizes, by name."""

import inspect
from collections.abc import Callable, Sequence
from typing import Any

import tensorflow as tf

from tfp_ebm.distributions import Dequantized
from tfp_ebm.internal import checks
from tfp_ebm.models import image_flows
from tfp_ebm.models.variational_noise import VariationalNoise
from tfp_ebm.models.vflow import vflow

__all__ = ["option_names", "preset", "preset_images", "preset_names"]

_PAPER = {"image_shape": (32, 32, 3), "num_blocks": 10, "noise": "variational"}
_WIDE = {"num_filters": 100, "num_components": 33, **_PAPER}
_OFFICIAL = {
    "num_filters": 96,
    "num_components": 32,
    "num_blocks": 10,
    "num_heads": 4,
    "mix_per_half": True,
    "dropout_rate": 0.2,
}
_NARROW = {"num_filters": 96, "num_components": 32, **_PAPER}


def _official_flow_plus_plus(
    image_shape: Sequence[int] = (32, 32, 3),
    num_levels: int = 256,
    dtype: tf.DType = tf.float32,
    **flow_options: Any,
) -> Dequantized:
    """Flow++ as its authors published it for CIFAR-10."""
    options = {**_OFFICIAL, "num_couplings": (4, 2, 3), "dtype": dtype, **flow_options}
    if "noise" not in options:
        options["noise"] = _official_noise(image_shape, num_levels, options, num_blocks=2)
    return image_flows.gaussian_flow(image_shape, num_levels, **options)


def _official_vflow(
    image_shape: Sequence[int] = (32, 32, 3),
    num_augmented: int = 3,
    num_levels: int = 256,
    dtype: tf.DType = tf.float32,
    **flow_options: Any,
) -> Dequantized:
    """VFlow of six channels as its authors published it for CIFAR-10; here e is real."""
    options = {**_OFFICIAL, "num_couplings": (2, 2, 2, 3), "dtype": dtype, **flow_options}
    if "noise" not in options:
        options["noise"] = _official_noise(image_shape, num_levels, options, num_blocks=2)
    posterior = _official_noise(
        image_shape,
        num_levels,
        options,
        num_blocks=3,
        num_channels=num_augmented,
        on_unit_cell=False,
    )
    return vflow(image_shape, num_augmented, num_levels, posterior=posterior, **options)


def _official_noise(image_shape, num_levels, flow_options, **options):
    """Returns conditional noise with the options that it shares with the flow."""
    names = ("num_filters", "num_components", "num_heads", "mix_per_half", "dropout_rate")
    shared = {
        name: flow_options[name]
        for name in (*names, "dtype", "network_policy")
        if name in flow_options
    }
    return VariationalNoise(
        image_shape, num_levels=num_levels, processor_filters=32, **shared, **options
    )


# Name: (function, arguments, parameters, what it is).
_PRESETS: dict[str, tuple[Callable[..., Dequantized], dict[str, Any], str]] = {
    "paper_cifar10_gaussian": (
        image_flows.gaussian_flow,
        _WIDE,
        "the RBM-Flow paper's Gaussian baseline, 31,445,192 parameters",
    ),
    "paper_cifar10_rbm": (
        image_flows.rbm_flow,
        _NARROW,
        "the RBM-Flow paper's RBM-Flow, 31,420,584 parameters",
    ),
    "paper_cifar10_bernoulli": (
        image_flows.d_flow,
        _WIDE,
        "the RBM-Flow paper's D-Flow, 31,448,264 parameters",
    ),
    "official_cifar10_flow_plus_plus": (
        _official_flow_plus_plus,
        {},
        "Flow++ with attention as its authors published it, 31,443,440 parameters",
    ),
    "official_cifar10_vflow": (
        _official_vflow,
        {},
        "VFlow of 6 channels with attention as its authors published it, 39,700,096 parameters",
    ),
    "small_8x8": (
        image_flows.rbm_flow,
        {"image_shape": (8, 8, 1), "num_levels": 17, "num_filters": 32, "num_components": 8},
        "RBM-Flow for 8x8 digits, minutes on a CPU",
    ),
    "small_28x28": (
        image_flows.rbm_flow,
        {"image_shape": (28, 28, 1), "num_filters": 32, "num_components": 8},
        "RBM-Flow for 28x28 images, hours on a CPU",
    ),
    "small_32x32": (
        image_flows.rbm_flow,
        {"image_shape": (32, 32, 3), "num_filters": 32, "num_components": 8},
        "RBM-Flow for 32x32 colour images, a day on a CPU",
    ),
    "small_vflow_28x28": (
        vflow,
        {
            "image_shape": (28, 28, 1),
            "num_augmented": 1,
            "num_components": 8,
            "num_couplings": (2, 2, 2, 3),
        },
        "VFlow of 2 channels for 28x28 images, hours on a CPU",
    ),
    "small_vflow_32x32": (
        vflow,
        {"image_shape": (32, 32, 3), "num_components": 8, "num_couplings": (2, 2, 2, 3)},
        "VFlow of 6 channels for 32x32 colour images, a day on a CPU",
    ),
}


def preset_names() -> dict[str, str]:
    """Returns the names that `preset` knows, and what each is."""
    return {name: description for name, (_, _, description) in _PRESETS.items()}


def preset_images(name: str) -> tuple[tuple[int, int, int], int] | None:
    """Returns the shape of the images of a preset and their number of levels; None if any will do.

    Args:
      name: one of `preset_names()`.

    Raises:
      ValueError: if no preset has this name; the nearest one is suggested.
    """
    function, arguments, _ = _PRESETS[checks.choice("name", name, _PRESETS)]
    signature = inspect.signature(function).parameters
    shape = arguments.get("image_shape", signature["image_shape"].default)
    if shape is inspect.Parameter.empty:
        return None
    return tuple(shape), arguments.get("num_levels", signature["num_levels"].default)


def preset(name: str, **options: Any) -> Dequantized:
    """Returns a model with fixed sizes.

    Args:
      name: one of `preset_names()`.
      **options: arguments that override the preset's.

    Raises:
      ValueError: if no preset has this name or it no such option; the nearest one is suggested.

    Source: table 2 of "RBM-Flow and D-Flow: Invertible Flows with Discrete Energy Base Spaces";
    the official code of Flow++ and of VFlow.
    """
    function, arguments, _ = _PRESETS[checks.choice("name", name, _PRESETS)]
    for option in options:
        checks.choice(f"option of {name}", option, image_flows.known_options(function))
    return function(**{**arguments, **options})


def option_names(name: str) -> set[str]:
    """Returns the options that a model or preset of this name takes.

    Args:
      name: one of `image_flows.names()` or of `preset_names()`.

    Raises:
      ValueError: if there is none of this name; the nearest one is suggested.
    """
    if name in image_flows.names():
        return image_flows.known_options(getattr(image_flows, name))
    return image_flows.known_options(_PRESETS[checks.choice("name", name, _PRESETS)][0])
