"""Convert stored colours to the coordinates of distances and means, and back.

Coordinates are whole numbers, so that sums are exact and results the same everywhere. The space
`srgb` uses the stored samples, `oklab` the coordinates of the module `oklab`. With alpha, the
coordinates are the colour as it looks over a medium grey, and the alpha. So faint colours hardly
count, all fully transparent colours coincide, and errors over black and over white are about the
same. (Premultiplied colours, which are those over black, lose 1 to 3 dB over white.)
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kmcodec.quantization.oklab import NEUTRAL, from_oklab, to_oklab

__all__ = ["SPACES", "ColorSpace", "has_alpha"]

SPACES = ("srgb", "oklab")
"""The colour spaces, by name."""

_SRGB_ALPHA_BITS = 12
# The weight of alpha relative to the colour over a medium grey, in 1/256, chosen for the mean error
# over black and over white: there a step of alpha is worth half a level in each channel that
# differs between the two, and squares add up. Oklab's lightness is one such channel.
_ALPHA_SHARE = {1: 128, 3: 222}
_OKLAB_BITS = 12
_OKLAB_GREY = 2456
"""The lightness of sRGB 127.5, in the unit of coordinates."""


def has_alpha(channels: int) -> bool:
    """Return True if the last channel is alpha."""
    return channels in (2, 4)


@dataclass(frozen=True)
class ColorSpace:
    """The coordinates of colours with a given number of channels.

    Parameters
    ----------
    name : {'srgb', 'oklab'}
    channels : int
        1 grey, 2 grey and alpha, 3 RGB, 4 RGBA.
    """

    name: str
    channels: int

    @property
    def bits(self) -> int:
        """The number of bits of a coordinate."""
        if self.name == "oklab":
            return _OKLAB_BITS
        return _SRGB_ALPHA_BITS if has_alpha(self.channels) else 8

    def to_coordinates(self, colors: NDArray[np.uint8]) -> NDArray[np.int64]:
        """Return the coordinates of colours.

        Parameters
        ----------
        colors : ndarray, shape (N, C), uint8

        Returns
        -------
        ndarray, shape (N, C), int64
            In 0 ... 2**bits - 1.
        """
        plain = colors[:, :-1] if has_alpha(self.channels) else colors
        coordinates = _to_oklab(plain) if self.name == "oklab" else plain.astype(np.int64)
        if not has_alpha(self.channels):
            return coordinates
        alpha = colors[:, -1:].astype(np.int64)
        if self.name == "srgb":
            coordinates = coordinates << (self.bits - 8)
        zero = self._zero(coordinates.shape[1])
        seen = (2 * (coordinates - zero) * alpha + 255) // 510
        return np.hstack([zero + seen, alpha * self._alpha_unit >> 8])

    def to_colors(self, coordinates: NDArray[np.float64]) -> NDArray[np.uint8]:
        """Return the 8-bit colours nearest to points.

        Parameters
        ----------
        coordinates : ndarray, shape (K, C), float64

        Returns
        -------
        ndarray, shape (K, C), uint8
        """
        if not has_alpha(self.channels):
            return self._to_plain_colors(coordinates)
        alpha = _rounded(coordinates[:, -1:] * 256 / self._alpha_unit)
        zero = self._zero(self.channels - 1)
        # Use the rounded alpha, not the wanted one, so that the colour compensates.
        visible = np.maximum(alpha, 1).astype(np.float64)
        plain = zero + (coordinates[:, :-1] - zero) * (255 / visible)
        if self.name == "srgb":
            plain = plain / (1 << (self.bits - 8))
        colors = np.hstack([self._to_plain_colors(plain), alpha])
        colors[alpha[:, 0] == 0] = 0
        return colors

    @property
    def opaque(self) -> int:
        """The coordinate of full alpha."""
        return 255 * self._alpha_unit >> 8

    @property
    def _alpha_unit(self) -> int:
        """The value of a step of alpha, in 1/256 of the unit."""
        seen = 1 if self.name == "oklab" else self.channels - 1
        return _ALPHA_SHARE[seen] << (self.bits - 8)

    def _to_plain_colors(self, coordinates: NDArray[np.float64]) -> NDArray[np.uint8]:
        if self.name == "srgb":
            return _rounded(coordinates)
        if coordinates.shape[1] == 3:
            return from_oklab(np.clip(coordinates, 0, (1 << _OKLAB_BITS) - 1))
        grey = np.full((len(coordinates), 3), float(NEUTRAL))
        grey[:, :1] = np.clip(coordinates, 0, (1 << _OKLAB_BITS) - 1)
        return from_oklab(grey)[:, :1]

    def _zero(self, dims: int) -> NDArray[np.int64]:
        """Return the coordinates of the background: the medium grey."""
        if self.name == "srgb":
            return np.full(dims, 255 << (self.bits - 9))
        return np.array([_OKLAB_GREY, NEUTRAL, NEUTRAL])[:dims]


def _to_oklab(colors: NDArray[np.uint8]) -> NDArray[np.int64]:
    if colors.shape[1] == 3:
        return to_oklab(colors)
    return to_oklab(np.repeat(colors, 3, axis=1))[:, :1]


def _rounded(values: NDArray[np.float64]) -> NDArray[np.uint8]:
    return np.clip(np.floor(values + 0.5), 0, 255).astype(np.uint8)
