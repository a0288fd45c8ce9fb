"""The score of an image relative to its original."""

from __future__ import annotations

import functools
import math
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from kmcodec.model.exact import power as power_of
from kmcodec.model.metrics import check_same_size
from kmcodec.parallel import in_threads_each
from kmcodec.perception import kernels, planes
from kmcodec.perception.constants import (
    BACKGROUNDS,
    BORDER,
    EXPONENT,
    GAIN,
    LEAST_SIDE,
    POLYNOMIAL,
    SCALES,
    weights,
)
from kmcodec.quantization.oklab import LIGHT_BITS, linear_light
from kmcodec.quantizer import ImageLike, pixels_of

__all__ = ["MOST_PIXELS", "Reference", "reference_for", "ssimulacra2"]

MOST_PIXELS = 1 << 25
"""Commands leave the score of larger images out: it would need more than 3 GB of memory."""

_Planes = NDArray[np.float32]
# A channel at one scale: the plane, its blur, the blur of its square, and the value outside.
_Prepared = tuple[_Planes, _Planes, _Planes, float]
_Pair = tuple[_Prepared, _Planes]
# Shape (3, scales, 2, 3), as `weights` has it.
_Norms = NDArray[np.float64]


def ssimulacra2(original: ImageLike, distorted: ImageLike) -> float:
    """Return how alike two images look, as SSIMULACRA2 version 2.1 measures it.

    Parameters
    ----------
    original, distorted : array_like, PIL.Image.Image or IndexedImage
        See `quantize`; of the same width and height. Grey counts as RGB of equal channels.

    Returns
    -------
    float
        100 for the same pixels. About 90: people see no difference; 70: high quality, hard to
        tell from the original without comparing; 50: medium quality; 30: low quality; below 0:
        hardly the same image. The same on every platform.

    Raises
    ------
    KmcInputError
        If an image is wrong, or the sizes differ.

    Notes
    -----
    Sneyers (Cloudinary), https://github.com/cloudinary/ssimulacra2. The reference program refuses
    images with a side below 8 pixels; here their last rows and columns are repeated up to 8. As
    there, images with alpha are blended over a dark and a light grey, and the lower score counts.

    Examples
    --------
    >>> import numpy as np, kmcodec
    >>> ramp = np.arange(4096, dtype=np.uint16).reshape(64, 64).astype(np.uint8)
    >>> kmcodec.ssimulacra2(ramp, ramp)
    100.0
    """
    pixels, _ = pixels_of(original)
    return Reference(pixels).score(pixels_of(distorted)[0])


