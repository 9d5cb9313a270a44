"""Plain NumPy answers, by enumeration of every state, for small machines."""

import itertools

import numpy as np
from scipy.special import gammaln, logsumexp


def all_states(size):
    return np.array(list(itertools.product([-1.0, 1.0], repeat=size)))


def coupling_matrix(weights):
    num_visible, num_hidden = weights.shape
    matrix = np.zeros([num_visible + num_hidden] * 2)
    matrix[:num_visible, num_visible:] = weights
    return matrix + matrix.T


def spin_log_weights(weights, bias, states):
    """-E(s) for every state."""
    coupling = coupling_matrix(weights)
    return 0.5 * np.einsum("si,ij,sj->s", states, coupling, states) + states @ bias


def spin_log_partition(weights, bias):
    return logsumexp(spin_log_weights(weights, bias, all_states(len(bias))))


def spin_probabilities(weights, bias):
    log_weights = spin_log_weights(weights, bias, all_states(len(bias)))
    return np.exp(log_weights - logsumexp(log_weights))


def precision(weights, delta):
    matrix = coupling_matrix(weights)
    return matrix + delta * np.eye(len(matrix))


def smoothed_joint(weights, bias, delta, points):
    """log p(s) + log Normal(z; s, J~^-1), [points, states]."""
    states = all_states(len(bias))
    matrix = precision(weights, delta)
    difference = points[:, None, :] - states[None]
    gaussian = (
        -0.5 * np.einsum("psi,ij,psj->ps", difference, matrix, difference)
        + 0.5 * np.linalg.slogdet(matrix)[1]
        - 0.5 * len(bias) * np.log(2 * np.pi)
    )
    return np.log(spin_probabilities(weights, bias))[None] + gaussian


def smoothed_log_prob(weights, bias, delta, points):
    return logsumexp(smoothed_joint(weights, bias, delta, points), axis=1)


def random_machine(num_visible, num_hidden, scale=0.4, seed=0):
    rng = np.random.default_rng(seed)
    weights = scale * rng.normal(size=[num_visible, num_hidden])
    return weights, 0.5 * rng.normal(size=num_visible + num_hidden)


def gaussian_bernoulli_log_prob(weights, visible_bias, hidden_bias, scale, points):
    """log p(v) as an explicit mixture of 2^num_hidden Gaussians."""
    hidden = (all_states(len(hidden_bias)) + 1) / 2
    pushed = hidden @ weights.T
    log_weights = hidden @ hidden_bias + pushed @ (visible_bias / scale) + 0.5 * (pushed**2).sum(-1)
    means = visible_bias + scale * pushed
    residual = (points[:, None] - means) / scale
    gaussian = -0.5 * (residual**2).sum(-1) - np.sum(np.log(scale * np.sqrt(2 * np.pi)))
    return logsumexp(log_weights - logsumexp(log_weights) + gaussian, axis=1)


def far_layer(num_hidden=40, num_visible=8, hidden_bias=-6.0, gap=20.0):
    """A Gaussian-Bernoulli machine most of whose mass lies where all bits are up, and its log Z.

    All weights are equal, so that k bits up weigh exp(k c + num_visible (k w)^2 / 2), and all up
    e^gap times as much as none; between the two lies a barrier, and cooling leads to the latter.
    """
    weight = np.sqrt(2 * (gap - num_hidden * hidden_bias) / num_visible) / num_hidden
    up = np.arange(num_hidden + 1)
    log_weights = up * hidden_bias + num_visible * (up * weight) ** 2 / 2
    log_states = gammaln(num_hidden + 1) - gammaln(up + 1) - gammaln(num_hidden - up + 1)
    log_partition = logsumexp(log_weights + log_states)
    parameters = {
        "weights": np.full([num_visible, num_hidden], weight),
        "visible_bias": np.zeros(num_visible),
        "hidden_bias": np.full(num_hidden, hidden_bias),
    }
    return parameters, log_partition + num_visible * np.log(2 * np.pi) / 2


def smoothed_boltzmann_log_prob(factor, bias, points):
    """log p(z) as an explicit mixture of 2^N Gaussians of precision C C^T."""
    matrix = factor @ factor.T
    coupling = matrix - np.diag(np.diag(matrix))
    states = all_states(len(bias))
    log_weights = 0.5 * np.einsum("si,ij,sj->s", states, coupling, states) + states @ bias
    difference = points[:, None] - states
    gaussian = -0.5 * np.einsum("psi,ij,psj->ps", difference, matrix, difference)
    gaussian += np.sum(np.log(np.abs(np.diag(factor)))) - 0.5 * len(bias) * np.log(2 * np.pi)
    return logsumexp(log_weights - logsumexp(log_weights) + gaussian, axis=1)


def central_differences(function, value, step=1e-5):
    """The gradient of a scalar function of an array."""
    gradient = np.zeros_like(value)
    for index in np.ndindex(value.shape):
        moved = [value.copy(), value.copy()]
        moved[0][index] += step
        moved[1][index] -= step
        gradient[index] = (function(moved[0]) - function(moved[1])) / (2 * step)
    return gradient


def within_standard_errors(samples, mean, pair, count=4.0):
    """Whether means and pair products of samples agree with the given ones."""
    samples = np.asarray(samples)
    products = np.einsum("ni,nj->nij", samples, samples)
    for drawn, expected in ((samples, mean), (products, pair)):
        error = drawn.std(0) / np.sqrt(len(drawn)) + 1e-9
        if np.any(np.abs(drawn.mean(0) - expected) > count * error):
            return False
    return True
