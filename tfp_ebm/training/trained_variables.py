"""Which variables of a model are trained, and the check that none is left behind."""

import re
import weakref
from collections.abc import Iterable, Sequence

import tensorflow as tf

from tfp_ebm.internal.keras import keras
from tfp_ebm.internal.replicas import variable_key
from tfp_ebm.internal.seeds import seed_scope
from tfp_ebm.internal.tfp_private import samplers
from tfp_ebm.internal.types import Distribution
from tfp_ebm.models.parts import has_columns, num_levels
from tfp_ebm.partition.staleness import values_unread

__all__ = ["make_variables", "require_all_trained", "trained_variables"]

_CALLED = weakref.WeakSet()
_NUM_EXAMPLES, _EXAMPLE_SEED = 8, (0, 0)
_MAX_NAMED = 5
# What checks of values raise, and what others raise too.
_OF_VALUES = (ValueError, tf.errors.InvalidArgumentError)


def make_variables(model: Distribution) -> None:
    """Calls a model once, so that networks that are built by their first call have their variables.

    Asked for is `log_prob` of a few events of noise, integers where the model takes levels. Where a
    model refuses their values, as those with `validate_args` do outside their support, its own
    samples take their place. Models that this function called before are left alone, and so are
    those of unknown event shape. Left to their first update are models that need more than an
    event, that cannot sample either, that run in graphs only, or on replicas only.

    Args:
      model: the distribution.

    Raises:
      ValueError: from the error of the model, if it cannot compute `log_prob`.
    """
    if model in _CALLED or not model.event_shape.is_fully_defined():
        return
    with tf.init_scope(), seed_scope(tf.constant(_EXAMPLE_SEED)), values_unread():
        try:
            model.log_prob(_examples(model))
        except Exception as error:
            # `require_all_trained` tells if the first update is too late.
            if _waits_for_update(error) or not _takes_samples(model, error):
                return
    _CALLED.add(model)


def _waits_for_update(error):
    """Whether an error may be of a call that is not as those of an update are."""
    if tf.distribute.has_strategy() and tf.distribute.in_cross_replica_context():
        return True
    if isinstance(error, TypeError):  # Labels, say, which a trainer of one's own gives.
        return re.search(r"missing \d+ required .*argument", str(error)) is not None
    return isinstance(error, RuntimeError) and "eager" in str(error)


def _takes_samples(model, error):
    """Calls a model that failed on noise on samples of its own; returns whether it has any."""
    if isinstance(error, _OF_VALUES):
        try:
            samples = model.sample(_NUM_EXAMPLES, seed=_EXAMPLE_SEED)
        except Exception:  # So it stays open whether the noise was to blame.
            return False
        try:
            model.log_prob(samples)
            return True
        except Exception as second:
            error = second
    raise ValueError(
        f"`log_prob` of the model `{model.name}` fails on a batch of shape "
        f"{(_NUM_EXAMPLES, *model.event_shape)}: {type(error).__name__}: {error}"
    ) from error


def _examples(model):
    """Returns noise rather than zeros: a flow may take its first scales from its first batch."""
    shape = [_NUM_EXAMPLES, *model.event_shape]
    if num_levels(model) is not None:
        levels = samplers.uniform(shape, 0, model.num_levels, tf.int32, seed=_EXAMPLE_SEED)
        return tf.cast(levels, model.dtype)
    if model.dtype.is_floating and not has_columns(model):
        return samplers.normal(shape, dtype=model.dtype, seed=_EXAMPLE_SEED)
    return tf.zeros(shape, model.dtype)


def _keys(variables: Iterable[tf.Variable]) -> set[str]:
    return {variable_key(variable) for variable in variables}


def _frozen_by_keras(model: tf.Module) -> list[tf.Variable]:
    """Returns the variables of layers with `trainable=False`, which `tf.Module` does not heed."""
    layers = [part for part in model.submodules if isinstance(part, keras.layers.Layer)]
    return [variable for layer in layers for variable in layer.non_trainable_variables]


def trained_variables(
    model: tf.Module, frozen: Iterable[tf.Variable] = ()
) -> tuple[list[tf.Variable], list[tf.Variable]]:
    """Returns the variables of a model that are to be trained, and those that are not on purpose.

    Not trained on purpose are those that are named, and those of Keras layers with
    `layer.trainable = False`.

    Args:
      model: the model.
      frozen: variables that are not to be trained.
    """
    frozen = [*frozen, *_frozen_by_keras(model)]
    keys = _keys(frozen)
    return [v for v in model.trainable_variables if variable_key(v) not in keys], frozen


def require_all_trained(
    variables: Sequence[tf.Variable], tape: tf.GradientTape, frozen: Iterable[tf.Variable] = ()
) -> None:
    """Raises if a tape watched a trainable variable that is not among those that will be trained.

    For training loops of one's own; `LikelihoodModel` does it by itself. Call it once, in the first
    update, after the loss. What is missed are variables that came after the list was made, as in
    networks that are built by their first call, and variables that the model does not show, as
    those of a network inside a lambda or of a Keras 3 layer.

    >>> import tensorflow_probability as tfp
    >>> scale = tf.Variable(2.0, name="scale")
    >>> density = tfp.distributions.Normal(tf.Variable(0.0, name="loc"), 1.0)
    >>> with tf.GradientTape() as tape:
    ...     loss = -density.log_prob(scale * 3.0)
    >>> require_all_trained([*density.trainable_variables, scale], tape)
    >>> require_all_trained(density.trainable_variables, tape)
    Traceback (most recent call last):
    ...
    ValueError: The loss depends on 1 variable that will not be trained: scale:0 of shape ()...

    Args:
      variables: what the optimizers will update.
      tape: the tape under which the loss was computed.
      frozen: variables that are not to be trained.

    Raises:
      ValueError: naming the variables that would be left behind and the remedy, or if there is
        nothing to train at all.
    """
    known = _keys(variables) | _keys(frozen)
    missing = [v for v in tape.watched_variables() if variable_key(v) not in known]
    if missing:
        named = ", ".join(f"{v.name} of shape {v.shape}" for v in missing[:_MAX_NAMED])
        more = f" and {len(missing) - _MAX_NAMED} more" if len(missing) > _MAX_NAMED else ""
        plural = "" if len(missing) == 1 else "s"
        raise ValueError(
            f"The loss depends on {len(missing)} variable{plural} that will not be trained: "
            f"{named}{more}. If the network is built by its first call, call the model once on an "
            "example before its variables are listed. If it is held by a lambda, a plain function, "
            "a template or a Keras 3 layer, where TensorFlow Probability cannot find it, hold it "
            "as an attribute of a `tf.Module` or pass the tf_keras network itself. If it is not to "
            "be trained, make its variables with `trainable=False` or name them in `frozen`."
        )
    if not variables:
        raise ValueError(
            "There is nothing to train: the model has no trainable variable, or all of them are "
            "frozen. Make its parameters `tf.Variable`s, and networks tf_keras layers or "
            "`tf.Module`s that the model holds."
        )
