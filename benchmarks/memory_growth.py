"""Whether memory grows over a long training: the resident size after every epoch.

python benchmarks/memory_growth.py --output benchmarks/results/memory_growth.json

Trains RBM-Flow on the digits with the callbacks of the command line, checkpoints included.
"""

import pathlib
import tempfile

import harness

CASES = [{"num_epochs": 100}]


def _resident_mebibytes():
    pages = int(pathlib.Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096 / 2**20


def epochs(num_epochs):
    """Resident size after each epoch, MiB."""
    from tfp_ebm import datasets, models, training
    from tfp_ebm.internal.keras import keras

    sizes = []

    class Size(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            sizes.append(round(_resident_mebibytes(), 1))

    data = datasets.load("digits")
    model = models.rbm_flow(
        data.image_shape,
        num_levels=17,
        num_filters=8,
        num_components=4,
        num_blocks=1,
        num_couplings=(1, 1, 1),
    )
    trainer = training.LikelihoodModel(model, ema_momentum=0.999, gibbs_steps=5)
    trainer.compile(optimizer=keras.optimizers.Adam(1e-3))
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        trainer.fit(
            data.train,
            validation_data=data.validation,
            batch_size=64,
            epochs=num_epochs,
            verbose=0,
            callbacks=[
                training.TerminateOnNonFinite(),
                training.LogPartitionCallback(num_chains=64, num_steps=100),
                training.ChainHealth(num_steps=20),
                training.SampleGrids(folder / "samples"),
                training.TensorBoard(folder / "tensorboard"),
                training.MetricsFile(folder / "metrics.csv"),
                training.BestWeights(folder=folder / "best"),
                training.Checkpoints(folder / "training"),
                Size(),
            ],
        )
    return {"resident_mebibytes": sizes}


def summarize(rows):
    """Returns the growth after the first ten epochs."""
    sizes = rows[0]["epochs"]["resident_mebibytes"]
    return {"growth_after_10_epochs": max(sizes[10:]) / sizes[9] - 1}


if __name__ == "__main__":
    harness.main(__doc__.splitlines()[0], {"epochs": epochs}, CASES, summarize)
