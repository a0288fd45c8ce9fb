"""The loops of SSIMULACRA2 over planes, in NumPy; `_planes.pyx` is the compiled twin.

Both give the same results, bit for bit, on every platform: they add, multiply and divide floats in
the same order, and use no function of the C library. A sum down the columns goes row by row.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from kmcodec.parallel import heed_stop
from kmcodec.perception.constants import OPSIN, STABILITY, TAPS

__all__ = ["blurred", "column_sums", "errors", "halved", "light", "opsin", "weighted_errors"]

_Plane = NDArray[np.float32]

# See kmc_cube_root in planes.h.
_ROOT_START = np.uint32(709958130)


def light(pixels: NDArray[np.uint8], levels: NDArray[np.float32]) -> _Plane:
    """Return the linear light of pixels.

    Parameters
    ----------
    pixels : ndarray, shape (H, W, 3), uint8
    levels : ndarray, shape (256,), float32
        The light of each level.

    Returns
    -------
    ndarray, shape (3, H, W), float32
    """
    return np.ascontiguousarray(np.moveaxis(levels[pixels], 2, 0))


def opsin(planes: _Plane) -> _Plane:
    """Convert linear light to the channels that are compared: X, Y - 0.5 and B - Y.

    Parameters
    ----------
    planes : ndarray, shape (3, H, W), float32

    Returns
    -------
    ndarray, shape (3, H, W), float32
    """
    heed_stop()
    red, green, blue = planes
    bias, root = OPSIN[9:]
    long, medium, short = (
        _cube_roots(r * red + g * green + b * blue + bias) - root
        for r, g, b in OPSIN[:9].reshape(3, 3)
    )
    luma = np.float32(0.5) * (long + medium)
    return np.stack(
        [
            np.float32(7) * (long - medium),
            luma - np.float32(0.49),
            short - luma,
        ]
    )


def _cube_roots(values: _Plane) -> _Plane:
    roots: Any = (values.view(np.uint32) // np.uint32(3) + _ROOT_START).view(np.float32)
    for _ in range(2):
        heed_stop()
        cubes = roots * roots * roots
        roots = roots * (cubes + values + values) / (cubes + cubes + values)
    return np.asarray(roots)


def halved(planes: _Plane) -> _Plane:
    """Return planes half as wide and high; the last column and row stand for missing ones.

    Parameters
    ----------
    planes : ndarray, shape (3, H, W), float32
    """
    height, width = planes.shape[1:]
    whole = np.pad(planes, ((0, 0), (0, height % 2), (0, width % 2)), mode="edge")
    upper, lower = whole[:, ::2], whole[:, 1::2]
    sums = upper[..., ::2] + upper[..., 1::2] + lower[..., ::2] + lower[..., 1::2]
    return np.asarray(np.float32(0.25) * sums)


def blurred(plane: _Plane, border: float, squared: bool) -> _Plane:
    """Return a plane, or its square, blurred.

    Parameters
    ----------
    plane : ndarray, shape (H, W), float32
    border : float
        The value outside the plane.
    squared : bool
    """
    edge = np.float32(border)
    return _blurred(plane * plane, edge * edge) if squared else _blurred(plane, edge)


def _blurred(plane: _Plane, edge: np.float32) -> _Plane:
    return np.ascontiguousarray(_across(_across(plane, edge).T, edge).T)


def _across(plane: _Plane, edge: np.float32) -> _Plane:
    heed_stop()
    reach = len(TAPS) - 1
    width = plane.shape[1]
    padded = np.pad(plane, ((0, 0), (reach, reach)), constant_values=edge)
    out = TAPS[0] * plane
    for distance in range(1, reach + 1):
        left = padded[:, reach - distance :][:, :width]
        right = padded[:, reach + distance :][:, :width]
        out = out + TAPS[distance] * (left + right)
    return np.asarray(out)


def errors(
    original: _Plane, mean: _Plane, power: _Plane, distorted: _Plane, border: float
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Return three kinds of error of each sample.

    Parameters
    ----------
    original, distorted : ndarray, shape (H, W), float32
        The same channel of both images.
    mean, power : ndarray, shape (H, W), float32
        The original and its square, blurred.
    border : float
        The value outside the planes.

    Returns
    -------
    structure : ndarray, shape (H, W), float64
        1 minus structural similarity, without its term for luminance.
    added : ndarray
        How much stronger edges are in the distorted image, as in rings, bands and blocks.
    lost : ndarray
        How much weaker they are, as in blurred details.
    """
    one, edge = np.float32(1), np.float32(border)
    other_mean = _blurred(distorted, edge)
    other_power = _blurred(distorted * distorted, edge * edge)
    product = _blurred(original * distorted, edge * edge)
    gap = mean - other_mean
    like = one - gap * gap
    shared = np.float32(2) * (product - mean * other_mean) + STABILITY
    spread = (power - mean * mean) + (other_power - other_mean * other_mean) + STABILITY
    error = 1 - (like * shared / spread).astype(np.float64)
    contrast = 1 + np.abs(original - mean).astype(np.float64)
    other_contrast = 1 + np.abs(distorted - other_mean).astype(np.float64)
    change = other_contrast / contrast - 1
    size = np.abs(change)
    return 0.5 * (error + np.abs(error)), 0.5 * (size + change), 0.5 * (size - change)


def column_sums(
    original: _Plane, mean: _Plane, power: _Plane, distorted: _Plane, border: float
) -> NDArray[np.float64]:
    """Return the sums of `errors` and of their fourth powers down each column.

    Parameters
    ----------
    original, mean, power, distorted, border
        See `errors`.

    Returns
    -------
    ndarray, shape (6, W), float64
        Three rows of the errors, three of their fourth powers.
    """
    found = np.stack(errors(original, mean, power, distorted, border))
    squares = found * found
    sums = np.zeros((2, *found.shape[::2]))
    # NumPy may add in another order; a sum of floats depends on it.
    for y in range(found.shape[1]):
        heed_stop()
        sums[0] += found[:, y]
        sums[1] += squares[:, y] * squares[:, y]
    return sums.reshape(6, -1)


def weighted_errors(
    original: _Plane,
    mean: _Plane,
    power: _Plane,
    distorted: _Plane,
    border: float,
    weights: NDArray[np.float64],
) -> _Plane:
    """Return for each sample the weighted sum of its errors.

    Parameters
    ----------
    original, mean, power, distorted, border
        See `errors`.
    weights : ndarray, shape (6,), float64
        Of the three errors, and of their fourth powers.

    Returns
    -------
    ndarray, shape (H, W), float32
    """
    total = np.zeros(original.shape)
    found = errors(original, mean, power, distorted, border)
    for weight, error in zip(weights[:3], found, strict=True):
        total += weight * error
    for weight, error in zip(weights[3:], found, strict=True):
        square = error * error
        total += weight * (square * square)
    return total.astype(np.float32)
