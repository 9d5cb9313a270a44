"""The form of a compressed file: a header, the code, and a checksum over both."""

import hashlib
import struct
from typing import NamedTuple

import numpy as np
import tensorflow as tf

__all__ = ["CodingError", "Header", "pack", "unpack"]

_MAGIC = b"TFPE"
_FORMAT = 1
_FIXED = "<4sBBIII8sI"
_DIGEST = 8


class CodingError(ValueError):
    """A file cannot be decoded, or events cannot be coded.

    >>> from tfp_ebm import coding, models
    >>> model = models.create("integer_flow", (4, 4, 1), num_levels=4)
    >>> coding.decompress(model, b"no file of ours")
    Traceback (most recent call last):
      ...
    tfp_ebm.coding.container.CodingError: ...
    """


def rounds_otherwise() -> CodingError:
    """Returns the error of a whole file whose decisions are not those that were written."""
    return CodingError(
        "`data` is whole, but does not decode to what was coded: networks round otherwise here "
        "than where it was written. Decode it on the same kind of machine, with the same "
        f"version of TensorFlow (here {tf.__version__})."
    )


class Header(NamedTuple):
    """What is written before the code.

    Attributes:
      event_shape: shape of an event.
      num_events: number of events.
      block_size: events that are computed at a time, of which rounding depends.
      fingerprint: 8 bytes that tell the model from others.
      checksum: CRC-32 of the events.
    """

    event_shape: tuple[int, ...]
    num_events: int
    block_size: int
    fingerprint: bytes
    checksum: int


def pack(header: Header, words: np.ndarray) -> bytes:
    """Returns a file.

    Args:
      header: its header.
      words: `[n]` uint32, the code.
    """
    code = words.astype("<u4").tobytes()
    shape = struct.pack(f"<{len(header.event_shape)}I", *header.event_shape)
    body = struct.pack(
        _FIXED,
        _MAGIC,
        _FORMAT,
        len(header.event_shape),
        len(words),
        header.num_events,
        header.block_size,
        header.fingerprint,
        header.checksum,
    )
    body += shape + code
    return body + _digest(body)


def _digest(body):
    return hashlib.blake2b(body, digest_size=_DIGEST).digest()


def unpack(data: bytes) -> tuple[Header, np.ndarray]:
    """Returns the header and the code of a file.

    Raises:
      CodingError: if it is no such file, of another version of the format, or is damaged.
    """
    size = struct.calcsize(_FIXED)
    if len(data) < 5 or data[:4] != _MAGIC:
        raise CodingError(
            "`data` is no file that `tfp_ebm.coding.compress` wrote: it does not start with "
            f"{_MAGIC.decode()}."
        )
    if data[4] != _FORMAT:
        raise CodingError(
            f"`data` is of version {data[4]} of the format, and this program reads version "
            f"{_FORMAT}; decode it with the program that wrote it."
        )
    body, digest = data[:-_DIGEST], data[-_DIGEST:]
    if len(data) < size + _DIGEST or _digest(body) != digest:
        raise CodingError(
            "`data` is damaged or cut off: its checksum is not that of its content; restore it "
            "from a copy."
        )
    *fixed, fingerprint, checksum = struct.unpack(_FIXED, data[:size])
    _, _, rank, num_words, num_events, block_size = fixed
    shape = struct.unpack(f"<{rank}I", body[size : size + 4 * rank])
    words = np.frombuffer(body[size + 4 * rank :], "<u4").astype(np.uint32)
    if len(words) != num_words:
        raise CodingError(f"`data` is damaged: it has {len(words)} words in place of {num_words}.")
    return Header(tuple(shape), num_events, block_size, fingerprint, checksum), words
