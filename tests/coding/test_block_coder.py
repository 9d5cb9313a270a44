"""Blocks of events to and from decisions."""

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_probability as tfp

from tfp_ebm import distributions, models
from tfp_ebm.coding.block_coder import BlockCoder
from tfp_ebm.coding.container import CodingError
from tfp_ebm.coding.entropy import DecisionReader, DecisionWriter

pytest.importorskip("constriction")
tfd = tfp.distributions


class _Marginal(tf.Module):
    def __call__(self, before):
        del before
        return tfd.Independent(distributions.DiscretizedLogistic([3.0, 5.0], 2.0, 0, 8), 1)


def test_a_model_without_a_flow_is_coded_too():
    base = distributions.ConditionalParts([2], [_Marginal()])
    model = distributions.IntegerEvents(base, 9)
    x = model.sample(6, seed=(0, 1)).numpy()
    writer = DecisionWriter()
    BlockCoder(model).write(writer, x, 4)
    again = BlockCoder(model).read(DecisionReader(writer.words()), 6, 4)
    np.testing.assert_array_equal(again, x[:4])


@pytest.mark.parametrize("name", ["continuous", "bare"])
def test_other_models_are_refused(name):
    model = models.create("nice", (4, 4, 1), 5, hidden_units=(3,))
    if name == "bare":
        marginal = tfd.Independent(distributions.DiscretizedLogistic([3.0], 2.0, 0, 8), 1)
        model = distributions.IntegerEvents(marginal, 9)
    with pytest.raises(CodingError, match="must be one of whole numbers"):
        BlockCoder(model)
