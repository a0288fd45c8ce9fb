"""Pixels from arrays: whatever a caller holds, as uint8, or a plain reason why not; channels."""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from kmcodec.errors import KmcInputError, KmcWarning
from kmcodec.model.image import MAX_SIDE, array_of

__all__ = [
    "REDUCED",
    "as_pixels",
    "channels_for_all",
    "check_shape",
    "common_channels_for",
    "from_16_bits",
    "is_reduced",
    "reduce_16_bits",
    "to_channels",
]

REDUCED = "16-bit samples reduced to 8 bits"
"""What is told of an image that loses bits."""

# What single precision leaves of a 1, and of a 0: 1.0000001 is white.
_ROUNDING = 1e-6


def as_pixels(array: ArrayLike) -> NDArray[np.uint8]:
    """Take an array for the pixels of an image.

    Parameters
    ----------
    array : array_like, shape (H, W) or (H, W, C) with C = 1, 2, 3 or 4
        Grey, grey and alpha, RGB or RGBA. uint8 is taken as it is; so are other integers in
        0 ... 255; bool becomes 0 and 255; floats in 0 ... 1 are scaled by 255 and rounded,
        halves up; uint16 is reduced from 16 to 8 bits, whatever its values.

    Returns
    -------
    ndarray of uint8, shape (H, W) or (H, W, C) with C = 2, 3 or 4
        C-contiguous; the array that was given, where it needed no change.

    Raises
    ------
    KmcInputError
        If the shape is not that of an image, the dtype not that of samples, or a value out of
        range.

    Warns
    -----
    KmcWarning
        If 16-bit samples were reduced.
    """
    given = array_of("pixels", array)
    check_shape(given.shape)
    if given.ndim == 3 and given.shape[2] == 1:
        given = given[:, :, 0]
    return np.ascontiguousarray(_as_uint8(given))


def from_16_bits(samples: NDArray[Any]) -> NDArray[np.uint8]:
    """Reduce samples of 16 bits to 8 bits, each the nearest to ``v * 255 / 65535``.

    Parameters
    ----------
    samples : ndarray of an integer dtype, any shape
        Values in 0 ... 65,535.

    Returns
    -------
    ndarray of uint8, same shape

    Warns
    -----
    KmcWarning
        Always: bits are lost.
    """
    _tell_of_reduction()
    return reduce_16_bits(samples)


def is_reduced(dtype: np.dtype[Any]) -> bool:
    """Whether samples of a type are reduced from 16 bits, by whoever asks; says so if they are.

    It goes by the type and not by what is in it: the next frame or tile may have larger values.

    Warns
    -----
    KmcWarning
        If they are: bits are lost.
    """
    deep = dtype.kind == "u" and dtype.itemsize == 2
    if deep:
        _tell_of_reduction()
    return deep


def _tell_of_reduction() -> None:
    warnings.warn(REDUCED, KmcWarning, stacklevel=3)


def reduce_16_bits(samples: NDArray[Any]) -> NDArray[np.uint8]:
    """Do what `from_16_bits` does without a word."""
    # In integers, so that no platform's rounding mode has a say; 65535 * 255 fits in 32 bits.
    scaled = samples.astype(np.uint32)
    scaled *= 255
    scaled += 32767
    scaled //= 65535
    return scaled.astype(np.uint8)


def channels_for_all(counts: Iterable[int]) -> int:
    """How many channels hold images of these many channels: 1 to 4, see `to_channels`."""
    own = set(counts)
    return (3 if max(own) > 2 else 1) + bool(own & {2, 4})


def common_channels_for(palette: NDArray[np.uint8], channels: int) -> int:
    """How many channels hold both an image and the palette that it is to be drawn with.

    Parameters
    ----------
    palette : ndarray, shape (K, C), uint8
        Counts for what is in it: RGB that is all grey needs one channel, alpha that is 255
        throughout none.
    channels : int
        Of the image.

    Returns
    -------
    int
        1 to 4; what `to_channels` can bring both to.
    """
    color, alpha = _split(palette)
    in_color = channels > 2 or not _is_grey(color)
    with_alpha = channels in (2, 4) or int(alpha.min()) < 255
    return (3 if in_color else 1) + with_alpha


