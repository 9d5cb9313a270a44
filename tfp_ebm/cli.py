"""The `tfp-ebm` command.

Nothing heavy is imported until a command runs, so that `--help` answers at once.
"""

import argparse
import contextlib
import os
import pathlib
import sys
from collections.abc import Iterator, Sequence

__all__ = ["main"]

_DESCRIPTION = """Flows with energy-based bases: density models of images.

  tfp-ebm train rbm_flow --dataset digits --output runs/digits
  tfp-ebm evaluate runs/digits
  tfp-ebm sample runs/digits --num 64
"""


def _parser():
    parser = argparse.ArgumentParser(
        prog="tfp-ebm",
        description=_DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    _add_train(commands)
    evaluate = commands.add_parser(
        "evaluate", help="log-likelihood on the test part, printed as JSON"
    )
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
    sample = commands.add_parser("sample", help="draw images from a trained model")
    sample.add_argument("run", type=pathlib.Path, help="folder that `train` wrote")
    sample.add_argument("--num", type=int, default=64, help="number of images (%(default)s)")
    sample.add_argument("--seed", type=int, default=0, help="seed (%(default)s)")
    sample.add_argument(
        "--output", type=pathlib.Path, help="PNG file (RUN/samples-SEED.png by default)"
    )
    commands.add_parser("models", help="list the models")
    commands.add_parser("datasets", help="list the data sets")
    return parser


def _add_train(commands):
    train = commands.add_parser(
        "train",
        help="train a model and write a run folder",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    train.add_argument("model", help="rbm_flow, d_flow, multicov_flow or gaussian_flow")
    train.add_argument("--dataset", required=True, help="digits, mnist, fashion_mnist or cifar10")
    train.add_argument("--output", required=True, type=pathlib.Path, help="new run folder")
    train.add_argument("--epochs", type=int, default=40, help="passes over the training part")
    train.add_argument("--batch-size", type=int, default=64, help="images in an update")
    train.add_argument("--learning-rate", type=float, default=5e-3, help="peak of Adam's rate")
    train.add_argument("--num-filters", type=int, default=32, help="width of the networks")
    train.add_argument("--num-components", type=int, default=8, help="logistics in a coupling")
    train.add_argument("--num-blocks", type=int, default=2, help="gated blocks in a network")
    train.add_argument("--dropout-rate", type=float, default=0.3, help="dropout in the networks")
    train.add_argument("--delta", type=float, help="smoothing of the spins; the model's default")
    train.add_argument(
        "--learn-delta", action="store_true", default=None, help="train the smoothing too"
    )
    train.add_argument(
        "--noise", choices=["uniform", "variational"], help="dequantisation; uniform by default"
    )
    train.add_argument("--ema-momentum", type=float, default=0.999, help="average of the weights")
    train.add_argument("--patience", type=int, help="epochs without progress before stopping")
    train.add_argument("--gibbs-steps", type=int, default=25, help="sweeps after each update")
    train.add_argument("--seed", type=int, default=0, help="seed of everything")
    train.add_argument("--data-dir", help="folder of TensorFlow Datasets")


@contextlib.contextmanager
def _quiet_start() -> Iterator[None]:
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

            tf.config.list_logical_devices()
        finally:
            os.dup2(kept, 2)
            os.close(kept)


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command line; returns the exit code: 0, or 2 for bad input.

    Args:
      arguments: what follows `tfp-ebm`; by default from the process.
    """
    options = vars(_parser().parse_args(arguments))
    with _quiet_start():
        from tfp_ebm import commands

    command = getattr(commands, options.pop("command"))
    try:
        command(**options)
    except (ValueError, ImportError, OSError) as error:
        print(f"tfp-ebm: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
