import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp

from tests import oracles, registry
from tfp_ebm import flows, partition
from tfp_ebm.distributions import ConvolutionalRBM, GaussianBernoulliRBM
from tfp_ebm.mcmc import block_gibbs

test_conformance = registry.conformance("ConvolutionalRBM")

# The last part's strides differ: 2 down, 4 across.
SHAPES = [(1, 2, 3), (2, 4, 1), (2, 8, 1)]
NUM_FILTERS = 4
NUM_VISIBLE = 6 + 8 + 16


def parameters(shapes=SHAPES, kernels=((3, 2), (3, 3), (3, 5)), size=(1, 2), seed=0):
    rng = np.random.default_rng(seed)
    filters = [
        0.4 * rng.normal(size=[*kernel, shape[2], NUM_FILTERS])
        for kernel, shape in zip(kernels, shapes, strict=True)
    ]
    num_visible = sum(int(np.prod(shape)) for shape in shapes)
    return [
        filters,
        0.5 * rng.normal(size=num_visible),
        0.5 * rng.normal(size=[*size, NUM_FILTERS]),
        rng.uniform(0.6, 1.4, size=num_visible),
    ]


def spelled_out(filters, shapes, size):
    """The matrix of the convolutions, entry by entry."""
    blocks = []
    for bank, (height, width, channels) in zip(filters, shapes, strict=True):
        strides = height // size[0], width // size[1]
        kernel = bank.shape[:2]
        # Zeros are padded on both sides, the odd one below and on the right.
        top, left = (max(k - s, 0) // 2 for k, s in zip(kernel, strides, strict=True))
        block = np.zeros([height, width, channels, *size, NUM_FILTERS])
        for a, b in np.ndindex(size):
            for i, j in np.ndindex(kernel):
                y, x = a * strides[0] - top + i, b * strides[1] - left + j
                if 0 <= y < height and 0 <= x < width:
                    block[y, x, :, a, b, :] += bank[i, j]
        blocks.append(block.reshape(height * width * channels, -1))
    return np.concatenate(blocks)


def pair(shapes=SHAPES, size=(1, 2), **options):
    given = parameters(shapes, size=size, **options)
    filters, visible_bias, hidden_bias, scale = given
    dense = GaussianBernoulliRBM(
        spelled_out(filters, shapes, size), visible_bias, hidden_bias.reshape(-1), scale
    )
    return ConvolutionalRBM(*given, shapes), dense


POINTS = np.random.default_rng(1).normal(size=[5, NUM_VISIBLE])


def test_energies_log_partition_and_conditionals_are_those_of_the_dense_machine():
    base, dense = pair()
    np.testing.assert_allclose(
        base.unnormalized_log_prob(POINTS), dense.unnormalized_log_prob(POINTS), rtol=1e-10
    )
    np.testing.assert_allclose(base.log_partition(), dense.log_partition(), rtol=1e-12)
    np.testing.assert_allclose(base.posterior(POINTS).mean(), dense.posterior(POINTS).mean())
    hidden = tf.constant((oracles.all_states(8)[::17] + 1) / 2)
    np.testing.assert_allclose(
        base.machine().multiply(hidden), dense.machine().multiply(hidden), atol=1e-12
    )
    # The oracle sums over all states without any code of the package.
    given = (dense.weights, dense.visible_bias, dense.hidden_bias, dense.scale)
    expected = oracles.gaussian_bernoulli_log_prob(*map(np.asarray, given), POINTS)
    np.testing.assert_allclose(base.log_prob(POINTS), expected, rtol=1e-10)


def test_gradients_are_those_of_the_dense_machine():
    filters, visible_bias, hidden_bias, scale = parameters()
    variables = [tf.Variable(p) for p in (*filters, visible_bias, hidden_bias, scale)]
    with tf.GradientTape() as tape:
        base = ConvolutionalRBM(variables[:3], *variables[3:], SHAPES)
        mean = tf.reduce_mean(base.log_prob(POINTS))
    gradients = tape.gradient(mean, variables)

    def oracle(index, value):
        changed = [*filters, visible_bias, hidden_bias, scale]
        changed[index] = value
        weights = spelled_out(changed[:3], SHAPES, (1, 2))
        return oracles.gaussian_bernoulli_log_prob(
            weights, changed[3], changed[4].reshape(-1), changed[5], POINTS
        ).mean()

    for index in (0, 2, 3, 4, 5):
        expected = oracles.central_differences(
            lambda value, index=index: oracle(index, value), variables[index].numpy()
        )
        np.testing.assert_allclose(gradients[index], expected, rtol=1e-5, atol=1e-8)


def test_a_transposed_kernel_is_noticed():
    given = parameters(kernels=((3, 3), (3, 3), (5, 5)))
    turned = [np.swapaxes(bank, 0, 1) for bank in given[0]]
    weights = spelled_out(turned, SHAPES, (1, 2))
    dense = GaussianBernoulliRBM(weights, given[1], given[2].reshape(-1), given[3])
    base = ConvolutionalRBM(*given, SHAPES)
    difference = base.unnormalized_log_prob(POINTS) - dense.unnormalized_log_prob(POINTS)
    assert np.abs(difference).max() > 0.1


def moments(dense):
    weights, visible_bias = dense.weights.numpy(), dense.visible_bias.numpy()
    hidden_bias, scale = dense.hidden_bias.numpy(), dense.scale.numpy()
    hidden = (oracles.all_states(len(hidden_bias)) + 1) / 2
    pushed = hidden @ weights.T
    log_weights = hidden @ hidden_bias + pushed @ (visible_bias / scale) + (pushed**2).sum(-1) / 2
    share = np.exp(log_weights - np.logaddexp.reduce(log_weights))
    means = visible_bias + scale * pushed
    return share @ means, np.einsum("s,si,sj->ij", share, means, means) + np.diag(scale**2)


@pytest.mark.slow
def test_samples_and_chains_have_the_enumerated_moments():
    shapes = [(1, 2, 2), (2, 4, 1)]
    base, dense = pair(shapes, kernels=((1, 3), (3, 3)))
    expected = moments(dense)
    assert oracles.within_standard_errors(base.sample(50_000, seed=(0, 1)), *expected)
    machine = base.machine()
    start = machine.sample_reference(50_000, (0, 2))
    chain = block_gibbs.run(machine, start, 60, seed=(0, 3)).numpy()
    assert oracles.within_standard_errors(chain, *expected)
    assert not oracles.within_standard_errors(start.numpy(), *expected)


@pytest.mark.slow
def test_both_annealed_estimates_bracket_the_exact_value():
    base, dense = pair(seed=3)
    exact = float(partition.enumerate_log_partition(dense).value)
    bounds = base.log_prob_bounds(base.sample(200, seed=(0, 1)), num_steps=300, seed=(0, 2))
    forward, reverse = bounds.forward, bounds.reverse
    assert abs(float(forward.value) - exact) < 4 * float(forward.standard_error) + 1e-3
    error = np.std(reverse.value) / np.sqrt(200)
    assert exact - 4 * error < float(tf.reduce_mean(reverse.value)) < exact + 0.3


def test_the_papers_sizes():
    shapes = flows.latent_shapes((32, 32, 3), 3)
    assert shapes == [(4, 4, 48), (8, 8, 12), (16, 16, 6)]
    base = ConvolutionalRBM.create(shapes, num_filters=100, num_chains=4, seed=(0, 1),
                                   sampler="replay", sampler_options={"size": 8})  # fmt: skip
    assert [bank.shape[:2] for bank in base.filters] == [(3, 3), (3, 3), (5, 5)]
    assert base.hidden_bias.shape == (4, 4, 100)
    assert base.chains.units.shape == (4, 3072)
    assert base.posterior(tf.zeros([2, 3072])).event_shape == [1600]
    before = base.chains.states.numpy()
    base.update_chains(2, seed=(0, 1))
    assert not np.array_equal(before, base.chains.states.numpy())
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean(base.log_prob(tf.random.stateless_normal([3, 3072], (0, 2))))
    gradients = tape.gradient(loss, base.trainable_variables)
    assert len(gradients) == 6 and all(np.any(gradient != 0) for gradient in gradients)


def test_a_flow_in_front_and_a_copy():
    base, _ = pair()
    density = tfp.distributions.TransformedDistribution(base, tfp.bijectors.Scale(np.float64(2.0)))
    expected = base.log_prob(POINTS / 2) - NUM_VISIBLE * np.log(2)
    np.testing.assert_allclose(density.log_prob(POINTS), expected, rtol=1e-10)
    np.testing.assert_allclose(base.copy().log_prob(POINTS), base.log_prob(POINTS))
    assert base.batch_shape == []


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"strides": [1, 2, 2]},
            r"to \[\(4, 4\), \(4, 4\), \(8, 8\)\]\. Strides \[1, 2, 4\] with kernels \[3, 3, 5\]",
        ),
        ({"strides": [1, 2]}, "`strides` must hold one integer for each of the 3 parts"),
        ({"strides": [3, 6, 12]}, "must divide the height and width"),
        ({"kernel_sizes": [3, 3, 3]}, r"kernel of part 2 .* stride \(4, 4\).* a kernel of 5"),
        ({"num_filters": 0}, "`num_filters` must be an integer"),
        ({"scale": -1.0}, "`scale` must be a finite number above 0"),
        ({"sampler": "reply"}, "Did you mean 'replay'"),
    ],
)
def test_create_errors(options, message):
    shapes = [(4, 4, 5), (8, 8, 3), (16, 16, 2)]
    with pytest.raises(ValueError, match=message):
        ConvolutionalRBM.create(shapes, **options)


