"""One entry for every public class: how to make it, and where to check it."""

import keras as keras3
import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp

from tests import oracles
from tfp_ebm import bijectors, distributions, networks
from tfp_ebm.testing import check_bijector, check_distribution

tfb, tfd = tfp.bijectors, tfp.distributions


def images(*shape, scale=1.5, seed=0):
    return scale * np.random.default_rng(seed).normal(size=shape)


def affine(parameters):
    shift, log_scale = tf.split(parameters, 2, axis=-1)
    return tfb.Shift(shift)(tfb.Scale(log_scale=tf.tanh(log_scale)))


def affine_entries(parameters):
    shift, log_scale = tf.unstack(parameters, num=2, axis=-1)
    return tfb.Shift(shift)(tfb.Scale(log_scale=tf.tanh(log_scale)))


def keras_3_network(dtype):
    kept = keras3.config.dtype_policy()
    keras3.config.set_dtype_policy(dtype.name)
    try:
        layers = [keras3.layers.Dense(7, "tanh"), keras3.layers.Dense(4)]
        return networks.Keras3Network(keras3.Sequential(layers), [2])
    finally:
        keras3.config.set_dtype_policy(kept)


def splines(parameters):
    return tfb.Invert(bijectors.MonotoneSpline(parameters, 5.0))


def spline(parameters):
    widths, heights, slopes = tf.split(parameters, [2 * 2, 2 * 2, 2], axis=-1)

    def bins(values, count):
        return tf.reshape(values, tf.concat([tf.shape(values)[:-1], [2, count]], axis=0))

    return tfb.RationalQuadraticSpline(
        bin_widths=tf.nn.softmax(bins(widths, 2)) * 12,
        bin_heights=tf.nn.softmax(bins(heights, 2)) * 12,
        knot_slopes=tf.nn.softplus(bins(slopes, 1)) + 0.1,
        range_min=-6.0,
    )


