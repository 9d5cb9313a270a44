"""The `tfp-ebm` command.

Nothing heavy is imported until a command runs, so that `--help` answers at once.
"""

import argparse
import contextlib
import difflib
import os
import pathlib
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from tfp_ebm.internal.train_options import (
    COUNT,
    COUNT_OR_NONE,
    OPTIONS,
    SEED,
    SEVERAL_OR_NONE,
    Range,
    flag,
)
from tfp_ebm.version import __version__

__all__ = ["main"]

_DESCRIPTION = """Flows with energy-based bases: density models of images, tables and vectors.

  tfp-ebm train rbm_flow --dataset digits --output runs/digits   train; writes a run folder
  tfp-ebm train rbm_flow --dataset my.csv --output runs/table    the same of a table of one's own
  tfp-ebm train --flow glow --base rbm --dataset images/ --output runs/mine    any flow, any base
  tfp-ebm train --resume runs/digits                             go on after an interruption
  tfp-ebm evaluate runs/digits                                   log-likelihood on the test part
  tfp-ebm sample runs/digits --num 64                            samples: a picture, or a table
  tfp-ebm encode runs/digits                                     discrete codes of the data
  tfp-ebm compress runs/integers images.npz --output images.tfe  lossless, by an integer flow
  tfp-ebm models rbm_flow                                        its options

Ctrl-C while training saves first. The run folder holds the configuration, the best weights, the
checkpoints of training, metrics.csv, pictures and summary.json.
"""
_EXIT_CODES = """exit codes: 0 done; 1 training met numbers that are not finite, or memory ran out;
2 bad input, nothing was done; 130 interrupted and saved"""


class _UsageError(Exception):
    """The command line cannot be understood. No ValueError, which argparse would rewrite."""


class _Parser(argparse.ArgumentParser):
    """A parser that says what is wrong in one line, and leaves the exit code to `main`."""

    def error(self, message: str) -> None:
        """Raises instead of printing the usage, which is long."""
        raise _UsageError(f"{message}; see `{self.prog} --help`.")


def _value(name: str, kind: type, range: Range | None, choices: Any = None) -> Callable[[str], Any]:
    """Returns what makes a value of what was typed; ranges are checked where options are used."""
    words = "a number" if range is None else range.words
    if choices is not None:
        words = f"one of {', '.join(choices)}"

    def parse(text):
        try:
            value = kind(text)
        except ValueError:
            value = None
        if value is None or (choices is not None and value not in choices):
            raise _UsageError(f"`{name}` must be {words}, got {text!r}.")
        return value

    return parse


def _add_number(parser, name, range, default, help):
    parser.add_argument(name, type=_value(name, int, range), default=default, help=help)


