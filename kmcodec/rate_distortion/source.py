"""Trials of indices for pixels at different prices of a bit."""

from __future__ import annotations

import copy
import functools
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kmcodec.coding.carry import Carry
from kmcodec.coding.choice import Criterion
from kmcodec.coding.symbol_coding import SymbolCoding
from kmcodec.container.header import Header
from kmcodec.model.exact import decibels, ratio
from kmcodec.model.image import IndexedImage
from kmcodec.model.metrics import products, squared_error
from kmcodec.parallel import in_threads_each
from kmcodec.quantization import NO_DITHER, Placing, apply_palette
from kmcodec.quantization.colorspace import ColorSpace, has_alpha
from kmcodec.quantization.histogram import index_colors
from kmcodec.quantization.kept import Kept, is_kept
from kmcodec.quantizer import quantize
from kmcodec.rate_distortion.builders import Builder
from kmcodec.rate_distortion.moments import Moments
from kmcodec.rate_distortion.soft import smoothed, squared_error_from_afar

__all__ = ["SAVING", "Base", "Source", "Trial"]

# Maximum error to add to a pixel, in bits at their price: a fleck that costs more bits stays.
_ALLOWANCE = 8

# In soft regions pixels are nearer to their surroundings than to their entries: at most half as
# far on average, hence a quarter of the squared distance.
_SOFT = 0.25

_TRANSPARENT, _OPAQUE = 0, 2

# Number of coordinates of a point and of an entry for the model.
_COORDINATES = 4

# The method whose errors the choice itself carries.
_CARRIED = "floyd-steinberg"
# Maximum error that a pixel makes up for, in root mean squared distances of the inexact pixels, and
# in 1/16 of the unit of coordinates.
_MOST_CARRIED = 3
_LIMIT = 1 << 16

SAVING = Criterion.saving
"""1/256 bits that an entry saves at a pixel ahead with the same entry."""

# Rows to process at a time.
_GROUP = 64


@dataclass(frozen=True)
class Trial:
    """The result of choosing indices.

    Parameters
    ----------
    image : IndexedImage
    error : float
        Sum of squared differences from the source's pixels, or from the dithered image if any.
    size : int
        Bytes of the coded indices, before entries moved; 0 if they were not coded.
    """

    image: IndexedImage
    error: float
    size: int = 0


@dataclass(frozen=True)
class Base:
    """The image from which indices are chosen, and all data that do not depend on the price.

    Parameters
    ----------
    image : IndexedImage
        With the nearest entries, or dithered.
    method, header, line_width
        Its coding; see `Builder`.
    targets, entries, kinds, ahead, saving, carry, weights
        See `Criterion`.
    """

    image: IndexedImage
    method: SymbolCoding
    header: Header
    line_width: int
    targets: NDArray[np.int16]
    entries: NDArray[np.int16]
    kinds: NDArray[np.uint8]
    ahead: NDArray[Any]
    saving: int
    carry: Carry | None
    weights: NDArray[np.uint16] | None


