"""Convert arrays to uint8 pixels, or refuse them with a clear reason; convert channels."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from kmcodec.errors import KmcInputError, KmcLossWarning, warn
from kmcodec.model.image import MAX_SIDE, array_of

__all__ = [
    "REDUCED",
    "ROUNDED",
    "as_pixels",
    "channels_for_all",
    "check_shape",
    "common_channels_for",
    "from_16_bits",
    "to_channels",
]

REDUCED = "16-bit samples reduced to 8 bits"
"""The message about an image that loses bits."""

ROUNDED = "float samples rounded to 8 bits"
"""The message about an image whose floats are between the 256 levels."""

# The rounding error of single precision at 1 and at 0: 1.0000001 is white.
_ROUNDING = 1e-6


def _warn(text: str) -> None:
    warn(text, KmcLossWarning)


def as_pixels(array: ArrayLike, tell: Callable[[str], None] = _warn) -> NDArray[np.uint8]:
    """Convert an array to the pixels of an image.

    Parameters
    ----------
    array : array_like, shape (H, W) or (H, W, C) with C = 1, 2, 3 or 4
        Grey, grey and alpha, RGB or RGBA. uint8 and other integers in 0 ... 255 keep their
        values; bool becomes 0 and 255; floats in 0 ... 1 are scaled by 255 and rounded, halves
        up; uint16 is reduced from 16 to 8 bits, whatever its values.
    tell : callable
        Called with `REDUCED` or `ROUNDED` if bits are lost; for floats only if they differ from
        a level by more than the rounding error of their type. Warns by default.

    Returns
    -------
    ndarray of uint8, shape (H, W) or (H, W, C) with C = 2, 3 or 4
        C-contiguous; the given array if it needed no change.

    Raises
    ------
    KmcInputError
        If the shape is not that of an image, the dtype is not supported, or a value is out of
        range.

    Warns
    -----
    KmcLossWarning
        If bits are lost.
    """
    given = array_of("pixels", array)
    check_shape(given.shape)
    if given.ndim == 3 and given.shape[2] == 1:
        given = given[:, :, 0]
    return np.ascontiguousarray(_as_uint8(given, tell))


def from_16_bits(samples: NDArray[Any], tell: Callable[[str], None] = _warn) -> NDArray[np.uint8]:
    """Reduce samples of 16 bits to 8 bits, each the nearest to ``v * 255 / 65535``.

    Parameters
    ----------
    samples : ndarray of an integer dtype, any shape
        Values in 0 ... 65,535.
    tell : callable
        Called with `REDUCED`. Warns by default.

    Returns
    -------
    ndarray of uint8, same shape

    Warns
    -----
    KmcLossWarning
        Always: bits are lost.
    """
    tell(REDUCED)
    # Integers do not depend on a platform's rounding mode; 65535 * 255 fits in 32 bits.
    scaled = samples.astype(np.uint32)
    scaled *= 255
    scaled += 32767
    scaled //= 65535
    return scaled.astype(np.uint8)


def channels_for_all(counts: Iterable[int]) -> int:
    """Return the number of channels that can hold images of all these numbers of channels."""
    own = set(counts)
    return (3 if max(own) > 2 else 1) + bool(own & {2, 4})


def common_channels_for(palette: NDArray[np.uint8], channels: int) -> int:
    """Return the number of channels that can hold both an image and a palette for it.

    Parameters
    ----------
    palette : ndarray, shape (K, C), uint8
        Its values count: RGB with only greys needs one channel, alpha of only 255 needs none.
    channels : int
        Of the image.

    Returns
    -------
    int
        1 to 4; `to_channels` can convert both to it.
    """
    color, alpha = _split(palette)
    in_color = channels > 2 or not _is_grey(color)
    with_alpha = channels in (2, 4) or int(alpha.min()) < 255
    return (3 if in_color else 1) + with_alpha


def to_channels(array: NDArray[np.uint8], channels: int) -> NDArray[np.uint8]:
    """Convert colours to another number of channels without changing any colour.

    Parameters
    ----------
    array : ndarray, shape (..., C), uint8
        A palette, or pixels. The last axis always holds the channels: grey pixels of shape
        (H, W), which could be a palette of H entries, need a third axis.
    channels : int
        1 grey, 2 grey and alpha, 3 RGB, 4 RGBA. Added alpha is 255.

    Returns
    -------
    ndarray, shape (..., channels), uint8
        The given array if it needed no change.

    Raises
    ------
    KmcInputError
        If the conversion would make colours grey, or transparent ones opaque.
    """
    if array.shape[-1] == channels:
        return array
    color, alpha = _split(array)
    if channels <= 2 and not _is_grey(color):
        raise KmcInputError("the colours are not all grey: use 3 or 4 channels")
    if channels in (1, 3) and bool((alpha < 255).any()):
        raise KmcInputError("the colours are not all opaque: use 2 or 4 channels")
    count = 3 if channels > 2 else 1
    parts = [np.broadcast_to(color, (*color.shape[:-1], 3))[..., :count]]
    return np.concatenate([*parts, alpha] if channels in (2, 4) else parts, axis=-1)


def check_shape(shape: tuple[int, ...]) -> None:
    """Refuse a shape that no image can have.

    Raises
    ------
    KmcInputError
    """
    if len(shape) not in (2, 3) or (len(shape) == 3 and not 1 <= shape[2] <= 4):
        raise KmcInputError(
            "pixels must have shape (height, width) or (height, width, 1 to 4 channels), "
            f"these have {shape}"
        )
    if 0 in shape:
        raise KmcInputError(f"the image is empty: its array has shape {shape}")
    if max(shape[:2]) > MAX_SIDE:
        raise KmcInputError(
            f"an image must have at most {MAX_SIDE:,} rows and columns, not {shape}"
        )


def _as_uint8(samples: NDArray[Any], tell: Callable[[str], None]) -> NDArray[np.uint8]:
    if samples.dtype == np.uint8:
        return samples
    kind = samples.dtype.kind
    if kind == "b":
        return np.where(samples, np.uint8(255), np.uint8(0))
    if kind in "ui":
        return _from_integers(samples, tell)
    if kind == "f":
        return _from_floats(samples, tell)
    raise KmcInputError(f"pixels must be integers, floats or bool, not {samples.dtype}")


def _from_integers(samples: NDArray[Any], tell: Callable[[str], None]) -> NDArray[np.uint8]:
    # Decide by the type, not the values: the next frame or tile may have larger ones.
    if samples.dtype.kind == "u" and samples.dtype.itemsize == 2:
        return from_16_bits(samples, tell)
    low, high = int(samples.min()), int(samples.max())
    if low >= 0 and high <= 255:
        return samples.astype(np.uint8)
    raise KmcInputError(
        f"pixels of dtype {samples.dtype} run from {low} to {high}: scale them to 0 to 255, "
        "or give 16-bit samples as uint16"
    )


def _from_floats(samples: NDArray[Any], tell: Callable[[str], None]) -> NDArray[np.uint8]:
    low, high = float(samples.min()), float(samples.max())
    if not (np.isfinite(low) and np.isfinite(high)):
        raise KmcInputError("float pixels must be numbers from 0 to 1, not NaN or infinity")
    if low < -_ROUNDING or high > 1 + _ROUNDING:
        raise KmcInputError(
            f"float pixels must be 0 to 1, not {low:.9g} to {high:.9g}: {_advice(low, high)}"
        )
    # float64 and floor rather than rint: halves round up, whatever the width of the samples.
    scaled = np.clip(samples.astype(np.float64), 0, 1)
    scaled *= 255
    nearest = np.floor(scaled + 0.5)
    scaled -= nearest
    # Former 8-bit values, such as v / 255, differ by no more than the rounding of their type.
    rounding = 255 * max(_ROUNDING, float(np.finfo(samples.dtype).eps))
    if max(scaled.max(), -scaled.min()) > rounding:
        tell(ROUNDED)
    return nearest.astype(np.uint8)


def _advice(low: float, high: float) -> str:
    if low < 0 or high <= 2:
        return "scale or clip them first"
    if high <= 255:
        return "divide by 255"
    for bits in (10, 12, 14, 16):
        # With more bits than necessary the picture would be almost black.
        if high <= 2**bits - 1:
            return f"if they are samples of {bits} bits, divide by {2**bits - 1}"
    return "scale them by their largest possible value"


def _split(array: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Return colour and alpha, the alpha with a last axis of length one."""
    if array.shape[-1] in (2, 4):
        return array[..., :-1], array[..., -1:]
    return array, np.broadcast_to(np.uint8(255), (*array.shape[:-1], 1))


def _is_grey(color: NDArray[np.uint8]) -> bool:
    return bool((color == color[..., :1]).all())