class Reference:
    """An original, prepared for comparing many images with it.

    Needs about 100 bytes of memory for each pixel, for one with alpha twice that.

    Parameters
    ----------
    pixels : ndarray, shape (H, W) or (H, W, C) with C = 1 to 4, uint8
        The original.
    """

    def __init__(self, pixels: NDArray[np.uint8]) -> None:
        self._shape = pixels.shape
        self._opaque = not _has_alpha(pixels)
        self._pixels = pixels
        self._prepared: dict[float | None, list[_Prepared]] = {}

    def score(self, pixels: NDArray[np.uint8]) -> float:
        """Return the score of an image; see `ssimulacra2`.

        Parameters
        ----------
        pixels : ndarray, shape (H, W) or (H, W, C) with C = 1 to 4, uint8
            Of the same height and width; with or without alpha, grey or RGB.

        Raises
        ------
        KmcInputError
            If the sizes differ.
        """
        return min(_score(found) for found, _ in self._compared(pixels))

    def losses(self, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return how much of the score each pixel costs: where an image looks worse.

        Parameters
        ----------
        pixels : ndarray, shape (H, W) or (H, W, C) with C = 1 to 4, uint8
            See `score`.

        Returns
        -------
        ndarray, shape (H, W), float32
            In points; the mean is 100 minus the score.

        Notes
        -----
        The score falls with a weighted sum of means and 4-norms of errors, at six scales. A mean
        is shared out by errors, a 4-norm by their fourth powers.
        """
        found, pairs = min(self._compared(pixels), key=lambda each: _score(each[0]))
        height, width = self._shape[:2]
        total = np.zeros((height, width), np.float32)
        shares = in_threads_each(_shared_out, list(zip(pairs, _share_weights(found), strict=True)))
        for number, share in enumerate(shares):
            total += _enlarged(share, 2 ** (number // 3), height, width)
        mean = float(total.mean(dtype=np.float64))
        return total * np.float32((100 - _score(found)) / mean) if mean else total

    def _compared(self, pixels: NDArray[np.uint8]) -> list[tuple[_Norms, list[_Pair]]]:
        """Return norms of errors, and what they were taken of, over each background."""
        check_same_size(self._shape, pixels.shape)
        opaque = self._opaque and not _has_alpha(pixels)
        return [self._over(each, pixels) for each in ([None] if opaque else BACKGROUNDS)]

    def _over(
        self, background: float | None, pixels: NDArray[np.uint8]
    ) -> tuple[_Norms, list[_Pair]]:
        if background not in self._prepared:
            self._prepared[background] = _prepared(_scales(self._pixels, background))
        distorted = [plane for scale in _scales(pixels, background) for plane in scale]
        # The largest come first, so that threads end at about the same time.
        pairs = list(zip(self._prepared[background], distorted, strict=True))
        norms = np.array(in_threads_each(_norms, pairs))
        return norms.reshape(-1, 3, 2, 3).swapaxes(0, 1), pairs


def reference_for(pixels: NDArray[np.uint8]) -> Reference | None:
    """Return a `Reference`, or None for an image of more than `MOST_PIXELS`."""
    height, width = pixels.shape[:2]
    return Reference(pixels) if height * width <= MOST_PIXELS else None


def _twin() -> Any:
    """Return the module with the loops: the compiled one if there is one."""
    return planes if kernels.compiled is None else kernels.compiled


def _has_alpha(pixels: NDArray[np.uint8]) -> bool:
    return pixels.ndim == 3 and pixels.shape[2] in (2, 4)


@functools.cache
def _levels() -> NDArray[np.float32]:
    """Return the linear light of each 8-bit level."""
    return (linear_light() / float(1 << LIGHT_BITS)).astype(np.float32)


def _scales(pixels: NDArray[np.uint8], background: float | None) -> list[_Planes]:
    """Return the channels of an image at each scale, shape (3, h, w).

    Parameters
    ----------
    pixels : ndarray, shape (H, W) or (H, W, C), uint8
    background : float, optional
        Share of white behind an image with alpha.
    """
    twin = _twin()
    light = _light(_large_enough(pixels), background)
    scales = [twin.opsin(light)]
    while len(scales) < SCALES and min(light.shape[1:]) >= LEAST_SIDE:
        light = twin.halved(light)
        scales.append(twin.opsin(light))
    return scales


def _large_enough(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return an image as (H, W, C) whose sides are at least `LEAST_SIDE`."""
    pixels = pixels.reshape(*pixels.shape[:2], -1)
    missing = [(0, max(0, LEAST_SIDE - side)) for side in pixels.shape[:2]]
    return np.pad(pixels, [*missing, (0, 0)], mode="edge") if any(map(sum, missing)) else pixels


def _light(pixels: NDArray[np.uint8], background: float | None) -> _Planes:
    """Return the linear light of pixels, shape (H, W, C), as (3, H, W)."""
    channels = pixels.shape[2]
    color = pixels[..., : 3 if channels > 2 else 1]
    rgb = np.ascontiguousarray(np.broadcast_to(color, (*color.shape[:2], 3)))
    if channels in (1, 3) or background is None:
        made: _Planes = _twin().light(rgb, _levels())
        return made
    return _blended(rgb, pixels[..., -1:], background)


def _blended(rgb: NDArray[np.uint8], alpha: NDArray[np.uint8], background: float) -> _Planes:
    """Return the light of pixels over a grey; sRGB levels are blended, as in the reference."""
    share = alpha.astype(np.float32) / np.float32(255)
    grey = np.float32(255 * background)
    level = share * rgb.astype(np.float32) + (np.float32(1) - share) * grey
    # Between two levels, light is nearly linear.
    below = np.minimum(level.astype(np.uint8), 254)
    start, end = _levels()[below], _levels()[below + 1]
    light = start + (level - below.astype(np.float32)) * (end - start)
    return np.ascontiguousarray(np.moveaxis(light, 2, 0))


def _prepared(scales: list[_Planes]) -> list[_Prepared]:
    """Return the channels of all scales, in order, ready for comparisons."""
    twin = _twin()

    def of(channel: tuple[_Planes, float]) -> _Prepared:
        plane, border = channel
        return plane, twin.blurred(plane, border, False), twin.blurred(plane, border, True), border

    channels = [pair for scale in scales for pair in zip(scale, BORDER, strict=True)]
    return in_threads_each(of, channels)


def _norms(pair: _Pair) -> list[list[float]]:
    """Return the means and 4-norms of the three errors of a channel at a scale."""
    (plane, mean, power, border), distorted = pair
    sums = _twin().column_sums(plane, mean, power, distorted, border).tolist()
    # fsum rounds once, whatever the order.
    means = [math.fsum(row) / distorted.size for row in sums]
    return [means[:3], [math.sqrt(math.sqrt(mean)) for mean in means[3:]]]


def _share_weights(norms: _Norms) -> NDArray[np.float64]:
    """Return how errors and their fourth powers share out the weighted norms, shape (n, 6)."""
    share = weights(norms.shape[1])
    # e ** 4 / norm ** 3 has the norm as its mean; without errors there is nothing to share out.
    cubes = norms[:, :, 1] ** 3
    share[:, :, 1] /= np.where(cubes > 0, cubes, 1)
    return share.swapaxes(0, 1).reshape(-1, 6)


def _shared_out(pair_and_weights: tuple[_Pair, NDArray[np.float64]]) -> _Planes:
    ((plane, mean, power, border), distorted), share = pair_and_weights
    made: _Planes = _twin().weighted_errors(plane, mean, power, distorted, border, share)
    return made


def _enlarged(plane: _Planes, factor: int, height: int, width: int) -> _Planes:
    """Return a plane of a scale at the size of the image, without blocks."""
    if factor == 1:
        return plane[:height, :width]
    box = (0, 0, width / factor, height / factor)
    large = Image.fromarray(plane).resize((width, height), Image.Resampling.BILINEAR, box)
    return np.asarray(large)


def _score(norms: _Norms) -> float:
    """Return the score of norms."""
    error = 0.0
    for weight, norm in zip(weights(norms.shape[1]).ravel(), norms.ravel(), strict=True):
        error += float(weight * norm)
    error *= GAIN
    first, second, third = POLYNOMIAL
    error = first * error + second * error * error + third * error * error * error
    return 100 - 10 * power_of(error, EXPONENT) if error > 0 else 100.0