class Source:
    """The pixels for which indices are chosen.

    Parameters
    ----------
    pixels : ndarray, shape (H, W, C), uint8
        With as many channels as the palettes.
    placing : Placing
        Placing of the images' entries. With `floyd-steinberg` the choice itself carries errors.
        Other dithers make the image that choices aim at: aiming at the pixels would undo them.
    has_own_palette : bool
        Whether palettes are made for these pixels, so that their entries may move and be
        reordered.
    keep : Kept
        Colours whose entries stay.
    builder : Builder
        Builds the file.
    weights : ndarray, shape (H, W), uint16, optional
        See `Criterion`; they hold where the choice carries errors.
    """

    def __init__(
        self,
        pixels: NDArray[np.uint8],
        *,
        placing: Placing,
        has_own_palette: bool,
        keep: Kept = (),
        builder: Builder,
        weights: NDArray[np.uint16] | None = None,
    ) -> None:
        self.pixels = pixels
        self._space = ColorSpace(placing.space, pixels.shape[2])
        self._nearest = replace(placing, dither=NO_DITHER)
        self._share = math.floor(256 * placing.dither_amount + 0.5)
        if placing.dither != _CARRIED:
            self._share = 0
        self.dithered = placing.dithers and placing.dither != _CARRIED
        self._has_own_palette = has_own_palette
        self._keep = keep
        self._builder = builder
        self._weights = weights

    def coded_by(self, builder: Builder) -> Source:
        """Return a source of the same pixels for another builder; they share what is known."""
        other = copy.copy(self)
        other._builder = builder
        return other

    def overhead(self, image: IndexedImage) -> int:
        """Return the number of bytes of the file of an image besides the coded indices."""
        return self._builder.overhead(image)

    def true_error(self, trial: Trial) -> float:
        """Return the error of a trial from the pixels, dithered or not."""
        return self.error_of(trial.image) if self.dithered else trial.error

    def error_of(self, image: IndexedImage) -> float:
        """Return the sum of squared differences from the pixels."""
        return squared_error(self.pixels, image.to_array())

    @property
    def carries_errors(self) -> bool:
        """Whether the choice carries errors on, so that neighbours make up for them."""
        return self._share > 0

    def error_from_afar(self, image: IndexedImage) -> int:
        """Return the sum of squared differences from the pixels after smoothing, frame by frame."""
        frames = [
            np.split(pixels, self._builder.frames, axis=1)
            for pixels in (self.pixels, image.to_array().reshape(self.pixels.shape))
        ]
        return sum(squared_error_from_afar(*pair) for pair in zip(*frames, strict=True))

    def error_at(self, decibels: float) -> float:
        """Return the sum of squared differences for a PSNR."""
        return float(self.pixels.size) * 255**2 / ratio(decibels)

    def psnr_of(self, image: IndexedImage) -> float:
        """Return the PSNR of an image against the pixels; `math.inf` without error."""
        error = self.error_of(image)
        return decibels(float(self.pixels.size) * 255**2 / error) if error else math.inf

    def error_scale(self, image: IndexedImage) -> float:
        """Return the mean squared distance of the inexact pixels from their entries.

        In the coordinates of the space; 0 if all pixels are exact.
        """
        entries, total, count = self._entries(image), 0, 0
        for rows in range(0, image.height, _GROUP):
            group = slice(rows, rows + _GROUP)
            difference = self._points[group].astype(np.int32) - entries[image.indices[group]]
            distances = np.square(difference).sum(axis=-1, dtype=np.int64)
            total += int(distances.sum())
            count += int(np.count_nonzero(distances))
        return total / count if count else 0.0

    def base(self, image: IndexedImage) -> Base:
        """Return the first base of an image: with the nearest entries, or dithered."""
        if self._share:
            image = self._with_nearest(image.palette, image)
        return self._based(image, self._likely(image, image.indices), SAVING)

    def rebased(self, start: Base, trial: Trial, saving: int = SAVING) -> Base:
        """Return the base after a trial; `start` is the first base.

        It has the moved entries of the trial, and expects pixels ahead to get their entries of
        the trial; `saving` is the saving of such an entry (see `Criterion`).
        """
        image = start.image
        if self._moves_entries:
            image = self._with_nearest(trial.image.palette, image)
        return self._based(image, self._likely(image, trial.image.indices), saving)

    def choose(self, base: Base, prices: Sequence[int]) -> list[Trial]:
        """Choose indices, once for each price of a bit.

        Parameters
        ----------
        base : Base
        prices : sequence of int
            Squared error for a bit, in 1/256, at least 1.

        Returns
        -------
        list of Trial
        """
        count = base.header.strip_count
        tasks = [(price, strip) for price in prices for strip in range(count)]
        chosen = in_threads_each(lambda task: _choose_strip(base, *task), tasks)
        return [
            self._trial(base.image, *zip(*chosen[i : i + count], strict=True))
            for i in range(0, len(tasks), count)
        ]

    def tidied(self, image: IndexedImage) -> IndexedImage:
        """Make entries distinct, all used or kept, from dark to bright; keep a given palette."""
        if not self._has_own_palette:
            return image
        return quantize(image, len(image.palette), reorder=True, keep=self._keep)

    def _with_nearest(self, palette: NDArray[np.uint8], image: IndexedImage) -> IndexedImage:
        """Return the pixels with the nearest entries of a palette, and the image's metadata."""
        indices = apply_palette(self.pixels, palette, self._nearest)
        return IndexedImage(palette, indices, image.metadata)

    @property
    def _moves_entries(self) -> bool:
        # Means of what is dithered beforehand are wrong: neighbours compensate each other's errors.
        return self._has_own_palette and not self.dithered

    def _based(self, image: IndexedImage, ahead: NDArray[Any], saving: int) -> Base:
        method = self._builder.method_for(image)
        assert isinstance(method, SymbolCoding)
        entries = np.zeros((len(image.palette), _COORDINATES), np.int16)
        own = self._entries(image)
        entries[:, : own.shape[1]] = own
        return Base(
            image=image,
            method=method,
            header=self._builder.header_for(image),
            line_width=self._builder.line_width(image),
            targets=entries[image.indices] if self.dithered else self._padded,
            entries=entries,
            kinds=_kinds(image.palette),
            ahead=ahead,
            saving=saving,
            carry=self._carry_for(image) if self._share else None,
            # Without carried errors they make drawings larger.
            weights=self._weights if self._share else None,
        )

    def _carry_for(self, image: IndexedImage) -> Carry:
        line_width = self._builder.line_width(image)
        return Carry(
            share=self._share,
            limit=min(_LIMIT, 16 * _MOST_CARRIED * math.isqrt(int(self.error_scale(image)))),
            colors=self._space.channels - has_alpha(self._space.channels),
            below=image.width // line_width,
        )

    def _trial(
        self, base: IndexedImage, strips: Sequence[NDArray[Any]], sizes: Sequence[int]
    ) -> Trial:
        indices, size = np.concatenate(strips), sum(sizes)
        image = IndexedImage(base.palette, indices, base.metadata)
        if self.dithered:
            return Trial(image, squared_error(base.to_array(), image.to_array()), size)
        if self._moves_entries:
            counts, sums = self._moments.of(base, indices)
            image = IndexedImage(self._means(image.palette, counts, sums), indices, base.metadata)
        return Trial(image, self._error(base, image), size)

    def _error(self, base: IndexedImage, image: IndexedImage) -> float:
        """Return `error_of` an image whose indices were chosen from a base."""
        channels = self._space.channels
        entries = products(image.palette[np.newaxis], channels)[0]
        error = self._products.error(entries, *self._products.of(base, image.indices))
        return error / 255**2 if has_alpha(channels) else float(error)

    def _means(
        self, palette: NDArray[np.uint8], counts: NDArray[np.int64], sums: NDArray[np.int64]
    ) -> NDArray[np.uint8]:
        """Return the palette with each entry moved to the mean of its pixels, but of its kind."""
        used = (counts > 0) & ~is_kept(palette, self._keep)
        moved = palette.copy()
        moved[used] = self._space.to_colors(sums[used] / counts[used, np.newaxis])
        if has_alpha(palette.shape[1]):
            kinds = _kinds(palette)
            least, most = np.array([0, 1, 255], np.uint8), np.array([0, 254, 255], np.uint8)
            moved[:, -1] = np.clip(moved[:, -1], least[kinds], most[kinds])
            moved[kinds == _TRANSPARENT] = palette[kinds == _TRANSPARENT]
        return moved

    def _likely(self, base: IndexedImage, indices: NDArray[Any]) -> NDArray[Any]:
        """Return the likely entries of pixels: in soft regions, the nearest without grain.

        There the nearest entries are noisy along the border of two, so a choice can continue one
        of them too long, in flat streaks. Without grain the border is at its visible place.
        """
        if self.dithered or has_alpha(base.channels):
            return indices
        grain, smooth = self._grain
        nearest = apply_palette(smooth, base.palette, self._nearest)
        mean = squared_error(self.pixels, base.to_array()) / base.indices.size
        return np.where(grain < _SOFT * mean, nearest, indices)

    @functools.cached_property
    def _grain(self) -> tuple[NDArray[np.int32], NDArray[np.uint8]]:
        """Return squared distances of the pixels from the smoothed image, and that image."""
        # Frame by frame: the frame beside does not belong to a pixel's surroundings.
        frames = np.split(self.pixels, self._builder.frames, axis=1)
        smooth = np.concatenate([smoothed(frame) for frame in frames], axis=1)
        grain = np.zeros(smooth.shape[:2], np.int32)
        for channel in range(smooth.shape[2]):
            difference = self.pixels[..., channel].astype(np.int32) - smooth[..., channel]
            grain += difference * difference
        return grain, smooth

    def _entries(self, image: IndexedImage) -> NDArray[np.int16]:
        """Return the coordinates of the palette entries, shape (K, D)."""
        return self._space.to_coordinates(image.palette).astype(np.int16)

    @property
    def _points(self) -> NDArray[np.int16]:
        """Coordinates of the pixels, shape (H, W, D)."""
        return self._padded[..., : self._space.channels]

    @functools.cached_property
    def _padded(self) -> NDArray[np.int16]:
        """Coordinates of the pixels, and zeros, shape (H, W, 4)."""
        padded = np.zeros((*self.pixels.shape[:2], _COORDINATES), np.int16)
        if self._has_plain_points:
            padded[..., : self.pixels.shape[2]] = self.pixels
            return padded
        colors, places = index_colors(self.pixels)
        coordinates = self._space.to_coordinates(colors.colors).astype(np.int16)
        for i, values in enumerate(coordinates.T):
            padded[..., i] = places.replace(values)
        return padded

    @functools.cached_property
    def _moments(self) -> Moments:
        """Moments of the coordinates."""
        return self._products if self._has_plain_points else Moments(self._points)

    @functools.cached_property
    def _products(self) -> Moments:
        """Moments of the samples for differences; see `products`."""
        if self._has_plain_points:
            return Moments(self._points)
        return Moments(products(self.pixels, self._space.channels).astype(np.int32))

    @property
    def _has_plain_points(self) -> bool:
        """Whether the coordinates are the samples."""
        return self._space.name == "srgb" and not has_alpha(self._space.channels)


def _kinds(palette: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return the kind of each entry, which a choice keeps: transparent, opaque or neither."""
    if not has_alpha(palette.shape[1]):
        return np.full(len(palette), _OPAQUE, np.uint8)
    alpha = palette[:, -1]
    return np.select([alpha == 0, alpha == 255], [_TRANSPARENT, _OPAQUE], 1).astype(np.uint8)


def _choose_strip(base: Base, price: int, strip: int) -> tuple[NDArray[Any], int]:
    first, end = base.header.rows_of(strip)

    def lines(rows: NDArray[Any]) -> NDArray[Any]:
        return rows[first:end].reshape(-1, base.line_width, *rows.shape[2:])

    criterion = Criterion(
        targets=lines(base.targets),
        weights=None if base.weights is None else lines(base.weights),
        entries=base.entries,
        kinds=base.kinds,
        lagrangian=price,
        allowance=min(_ALLOWANCE * price >> 8, np.iinfo(np.int32).max // 2),
        ahead=lines(base.ahead),
        saving=base.saving,
        carry=base.carry,
    )
    chosen, size = base.method.choose(lines(base.image.indices), base.image.palette, criterion)
    return chosen.reshape(end - first, -1), size
