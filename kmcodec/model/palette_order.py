"""The order of new palettes, which a file then need not store."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["dark_to_bright"]


def dark_to_bright(colors: NDArray[np.uint8]) -> NDArray[np.intp]:
    """Return the order of entries: transparent first, then by luma (Rec. 601), then by channels.

    Parameters
    ----------
    colors : ndarray, shape (K, C), uint8

    Returns
    -------
    ndarray, shape (K,)
        Indices of the entries in this order; equal ones keep their order.
    """
    channels = colors.astype(np.int64).T
    luma = channels[0]
    if len(channels) >= 3:
        luma = 299 * channels[0] + 587 * channels[1] + 114 * channels[2]
    visible = channels[-1] > 0 if len(channels) in (2, 4) else np.ones(len(colors), bool)
    return np.lexsort((*channels[::-1], luma, visible))
