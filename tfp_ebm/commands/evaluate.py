"""The command that evaluates a run."""

import json
import math
import pathlib
from typing import Any

import numpy as np
import tensorflow as tf

from tfp_ebm import datasets
from tfp_ebm.commands.run_folder import load_model
from tfp_ebm.distributions import BoltzmannMachine, Dequantized
from tfp_ebm.partition import reverse_annealing
from tfp_ebm.training import energy_based_parts

__all__ = ["evaluate", "evaluate_model"]

_BATCH_SIZE = 100
_NUM_CHAINS = 512
_NUM_STEPS = 1000
# Images whose codes start a reverse chain.
_NUM_REVERSE = 1000


def evaluate(run: pathlib.Path, seed: int = 0, data_dir: str | None = None) -> None:
    """Prints the figures of a run's model on the test part, as JSON.

    Args:
      run: folder of the run.
      seed: seed of the noise and of the annealing; the same seed gives the same digits.
      data_dir: folder of TensorFlow Datasets.
    """
    config, model = load_model(run)
    data = datasets.load(config["dataset"], data_dir or config["data_dir"])
    print(json.dumps(evaluate_model(model, data.test, seed), indent=2))


def evaluate_model(model: Dequantized, images: np.ndarray, seed: int = 0) -> dict[str, Any]:
    """Returns the one-draw bound of a model on images, with errors and the log Z it rests on.

    Args:
      model: the model.
      images: `[N, H, W, C]` integers.
      seed: seed of the noise and of the annealing.
    """
    kind = "uniform" if model.noise is None else "variational"
    result = {
        "num_images": len(images),
        "bound": f"one draw of {kind} noise on the unit cell of each image",
        "seed": seed,
    }
    log_partition_error = 0.0
    for part in energy_based_parts(model):
        estimate = part.estimate_log_partition(_NUM_CHAINS, _NUM_STEPS, seed=(seed, 1))
        log_partition_error += float(estimate.standard_error)
        result["log_partition"] = {
            "value": float(estimate.value),
            "standard_error": float(estimate.standard_error),
            "effective_sample_size": float(estimate.effective_sample_size),
            "method": estimate.method,
            "direction": estimate.direction,
            "num_steps": estimate.num_steps,
        }
    result |= _bracket(model, images, seed)
    log_prob = tf.function(lambda x, noise_seed: model.log_prob(x, seed=noise_seed))
    nats = [
        -log_prob(images[start : start + _BATCH_SIZE], tf.constant([seed, start])).numpy()
        for start in range(0, len(images), _BATCH_SIZE)
    ]
    nats = np.concatenate(nats).astype(np.float64)
    over_images = nats.std(ddof=1) / math.sqrt(len(nats)) if len(nats) > 1 else 0.0
    to_bits = 1 / (math.prod(images.shape[1:]) * math.log(2))
    error = math.hypot(over_images, log_partition_error)
    result["nats_per_image"] = nats.mean()
    result["nats_per_image_error"] = error
    result["bits_per_dimension"] = nats.mean() * to_bits
    result["bits_per_dimension_error"] = error * to_bits
    return result


def _bracket(model, images, seed):
    """Returns the width of the bracket around log Z, by reverse annealing from test images."""
    density = model.distribution
    base = density.distribution
    if not isinstance(base, BoltzmannMachine):
        return {}
    z = density.bijector.inverse(model.dequantize(images[:_NUM_REVERSE], seed=(seed, 8)))
    reverse = reverse_annealing(base, z, 1, _NUM_STEPS, seed=(seed, 9)).value.numpy()
    gap = reverse.astype(np.float64) - float(tf.stop_gradient(base.log_partition()))
    to_bits = 1 / (math.prod(images.shape[1:]) * math.log(2))
    return {
        "bracket": {
            "method": "RAISE from the images' codes, minus the estimate above",
            "num_images": len(reverse),
            "nats": gap.mean(),
            "nats_error": gap.std(ddof=1) / math.sqrt(len(gap)) if len(gap) > 1 else 0.0,
            "bits_per_dimension": gap.mean() * to_bits,
        }
    }
