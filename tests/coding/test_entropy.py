"""Streams of decisions."""

import builtins

import numpy as np
import pytest

from tfp_ebm.coding import CodingError
from tfp_ebm.coding.entropy import PRECISION, DecisionReader, DecisionWriter

pytest.importorskip("constriction")


def test_decisions_come_back_at_the_cost_of_their_entropy():
    rng = np.random.default_rng(0)
    numerators = rng.integers(1, 2**PRECISION, [3, 20_000])
    probability = numerators / 2**PRECISION
    decisions = rng.random([3, 20_000]) < probability
    writer = DecisionWriter()
    for part, own in zip(decisions, numerators, strict=True):
        writer.write(part, own)
    words = writer.words()
    ideal = -np.log2(np.where(decisions, probability, 1 - probability)).sum()
    assert 32 * len(words) < 1.001 * ideal + 64
    reader = DecisionReader(words)
    for part, own in zip(decisions, numerators, strict=True):
        np.testing.assert_array_equal(reader.read(own), part)


def test_the_rarest_and_the_surest_decisions():
    numerators = np.tile([1, 2**PRECISION - 1], 500)
    decisions = np.arange(1000) % 3 == 0
    writer = DecisionWriter()
    writer.write(decisions, numerators)
    np.testing.assert_array_equal(DecisionReader(writer.words()).read(numerators), decisions)


def test_nothing_takes_nothing():
    writer = DecisionWriter()
    writer.write(np.zeros([0, 3], bool), np.zeros([0, 3], int))
    assert DecisionReader(writer.words()).read(np.zeros([0, 3], int)).shape == (0, 3)


@pytest.mark.parametrize("numerator", [1, 2**19, 2**PRECISION - 1])
def test_words_that_fit_no_probability_are_refused(numerator):
    reader = DecisionReader(np.full([4], 2**32 - 1, np.uint32))
    with pytest.raises(CodingError, match="round otherwise here"):
        reader.read(np.full([8], numerator))


def test_a_missing_coder_is_named(monkeypatch):
    original = builtins.__import__

    def without(name, *arguments, **options):
        if name == "constriction":
            raise ImportError(name)
        return original(name, *arguments, **options)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(ImportError, match=r"pip install \"tfp-ebm\[coding\]\""):
        DecisionWriter()
