"""The options of `tfp-ebm train`, in one table: for its help, its defaults and its records."""

from collections.abc import Callable
from typing import Any, NamedTuple

__all__ = [
    "COUNT",
    "COUNT_OR_NONE",
    "DATA_OPTIONS",
    "MODEL_OPTIONS",
    "OPTIONS",
    "SEED",
    "SEVERAL_OR_NONE",
    "Option",
    "Range",
    "check_number",
    "check_options",
    "flag",
]


class Range(NamedTuple):
    """What a number may be, in words and as a test."""

    words: str
    holds: Callable[[float], bool]


def _is_count(value, minimum):
    return isinstance(value, int) and minimum <= value < 2**31


# Beyond that single precision has no numbers.
_LARGEST = 1e38
POSITIVE = Range("a finite number above 0, to 1e38", lambda x: 0 < x <= _LARGEST)
NOT_NEGATIVE = Range("a finite number of at least 0, to 1e38", lambda x: 0 <= x <= _LARGEST)
FACTOR = Range("a number above 0 and at most 1", lambda x: 0 < x <= 1)
SHARE = Range("a number from 0 to below 1", lambda x: 0 <= x < 1)
COUNT = Range("an integer of at least 1", lambda x: _is_count(x, 1))
COUNT_OR_NONE = Range("an integer of at least 0", lambda x: _is_count(x, 0))
# The jackknife of a distance leaves one of three out.
SEVERAL = Range("an integer of at least 3", lambda x: _is_count(x, 3))
SEVERAL_OR_NONE = Range(
    "0, or an integer of at least 3", lambda x: _is_count(x, 0) and x not in (1, 2)
)
LEVELS = Range("an integer of at least 2", lambda x: _is_count(x, 2))
SEED = Range("an integer from 0 to 2147483647", lambda x: _is_count(x, 0))
_WORDS = {bool: "true or false", str: "a text", list: "a list of texts"}


class Option(NamedTuple):
    """An option of `train`.

    Attributes:
      name: its name in records; the flag is `--name`, with dashes.
      kind: its type; bool: a flag without a value.
      default: its default.
      group: its group in the help.
      help: what it is.
      choices: what it may be, for words.
      range: what it may be, for numbers.
      is_fixed: whether a run keeps it for ever, since the model or its state depend on it.
    """

    name: str
    kind: type
    default: object
    group: str
    help: str
    choices: tuple[str, ...] | None = None
    range: Range | None = None
    is_fixed: bool = False


def _option(name, kind, default, group, help, choices=None, is_fixed=False):
    range = choices if isinstance(choices, Range) else None
    return Option(name, kind, default, group, help, None if range else choices, range, is_fixed)


_SCHEDULES = ("constant", "cosine", "exponential")
_SAMPLERS = ("contrastive", "persistent", "replay", "tempering", "weighted")
_STRATEGIES = ("mirrored", "multi_worker", "none")
_NOISES, _PRECISIONS = ("uniform", "variational"), ("bfloat16", "float32")