def _parser():
    parser = _Parser(
        prog="tfp-ebm",
        description=_DESCRIPTION,
        epilog=_EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"tfp-ebm {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    _add_train(commands)
    evaluate = commands.add_parser("evaluate", help="log-likelihood on the test part")
    evaluate.add_argument("run", type=pathlib.Path, help="folder that `train` wrote")
    _add_number(evaluate, "--seed", SEED, 0, "seed of noise and annealing")
    evaluate.add_argument("--data-dir", help="folder of TensorFlow Datasets")
    tighter, judged = "draws of noise in the tighter bound (none)", "samples to judge (none)"
    _add_number(evaluate, "--importance-draws", COUNT_OR_NONE, 0, tighter)
    _add_number(evaluate, "--num-samples", SEVERAL_OR_NONE, 0, judged)
    evaluate.add_argument(
        "--network",
        default="classifier",
        help="what judges them: classifier (trained once, kept in RUN), its .npz file, "
        "efficientnet_lite0 or inception_v3",
    )
    formats = ("json", "tsv")
    evaluate.add_argument(
        "--format",
        type=_value("--format", str, None, formats),
        choices=formats,
        default="json",
        help="of what is printed (json)",
    )
    exact = "compute log-determinants that the model estimates exactly, which may take long"
    evaluate.add_argument("--exact-log-det", action="store_true", help=exact)
    sample = commands.add_parser("sample", help="draw from a trained model")
    sample.add_argument("run", type=pathlib.Path, help="folder that `train` wrote")
    _add_number(sample, "--num", COUNT, 64, "number of samples (%(default)s)")
    _add_number(sample, "--seed", SEED, 0, "seed (%(default)s)")
    sample.add_argument("--condition", help="a class, or NAME=VALUE,... (all in turn)")
    sample.add_argument(
        "--output",
        type=pathlib.Path,
        help=".png of images, .csv of rows, or .npy, .npz (RUN/samples-SEED.png or .csv)",
    )
    _add_encode(commands)
    _add_coding(commands)
    listing = commands.add_parser("models", help="list models, presets, flows and bases")
    listing.add_argument("name", nargs="?", metavar="MODEL", help="one, whose options to list")
    commands.add_parser("datasets", help="list the data sets")
    return parser, commands


def _add_encode(commands):
    encode = commands.add_parser("encode", help="write the discrete codes of the data")
    encode.add_argument("run", type=pathlib.Path, help="folder that `train` wrote")
    encode.add_argument("--output", type=pathlib.Path, help=".npz file (RUN/codes-SEED.npz)")
    encode.add_argument("--dataset", help="other data of the same form (those of the run)")
    encode.add_argument("--data-dir", help="folder of TensorFlow Datasets")
    _add_number(encode, "--seed", SEED, 0, "seed of the noise (%(default)s)")


def _add_coding(commands):
    compress = commands.add_parser("compress", help="compress events by a run of integer_flow")
    compress.add_argument("run", type=pathlib.Path, help="folder that `train` wrote")
    compress.add_argument("events", type=pathlib.Path, help=".npz or .npy file of whole numbers")
    compress.add_argument("-o", "--output", type=pathlib.Path, help="the file (EVENTS.tfe)")
    decompress = commands.add_parser("decompress", help="restore what `compress` wrote")
    decompress.add_argument("run", type=pathlib.Path, help="folder of the run that wrote it")
    decompress.add_argument("file", type=pathlib.Path, help="file that `compress` wrote")
    decompress.add_argument("-o", "--output", type=pathlib.Path, help=".npz or .npy (FILE.npz)")


def _add_train(commands):
    train = commands.add_parser(
        "train",
        help="train a model and write a run folder, or go on with a run",
        description="Trains a model; defaults are in parentheses, and suit 8x8 digits.",
    )
    train.add_argument("model", nargs="?", help="a model or preset, see `tfp-ebm models`")
    train.add_argument("--dataset", help="a name, file or folder, see `tfp-ebm datasets`")
    train.add_argument("--output", type=pathlib.Path, help="new run folder")
    train.add_argument("--resume", type=pathlib.Path, help="run folder to go on with")
    train.add_argument("--init", type=pathlib.Path, help="run whose trained parts to start from")
    train.add_argument("--dry-run", action="store_true", help="print parameters and FLOPs only")
    groups = {}
    for option in OPTIONS:
        if option.group not in groups:
            groups[option.group] = train.add_argument_group(option.group)
        default = "" if option.default in (None, False) else f" ({option.default})"
        keywords = {"default": None, "help": option.help + default}
        if option.kind is bool:
            keywords["action"] = "store_true"
        elif option.kind is list:
            keywords["action"] = "append"
        else:
            name, kind = flag(option.name), option.kind
            keywords["type"] = _value(name, kind, option.range, option.choices)
            keywords["choices"] = option.choices
        groups[option.group].add_argument(flag(option.name), **keywords)


@contextlib.contextmanager
def _quiet_start(touches_devices: bool) -> Iterator[None]:
    """Keeps what TensorFlow's native code writes while it starts away from the terminal.

    It reports missing GPUs and processor features past Python and past its own log level. Python
    exceptions come through.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    sys.stderr.flush()
    kept = os.dup(2)
    with open(os.devnull, "w") as sink:
        os.dup2(sink.fileno(), 2)
        try:
            yield
            import tensorflow as tf
            from absl import logging

            logging.set_verbosity(logging.ERROR)
            tf.get_logger().setLevel("ERROR")
            if touches_devices:
                _look_at_devices(tf)
        finally:
            os.dup2(kept, 2)
            os.close(kept)


def _look_at_devices(tf):
    try:
        tf.config.list_logical_devices()
    except (RuntimeError, tf.errors.OpError) as error:
        raise OSError(
            f"TensorFlow cannot use its devices ({error}); mend the driver, or leave GPUs alone by "
            "CUDA_VISIBLE_DEVICES=-1."
        ) from error


def _parse(arguments):
    """Returns what was typed, by name, or names what no command has, with the nearest that is."""
    parser, commands = _parser()
    options, unknown = parser.parse_known_args(arguments)
    if not unknown:
        return vars(options)
    known = re.findall(r"--[a-z][a-z-]*", commands.choices[options.command].format_help())
    nearest = difflib.get_close_matches(unknown[0], known, n=1, cutoff=0.4)
    hint = f" Did you mean {nearest[0]}?" if nearest else ""
    raise _UsageError(
        f"`{options.command}` does not take {unknown[0]}.{hint} All that it takes is in "
        f"`tfp-ebm {options.command} --help`."
    )


def _in_one_line(error):
    if isinstance(error, _UsageError):  # TensorFlow is not loaded yet.
        return str(error)
    from tfp_ebm.internal.one_line import one_line

    return one_line(error)


def _exit_code(error):
    """Returns the code of an error that is told in one line; None for what is a fault of ours."""
    if isinstance(error, KeyboardInterrupt):
        return 130
    if isinstance(error, _UsageError | ValueError | ImportError | OSError):
        return 2
    if isinstance(error, ArithmeticError | MemoryError):
        return 1
    import tensorflow as tf

    return 1 if isinstance(error, tf.errors.OpError) else None


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command line; returns the exit code.

    Args:
      arguments: what follows `tfp-ebm`; by default from the process.
    """
    try:
        options = _parse(arguments)
        # Several workers must be set up before TensorFlow looks at its devices.
        with _quiet_start(touches_devices="TF_CONFIG" not in os.environ):
            from tfp_ebm import runs
        getattr(runs, options.pop("command"))(**options)
        sys.stdout.flush()
    except BrokenPipeError:  # Whoever reads has seen enough, as `| head` has.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except (Exception, KeyboardInterrupt) as error:
        code = _exit_code(error)
        if code is None:
            raise
        if code != 130:
            print(f"tfp-ebm: {_in_one_line(error)}", file=sys.stderr)
        return code
    return 0


if __name__ == "__main__":
    sys.exit(main())