def to_channels(array: NDArray[np.uint8], channels: int) -> NDArray[np.uint8]:
    """Bring colours to another number of channels, none of them changed.

    Parameters
    ----------
    array : ndarray, shape (..., C), uint8
        A palette, or pixels. The last axis is always that of the channels: grey pixels of shape
        (H, W), which could be a palette of H entries, need an axis more.
    channels : int
        1 grey, 2 grey and alpha, 3 RGB, 4 RGBA. Alpha that is added is 255.

    Returns
    -------
    ndarray, shape (..., channels), uint8
        The array that was given, where it needed no change.

    Raises
    ------
    KmcInputError
        If colours were to become grey, or transparent ones opaque.
    """
    if array.shape[-1] == channels:
        return array
    color, alpha = _split(array)
    if channels <= 2 and not _is_grey(color):
        raise KmcInputError("these colours are not all grey: 3 or 4 channels hold them")
    if channels in (1, 3) and bool((alpha < 255).any()):
        raise KmcInputError("these colours are not all opaque: 2 or 4 channels hold them")
    count = 3 if channels > 2 else 1
    parts = [np.broadcast_to(color, (*color.shape[:-1], 3))[..., :count]]
    return np.concatenate([*parts, alpha] if channels in (2, 4) else parts, axis=-1)


def check_shape(shape: tuple[int, ...]) -> None:
    """Refuse a shape that no image has.

    Raises
    ------
    KmcInputError
    """
    if len(shape) not in (2, 3) or (len(shape) == 3 and not 1 <= shape[2] <= 4):
        raise KmcInputError(
            "pixels have shape (height, width) or (height, width, 1 to 4 channels), "
            f"these have {shape}"
        )
    if 0 in shape:
        raise KmcInputError(f"an image has at least one pixel, this array has shape {shape}")
    if max(shape[:2]) > MAX_SIDE:
        raise KmcInputError(f"an image has at most {MAX_SIDE:,} rows and columns, not {shape}")


def _as_uint8(samples: NDArray[Any]) -> NDArray[np.uint8]:
    if samples.dtype == np.uint8:
        return samples
    kind = samples.dtype.kind
    if kind == "b":
        return np.where(samples, np.uint8(255), np.uint8(0))
    if kind in "ui":
        return _from_integers(samples)
    if kind == "f":
        return _from_floats(samples)
    raise KmcInputError(f"pixels are integers, floats or bool, not {samples.dtype}")


def _from_integers(samples: NDArray[Any]) -> NDArray[np.uint8]:
    if is_reduced(samples.dtype):
        return reduce_16_bits(samples)
    low, high = int(samples.min()), int(samples.max())
    if low >= 0 and high <= 255:
        return samples.astype(np.uint8)
    raise KmcInputError(
        f"pixels of dtype {samples.dtype} run from {low} to {high}: bring them to 0 to 255, "
        "or give 16-bit samples as uint16"
    )


def _from_floats(samples: NDArray[Any]) -> NDArray[np.uint8]:
    low, high = float(samples.min()), float(samples.max())
    if not (np.isfinite(low) and np.isfinite(high)):
        raise KmcInputError("float pixels are numbers from 0 to 1: these hold NaN or infinity")
    if low < -_ROUNDING or high > 1 + _ROUNDING:
        raise KmcInputError(
            f"float pixels run from 0 to 1, these from {low:.9g} to {high:.9g}: "
            f"{_advice(low, high)}"
        )
    # float64 and floor rather than rint: halves go up, whatever width the samples came in.
    scaled = np.clip(samples.astype(np.float64), 0, 1)
    scaled *= 255
    scaled += 0.5
    return np.floor(scaled, out=scaled).astype(np.uint8)


def _advice(low: float, high: float) -> str:
    if low < 0 or high <= 2:
        return "scale or clip them first"
    if high <= 255:
        return "divide by 255"
    for bits in (10, 12, 14, 16):
        # Of more bits than it takes, the picture would be all but black.
        if high <= 2**bits - 1:
            return f"if they are samples of {bits} bits, divide by {2**bits - 1}"
    return "scale them by their largest possible value"


def _split(array: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Colour and alpha, the alpha with an axis of one."""
    if array.shape[-1] in (2, 4):
        return array[..., :-1], array[..., -1:]
    return array, np.broadcast_to(np.uint8(255), (*array.shape[:-1], 1))


def _is_grey(color: NDArray[np.uint8]) -> bool:
    return bool((color == color[..., :1]).all())
