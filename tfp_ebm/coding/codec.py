"""Compression of events by the probabilities that a model of whole numbers gives them."""

import hashlib
import json
import zlib
from collections.abc import Callable

import numpy as np
import tensorflow_probability as tfp

from tfp_ebm.coding.block_coder import BlockCoder
from tfp_ebm.coding.container import CodingError, Header, pack, rounds_otherwise, unpack
from tfp_ebm.coding.entropy import DecisionReader, DecisionWriter
from tfp_ebm.internal import checks
from tfp_ebm.internal.types import TensorLike
from tfp_ebm.models import spec_of

__all__ = ["CodingError", "compress", "decompress", "fingerprint"]

# Events at a time; large enough to keep what happens outside of networks small.
_BLOCK_SIZE = 500


def fingerprint(model: tfp.distributions.Distribution) -> bytes:
    """Returns 8 bytes that tell a model's description and weights from others."""
    digest = hashlib.blake2b(digest_size=8)
    try:
        digest.update(json.dumps(spec_of(model).to_dict(), sort_keys=True).encode())
    except ValueError:  # Made by hand: the weights alone must do.
        pass
    for variable in model.variables:
        digest.update(f"{variable.shape} {variable.dtype.name}".encode())
        digest.update(np.ascontiguousarray(variable.numpy()).tobytes())
    return digest.digest()


def compress(
    model: tfp.distributions.Distribution,
    events: TensorLike,
    block_size: int = _BLOCK_SIZE,
    progress: Callable[[int], None] | None = None,
) -> bytes:
    """Returns events as bytes, from which `decompress` returns them bit for bit.

    The file takes what the model's log-probability says, -log2 P bits an event, and about 50 bytes
    more: the flow turns an event into latent whole numbers, and each of these is coded by a few
    decisions between halves of the range, with probabilities that the base gives. Parts that are
    factored out are coded after those that they depend on.

    >>> from tfp_ebm import models
    >>> model = models.create("integer_flow", (4, 4, 1), 5, num_steps=1, **{"base.num_filters": 4})
    >>> images = model.sample(3, seed=(0, 1))
    >>> data = compress(model, images)
    >>> bool((decompress(model, data) == images.numpy()).all())
    True

    Args:
      model: a model of whole numbers, such as `models.create("integer_flow", ...)`.
      events: `[N, *event_shape]` whole numbers, in any dtype.
      block_size: events that are computed at a time. It is part of the file, since the last digits
        of networks, and with them the decisions, may depend on it.
      progress: called with the number of events that are done.

    Raises:
      CodingError: if the model has no exact probabilities of parts.
      ValueError: if events are not of the model's shape, no whole numbers, or out of its range, or
        beyond 2^22 where there is no range.
      ImportError: if the package constriction is missing.
    """
    block_size = checks.positive_integer("block_size", block_size)
    coder, writer = BlockCoder(model), DecisionWriter()
    events = _checked_events(model, events)
    block_size = max(1, min(block_size, len(events)))
    for start in range(0, len(events), block_size):
        block = events[start : start + block_size]
        coder.write(writer, _filled(block, block_size), len(block))
        if progress is not None:
            progress(start + len(block))
    header = Header(
        tuple(events.shape[1:]), len(events), block_size, fingerprint(model), _checksum(events)
    )
    return pack(header, writer.words())


def decompress(
    model: tfp.distributions.Distribution,
    data: bytes,
    progress: Callable[[int], None] | None = None,
) -> np.ndarray:
    """Returns the events of a file that `compress` wrote with the same model.

    Nothing is returned before the checksum of all events is found right.

    >>> import numpy as np
    >>> from tfp_ebm import coding, models
    >>> images = np.random.default_rng(0).integers(0, 4, [3, 4, 4, 1])
    >>> model = models.create("integer_flow", (4, 4, 1), num_levels=4)
    >>> bool((coding.decompress(model, coding.compress(model, images)) == images).all())
    True

    Args:
      model: the model.
      data: the file.
      progress: called with the number of events that are done.

    Returns:
      `[N, *event_shape]` in the model's dtype.

    Raises:
      CodingError: if the file is damaged, of another version, or of another model; or if this
        machine rounds otherwise than the one that wrote it.
      ImportError: if the package constriction is missing.
    """
    header, words = unpack(bytes(data))
    if header.fingerprint != fingerprint(model):
        raise CodingError(
            "`data` was written with another model: its fingerprint is "
            f"{header.fingerprint.hex()}, that of `model` {fingerprint(model).hex()}; load the "
            "model that wrote it, with the same weights."
        )
    if header.event_shape != tuple(model.event_shape):
        raise CodingError(
            f"`data` holds events of shape {header.event_shape}, the model those of shape "
            f"{tuple(model.event_shape)}."
        )
    coder, reader, blocks = BlockCoder(model), DecisionReader(words), []
    for start in range(0, header.num_events, header.block_size):
        count = min(header.block_size, header.num_events - start)
        blocks.append(coder.read(reader, header.block_size, count))
        if progress is not None:
            progress(start + count)
    empty = np.zeros([0, *header.event_shape], model.dtype.as_numpy_dtype)
    events = np.concatenate([empty, *blocks])
    if _checksum(events) != header.checksum:
        raise rounds_otherwise()
    return events


def _checked_events(model, events):
    array = np.asarray(events)
    expected = tuple(model.event_shape)
    if array.shape[1:] != expected:
        raise ValueError(
            f"`events` must have shape [N, {', '.join(map(str, expected))}], got {array.shape}."
        )
    checked = model.whole_numbers(array).numpy() if len(array) else array
    return np.asarray(checked).astype(model.dtype.as_numpy_dtype)


def _filled(block, size):
    """Returns a block of the whole size: the last one is filled up with its first event."""
    missing = size - len(block)
    return np.concatenate([block, np.repeat(block[:1], missing, axis=0)]) if missing else block


def _checksum(events):
    # 0.0 and -0.0 are one number.
    return zlib.crc32(np.ascontiguousarray(events + 0).tobytes())
