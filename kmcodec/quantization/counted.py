"""What a search for a palette needs to know of images that are not in memory together."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kmcodec.quantization.accents import Accents, find_accents
from kmcodec.quantization.even_blocks import EvenBlocks, even_blocks
from kmcodec.quantization.histogram import Histogram, histogram
from kmcodec.quantization.squares import Squares, squares_of
from kmcodec.quantization.tints import Tints, find_tints

__all__ = ["Counted", "CountedPart"]


@dataclass(frozen=True, eq=False)
class CountedPart:
    """A part of an image.

    Parameters
    ----------
    histogram : Histogram
    squares : Squares
    blocks : EvenBlocks
        Of the image: the tints are known only after all parts.
    """

    histogram: Histogram
    squares: Squares
    blocks: EvenBlocks


@dataclass(frozen=True, eq=False)
class Counted:
    """An image, or several.

    Parameters
    ----------
    histogram : Histogram
    squares : Squares
    tints : Tints
    """

    histogram: Histogram
    squares: Squares
    tints: Tints

    @classmethod
    def of(cls, pixels: NDArray[np.uint8]) -> Counted:
        """Count the pixels of an image, shape (H, W) or (H, W, C)."""
        return cls(histogram(pixels), squares_of(pixels), find_tints(even_blocks(pixels)))

    def accents(self) -> Accents | None:
        """Return what should stay visible; None of images in grey."""
        if self.histogram.colors.shape[1] < 3:
            return None
        return Accents(find_accents(self.squares), self.tints.pairs)
