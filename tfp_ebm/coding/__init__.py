"""Lossless compression by models of whole numbers."""

from tfp_ebm.coding.codec import CodingError, compress, decompress

__all__ = ["CodingError", "compress", "decompress"]
