"""What `fit` costs over the same update called in a plain loop.

python benchmarks/keras_overhead.py --output benchmarks/results/keras_overhead.json
"""

import time

import harness

CASES = [{"num_filters": 32, "num_epochs": 6}]
BATCH_SIZE = 64


def both(num_filters, num_epochs):
    """Seconds an update of `fit`, alternating with the bare `tf.function` on the same batches."""
    import tensorflow as tf

    from tfp_ebm import datasets, models, training
    from tfp_ebm.internal.keras import keras

    data = datasets.load("digits")
    model = models.rbm_flow(data.image_shape, num_levels=17, num_filters=num_filters)
    trainer = training.LikelihoodModel(model, ema_momentum=0.999, seed=(0, 1))
    trainer.compile(optimizer=keras.optimizers.Adam(1e-4))
    images = data.train[: len(data.train) // BATCH_SIZE * BATCH_SIZE]
    batches = [
        tf.constant(images[start : start + BATCH_SIZE])
        for start in range(0, len(images), BATCH_SIZE)
    ]
    step = tf.function(trainer.train_step, autograph=False)

    def bare():
        for batch in batches:
            next(iter(step(batch).values())).numpy()

    def fit():
        trainer.fit(images, batch_size=BATCH_SIZE, epochs=2, verbose=0, callbacks=[clock])

    class Clock(keras.callbacks.Callback):
        """Times the epochs themselves, without what `fit` does once."""

        def on_epoch_begin(self, epoch, logs=None):
            self.started = time.perf_counter()

        def on_epoch_end(self, epoch, logs=None):
            self.seconds = time.perf_counter() - self.started

    clock = Clock()
    bare(), fit()
    plain, wrapped = [], []
    for _ in range(num_epochs):
        plain.append(harness.seconds(bare, repeats=1, warm_up=0))
        fit()
        wrapped.append(clock.seconds)
    return {
        "bare_milliseconds": 1e3 * min(plain) / len(batches),
        "fit_milliseconds": 1e3 * min(wrapped) / len(batches),
    }


def summarize(rows):
    """Returns the share that `fit` adds."""
    row = rows[0]["both"]
    return {"overhead": row["fit_milliseconds"] / row["bare_milliseconds"] - 1}


if __name__ == "__main__":
    harness.main(__doc__.splitlines()[0], {"both": both}, CASES, summarize)