# By name: a constructor, points, and options of the check where it needs any.
BIJECTORS = {
    "exact_log_determinants": None,  # A function.
    "ActNorm": (lambda dtype: bijectors.ActNorm.create([2], dtype=dtype), images(3, 2, 3, 2)),
    "ActNorm per position": (
        lambda dtype: bijectors.ActNorm.create([2, 3, 2], dtype=dtype),
        images(3, 2, 3, 2),
    ),
    "ActNorm vectors": (
        lambda dtype: bijectors.ActNorm.create([3], dtype=dtype, event_rank=1),
        images(4, 3),
    ),
    "Autoregressive": (
        lambda dtype: bijectors.Autoregressive(
            networks.MaskedMLP(3, 2, [5], "tanh", dtype=dtype), affine_entries
        ),
        images(4, 3),
    ),
    "Autoregressive spline": (
        lambda dtype: bijectors.Autoregressive(
            networks.MaskedMLP(2, 5, [3], "tanh", dtype=dtype), splines
        ),
        images(3, 2),
        # `tf.vectorized_map` gathers wrongly for batches of parameters of TFP's spline.
        {"check_vmap": False},
    ),
    "ChannelSplit vectors": (
        lambda dtype: bijectors.ChannelSplit(swap=True, event_rank=1),
        images(4, 5),
    ),
    "ChannelSplit": (lambda dtype: bijectors.ChannelSplit(), images(3, 2, 1, 4)),
    "CheckerboardSplit": (lambda dtype: bijectors.CheckerboardSplit(), images(3, 3, 2, 2)),
    "CheckerboardSplit true": (
        lambda dtype: bijectors.CheckerboardSplit("checkerboard", swap=True),
        images(3, 3, 2, 2),
    ),
    "CheckerboardSplit vectors": (
        lambda dtype: bijectors.CheckerboardSplit(event_rank=1),
        images(4, 5),
    ),
    "Coupling": (
        lambda dtype: bijectors.Coupling(
            tfb.Split(2), affine, networks.MLP(2, 4, [7], "tanh", dtype=dtype)
        ),
        images(5, 4),
    ),
    "Coupling Keras 3": (
        lambda dtype: bijectors.Coupling(
            tfb.Split(2),
            affine,
            keras_3_network(dtype),
        ),
        images(5, 4),
    ),
    "Coupling additive": (
        lambda dtype: bijectors.Coupling(
            bijectors.CheckerboardSplit(),
            tfb.Shift,
            networks.GatedResNet((2, 2, 1), 1, 3, 1, dtype=dtype),
        ),
        images(3, 2, 4, 1),
    ),
    "Coupling spline": (
        lambda dtype: bijectors.Coupling(
            tfb.Split([1, 2]), spline, networks.MLP(1, 10, [5], "tanh", dtype=dtype)
        ),
        images(3, 3),
        # `tf.vectorized_map` gathers wrongly for batches of parameters of TFP's spline.
        {"check_vmap": False},
    ),
    "FactorOut": (
        lambda dtype: bijectors.FactorOut(
            [
                tfb.Chain([bijectors.ActNorm.create([4], dtype=dtype), bijectors.Squeeze()]),
                tfb.Permute([1, 0], axis=-1),
            ],
            (2, 4, 1),
            bijectors.ActNorm.create([2], dtype=dtype, event_rank=1),
        ),
        images(3, 2, 4, 1),
    ),
    "GeneralCoupling bipartite": (
        lambda dtype: bijectors.GeneralCoupling(
            tfb.Split(2), [None, networks.MLP(2, 2, [5], "tanh", dtype=dtype)]
        ),
        images(3, 4),
        {"check_finite_differences": False},
    ),
    "GeneralCoupling quadripartite": (
        lambda dtype: bijectors.GeneralCoupling(
            tfb.Chain([tfb.Split([1, 2, 1, 1]), tfb.Permute([4, 2, 0, 1, 3])]),
            [networks.MLP(5 - n, n, [5], "tanh", dtype=dtype) for n in (1, 2, 1, 1)],
            inner_functions=[None] + [networks.MLP(n, 1, [3], dtype=dtype) for n in (1, 3, 4)],
        ),
        images(3, 5),
        {"check_finite_differences": False},
    ),
    "InvertibleOperation": None,
    "round_straight_through": None,
    "rounded_addition": None,
    "ImageToLogit": (
        lambda dtype: bijectors.ImageToLogit(num_levels=17),
        np.concatenate([[np.zeros([2, 2, 1]), np.full([2, 2, 1], 17.0)], 4 + images(3, 2, 2, 1)]),
    ),
    "Invertible1x1Conv": (
        lambda dtype: bijectors.Invertible1x1Conv.create(3, init="rotation", dtype=dtype, seed=1),
        images(3, 2, 2, 3),
    ),
    "Invertible1x1Conv LU": (
        lambda dtype: bijectors.Invertible1x1Conv.create(
            3, parametrization="lu", init="rotation", dtype=dtype, seed=1
        ),
        images(3, 2, 2, 3),
    ),
    "Invertible1x1Conv vectors": (
        lambda dtype: bijectors.Invertible1x1Conv.create(
            3, parametrization="lu", init="rotation", dtype=dtype, seed=1, event_rank=1
        ),
        images(4, 3),
    ),
    "MixLogCDF": (
        lambda dtype: bijectors.MixLogCDF(
            *(tf.Variable(images(4, 3, scale=0.7, seed=s), dtype=dtype) for s in (1, 2, 3))
        ),
        images(5, 4),
    ),
    "MixLogCDFCoupling": (
        lambda dtype: bijectors.MixLogCDFCoupling(
            bijectors.ChannelSplit(event_rank=1),
            networks.MLP(3, 2 * (2 + 3 * 3), [5], "tanh", dtype=dtype),
            3,
        ),
        images(3, 5),
    ),
    "MonotoneSpline": (
        lambda dtype: bijectors.MonotoneSpline(
            tf.Variable(images(2, 5, scale=0.7, seed=1), dtype=dtype), 3.0
        ),
        np.array([[-3.5, 0.7], [-0.4, 2.9], [1.3, 3.5]]),
        # `tf.vectorized_map` gathers wrongly for batches of parameters of TFP's spline.
        {"check_vmap": False},
    ),
    "Permutation": (lambda dtype: bijectors.Permutation([2, 0, 3, 1]), images(3, 4)),
    "Residual": (
        lambda dtype: bijectors.Residual(networks.LipschitzNet((3,), [5], dtype=dtype)),
        images(3, 3),
    ),
    "Residual dense": (
        lambda dtype: bijectors.Residual(networks.LipschitzDenseNet((2, 1, 2), 2, 2, dtype=dtype)),
        images(3, 2, 1, 2),
    ),
    "ScaleMatvecQR": (
        lambda dtype: bijectors.ScaleMatvecQR(tf.Variable(images(3, 3, scale=0.5), dtype=dtype)),
        images(4, 3),
    ),
    "Squeeze": (lambda dtype: bijectors.Squeeze(), images(3, 2, 4, 1)),
}


