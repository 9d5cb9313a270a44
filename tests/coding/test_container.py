"""The form of a compressed file."""

import numpy as np
import pytest

from tfp_ebm.coding.container import CodingError, Header, pack, unpack

HEADER = Header((8, 8, 1), 447, 500, b"12345678", 0xDEADBEEF)
WORDS = np.array([1, 2**32 - 1, 7], np.uint32)


def test_a_file_is_read_as_it_was_written():
    header, words = unpack(pack(HEADER, WORDS))
    assert header == HEADER
    np.testing.assert_array_equal(words, WORDS)
    assert len(pack(HEADER, np.zeros([0], np.uint32))) <= 56


def test_any_changed_byte_is_noticed():
    data = pack(HEADER, WORDS)
    for place in range(len(data)):
        damaged = bytearray(data)
        damaged[place] ^= 1 + place % 255
        with pytest.raises(CodingError):
            unpack(bytes(damaged))


def test_any_cut_is_noticed():
    data = pack(HEADER, WORDS)
    for size in range(len(data)):
        with pytest.raises(CodingError):
            unpack(data[:size])
    with pytest.raises(CodingError, match="damaged or cut off"):
        unpack(data + b"x")


def test_another_version_is_named():
    data = bytearray(pack(HEADER, WORDS))
    data[4] = 9
    with pytest.raises(CodingError, match=r"version 9 of the format.*reads version 1"):
        unpack(bytes(data))
    with pytest.raises(CodingError, match="does not start with TFPE"):
        unpack(b"PNG, say")
