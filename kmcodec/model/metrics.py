"""The error of an image relative to its source."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kmcodec.errors import KmcInputError
from kmcodec.model.pixels import channels_for_all

__all__ = [
    "check_same_size",
    "common_channels",
    "decibels_of",
    "mean_squared_error",
    "products",
    "psnr",
    "samples",
    "squared_error",
]

# Samples in a group of rows, so that large images need little memory.
_GROUP = 1 << 20


def squared_error(original: NDArray[np.uint8], image: NDArray[np.uint8]) -> float:
    """Return the sum of squared differences over all pixels and channels: the inertia of k-means.

    Parameters
    ----------
    original, image : ndarray, shape (H, W) or (H, W, C), uint8
        Any mix of grey and RGB, with and without alpha. Colours with alpha are premultiplied
        first, as hidden colours make no difference.

    Raises
    ------
    KmcInputError
        If the sizes differ.
    """
    check_same_size(original.shape, image.shape)
    channels = common_channels(original, image)
    step = max(1, _GROUP // (original.shape[1] * channels))
    total = 0
    for start in range(0, len(original), step):
        rows = slice(start, start + step)
        difference = products(original[rows], channels) - products(image[rows], channels)
        # Whole numbers have the same sum on every platform, in any order.
        total += int(np.square(difference).sum(dtype=np.int64))
    return total / 255**2 if channels in (2, 4) else float(total)


def mean_squared_error(original: NDArray[np.uint8], image: NDArray[np.uint8]) -> float:
    """Return `squared_error` divided by the number of pixels and channels."""
    height, width = original.shape[:2]
    channels = common_channels(original, image)
    return squared_error(original, image) / float(height * width * channels)


def psnr(original: NDArray[np.uint8], image: NDArray[np.uint8]) -> float:
    """Return the peak signal-to-noise ratio in decibels, `math.inf` for equal images.

    Parameters
    ----------
    original, image : ndarray
        See `squared_error`.
    """
    return decibels_of(mean_squared_error(original, image))


def decibels_of(error: float) -> float:
    """Return the PSNR of a mean squared error."""
    return 10 * math.log10(255**2 / error) if error else math.inf


def check_same_size(original: tuple[int, ...], image: tuple[int, ...]) -> None:
    """Check that two shapes have the same height and width.

    Raises
    ------
    KmcInputError
        If they differ.
    """
    if original[:2] != image[:2]:
        raise KmcInputError(
            f"the images of {original[1]} x {original[0]} and {image[1]} x {image[0]} pixels "
            "differ in size"
        )


def common_channels(*images: NDArray[np.uint8]) -> int:
    """Return the number of channels for a comparison: RGB and alpha if any image has them."""
    return channels_for_all(_channels(image) for image in images)


def samples(image: NDArray[np.uint8], channels: int) -> NDArray[Any]:
    """Return samples for comparison: float64, premultiplied if the channels include alpha.

    Parameters
    ----------
    image : ndarray, shape (H, W) or (H, W, C), uint8
    channels : int
        1 to 4, including all of the image; see `common_channels`.

    Returns
    -------
    ndarray, shape (H, W, channels), float64
        Levels, 0 to 255.
    """
    whole = products(image, channels).astype(np.float64)
    return whole / 255 if channels in (2, 4) else whole


def products(image: NDArray[np.uint8], channels: int) -> NDArray[Any]:
    """Return `samples` as whole numbers, times 255 if the channels include alpha.

    Parameters
    ----------
    image, channels
        See `samples`.

    Returns
    -------
    ndarray, shape (H, W, channels), int32, or int64 with alpha
        Squares of their differences do not overflow.
    """
    own = _channels(image)
    has_alpha = channels in (2, 4)
    # Wide enough for squares of differences.
    dtype = np.int64 if has_alpha else np.int32
    levels: NDArray[Any] = image.reshape(*image.shape[:2], own).astype(dtype)
    color = levels[..., :-1] if own in (2, 4) else levels
    if channels > 2 and color.shape[2] == 1:
        color = np.repeat(color, 3, axis=2)
    if not has_alpha:
        return color
    alpha = levels[..., -1:] if own in (2, 4) else np.full_like(levels[..., :1], 255)
    return np.concatenate([color * alpha, 255 * alpha], axis=2)


def _channels(image: NDArray[np.uint8]) -> int:
    return 1 if image.ndim == 2 else image.shape[2]
