"""A flow of one's own on the command line, with every base and on every kind of data.

    python examples/user_flow.py train --flow sinh_arcsinh --base rbm --dataset two_moons \
        --output runs/mine
    python examples/user_flow.py evaluate runs/mine

One function makes the bijector, and one line registers it; from there on it is like the flows of
the package: `models`, `train`, `evaluate`, `sample` know it. The flow alternates matrices with
TensorFlow Probability's elementwise `SinhArcsinh`, which bends and stretches every coordinate.
"""

import sys

import tensorflow as tf
import tensorflow_probability as tfp

from tfp_ebm import bijectors, cli, models

tfb = tfp.bijectors


def sinh_arcsinh(
    num_dims: int, num_layers: int = 8, dtype: tf.DType = tf.float32
) -> tfp.bijectors.Bijector:
    """Returns a flow of vectors, latents to data.

    Args:
      num_dims: D, which the data tell.
      num_layers: matrices, each followed by a bend of every coordinate.
      dtype: dtype of all variables.
    """
    layers = []
    for _ in range(num_layers):
        skewness = tf.Variable(tf.zeros([num_dims], dtype))
        tailweight = tfp.util.TransformedVariable(
            tf.ones([num_dims], dtype), tfb.Chain([tfb.Shift(tf.constant(0.1, dtype)), tfb.Exp()])
        )
        matrix = bijectors.Invertible1x1Conv.create(
            num_dims, parametrization="lu", init="rotation", event_rank=1, dtype=dtype
        )
        shift = tfb.Shift(tf.Variable(tf.zeros([num_dims], dtype)))
        layers += [shift, matrix, tfb.SinhArcsinh(skewness, tailweight)]
    return tfb.Chain(layers)


models.register_flow(
    "sinh_arcsinh", sinh_arcsinh, "matrices and elementwise bends", data=("vectors",)
)

if __name__ == "__main__":
    sys.exit(cli.main())
