"""A flow of noise whose distribution depends on a batch of data."""

from tfp_ebm.internal.tfp_private import TransformedDistribution

__all__ = ["ConditionalFlow"]


class ConditionalFlow(TransformedDistribution):
    """A `tfd.TransformedDistribution` whose base already has the batch shape of the whole.

    Where the batch shape is not known before a graph runs, TensorFlow Probability's own broadcasts
    the base anew, which divides by 0 for an empty batch.
    """

    def _maybe_broadcast_distribution_batch_shape(self):
        return self.distribution
