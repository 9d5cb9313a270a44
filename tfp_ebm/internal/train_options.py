"""The options of `tfp-ebm train`, in one table: for its help, its defaults and its records."""

from typing import Any, NamedTuple

__all__ = ["MODEL_OPTIONS", "OPTIONS", "Option"]


class Option(NamedTuple):
    """An option: name, type (bool: a flag), default, group in the help, help, and choices."""

    name: str
    kind: type
    default: Any
    group: str
    help: str
    choices: tuple[str, ...] | None = None


OPTIONS = (
    Option("epochs", int, 40, "training", "passes over the training part, at most"),
    Option("batch_size", int, 64, "training", "images in an update, over all replicas"),
    Option("learning_rate", float, 5e-3, "training", "peak of Adam's rate"),
    Option("base_learning_rate", float, None, "training", "for the base; as the flow's"),
    Option("noise_learning_rate", float, None, "training", "for the noise; as the flow's"),
    Option(
        *("schedule", str, "cosine", "training", "of the learning rates"),
        ("constant", "cosine", "exponential"),
    ),
    Option("warmup_steps", int, 100, "training", "updates until the peak"),
    Option("decay_rate", float, 0.9999, "training", "factor of an update, exponential schedule"),
    Option("clip_norm", float, None, "training", "clip gradients to this global norm"),
    Option("base_weight_penalty", float, 0.0, "training", "L2 penalty on the base's weights"),
    Option("ema_momentum", float, 0.999, "training", "average of the weights"),
    Option("patience", int, None, "training", "epochs without progress before stopping; never"),
    Option("gibbs_steps", int, 25, "training", "sweeps of the chains after each update"),
    Option("horizontal_flips", bool, False, "training", "mirror half of the images"),
    Option("seed", int, 0, "training", "seed of everything"),
    Option("num_filters", int, 32, "model", "width of the networks"),
    Option("num_components", int, 8, "model", "logistics in a coupling"),
    Option("num_blocks", int, 2, "model", "gated blocks in a network"),
    Option("dropout_rate", float, 0.3, "model", "dropout in the networks"),
    Option("delta", float, None, "model", "smoothing of the spins; the model's default"),
    Option("learn_delta", bool, None, "model", "train the smoothing too"),
    Option(
        *("sampler", str, None, "model", "where the base's gradient comes from; persistent"),
        ("contrastive", "persistent", "replay", "tempering", "weighted"),
    ),
    Option("noise", str, None, "model", "dequantisation; uniform", ("uniform", "variational")),
    Option("precision", str, "float32", "speed", "of the networks", ("bfloat16", "float32")),
    Option("steps_per_execution", int, 1, "speed", "updates between two looks of Keras"),
    Option("jit_compile", bool, False, "speed", "compile the update by XLA"),
    Option(
        *("strategy", str, "none", "speed", "several devices, or the machines of TF_CONFIG"),
        ("mirrored", "multi_worker", "none"),
    ),
    Option("checkpoint_every", int, None, "records", "updates between checkpoints; each epoch"),
    Option("keep", int, 3, "records", "checkpoints of training to keep"),
    Option("sample_grids", bool, False, "records", "a picture of samples after every epoch"),
    Option("quality_samples", int, None, "records", "samples to judge after every epoch; none"),
    Option("chain_health", bool, False, "records", "how the chains mix, in metrics.csv"),
    Option("tensorboard", bool, False, "records", "files for TensorBoard"),
    Option("data_dir", str, None, "records", "folder of TensorFlow Datasets"),
)
MODEL_OPTIONS = tuple(option.name for option in OPTIONS if option.group == "model")
