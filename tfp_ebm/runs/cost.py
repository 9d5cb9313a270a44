"""What a model costs, without training it."""

from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from tfp_ebm.distributions import Dequantized
from tfp_ebm.training import parameter_groups

__all__ = ["flops_per_image", "print_cost"]


def flops_per_image(model: Dequantized, image_shape: Sequence[int]) -> int:
    """Returns the floating-point operations of `log_prob` of one image, as TensorFlow counts them.

    Counted are the operations that its profiler knows, among them convolutions and products; a
    training step takes about three times as many, and the sweeps of the base besides.

    Args:
      model: the model.
      image_shape: `(H, W, C)`.
    """
    function = tf.function(lambda x: model.log_prob(x, seed=(0, 0)), autograph=False)
    graph = function.get_concrete_function(tf.TensorSpec([1, *image_shape], model.dtype)).graph
    options = tf.compat.v1.profiler.ProfileOptionBuilder.float_operation()
    options["output"] = "none"
    return tf.compat.v1.profiler.profile(graph, options=options).total_float_ops


def print_cost(model: Dequantized, image_shape: Sequence[int]) -> None:
    """Prints parameters by group, and operations, separated by tabs."""
    groups = {
        name: int(sum(np.prod(variable.shape) for variable in part))
        for name, part in parameter_groups(model).items()
    }
    for name, count in groups.items():
        print(f"parameters of the {name}\t{count:,}")
    print(f"parameters\t{sum(groups.values()):,}")
    print(f"FLOPs of log_prob an image\t{flops_per_image(model, image_shape):,}")
