"""One image in a file, read by Pillow."""

import pathlib
import struct

import numpy as np

__all__ = ["SUFFIXES", "read_image"]

SUFFIXES = (".png", ".jpg", ".jpeg", ".tif", ".tiff")
_TYPES = {"1": bool, "L": np.uint8, "RGB": np.uint8, "I;16": np.uint16, "I": np.uint16}
_FIXES = {
    "P": 'has a palette; save it in colours or grey: `image.convert("RGB")`',
    "PA": 'has a palette; save it in colours or grey: `image.convert("RGB")`',
    "RGBA": 'has an alpha channel; save it without: `image.convert("RGB")`',
    "LA": 'has an alpha channel; save it without: `image.convert("L")`',
    "F": "holds real numbers; save it in 8 or 16 bits, or all images as one array: `np.save`",
    "CMYK": 'is in CMYK; save it in RGB: `image.convert("RGB")`',
}
_BITS_PER_SAMPLE = 258  # The tag of TIFF.


def read_image(path: pathlib.Path) -> np.ndarray:
    """Returns an image `[H, W, C]`: bool, uint8, or uint16 (grey of 16 bits).

    A rotation noted by a camera is carried out.

    Args:
      path: a PNG, JPEG or TIFF file, grey or RGB.

    Raises:
      ValueError: if it is damaged, or of a kind that has no such array; it names the file.
    """
    from PIL import Image, ImageOps

    try:
        with Image.open(path, formats=("PNG", "JPEG", "TIFF")) as image:
            _check_kind(path, image)
            image.load()
            mode, upright = image.mode, ImageOps.exif_transpose(image)
            # The bytes of bits are 0 and 255, which no array of bool should hold.
            pixels = np.asarray(upright.convert("L")) > 0 if mode == "1" else np.asarray(upright)
    except (OSError, SyntaxError, struct.error, Image.DecompressionBombError) as error:
        if isinstance(error, FileNotFoundError | PermissionError):
            raise
        raise ValueError(f"{path} could not be read as an image: it is damaged or none.") from error
    if pixels.dtype.kind == "i" and (pixels.min() < 0 or pixels.max() > 0xFFFF):
        raise ValueError(f"{path} must have levels from 0 to 65535, got {pixels.max()}.")
    pixels = pixels.astype(_TYPES.get(mode, np.uint16))
    return pixels[..., np.newaxis] if pixels.ndim == 2 else pixels


def _check_kind(path, image):
    known = image.mode in _TYPES or image.mode.startswith("I;16")
    if not known or "transparency" in image.info:
        kind = _FIXES["RGBA"] if "transparency" in image.info else f"has mode {image.mode}"
        raise ValueError(f"{path} must be grey or RGB, but it {_FIXES.get(image.mode, kind)}.")
    # Of the photographs of some cameras (MPO) the first is the one, and others are previews.
    if image.format != "MPO" and getattr(image, "n_frames", 1) > 1:
        raise ValueError(f"{path} must hold one image, got {image.n_frames}; save each by itself.")
    if image.mode == "RGB" and _bits(path, image) > 8:
        raise ValueError(
            f"{path} has colours of {_bits(path, image)} bits, of which 8 would be read; save all "
            "images as one array of uint16: `np.save`."
        )


def _bits(path, image):
    """Returns the bits of a sample, which the mode of an RGB image does not tell."""
    if image.format == "PNG":
        with open(path, "rb") as file:
            return file.read(25)[24]
    bits = getattr(image, "tag_v2", {}).get(_BITS_PER_SAMPLE, 8)
    return max(bits) if isinstance(bits, tuple) else bits
