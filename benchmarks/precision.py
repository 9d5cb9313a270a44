"""bfloat16 networks against float32 ones: speed at 28x28, and bits/dim on the digits.

python benchmarks/precision.py --output benchmarks/results/precision.json

Without units for bfloat16 (AMX, AVX-512 BF16, a GPU) products are emulated and slower; the command
line then uses float32 and says so.
"""

import harness

CASES = [{"policy": "float32"}, {"policy": "mixed_bfloat16"}]


def speed(policy):
    """Images a second of a training step of the flow of 28x28 images, 64 filters."""
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
    elapsed = harness.seconds(lambda: step(images)["loss"].numpy(), repeats=3)
    return {
        "images_per_second": batch_size / elapsed,
        "has_bfloat16_units": has_bfloat16_units(),
    }


def likelihood(policy):
    """Validation bits/dim on the digits after 20 epochs, from the same seeds."""
    from tfp_ebm import datasets, models, training
    from tfp_ebm.internal.keras import keras

    keras.utils.set_random_seed(0)
    data = datasets.load("digits")
    model = models.gaussian_flow(
        data.image_shape, num_levels=17, num_filters=16, num_components=4, network_policy=policy
    )
    trainer = training.LikelihoodModel(model, ema_momentum=0.999, seed=(0, 1))
    trainer.compile(optimizer=keras.optimizers.Adam(2e-3, global_clipnorm=10.0))
    trainer.fit(data.train, batch_size=64, epochs=20, verbose=0)
    return {"bits_per_dimension": trainer.evaluate(data.validation, verbose=0)[1]}


def summarize(rows):
    """Returns bfloat16 beside float32."""
    exact, rounded = rows
    return {
        "images_per_second": rounded["speed"]["images_per_second"]
        / exact["speed"]["images_per_second"],
        "difference_in_bits_per_dimension": rounded["likelihood"]["bits_per_dimension"]
        - exact["likelihood"]["bits_per_dimension"],
    }


if __name__ == "__main__":
    harness.main(
        __doc__.splitlines()[0], {"speed": speed, "likelihood": likelihood}, CASES, summarize
    )
