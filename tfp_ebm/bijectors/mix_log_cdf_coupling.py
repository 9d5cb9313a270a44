"""The coupling layer of Flow++."""

from collections.abc import Callable

import tensorflow as tf
import tensorflow_probability as tfp

from tfp_ebm.bijectors.coupling import Coupling
from tfp_ebm.bijectors.mix_log_cdf import MixLogCDF
from tfp_ebm.internal import checks
from tfp_ebm.internal.construction import Given
from tfp_ebm.internal.tfp_private import ps
from tfp_ebm.internal.types import Bijector

__all__ = ["MixLogCDFCoupling", "scaled_mixture"]

tfb = tfp.bijectors


class MixLogCDFCoupling(Coupling):
    """A coupling by a mixture-of-logistics CDF followed by a scale and a shift.

        a, b = split(x);   b' = exp(tanh(s)) logit F(b; logits, locs, log_scales) + t

    where the conditioner gives, for each entry of b, the 2 + 3 K numbers
    `(s, t, K logits, K locs, K log_scales)` in this order.

    >>> import tensorflow as tf
    >>> from tfp_ebm.bijectors import ChannelSplit
    >>> from tfp_ebm.networks import GatedResNet
    >>> network = GatedResNet((4, 4, 3), num_outputs=3 * (2 + 3 * 5), num_filters=8)
    >>> coupling = MixLogCDFCoupling(ChannelSplit(), network, num_components=5)
    >>> coupling.forward(tf.zeros([2, 4, 4, 6])).shape
    TensorShape([2, 4, 4, 6])

    Source: "RBM-Flow and D-Flow: Invertible Flows with Discrete Energy Base Spaces", equation 3;
    Ho et al., "Flow++" (2019), section 3.2.
    """

    def __init__(
        self,
        split: Bijector,
        conditioner: Callable[[tf.Tensor], tf.Tensor],
        num_components: int,
        num_context: int = 0,
        validate_args: bool = False,
        name: str = "mix_log_cdf_coupling",
    ) -> None:
        """Constructs the coupling.

        Args:
          split: multipart bijector into two parts of the same shape `[..., C]`.
          conditioner: built network from `[..., C]` to `[..., C (2 + 3 num_components)]`.
          num_components: K, the number of logistic components.
          num_context: size of the condition vectors, see `Coupling`; 0: there are none.
          validate_args: as in TensorFlow Probability.
          name: name of the bijector.

        Raises:
          ValueError: if `num_components` is not a positive integer; when called, if the
            conditioner returns another number of channels.
          TypeError: as `Coupling`.
        """
        parameters = dict(locals())
        self._num_components = checks.positive_integer("num_components", num_components)
        super().__init__(split, scaled_mixture, conditioner, num_context, validate_args, name)
        self._parameters = self._no_dependency(
            {key: value for key, value in parameters.items() if key not in ("self", "__class__")}
        )

    num_components = Given[int]("The number of logistic components.")

    def _bijector(self, first, second):
        outputs = self._condition(first)
        per_entry = 2 + 3 * self._num_components
        expected = None if second.shape[-1] is None else second.shape[-1] * per_entry
        if expected is not None and outputs.shape[-1] != expected:
            raise ValueError(
                f"`conditioner` must return {expected} channels: {second.shape[-1]} channels to "
                f"transform times 2 + 3 * {self._num_components} parameters; got "
                f"{outputs.shape[-1]}."
            )
        shape = ps.concat([ps.shape(second), [per_entry]], axis=0)
        return self._bijector_fn(tf.reshape(outputs, shape))


def scaled_mixture(parameters: tf.Tensor) -> Bijector:
    """Returns the bijector of one entry from its `(s, t, logits, locs, log_scales)`.

    Args:
      parameters: `[..., 2 + 3 K]`.
    """
    count = (parameters.shape[-1] - 2) // 3
    # One split, whose gradient is one concatenation.
    log_scale, shift, *mixture = tf.split(parameters, [1, 1, count, count, count], axis=-1)
    return tfb.Chain(
        [
            tfb.Shift(shift[..., 0]),
            tfb.Scale(log_scale=tf.tanh(log_scale[..., 0])),
            MixLogCDF(*mixture),
        ]
    )
