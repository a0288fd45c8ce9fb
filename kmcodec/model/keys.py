"""Colours as single numbers, for what has to sort, count or compare whole colours."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["colors_of", "keys_of"]


def keys_of(colors: NDArray[np.uint8]) -> NDArray[np.uint32]:
    """Colours as numbers that are in the order of the colours, first channel first.

    Parameters
    ----------
    colors : ndarray, shape (..., C), uint8
        C = 1 to 4. The transparent black of four channels is 0.

    Returns
    -------
    ndarray, shape (...), uint32
        The same on every platform.
    """
    if colors.shape[-1] == 4:
        return np.ascontiguousarray(colors).view(">u4")[..., 0].astype(np.uint32)
    keys: NDArray[np.uint32] = colors[..., 0].astype(np.uint32)
    for channel in range(1, colors.shape[-1]):
        keys <<= 8
        keys |= colors[..., channel]
    return keys


def colors_of(keys: NDArray[Any], channels: int) -> NDArray[np.uint8]:
    """The colours (..., C) that `keys_of` made these numbers (...) of."""
    four = keys.astype(">u4")[..., np.newaxis].view(np.uint8)
    return np.ascontiguousarray(four[..., 4 - channels :])