def machine_parameters(num_visible, num_hidden, dtype):
    weights, bias = oracles.random_machine(num_visible, num_hidden)
    return tf.Variable(weights, dtype=dtype), tf.Variable(bias, dtype=dtype)


def smoothed_oracle(base, points):
    weights, bias = np.asarray(base.weights, np.float64), np.asarray(base.bias, np.float64)
    delta = float(np.asarray(base.delta))
    return oracles.smoothed_log_prob(weights, bias, delta, points.astype(np.float64))


def gaussian_bernoulli(num_visible, num_hidden, dtype):
    weights, bias = oracles.random_machine(num_visible, num_hidden, scale=0.8)
    return distributions.GaussianBernoulliRBM(
        tf.Variable(weights, dtype=dtype),
        tf.Variable(bias[:num_visible], dtype=dtype),
        tf.Variable(bias[num_visible:], dtype=dtype),
        tfp.util.TransformedVariable(
            np.full(num_visible, 0.8), tfb.Softplus(), dtype=dtype, name="scale"
        ),
    )


def convolutional(dtype):
    rng = np.random.default_rng(2)
    shapes = [(1, 1, 1), (1, 1, 1)]
    filters = [tf.Variable(rng.normal(size=[1, 1, 1, 3]), dtype=dtype) for _ in shapes]
    return distributions.ConvolutionalRBM(
        filters,
        tf.Variable([0.3, -0.2], dtype=dtype),
        tf.Variable(rng.normal(size=[1, 1, 3]), dtype=dtype),
        tfp.util.TransformedVariable(np.full(2, 0.8), tfb.Softplus(), dtype=dtype, name="scale"),
        shapes,
    )


def labeled(dtype):
    rng = np.random.default_rng(3)
    shapes = [[2, 3], [2], [3], [4, 3], [4]]
    variables = [tf.Variable(0.8 * rng.normal(size=shape), dtype=dtype) for shape in shapes]
    return distributions.LabeledRBM(*variables, tf.constant(0.9, dtype))


def smoothed_boltzmann(dtype):
    bijector = tfb.FillScaleTriL(diag_shift=tf.constant(1e-3, dtype))
    value = tf.constant([[1.5, 0.0], [0.4, 1.2]], dtype)
    factor = tfp.util.TransformedVariable(value, bijector, name="factor")
    return distributions.SmoothedBoltzmannMachine(factor, tf.Variable([0.3, -0.2], dtype=dtype))


def smoothed_block(num_visible, num_hidden, dtype):
    weights, bias = oracles.random_machine(num_visible, num_hidden)
    made = distributions.SmoothedBoltzmannMachine.create_block(num_visible, num_hidden, dtype=dtype)
    made.factor.trainable_variables[0].assign(tf.constant(weights, dtype))
    made.bias.assign(tf.constant(bias, dtype))
    colors = made.parameters["colors"]
    return distributions.SmoothedBoltzmannMachine(made.factor, made.bias, False, colors)


