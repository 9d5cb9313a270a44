"""Trains RBM-Flow on the digits with Keras `fit`, evaluates it honestly, and reads its codes.

python examples/keras_fit.py --epochs 60 --output keras_fit.png
"""

import argparse

import tensorflow as tf
import tf_keras

from tfp_ebm import datasets, models, plots, training


def main(epochs: int, num_filters: int, output: str) -> None:
    """Trains, prints the bound and its error, and draws one discrete code in each column."""
    data = datasets.load("digits")
    model = models.rbm_flow(
        data.image_shape, num_levels=data.num_levels, num_filters=num_filters, dropout_rate=0.3
    )
    base, flow, *_ = models.parts(model)

    trainer = training.LikelihoodModel(model, ema_momentum=0.999)
    trainer.compile(optimizer=tf_keras.optimizers.Adam(1e-3))
    trainer.fit(
        data.train,
        validation_data=data.validation,
        epochs=epochs,
        batch_size=64,
        verbose=2,
        callbacks=[training.LogPartitionCallback(), training.BestWeights(patience=20)],
    )

    estimate = base.estimate_log_partition(num_chains=512, num_steps=1000)
    print(f"log Z {estimate.value:.3f} +- {estimate.standard_error:.3f} ({estimate.direction})")
    trainer.evaluate(data.test, batch_size=100, verbose=0)
    bits = trainer.bits_per_dimension
    print(f"test bound {bits.result():.4f} +- {bits.standard_error():.4f} bits/dim")

    z = flow.inverse(tf.cast(data.test[:12], tf.float32) + 0.5)
    codes = base.posterior(z).mode()
    columns = model.sample([8, 12], distribution_kwargs={"spins": codes})
    print("picture:", plots.code_columns(columns, output, data.num_levels))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--epochs", type=int, default=60)
    parser.add_argument("--num-filters", type=int, default=32)
    parser.add_argument("--output", default="keras_fit.png")
    main(**vars(parser.parse_args()))
