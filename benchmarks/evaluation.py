"""What evaluating 10,000 images costs, as a share of training, for the Fashion-MNIST ablation.

python benchmarks/evaluation.py --output benchmarks/results/evaluation.json
"""

import json
import pathlib
import time

import harness

CONFIG = pathlib.Path(__file__).parents[1] / "examples" / "ablation" / "fashion_mnist.json"
NUM_TRAIN, NUM_TEST = 50_000, 10_000


def rbm_flow():
    """Returns the configuration, the model, and random images: speed does not depend on them."""
    import numpy as np

    from tfp_ebm import models

    config = json.loads(CONFIG.read_text())
    options = {**config["model_options"], **config["bases"]["rbm_flow"]}
    images = np.random.default_rng(0).integers(0, 256, size=[1_000, 28, 28, 1], dtype=np.uint8)
    return config, models.rbm_flow((28, 28, 1), **options), images


def training() -> dict:
    """Measures one update."""
    import tensorflow as tf
    import tf_keras

    from tfp_ebm.training import LikelihoodModel

    config, model, images = rbm_flow()
    settings = config["training"]
    trainer = LikelihoodModel(model, settings.get("gibbs_steps"), settings["ema_momentum"])
    trainer.compile(optimizer=tf_keras.optimizers.Adam(1e-3))
    step, batch = tf.function(trainer.train_step), tf.constant(images[: settings["batch_size"]])
    update = harness.seconds(lambda: next(iter(step(batch).values())).numpy(), repeats=8)
    epoch = update * NUM_TRAIN / settings["batch_size"]
    return {
        "seconds_an_update": update,
        "seconds_an_epoch": epoch,
        "hours_of_training": settings["epochs"] * epoch / 3600,
    }


def evaluation() -> dict:
    """Measures `evaluate_model` on 1,000 images, annealing both ways included, and the rest."""
    import tensorflow as tf

    from tfp_ebm.runs.evaluate import evaluate_model

    config, model, images = rbm_flow()
    started = time.perf_counter()
    evaluate_model(model, images)
    thousand = time.perf_counter() - started
    bound = tf.function(lambda x: model.log_prob(x, seed=(0, 1)))
    an_image = harness.seconds(lambda: bound(images[:100]).numpy(), repeats=4) / 100
    # Each further image is passed with noise and without.
    whole = thousand + 2 * an_image * (NUM_TEST - len(images))
    return {
        "seconds_for_1000_images": thousand,
        "seconds_an_image_and_draw": an_image,
        "seconds": whole,
        "seconds_with_importance_draws": whole + config["importance_draws"] * an_image * NUM_TEST,
        "importance_draws": config["importance_draws"],
    }


def summarize(rows: list[dict]) -> dict:
    """Returns shares of the training time."""
    seconds = 3600 * rows[0]["training"]["hours_of_training"]
    result = rows[0]["evaluation"]
    return {
        "evaluation_over_training": result["seconds"] / seconds,
        "with_importance_draws": result["seconds_with_importance_draws"] / seconds,
    }


if __name__ == "__main__":
    parts = {"training": training, "evaluation": evaluation}
    harness.main(__doc__.splitlines()[0], parts, [{}], summarize)