def density(dtype):
    loc = tf.Variable([1.0, 2.0], dtype=dtype)
    return tfd.Independent(tfd.Uniform(loc - loc, 4.0 + 0 * loc), 1)


def _grid(size, num_levels):
    axes = np.meshgrid(*[np.arange(float(num_levels))] * size, indexing="ij")
    return np.stack(axes, axis=-1).reshape([-1, size])


def logistic_oracle(distribution, points):
    loc, scale = np.asarray(distribution.loc, float), np.asarray(distribution.scale, float)
    upper, lower = ((points + half - loc) / scale for half in (0.5, -0.5))
    return np.log(1 / (1 + np.exp(-upper)) - 1 / (1 + np.exp(-lower)))


class _Logistics(tf.Module):
    """Two-component mixtures of four levels, whose means follow the parts before."""

    def __init__(self, size, dtype):
        super().__init__()
        self._loc = tf.Variable(np.linspace(0.5, 2.5, 2 * size).reshape([size, 2]), dtype=dtype)

    def __call__(self, before):
        shift = tf.reduce_sum(before, axis=-1)[..., tf.newaxis, tf.newaxis]
        loc = self._loc + 0.3 * shift
        mixture = distributions.DiscretizedLogisticMixture(0 * loc, loc, 0.7 + 0 * loc, 0, 3)
        return tfd.Independent(mixture, 1)


def conditional_parts(dtype):
    parts = [_Logistics(1, dtype), _Logistics(2, dtype)]
    return distributions.ConditionalParts([1, 2], parts, dtype)


def integer_events(dtype):
    scale = tf.Variable([0.7, 1.1], dtype=dtype)
    loc = tf.constant([1.0, 3.0], dtype)
    pixels = distributions.DiscretizedLogistic(loc, scale, 0, 4)
    return distributions.IntegerEvents(tfd.Independent(pixels, 1), [5, 5])


