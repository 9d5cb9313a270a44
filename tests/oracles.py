"""Plain NumPy answers, by enumeration of every state, for small machines."""

import itertools

import numpy as np
from scipy.special import logsumexp


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
