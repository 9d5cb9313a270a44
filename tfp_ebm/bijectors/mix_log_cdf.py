"""The elementwise map by the logit of a mixture-of-logistics CDF."""

import tensorflow as tf
import tensorflow_probability as tfp

from tfp_ebm.bijectors.mixture_logistic import logit_cdf
from tfp_ebm.bijectors.mixture_logistic_inverse import solve_logit_cdf
from tfp_ebm.bijectors.one_pass import OnePassBijector
from tfp_ebm.internal.construction import Given, Increasing, bijector_arguments, converted
from tfp_ebm.internal.tfp_private import parameter_properties, ps
from tfp_ebm.internal.types import Data, DType, Parameter, TensorLike

__all__ = ["MixLogCDF"]


class MixLogCDF(Increasing, OnePassBijector, tfp.bijectors.AutoCompositeTensorBijector):
    """Maps the real line to itself by the logit of a mixture-of-logistics CDF, elementwise.

        forward(x) = logit F(x),   F(x) = sum_k pi_k sigmoid((x - loc_k) exp(-log_scale_k))
        forward_log_det_jacobian(x) = log f(x) - log F(x) - log(1 - F(x)),   f = dF/dx
        inverse(y): by safeguarded Newton iteration on the logit, inside the exact bracket

    Everything stays in the log domain, so that float32 is accurate far outside every component,
    where F rounds to 0 or 1. Samples are differentiable through the inverse, by the implicit
    function theorem; `residual(y)` tells how well the inverse solves its equation.

    >>> import tensorflow as tf
    >>> bijector = MixLogCDF(logits=[0.0, 1.0], locs=[-1.0, 2.0], log_scales=[0.0, -1.0])
    >>> x = tf.constant([-50.0, 1.0, 50.0])
    >>> bijector.inverse(tf.identity(bijector.forward(x))).numpy().round(3).tolist()
    [-50.0, 1.0, 50.0]

    Cost: a few exponentials for each element and component; the inverse some 5 to 20 times that.

    Source: Ho et al., "Flow++: Improving Flow-Based Generative Models with Variational
    Dequantization and Architecture Design" (2019), section 3.2, without its scale and shift.
    """

    def __init__(
        self,
        logits: TensorLike,
        locs: TensorLike,
        log_scales: TensorLike,
        validate_args: bool = False,
        name: str = "mix_log_cdf",
    ) -> None:
        """Constructs the bijector.

        Args:
          logits: `[..., K]`, log mixture weights up to a constant.
          locs: `[..., K]`, component means.
          log_scales: `[..., K]`, taken to be at least -7.
          validate_args: as in TensorFlow Probability.
          name: name of the bijector.

        Raises:
          ValueError: if the three have different numbers of components.
        """
        parameters = dict(locals())
        with tf.name_scope(name) as name:
            dtype, parts = converted(logits=logits, locs=locs, log_scales=log_scales)
            self._logits, self._locs, self._log_scales = parts
            counts = [None if part.shape.rank in (None, 0) else part.shape[-1] for part in parts]
            if any(part.shape.rank == 0 for part in parts) or len(set(counts)) > 1:
                raise ValueError(
                    "`logits`, `locs` and `log_scales` must have the same number of components on "
                    f"their last axis, got shapes {[str(part.shape) for part in parts]}."
                )
            super().__init__(**bijector_arguments(parameters, name, dtype=dtype))

    @classmethod
    def _parameter_properties(cls, dtype: DType):
        properties = parameter_properties.ParameterProperties
        names = ("logits", "locs", "log_scales")
        return {name: properties(event_ndims=1) for name in names}

    logits = Given[Parameter]("Log mixture weights up to a constant, as given.")
    locs = Given[Parameter]("Component means, as given.")
    log_scales = Given[Parameter]("Logarithms of the component scales, as given.")

    def _broadcast(self, x):
        """Returns the full shape, and x and the parameters as `[n]` and three `[n, K]` of it."""
        parts = [tf.convert_to_tensor(p) for p in (self._logits, self._locs, self._log_scales)]
        shape = ps.shape(x)
        for part in parts:
            shape = ps.broadcast_shape(shape, ps.shape(part)[:-1])
        num_components = ps.shape(parts[0])[-1:]
        full = ps.concat([shape, num_components], axis=0)
        # One axis of elements: the compiled sums below are one long loop over them.
        rows = ps.concat([[-1], num_components], axis=0)
        flat = [tf.reshape(_broadcast_to(part, full), rows) for part in parts]
        return shape, tf.reshape(_broadcast_to(x, shape), [-1]), *flat

    def _forward_and_log_det(self, x):
        shape, *flat = self._broadcast(x)
        value, log_derivative = logit_cdf(*flat)
        return tf.reshape(value, shape), tf.reshape(log_derivative, shape)

    def _inverse_and_log_det(self, y):
        shape, y, *parameters = self._broadcast(y)
        x = solve_logit_cdf(y, *parameters)
        return tf.reshape(x, shape), tf.reshape(logit_cdf(x, *parameters)[1], shape)

    def residual(self, y: Data) -> tf.Tensor:
        """Returns `forward(inverse(y)) - y`, the error of the inverse in the logit, `[...]`."""
        shape, y, *parameters = self._broadcast(tf.convert_to_tensor(y, self.dtype))
        value = logit_cdf(solve_logit_cdf(y, *parameters), *parameters)[0]
        return tf.reshape(value - y, shape)


def _broadcast_to(tensor, shape):
    """Broadcasts, without a copy where the shape is known to be that already."""
    static = tf.get_static_value(shape)
    is_full = static is not None and tensor.shape == tf.TensorShape(static)
    return tensor if is_full else tf.broadcast_to(tensor, shape)
