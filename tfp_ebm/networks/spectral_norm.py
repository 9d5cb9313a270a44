"""A bound from above on the spectral norm of a convolution."""

from collections.abc import Sequence

import numpy as np
import tensorflow as tf

from tfp_ebm.internal.numeric import spectral_norm_bound

__all__ = ["convolution_norm_bound"]


def convolution_norm_bound(kernel: tf.Tensor, image_shape: Sequence[int]) -> tf.Tensor:
    """Returns a number that the spectral norm of a convolution does not exceed.

    A convolution with zeros beyond the border (`padding="SAME"`, strides of 1) of an H x W image is
    a part of the periodic convolution of an (H + h - 1) x (W + w - 1) image, and what is a part has
    no larger norm. The periodic one is a matrix for each frequency,

        ||K||_2 <= max_f ||K(f)||_2,   K(f) = sum_(a, b) kernel[a, b] exp(-2 pi i (f_1 a + f_2 b))

    each bounded by a norm of Schatten, as in `LipschitzLinear`. The kernel reshaped to a matrix
    says too little: its norm is up to sqrt(h w) times smaller than that of the convolution.

    >>> box = tf.fill([3, 3, 1, 1], 1.0)
    >>> 8.0 < float(convolution_norm_bound(box, (8, 8))) < 9.1
    True

    Args:
      kernel: `[h, w, num_inputs, num_outputs]`, with h and w odd.
      image_shape: (H, W), the size of the images.

    Returns:
      A scalar, in the units of the kernel. Whatever the number of images, it costs six products of
      matrices of twice the smaller number of channels, for half of the frequencies.

    Source: Sedghi, Gupta and Long, "The singular values of convolutional layers" (2019), for the
    periodic convolution.
    """
    height, width = kernel.shape[:2]
    if height == width == 1:
        return spectral_norm_bound(kernel[0, 0])
    cosine, sine = (tf.constant(part, kernel.dtype) for part in _waves(kernel.shape, image_shape))
    flat = tf.reshape(kernel, [height * width, -1])
    shape = [-1, *kernel.shape[2:]]
    real, imaginary = (tf.reshape(tf.matmul(part, flat), shape) for part in (cosine, sine))
    # Of the norm of the complex matrix: |R + i S| = |[[R, -S], [S, R]]|.
    upper = tf.concat([real, -imaginary], axis=-1)
    lower = tf.concat([imaginary, real], axis=-1)
    return tf.reduce_max(spectral_norm_bound(tf.concat([upper, lower], axis=-2)))


def _waves(kernel_shape, image_shape):
    """Returns cosines and sines `[num_frequencies, h w]` of half of the frequencies.

    A real kernel has conjugate matrices, of equal norm, at the other half.
    """
    height, width = kernel_shape[:2]
    rows, columns = image_shape[0] + height - 1, image_shape[1] + width - 1
    first = np.arange(rows)[:, None, None, None] * np.arange(height)[:, None] / rows
    second = np.arange(columns // 2 + 1)[:, None, None] * np.arange(width) / columns
    phase = -2 * np.pi * (first + second).reshape(-1, height * width)
    return np.cos(phase), np.sin(phase)
