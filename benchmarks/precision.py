"""bfloat16 networks against float32 ones: speed at 28x28, and bits/dim on the digits.

python benchmarks/precision.py --output benchmarks/results/precision.json

`bfloat16 products` keeps float32 tensors and lets oneDNN multiply in bfloat16. The settings take
turns, once for each of three seeds: ratios of speeds are medians, differences of bits/dim means
with the error over seeds.
Without units for bfloat16 (AMX, AVX-512 BF16, a GPU) products are emulated and slower; the command
line then uses float32 and says so.
"""

import os

import harness
import numpy as np

SETTINGS = {
    "float32": {"policy": "float32", "products": "STRICT"},
    "bfloat16 networks": {"policy": "mixed_bfloat16", "products": "STRICT"},
    "bfloat16 products": {"policy": "float32", "products": "BF16"},
}
CASES = [{**setting, "seed": seed} for seed in range(3) for setting in SETTINGS.values()]


def speed(policy, products, seed):
    """Images a second of a training step of the flow of 28x28 images, 64 filters."""
    del seed
    os.environ["TF_SET_ONEDNN_FPMATH_MODE"] = products
    import tensorflow as tf

    from tfp_ebm import models, training
    from tfp_ebm.internal.hardware import has_bfloat16_units
    from tfp_ebm.internal.keras import keras

    batch_size = 32
    options = {"num_filters": 64, "num_components": 8, "network_policy": policy}
    model = models.gaussian_flow((28, 28, 1), **options)
    trainer = training.LikelihoodModel(model)
    trainer.compile(optimizer=keras.optimizers.Adam(1e-4))
    step = tf.function(trainer.train_step, autograph=False)
    images = tf.zeros([batch_size, 28, 28, 1], tf.uint8)
    elapsed = harness.seconds(lambda: next(iter(step(images).values())).numpy(), repeats=3)
    return {
        "images_per_second": batch_size / elapsed,
        "has_bfloat16_units": has_bfloat16_units(),
    }


def likelihood(policy, products, seed):
    """Validation bits/dim on the digits after 20 epochs."""
    os.environ["TF_SET_ONEDNN_FPMATH_MODE"] = products
    from tfp_ebm import datasets, models, training
    from tfp_ebm.internal.keras import keras

    keras.utils.set_random_seed(seed)
    data = datasets.load("digits")
    model = models.gaussian_flow(
        data.image_shape, num_levels=17, num_filters=16, num_components=4, network_policy=policy
    )
    trainer = training.LikelihoodModel(model, ema_momentum=0.999, seed=(seed, 1))
    trainer.compile(optimizer=keras.optimizers.Adam(2e-3, global_clipnorm=10.0))
    trainer.fit(data.train, batch_size=64, epochs=20, verbose=0)
    return {"bits_per_dimension": trainer.evaluate(data.validation, verbose=0)[1]}


def summarize(rows):
    """Returns both uses of bfloat16 beside float32, turn by turn."""
    shape = [-1, len(SETTINGS)]
    speeds = np.reshape([row["speed"]["images_per_second"] for row in rows], shape)
    bits = np.reshape([row["likelihood"]["bits_per_dimension"] for row in rows], shape)
    ratios, differences = speeds / speeds[:, :1], bits - bits[:, :1]
    errors = np.std(differences, axis=0, ddof=1) / np.sqrt(len(differences))
    return {
        name: {
            "images_per_second": float(np.median(ratios[:, column])),
            "images_per_second_of_turns": ratios[:, column].tolist(),
            "difference_in_bits_per_dimension": float(np.mean(differences[:, column])),
            "error_over_seeds": float(errors[column]),
        }
        for column, name in enumerate(SETTINGS)
        if name != "float32"
    }


if __name__ == "__main__":
    harness.main(
        __doc__.splitlines()[0], {"speed": speed, "likelihood": likelihood}, CASES, summarize
    )
