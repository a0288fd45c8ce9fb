"""Pixels, and trials of indices for them at different prices of a bit."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kmcodec.assembly import Assembly
from kmcodec.coding.context import Context, Criterion
from kmcodec.image import IndexedImage
from kmcodec.metrics import psnr, squared_error
from kmcodec.parallel import in_threads_each
from kmcodec.quantization import apply_palette
from kmcodec.quantization.colorspace import ColorSpace, has_alpha
from kmcodec.quantization.histogram import index_colors
from kmcodec.quantizer import quantize
from kmcodec.rate_distortion.soft import smoothed

__all__ = ["Source", "Trial"]

# What may be added to a pixel's error, in bits: a fleck that costs more than these stays.
_ALLOWANCE = 8

# Soft is where pixels are nearer to what is around them than to their entries, in the mean: the
# square of half as far.
_SOFT = 0.25

_TRANSPARENT, _OPAQUE = 0, 2


@dataclass(frozen=True)
class Trial:
    """What came of choosing indices.

    Parameters
    ----------
    image : IndexedImage
    error : float
        Sum of squared differences from the source's pixels; from the dithered image if there is
        one.
    size : int
        Bytes of the coded indices, before entries moved; 0 if they were not coded.
    """

    image: IndexedImage
    error: float
    size: int = 0


class Source:
    """The pixels that indices are chosen for.

    Parameters
    ----------
    pixels : ndarray, shape (H, W, C), uint8
        Of as many channels as the palettes have.
    space : {'srgb', 'oklab'}
        Where distances are taken.
    dithered : bool
        Whether images come dithered: then what is chosen is to look like them, not like the
        pixels, which would undo it.
    has_own_palette : bool
        Whether palettes are made for these pixels: their entries may then move and be reordered.
    assembly : Assembly
        How the file will be made.
    """

    def __init__(
        self,
        pixels: NDArray[np.uint8],
        *,
        space: str,
        dithered: bool,
        has_own_palette: bool,
        assembly: Assembly,
    ) -> None:
        self.pixels = pixels
        self._space = ColorSpace(space, pixels.shape[2])
        self._dithered = dithered
        self._has_own_palette = has_own_palette
        self._assembly = assembly

    def nearest(self, image: IndexedImage) -> Trial:
        """An image as it comes from quantising: its entries nearest to the pixels, or dithered."""
        return Trial(image, 0.0 if self._dithered else self.error_of(image))

    def error_of(self, image: IndexedImage) -> float:
        """The sum of squared differences from the pixels."""
        return squared_error(self.pixels, image.to_array())

    def error_at(self, decibels: float) -> float:
        """The sum of squared differences that is a PSNR of so many decibels."""
        return float(self.pixels.size) * 255**2 / 10 ** (decibels / 10)

    def psnr_of(self, image: IndexedImage) -> float:
        """The PSNR of an image against the pixels; `math.inf` without error."""
        return psnr(self.pixels, image.to_array())

    def error_scale(self, image: IndexedImage) -> float:
        """The mean squared distance of a pixel from its entry, in the coordinates of the space."""
        difference = self._points.astype(np.int64) - self._entries(image)[image.indices]
        return float(np.square(difference).sum()) / image.indices.size

    def choose(self, base: IndexedImage, lagrangians: Sequence[int]) -> list[Trial]:
        """Choose indices, once for each price of a bit.

        Parameters
        ----------
        base : IndexedImage
            With the nearest entries, or dithered.
        lagrangians : sequence of int
            Squared error that a bit is worth, in 1/256, at least 1.

        Returns
        -------
        list of Trial
        """
        method = self._assembly.method_for(base)
        assert isinstance(method, Context)
        header = self._assembly.header_for(base)
        entries, kinds = self._entries(base), _kinds(base.palette)
        ahead = self._likely(base)
        targets = entries[base.indices] if self._dithered else self._points

        def choose_strip(task: tuple[int, int]) -> tuple[NDArray[Any], int]:
            lagrangian, strip = task
            first, end = header.rows_of(strip)
            allowance = min(_ALLOWANCE * lagrangian >> 8, np.iinfo(np.int32).max // 2)
            criterion = Criterion(
                targets[first:end], entries, kinds, lagrangian, allowance, ahead[first:end]
            )
            return method.choose(base.indices[first:end], base.palette, criterion)

        strips = range(header.strip_count)
        tasks = [(lagrangian, strip) for lagrangian in lagrangians for strip in strips]
        chosen = in_threads_each(choose_strip, tasks)
        count = len(strips)
        return [
            self._trial(base, *zip(*chosen[i : i + count], strict=True))
            for i in range(0, len(tasks), count)
        ]

    def rebased(self, start: IndexedImage, image: IndexedImage) -> IndexedImage:
        """The image from which to choose after a trial, first chosen from `start`."""
        if not self._moves_entries:
            return start
        indices = apply_palette(
            self.pixels, image.palette, space=self._space.name, dithering=None, amount=0
        )
        return IndexedImage(image.palette, indices, image.metadata)

    def tidied(self, image: IndexedImage) -> IndexedImage:
        """Entries distinct, all used, and from dark to bright; a given palette as it is."""
        if not self._has_own_palette:
            return image
        return quantize(image, reorder=True)

    @property
    def _moves_entries(self) -> bool:
        # Means are no good where neighbours make up for each other's errors.
        return self._has_own_palette and not self._dithered

    def _trial(
        self, base: IndexedImage, strips: Sequence[NDArray[Any]], sizes: Sequence[int]
    ) -> Trial:
        indices, size = np.concatenate(strips), sum(sizes)
        image = IndexedImage(base.palette, indices, base.metadata)
        if self._dithered:
            return Trial(image, squared_error(base.to_array(), image.to_array()), size)
        if not self._moves_entries:
            return Trial(image, self.error_of(image), size)
        counts, sums = self._moments(image)
        image = IndexedImage(self._means(image.palette, counts, sums), indices, base.metadata)
        if not self._has_plain_points:
            return Trial(image, self.error_of(image), size)
        # The same from the moments, without another look at all pixels.
        entries = image.palette.astype(np.int64)
        error = int(counts @ (entries * entries).sum(axis=1)) - 2 * int((entries * sums).sum())
        return Trial(image, float(self._square + error), size)

    def _moments(self, image: IndexedImage) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """How many pixels each entry has, and the sums of their coordinates: shape (K, D)."""
        flat, k = image.indices.ravel(), len(image.palette)
        counts = np.bincount(flat, minlength=k).astype(np.int64)
        # Whole numbers below 2**53: the sums are exact.
        sums = in_threads_each(lambda plane: np.bincount(flat, plane, k), self._planes)
        return counts, np.stack(sums, axis=1).astype(np.int64)

    def _means(
        self, palette: NDArray[np.uint8], counts: NDArray[np.int64], sums: NDArray[np.int64]
    ) -> NDArray[np.uint8]:
        """The palette with each entry at the mean of its pixels, but of the kind that it is of."""
        used = counts > 0
        moved = palette.copy()
        moved[used] = self._space.to_colors(sums[used] / counts[used, np.newaxis])
        if has_alpha(palette.shape[1]):
            kinds = _kinds(palette)
            least, most = np.array([0, 1, 255], np.uint8), np.array([0, 254, 255], np.uint8)
            moved[:, -1] = np.clip(moved[:, -1], least[kinds], most[kinds])
            moved[kinds == _TRANSPARENT] = palette[kinds == _TRANSPARENT]
        return moved

    def _likely(self, base: IndexedImage) -> NDArray[Any]:
        """The entries that pixels are likely to get: in soft regions, the nearest without grain.

        There the nearest entries are noise along the border of two, which lets a choice carry one
        of them on for long: flat streaks. Without grain the border is where it is seen.
        """
        if self._dithered or has_alpha(base.channels):
            return base.indices
        grain, smooth = self._grain
        nearest = apply_palette(
            smooth, base.palette, space=self._space.name, dithering=None, amount=0
        )
        mean = squared_error(self.pixels, base.to_array()) / base.indices.size
        return np.where(grain < _SOFT * mean, nearest, base.indices)

    @functools.cached_property
    def _grain(self) -> tuple[NDArray[np.int32], NDArray[np.uint8]]:
        """Squared distances of the pixels from the smoothed image, and that image."""
        smooth = smoothed(self.pixels)
        grain = np.zeros(smooth.shape[:2], np.int32)
        for channel in range(smooth.shape[2]):
            difference = self.pixels[..., channel].astype(np.int32) - smooth[..., channel]
            grain += difference * difference
        return grain, smooth

    def _entries(self, image: IndexedImage) -> NDArray[np.int16]:
        """Coordinates of the palette's entries, shape (K, D)."""
        return self._space.to_coordinates(image.palette).astype(np.int16)

    @functools.cached_property
    def _points(self) -> NDArray[np.int16]:
        """Coordinates of the pixels, shape (H, W, D)."""
        if self._has_plain_points:
            return self.pixels.astype(np.int16)
        colors, places = index_colors(self.pixels)
        coordinates = self._space.to_coordinates(colors.colors).astype(np.int16)
        return np.stack([places.replace(x) for x in coordinates.T], axis=-1)

    @property
    def _has_plain_points(self) -> bool:
        """Whether coordinates are the samples themselves."""
        return self._space.name == "srgb" and not has_alpha(self._space.channels)

    @functools.cached_property
    def _planes(self) -> list[NDArray[np.float64]]:
        """Each coordinate of all pixels, row by row."""
        return [plane.ravel().astype(np.float64) for plane in np.moveaxis(self._points, -1, 0)]

    @functools.cached_property
    def _square(self) -> int:
        """The sum of the squares of all coordinates."""
        return sum(int(plane @ plane) for plane in self._planes)


def _kinds(palette: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """What is transparent stays so, what is opaque, and what is neither."""
    if not has_alpha(palette.shape[1]):
        return np.full(len(palette), _OPAQUE, np.uint8)
    alpha = palette[:, -1]
    return np.select([alpha == 0, alpha == 255], [_TRANSPARENT, _OPAQUE], 1).astype(np.uint8)