def test_parts_that_no_stride_brings_together():
    with pytest.raises(ValueError, match="heights that are multiples of the smallest, 3"):
        ConvolutionalRBM.create([(3, 3, 5), (8, 8, 3)])


@pytest.mark.parametrize(
    ("index", "value", "message"),
    [
        (0, [np.zeros([3, 2, 3, 4])], "one bank for each of the 3 parts, got 1"),
        (0, [np.zeros([3, 3, 2, 4])] * 3, r"`filters\[0\]` must have shape"),
        (1, np.zeros(7), r"`visible_bias` must have shape \[30\]"),
        (2, np.zeros([8]), r"`hidden_bias` must have shape \[height, width"),
        (2, np.zeros([1, 3, 4]), r"`part_shapes\[0\]` must have a height and width"),
        (3, np.zeros(3), "`scale` must be a scalar or have shape"),
        (0, [np.zeros([2, 3, 2, 3, 4])] * 3, r"`filters\[0\]` .* has no batch of parameters"),
        (
            1,
            np.zeros([2, 46]),
            "`visible_bias` must have no more than 1 axes, .* Make one for each",
        ),
        (2, np.zeros([5, 1, 2, 4]), "`hidden_bias` must have no more than 3 axes"),
        (3, np.ones([2, 46]), "`scale` must have no more than 1 axes"),
        (3, np.array(1e-170), "its square underflows; rescale the data"),
    ],
)
def test_errors(index, value, message):
    given = parameters()
    given[index] = value
    with pytest.raises(ValueError, match=message):
        ConvolutionalRBM(*given, SHAPES)
