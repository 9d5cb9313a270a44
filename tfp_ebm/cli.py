"""The `tfp-ebm` command.

Nothing heavy is imported until a command runs, so that `--help` answers at once.
"""

import argparse
import contextlib
import os
import pathlib
import sys
from collections.abc import Iterator, Sequence

from tfp_ebm.internal.train_options import OPTIONS, flag

__all__ = ["main"]

_DESCRIPTION = """Flows with energy-based bases: density models of images.

  tfp-ebm train rbm_flow --dataset digits --output runs/digits   train; writes a run folder
  tfp-ebm train --resume runs/digits                             go on after an interruption
  tfp-ebm evaluate runs/digits                                   log-likelihood on the test part
  tfp-ebm sample runs/digits --num 64                            a picture of samples

Ctrl-C while training saves first. The run folder holds the configuration, the best weights, the
checkpoints of training, metrics.csv, pictures and summary.json.
"""
_EXIT_CODES = """exit codes: 0 done; 1 training met numbers that are not finite; 2 bad input,
nothing was done; 130 interrupted and saved"""


def _parser():
    parser = argparse.ArgumentParser(
        prog="tfp-ebm",
        description=_DESCRIPTION,
        epilog=_EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    _add_train(commands)
    evaluate = commands.add_parser("evaluate", help="log-likelihood on the test part")
    evaluate.add_argument("run", type=pathlib.Path, help="folder that `train` wrote")
    evaluate.add_argument("--seed", type=int, default=0, help="seed of noise and annealing")
    evaluate.add_argument("--data-dir", help="folder of TensorFlow Datasets")
    evaluate.add_argument(
        "--importance-draws", type=int, default=0, help="draws of noise in the tighter bound (none)"
    )
    evaluate.add_argument(
        "--num-samples", type=int, default=0, help="samples to judge by a feature network (none)"
    )
    evaluate.add_argument(
        "--network",
        default="classifier",
        help="classifier (trained once, kept in RUN), its .npz file, efficientnet_lite0 or "
        "inception_v3",
    )
    evaluate.add_argument(
        "--format", choices=["json", "tsv"], default="json", help="of what is printed (json)"
    )
    sample = commands.add_parser("sample", help="draw images from a trained model")
    sample.add_argument("run", type=pathlib.Path, help="folder that `train` wrote")
    sample.add_argument("--num", type=int, default=64, help="number of images (%(default)s)")
    sample.add_argument("--seed", type=int, default=0, help="seed (%(default)s)")
    sample.add_argument(
        "--output", type=pathlib.Path, help="PNG file (RUN/samples-SEED.png by default)"
    )
    commands.add_parser("models", help="list the models and presets")
    commands.add_parser("datasets", help="list the data sets")
    return parser


def _add_train(commands):
    train = commands.add_parser(
        "train",
        help="train a model and write a run folder, or go on with a run",
        description="Trains a model; defaults are in parentheses, and suit 8x8 digits.",
    )
    train.add_argument("model", nargs="?", help="a model or preset, see `tfp-ebm models`")
    train.add_argument("--dataset", help="see `tfp-ebm datasets`")
    train.add_argument("--output", type=pathlib.Path, help="new run folder")
    train.add_argument("--resume", type=pathlib.Path, help="run folder to go on with")
    train.add_argument("--dry-run", action="store_true", help="print parameters and FLOPs only")
    groups = {}
    for option in OPTIONS:
        if option.group not in groups:
            groups[option.group] = train.add_argument_group(option.group)
        default = "" if option.default in (None, False) else f" ({option.default})"
        keywords = {"default": None, "help": option.help + default}
        if option.kind is bool:
            keywords["action"] = "store_true"
        else:
            keywords |= {"type": option.kind, "choices": option.choices}
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

            tf.get_logger().setLevel("ERROR")
            if touches_devices:
                tf.config.list_logical_devices()
        finally:
            os.dup2(kept, 2)
            os.close(kept)


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command line; returns the exit code.

    Args:
      arguments: what follows `tfp-ebm`; by default from the process.
    """
    options = vars(_parser().parse_args(arguments))
    # Several workers must be set up before TensorFlow looks at its devices.
    with _quiet_start(touches_devices="TF_CONFIG" not in os.environ):
        from tfp_ebm import commands

    command = getattr(commands, options.pop("command"))
    try:
        command(**options)
    except (ValueError, ImportError, OSError) as error:
        print(f"tfp-ebm: {error}", file=sys.stderr)
        return 2
    except ArithmeticError as error:
        print(f"tfp-ebm: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