# Name, type, default, group, help, and what it may be.
_TRAINING = (
    ("epochs", int, 40, "training", "passes over the training part, at most", COUNT),
    ("batch_size", int, 64, "training", "images in an update, over all replicas", COUNT, True),
    ("learning_rate", float, 5e-3, "training", "peak of Adam's rate", POSITIVE),
    ("base_learning_rate", float, None, "training", "for the base; as the flow's", POSITIVE),
    ("noise_learning_rate", float, None, "training", "for the noise; as the flow's", POSITIVE),
    ("schedule", str, "cosine", "training", "of the learning rates", _SCHEDULES),
    ("warmup_steps", int, 100, "training", "updates until the peak", COUNT_OR_NONE),
    ("decay_rate", float, 0.9999, "training", "factor of an update, exponential schedule", FACTOR),
    ("beta_2", float, 0.999, "training", "momentum of Adam's mean of squares", SHARE),
    ("clip_norm", float, None, "training", "clip gradients to this global norm", POSITIVE),
    ("base_weight_penalty", float, 0.0, "training", "L2 penalty on the couplings", NOT_NEGATIVE),
    ("ema_momentum", float, 0.999, "training", "average of the weights", SHARE),
    ("patience", int, None, "training", "epochs without progress before stopping; never", COUNT),
    ("gibbs_steps", int, None, "training", "sweeps of the chains; 2, or 25", COUNT_OR_NONE),
    ("horizontal_flips", bool, False, "training", "mirror half of the images"),
    ("initialize", bool, False, "training", "set ActNorms and base from data", None, True),
    ("condition", str, None, "training", "labels, columns:NAME,... or array:NAME", None, True),
    ("seed", int, 0, "training", "seed of everything", SEED),
)
_MODEL = (
    ("flow", str, None, "model", "another flow, see `tfp-ebm models`", None, True),
    ("base", str, None, "model", "another base, see `tfp-ebm models`", None, True),
    ("noise", str, None, "model", "dequantisation; uniform", _NOISES, True),
    ("num_augmented", int, None, "model", "extra dimensions, as in VFlow", COUNT_OR_NONE, True),
    ("num_filters", int, None, "model", "width of the networks", COUNT, True),
    ("num_components", int, None, "model", "logistics in a coupling", COUNT, True),
    ("num_blocks", int, None, "model", "gated blocks in a network", COUNT_OR_NONE, True),
    ("dropout_rate", float, None, "model", "dropout in the networks; 0.3", SHARE, True),
    ("delta", float, None, "model", "smoothing of the spins; the model's default", POSITIVE, True),
    ("learn_delta", bool, None, "model", "train the smoothing too", None, True),
    ("sampler", str, None, "model", "of the base's gradient; weighted", _SAMPLERS, True),
    ("set", list, None, "model", "any option, PART.OPTION=VALUE; may be repeated", None, True),
)
_DATA = (
    ("num_levels", int, None, "data", "levels of arrays and images", LEVELS, True),
    ("label", str, None, "data", "column, array or feature that holds labels", None, True),
    ("column", list, None, "data", "NAME=KIND of a column; may be repeated", None, True),
    ("split_seed", int, None, "data", "seed of the parts, where data have none", SEED, True),
)
_OTHER = (
    ("precision", str, "float32", "speed", "of the networks", _PRECISIONS, True),
    ("steps_per_execution", int, 1, "speed", "updates between two looks of Keras", COUNT),
    ("jit_compile", bool, False, "speed", "compile the update by XLA"),
    ("strategy", str, "none", "speed", "devices, or machines of TF_CONFIG", _STRATEGIES),
    ("checkpoint_every", int, None, "records", "updates between checkpoints; each epoch", COUNT),
    ("keep", int, 3, "records", "checkpoints of training to keep", COUNT),
    ("sample_grids", bool, False, "records", "a picture of samples after every epoch"),
    ("quality_samples", int, None, "records", "samples to judge after every epoch; none", SEVERAL),
    ("quality_every", int, 1, "records", "epochs from one judgement to the next", COUNT),
    ("quality_network", str, "classifier", "records", "what judges, as in `evaluate --network`"),
    ("chain_health", bool, False, "records", "how the chains mix, in metrics.csv"),
    ("tensorboard", bool, False, "records", "files for TensorBoard"),
    ("data_dir", str, None, "records", "folder of TensorFlow Datasets"),
)
OPTIONS = tuple(_option(*entry) for entry in (*_TRAINING, *_MODEL, *_DATA, *_OTHER))
MODEL_OPTIONS = tuple(option.name for option in OPTIONS if option.group == "model")
DATA_OPTIONS = tuple(option.name for option in OPTIONS if option.group == "data")


def flag(name: str) -> str:
    """Returns the flag of an option."""
    return f"--{name.replace('_', '-')}"


def check_number(name: str, value: object, range: Range) -> None:
    """Raises if a value is no number in a range.

    Args:
      name: name of the option, for the message.
      value: the value, of any type.
      range: what it may be.

    Raises:
      ValueError: naming the option, what was expected and what came.
    """
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not is_number or not range.holds(value):
        raise ValueError(f"`{name}` must be {range.words}, got {value!r}.")


def check_options(values: dict[str, Any]) -> None:
    """Raises if a value is not what its option may be; None is always well.

    Args:
      values: values of options by name, of any type; others are left alone.

    Raises:
      ValueError: naming the flag, what was expected and what came.
    """
    for option in OPTIONS:
        value, name = values.get(option.name), flag(option.name)
        if value is None:
            continue
        if option.range is not None:
            check_number(name, value, option.range)
        elif option.choices is not None:
            if value not in option.choices:
                choices = ", ".join(option.choices)
                raise ValueError(f"`{name}` must be one of {choices}, got {value!r}.")
        elif not isinstance(value, option.kind):
            raise ValueError(f"`{name}` must be {_WORDS[option.kind]}, got {value!r}.")
