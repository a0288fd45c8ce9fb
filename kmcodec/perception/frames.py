"""The score of several frames."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from kmcodec.errors import KmcInputError
from kmcodec.perception import score
from kmcodec.perception.score import Reference

__all__ = ["FramesReference"]


class FramesReference:
    """Original frames, prepared for comparing many images with them; see `Reference`.

    Parameters
    ----------
    pixels : ndarray, shape (H, W) or (H, W, C), uint8
        The frames side by side.
    frames : int
        Number of frames.

    Raises
    ------
    KmcInputError
        If all frames together have more than `MOST_PIXELS`.
    """

    def __init__(self, pixels: NDArray[np.uint8], frames: int) -> None:
        count = pixels.shape[0] * pixels.shape[1]
        if count > score.MOST_PIXELS:
            raise KmcInputError(
                f"quality is measured of up to {score.MOST_PIXELS:,} pixels in all frames, not of "
                f"{count:,}: use psnr, or smaller images"
            )
        self._frames = frames
        self._references = [Reference(frame) for frame in np.split(pixels, frames, axis=1)]

    def score(self, pixels: NDArray[np.uint8]) -> float:
        """Return the mean of the scores of frames side by side."""
        frames = np.split(pixels, self._frames, axis=1)
        pairs = zip(self._references, frames, strict=True)
        return sum(reference.score(frame) for reference, frame in pairs) / self._frames