DISTRIBUTIONS = {
    "SmoothedRBM": (
        lambda dtype: distributions.SmoothedRBM(*machine_parameters(1, 1, dtype), 2.4),
        {"interval": (-7.0, 7.0), "oracle": smoothed_oracle},
    ),
    "SmoothedRBM larger": (
        lambda dtype: distributions.SmoothedRBM(*machine_parameters(3, 2, dtype), 2.9),
        {"oracle": smoothed_oracle},
    ),
    "DiscreteMixture": (
        lambda dtype: distributions.DiscreteMixture(tf.Variable([0.3, -0.5], dtype=dtype), 1.7),
        {"interval": (-7.0, 7.0)},
    ),
    "BipartiteNormal": (
        lambda dtype: distributions.BipartiteNormal(machine_parameters(1, 1, dtype)[0], 2.4),
        {"interval": (-7.0, 7.0)},
    ),
    "RestrictedBoltzmannMachine": (
        lambda dtype: distributions.RestrictedBoltzmannMachine(*machine_parameters(3, 2, dtype)),
        {"support": oracles.all_states(5), "outside": [0.0, 1.0, 1.0, 1.0, 1.0]},
    ),
    "RestrictedBoltzmannMachine binary": (
        lambda dtype: distributions.RestrictedBoltzmannMachine(
            *machine_parameters(3, 2, dtype), binary=True
        ),
        {"support": (oracles.all_states(5) + 1) / 2, "outside": [0.0, 1.0, 1.0, 1.0, 0.5]},
    ),
    "RestrictedBoltzmannMachine marginal": (
        lambda dtype: distributions.RestrictedBoltzmannMachine(
            *machine_parameters(3, 2, dtype), binary=True, marginal=True
        ),
        {"support": (oracles.all_states(3) + 1) / 2, "outside": [0.0, 1.0, 0.5]},
    ),
    "GaussianBernoulliRBM": (
        lambda dtype: gaussian_bernoulli(2, 3, dtype),
        {"interval": (-9.0, 9.0)},
    ),
    "ConvolutionalRBM": (
        lambda dtype: convolutional(dtype),
        # Its constructor refuses a batch of filters by name.
        {"interval": (-9.0, 9.0), "check_batches": False},
    ),
    "LabeledRBM": (
        lambda dtype: labeled(dtype),
        {"interval": (-9.0, 9.0)},
    ),
    "SmoothedBoltzmannMachine": (
        lambda dtype: smoothed_boltzmann(dtype),
        {"interval": (-7.0, 7.0)},
    ),
    "SmoothedBoltzmannMachine block": (
        lambda dtype: smoothed_block(2, 1, dtype),
        {},
    ),
    "IndependentSpins": (
        lambda dtype: distributions.IndependentSpins(tf.Variable([0.3, -0.5, 1.0], dtype=dtype)),
        {"support": oracles.all_states(3), "outside": [0.0, 1.0, 1.0]},
    ),
    "DiscretizedLogistic": (
        lambda dtype: distributions.DiscretizedLogistic(
            tf.Variable(0.3, dtype=dtype), tf.Variable(0.8, dtype=dtype)
        ),
        {"support": np.arange(-40.0, 41), "oracle": logistic_oracle, "outside": 0.5},
    ),
    "DiscretizedLogistic range": (
        lambda dtype: distributions.DiscretizedLogistic(
            tf.Variable(0.3, dtype=dtype), tf.Variable(0.8, dtype=dtype), -1.5, 2.5
        ),
        {"support": np.arange(-1.0, 3), "outside": 3.0},
    ),
    "DiscretizedLogisticMixture": (
        lambda dtype: distributions.DiscretizedLogisticMixture(
            *(tf.Variable(v, dtype=dtype) for v in ([0.3, -1.0], [0.3, 5.0], [0.8, 1.2]))
        ),
        {"support": np.arange(-60.0, 61), "outside": 0.5},
    ),
    "DiscretizedLogisticMixture range": (
        lambda dtype: distributions.DiscretizedLogisticMixture(
            *(tf.Variable(v, dtype=dtype) for v in ([0.3, -1.0], [0.3, 5.0], [0.8, 1.2])),
            -0.5,
            4.5,
        ),
        {"support": np.arange(0.0, 5), "outside": 5.0},
    ),
    "ConditionalParts": (lambda dtype: conditional_parts(dtype), {"support": _grid(3, 4)}),
    "IntegerEvents": (lambda dtype: integer_events(dtype), {"support": _grid(2, 5)}),
    # Their log-probability is a bound with its own draws: tests/distributions checks them instead.
    "Dequantized": None,
    "DequantizedTable": None,
    "Augmented": None,
    # Base classes.
    "EnergyBased": None,
    "StochasticBound": None,
    "BoltzmannMachine": None,
}


# Four seconds or more; `make test` has quicker entries of most of these classes, and the oracles.
SLOW = {
    *("Residual", "Residual dense"),
    *("Coupling additive", "Coupling spline", "MixLogCDF", "MixLogCDFCoupling", "MonotoneSpline"),
    *("LabeledRBM", "SmoothedRBM", "SmoothedRBM larger", "SmoothedBoltzmannMachine"),
    *("SmoothedBoltzmannMachine block", "ConvolutionalRBM", "RestrictedBoltzmannMachine binary"),
}


def conformance(class_name):
    """Returns the test that the entries of a class conform; `test_<module>.py` of each holds it."""
    entries = [entry for entry in (*BIJECTORS, *DISTRIBUTIONS) if entry.split()[0] == class_name]
    marks = [[pytest.mark.slow] if entry in SLOW else [] for entry in entries]
    cases = [pytest.param(entry, marks=mark) for entry, mark in zip(entries, marks, strict=True)]

    @pytest.mark.parametrize("entry", cases)
    def test_conformance(entry):
        if entry in BIJECTORS:
            make, points, *options = BIJECTORS[entry]
            check_bijector(make, points, **dict(*options))
        else:
            make, options = DISTRIBUTIONS[entry]
            check_distribution(make, **options)

    return test_conformance
