"""Images in groups of rows: what every way to dither needs."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["groups_of_rows"]

# Rows are taken in groups of about this many pixels, so that large images need little memory.
GROUP = 1 << 17


def groups_of_rows(pixels: NDArray[np.uint8]) -> list[slice]:
    """The rows of an image (H, W, C), some at a time."""
    height, width = pixels.shape[:2]
    rows = max(1, GROUP // width)
    return [slice(start, start + rows) for start in range(0, height, rows)]
