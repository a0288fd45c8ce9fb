"""Round centroids with alpha to 8 bits.

Rounding moves the borders between entries, so means are computed and rounded again while that
lowers the error.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from kmcodec.quantization.alpha_samples import AlphaSamples
from kmcodec.quantization.colorspace import ColorSpace

__all__ = ["rounded_with_alpha"]


def rounded_with_alpha(
    samples: AlphaSamples, centroids: NDArray[np.int64], space: ColorSpace, sweeps: int
) -> NDArray[np.uint8]:
    """Round centroids to 8-bit palette entries.

    Parameters
    ----------
    samples : AlphaSamples
        In the coordinates of the space.
    centroids : ndarray, shape (K, D), int64
        On the grid.
    space : ColorSpace
    sweeps : int
        Maximum number of times to recompute the means.

    Returns
    -------
    ndarray, shape (K, D), uint8
    """
    unit = float(1 << samples.shift)
    best = space.to_colors(samples.settled(centroids) / unit)
    places = space.to_coordinates(best) << samples.shift
    error = samples.error(places)
    for _ in range(sweeps):
        means, _, _ = samples.moved(places)
        entries = space.to_colors(means / unit)
        places = space.to_coordinates(entries) << samples.shift
        trial = samples.error(places)
        if trial >= error:
            break
        best, error = entries, trial
    return best
