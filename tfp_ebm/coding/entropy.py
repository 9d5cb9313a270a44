"""Streams of yes-or-no decisions, each of a probability of its own, near their entropy."""

import types

import numpy as np

from tfp_ebm.coding.container import rounds_otherwise

__all__ = ["PRECISION", "DecisionReader", "DecisionWriter"]

# Probabilities are whole numbers from 1 to 2^PRECISION - 1, over 2^PRECISION.
PRECISION = 20


def _constriction() -> types.ModuleType:
    try:
        import constriction
    except ImportError:
        raise ImportError(
            "Lossless coding needs the package constriction, the entropy coder: "
            'pip install "tfp-ebm[coding]"'
        ) from None
    return constriction


def _probabilities(numerators):
    return np.ravel(numerators).astype(np.float64) / 2**PRECISION


class DecisionWriter:
    """Writes decisions; the range coder takes what their probabilities say, and 8 bytes more."""

    def __init__(self) -> None:
        """Starts with nothing written."""
        stream = _constriction().stream
        self._coder = stream.queue.RangeEncoder()
        self._family = stream.model.Bernoulli(perfect=False)

    def write(self, decisions: np.ndarray, numerators: np.ndarray) -> None:
        """Appends decisions.

        Args:
          decisions: booleans, of any shape.
          numerators: `[...]` of the same shape, probabilities of True times `2^PRECISION`.
        """
        bits = np.ravel(decisions).astype(np.int32)
        if bits.size:
            self._coder.encode(bits, self._family, _probabilities(numerators))

    def words(self) -> np.ndarray:
        """Returns all that was written, `[n]` uint32."""
        return self._coder.get_compressed()


class DecisionReader:
    """Reads what a `DecisionWriter` wrote, in the same order and with the same probabilities."""

    def __init__(self, words: np.ndarray) -> None:
        """Starts at the first decision.

        Args:
          words: `[n]` uint32.
        """
        stream = _constriction().stream
        self._coder = stream.queue.RangeDecoder(words)
        self._family = stream.model.Bernoulli(perfect=False)

    def read(self, numerators: np.ndarray) -> np.ndarray:
        """Returns the next decisions, booleans of the shape of their probabilities.

        Raises:
          CodingError: if no decisions of these probabilities were written so.
        """
        if not np.size(numerators):
            return np.zeros(np.shape(numerators), bool)
        try:
            bits = self._coder.decode(self._family, _probabilities(numerators))
        except AssertionError:  # So constriction says that the words fit no probability.
            raise rounds_otherwise() from None
        return np.reshape(bits, np.shape(numerators)).astype(bool)
