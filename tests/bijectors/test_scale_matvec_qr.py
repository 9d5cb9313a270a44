import numpy as np
import pytest

from tests import registry
from tfp_ebm.bijectors import ScaleMatvecQR

test_conformance = registry.conformance("ScaleMatvecQR")


def test_the_matrix_is_a_rotation_times_a_triangle():
    kernel = np.random.default_rng(0).normal(size=[4, 4])
    bijector = ScaleMatvecQR(kernel)
    matrix = bijector.forward(np.eye(4)).numpy().T
    skew = np.tril(kernel, -1) - np.tril(kernel, -1).T
    rotation = np.linalg.inv(np.eye(4) + skew) @ (np.eye(4) - skew)
    triangle = np.triu(kernel, 1) + np.diag(np.exp(np.diag(kernel)))
    np.testing.assert_allclose(rotation @ rotation.T, np.eye(4), atol=1e-12)
    np.testing.assert_allclose(matrix, rotation @ triangle, rtol=1e-10)
    log_det = bijector.forward_log_det_jacobian(np.zeros([4]), event_ndims=1)
    np.testing.assert_allclose(log_det, np.linalg.slogdet(matrix)[1], rtol=1e-10)
    np.testing.assert_array_equal(ScaleMatvecQR(np.zeros([3, 3])).forward(np.eye(3)), np.eye(3))


def test_images_are_multiplied_at_every_position():
    rng = np.random.default_rng(1)
    bijector, x = ScaleMatvecQR(rng.normal(size=[3, 3])), rng.normal(size=[2, 4, 5, 3])
    np.testing.assert_allclose(bijector.forward(x)[1, 2, 3], bijector.forward(x[1, 2, 3]))
    log_det = bijector.forward_log_det_jacobian(x, event_ndims=3)
    np.testing.assert_allclose(log_det, 20 * np.trace(bijector.kernel), rtol=1e-10)


def test_errors():
    with pytest.raises(ValueError, match="`kernel` must be a square matrix"):
        ScaleMatvecQR(np.zeros([2, 3]))
    with pytest.raises(ValueError, match="made for vectors of size 3, got events of shape"):
        ScaleMatvecQR(np.zeros([3, 3])).forward(np.zeros([2, 4]))
