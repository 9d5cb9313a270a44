"""Learns classes from a few labels: EB-and-Flow with label units against logistic regression.

    python examples/papers/semi_supervised.py --dataset fashion_mnist --num-labels 1000 \
        --epochs 20 --output semi_supervised

Maximises the semi-supervised objective of "EB-and-Flow", equation 9, and compares the accuracy of
p(y | x) on test images with logistic regression on the labelled images' pixels and on the latents
of the same flow trained with a Gaussian base.
"""

import argparse
import json
import pathlib
import sys

import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp
import tf_keras
from sklearn.linear_model import LogisticRegression

import tfp_ebm
from tfp_ebm import datasets, models, plots, runs, training


def latents(model: tfp.distributions.Distribution, images: np.ndarray) -> np.ndarray:
    """Returns the latents of images, each at the middle of its cell."""
    flow = models.parts(model).flow
    inverse = tf.function(lambda x: flow.inverse(tf.cast(x, tf.float32)))
    return np.concatenate(
        [inverse(images[i : i + 500] + np.float32(0.5)) for i in range(0, len(images), 500)]
    )


def logistic_regression(train: np.ndarray, labels: np.ndarray, test: np.ndarray) -> np.ndarray:
    """Returns the classes of test points by logistic regression on standardised features."""
    train, test = train.reshape(len(train), -1), test.reshape(len(test), -1)
    mean, deviation = train.mean(axis=0), train.std(axis=0) + 1e-3 * train.std()
    regression = LogisticRegression(max_iter=2000)
    regression.fit((train - mean) / deviation, labels)
    return regression.predict((test - mean) / deviation)


def main(options: argparse.Namespace) -> None:
    """Trains both flows, compares accuracies, and draws samples of every class."""
    folder = pathlib.Path(options.output)
    folder.mkdir(parents=True, exist_ok=True)
    data = datasets.load(options.dataset, options.data_dir).as_images()
    train = data.train
    test, test_labels = data.test[: options.num_test], data.test_labels[: options.num_test]
    known = np.arange(options.num_labels)
    labels = np.full(len(train), -1)
    labels[known] = data.train_labels[known]

    tf_keras.utils.set_random_seed(options.seed)
    shared = {
        "num_hidden": options.num_hidden,
        "sampler": "replay",
        "num_chains": options.batch_size,
        "seed": (options.seed, 1),
    }
    shape = data.image_shape

    runs.train(
        dataset=options.dataset,
        output=folder / "gaussian",
        flow="nice",
        set=[f"hidden_units={[options.width] * options.layers}"],
        epochs=options.pretraining_epochs,
        batch_size=options.batch_size,
        learning_rate=1e-3,
        initialize=True,
        seed=options.seed,
        data_dir=options.data_dir,
    )
    gaussian = tfp_ebm.load(folder / "gaussian")
    features = latents(gaussian, train[known]), latents(gaussian, test)

    # The flow that the Gaussian base trained goes on with label units. Bits must depend on the
    # latents from the start: with small weights neither W nor V has a gradient.
    shared["rbm_options"] = {"weight_scale": 1 / np.sqrt(np.prod(shape))}
    model = models.eb_and_flow(
        shape, data.num_levels, models.parts(gaussian).flow, num_classes=data.num_classes,
        **shared,
    )  # fmt: skip
    base = models.parts(model).base
    base.initialize_from_data(models.latents(model, train[:1000]), seed=(options.seed, 4))
    trainer = training.SemiSupervisedModel(
        model, options.label_weight, gibbs_steps=options.gibbs_steps, seed=(options.seed, 3)
    )
    num_updates = options.epochs * datasets.num_batches(len(train), options.batch_size)
    schedule = training.learning_rate_schedule("cosine", options.learning_rate, num_updates)
    trainer.compile(optimizer=tf_keras.optimizers.Adam(schedule))
    trainer.fit(train, labels, epochs=options.epochs, batch_size=options.batch_size, verbose=2)
    predicted = {
        "p(y | x)": base.label_posterior(latents(model, test)).mode().numpy(),
        "logistic regression on pixels": logistic_regression(train[known], labels[known], test),
        "logistic regression on Gaussian latents": logistic_regression(
            features[0], labels[known], features[1]
        ),
    }
    accuracy = {name: float(np.mean(y == test_labels)) for name, y in predicted.items()}
    report = {
        "command": " ".join(["python", *sys.argv]),
        "options": vars(options),
        "test_accuracy": accuracy,
        "standard_error": 0.5 / np.sqrt(len(test)),
    }
    (folder / "results.json").write_text(json.dumps(report, indent=1) + "\n")
    kwargs = {"distribution_kwargs": {"labels": np.arange(data.num_classes)}}
    drawn = model.sample([8, data.num_classes], seed=(options.seed, 4), **kwargs).numpy()
    plots.sample_grid(
        drawn.reshape(-1, *shape), folder / "classes.png", data.num_levels, data.num_classes,
        "each column: samples of one class",
    )  # fmt: skip
    print(f"test accuracy {json.dumps(accuracy)}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--dataset", default="digits", choices=datasets.names())
    parser.add_argument("--data-dir", help="folder of TensorFlow Datasets")
    parser.add_argument("--num-labels", type=int, default=100)
    parser.add_argument("--label-weight", type=float, default=20.0, help="lambda")
    parser.add_argument("--epochs", type=int, default=30)
    parser.add_argument("--pretraining-epochs", type=int, default=30, help="with a Gaussian base")
    parser.add_argument("--batch-size", type=int, default=128)
    parser.add_argument("--learning-rate", type=float, default=5e-3)
    parser.add_argument("--gibbs-steps", type=int, default=20)
    parser.add_argument("--num-hidden", type=int, default=256)
    parser.add_argument("--width", type=int, default=256)
    parser.add_argument("--layers", type=int, default=3)
    parser.add_argument("--num-test", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--output", default="semi_supervised")
    main(parser.parse_args())
