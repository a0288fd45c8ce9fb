"""Colours as single numbers, and images in groups of rows: what every way to dither needs."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["colors_of", "groups_of_rows", "keys_of"]

# Rows are taken in groups of about this many pixels, so that large images need little memory.
GROUP = 1 << 17


def keys_of(colors: NDArray[np.uint8]) -> NDArray[np.uint32]:
    """Colours as single numbers, distinct if they are, of no particular order.

    Parameters
    ----------
    colors : ndarray, shape (..., C), uint8
        C = 1 to 4.

    Returns
    -------
    ndarray, shape (...), uint32
    """
    four = np.zeros((*colors.shape[:-1], 4), np.uint8)
    four[..., : colors.shape[-1]] = colors
    return four.view(np.uint32)[..., 0]


def colors_of(keys: NDArray[np.uint32], channels: int) -> NDArray[np.uint8]:
    """The colours (N, C) that have these keys (N,)."""
    return keys[:, np.newaxis].view(np.uint8)[:, :channels]


def groups_of_rows(pixels: NDArray[np.uint8]) -> list[slice]:
    """The rows of an image (H, W, C), some at a time."""
    height, width = pixels.shape[:2]
    rows = max(1, GROUP // width)
    return [slice(start, start + rows) for start in range(0, height, rows)]
