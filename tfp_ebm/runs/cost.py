"""What a model costs, without training it."""

from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from tfp_ebm.internal.types import Distribution
from tfp_ebm.models import Conditional
from tfp_ebm.runs.conditions import given, inside, levels_of
from tfp_ebm.training import parameter_groups
from tfp_ebm.wrappers.stochastic_bound import bound_log_prob

__all__ = ["flops_per_event", "print_cost"]


def flops_per_event(model: Distribution | Conditional, event_shape: Sequence[int]) -> int:
    """Returns the floating-point operations of `log_prob` of one event, as TensorFlow counts them.

    Counted are the operations that its profiler knows, among them convolutions and products; a
    training step takes about three times as many, and the sweeps of the base besides.

    Args:
      model: the model.
      event_shape: shape of an event.
    """
    function = tf.function(
        lambda x: bound_log_prob(given(model, _any_condition(model)), x, (0, 0)), autograph=False
    )
    graph = function.get_concrete_function(tf.TensorSpec([1, *event_shape], model.dtype)).graph
    # Those of other functions in this process, which a graph inherits, confuse the profiler.
    graph.clear_collection(tf.compat.v1.GraphKeys.TRAINABLE_VARIABLES)
    options = tf.compat.v1.profiler.ProfileOptionBuilder.float_operation()
    options["output"] = "none"
    return tf.compat.v1.profiler.profile(graph, options=options).total_float_ops


def _any_condition(model):
    if not isinstance(model, Conditional) or model.num_classes is not None:
        return tf.zeros([1], tf.int32)
    return tf.zeros([1, model.num_context], model.condition_dtype)


def print_cost(model: Distribution | Conditional, event_shape: Sequence[int]) -> None:
    """Prints parameters by group, and operations, separated by tabs."""
    groups = {
        name: int(sum(np.prod(variable.shape) for variable in part))
        for name, part in parameter_groups(inside(model)).items()
    }
    for name, count in groups.items():
        print(f"parameters of the {name}\t{count:,}")
    print(f"parameters\t{sum(groups.values()):,}")
    noun = "image" if levels_of(model) else "event"
    print(f"FLOPs of log_prob an {noun}\t{flops_per_event(model, event_shape):,}")
