"""Prepare pixels for a screen: scaled down, alpha over a checkerboard, error maps."""

from __future__ import annotations

import numpy as np
import PIL.Image
from numpy.typing import NDArray

from kmcodec.model.image import IndexedImage
from kmcodec.model.metrics import common_channels, samples

__all__ = ["SQUARES", "error_map", "reduced", "visible"]

SQUARES = ((255, 255, 255), (214, 214, 214))
"""The colours of the checkerboard behind alpha."""


def visible(
    pixels: NDArray[np.uint8], limit: int = 1000, square: int | None = None
) -> NDArray[np.uint8]:
    """Make pixels fit for a screen: scale large images down, put alpha over a checkerboard.

    Parameters
    ----------
    pixels : ndarray, shape (H, W) or (H, W, C) with C = 1 to 4, uint8
    limit : int
        A side of twice this length or more is scaled down.
    square : int, optional
        Side of the checkerboard's squares; by default about 32 fit.

    Returns
    -------
    ndarray, shape (h, w, 3), uint8
    """
    channels = 1 if pixels.ndim == 2 else pixels.shape[2]
    factors = _factors(pixels.shape[1], pixels.shape[0], limit)
    if channels in (1, 3):
        picture = PIL.Image.fromarray(pixels[..., 0] if pixels.ndim == 3 > channels else pixels)
        return np.asarray(picture.reduce(factors).convert("RGB"))
    if channels == 2:
        pixels = pixels[..., [0, 0, 0, 1]]
    # Premultiplied, so that hidden colours do not bleed in at edges.
    picture = PIL.Image.fromarray(np.ascontiguousarray(pixels)).convert("RGBa").reduce(factors)
    small = np.asarray(picture)
    larger = max(1, 256 // max(small.shape[:2]))
    return _over_squares(small.repeat(larger, axis=0).repeat(larger, axis=1), square)


def error_map(
    original: NDArray[np.uint8], image: IndexedImage, limit: int = 1000
) -> NDArray[np.float32]:
    """Return for each pixel the root mean squared difference over the channels.

    Parameters
    ----------
    original : ndarray, shape (H, W) or (H, W, C) with C = 1 to 4, uint8
    image : IndexedImage
    limit : int
        A side of twice this length or more is scaled down, with the mean over merged pixels too.

    Returns
    -------
    ndarray, shape (h, w), float32
        In levels, 0 to 255.
    """
    palette = image.palette[np.newaxis]
    channels = common_channels(original, palette)
    (entries,) = samples(palette, channels)
    across, down = _factors(image.width, image.height, limit)
    step = down * max(1, (1 << 18) // (down * image.width))  # rows, for little memory
    parts = []
    for start in range(0, image.height, step):
        rows = slice(start, start + step)
        difference = samples(original[rows], channels) - entries[image.indices[rows]]
        squares = np.einsum("ijk,ijk->ij", difference, difference) / channels
        reduced = PIL.Image.fromarray(squares.astype(np.float32)).reduce((across, down))
        parts.append(np.asarray(reduced))
    errors: NDArray[np.float32] = np.sqrt(np.concatenate(parts))
    return errors


def reduced(values: NDArray[np.float32], limit: int = 1000) -> NDArray[np.float32]:
    """Return values, shape (H, W), scaled down like a picture of `visible`, by their means."""
    factors = _factors(values.shape[1], values.shape[0], limit)
    return np.asarray(PIL.Image.fromarray(values).reduce(factors))


def _over_squares(pixels: NDArray[np.uint8], side: int | None = None) -> NDArray[np.uint8]:
    """Blend premultiplied RGBA, shape (h, w, 4), over a checkerboard: uint8, shape (h, w, 3)."""
    height, width = pixels.shape[:2]
    side = side or max(1, round(max(height, width) / 32))
    rows, columns = np.arange(height) // side, np.arange(width) // side
    squares = np.array(SQUARES, dtype=np.uint8)[(rows[:, np.newaxis] + columns) & 1]
    through = (255 - pixels[..., 3:]).astype(np.uint16) * squares // 255
    shown: NDArray[np.uint8] = np.minimum(pixels[..., :3] + through, 255).astype(np.uint8)
    return shown


def _factors(width: int, height: int, limit: int) -> tuple[int, int]:
    """Return how many columns and rows to merge so that `limit` to 2 * `limit` or so remain."""
    return max(1, width // limit), max(1, height // limit)
