"""Convert colours of swatch files to 8-bit sRGB."""

from __future__ import annotations

import functools
from bisect import bisect_right
from decimal import Decimal

__all__ = ["from_cmyk", "from_grey", "from_hsb", "from_lab", "from_rgb"]

# CIE Lab of swatches has white D50, adapted to D65 by Bradford's matrix, in linear sRGB:
# ICC.1:2010, annex E, and IEC 61966-2-1.
_D50 = (0.9642, 1.0, 0.8249)
_XYZ_TO_SRGB = (
    (3.1338561, -1.6168667, -0.4906146),
    (-0.9787684, 1.9161415, 0.0334540),
    (0.0719453, -0.2289914, 1.4052427),
)


def from_rgb(red: float, green: float, blue: float) -> tuple[int, int, int]:
    """Convert levels of 0 to 1 to levels of 0 to 255."""
    return _level(red), _level(green), _level(blue)


def from_grey(grey: float) -> tuple[int, int, int]:
    """Convert grey from 0, black, to 1, white."""
    return from_rgb(grey, grey, grey)


def from_cmyk(cyan: float, magenta: float, yellow: float, black: float) -> tuple[int, int, int]:
    """Convert ink amounts, 0 to 1, without a profile: each ink absorbs its share of light."""
    light = 1 - black
    return from_rgb((1 - cyan) * light, (1 - magenta) * light, (1 - yellow) * light)


def from_hsb(hue: float, saturation: float, brightness: float) -> tuple[int, int, int]:
    """Convert hue, saturation and brightness, each 0 to 1; hues 1 and 0 are the same.

    After Smith, "Color gamut transform pairs", SIGGRAPH 1978.
    """

    def channel(shift: int) -> float:
        sector = (shift + 6 * hue) % 6
        return brightness * (1 - saturation * max(0.0, min(sector, 4 - sector, 1.0)))

    return from_rgb(channel(5), channel(3), channel(1))


def from_lab(lightness: float, a: float, b: float) -> tuple[int, int, int]:
    """Convert CIE Lab under D50, L from 0 to 100; colours outside sRGB are clipped."""
    fy = (lightness + 16) / 116
    xyz = [
        white * _unfolded(f)
        for white, f in zip(_D50, (fy + a / 500, fy, fy - b / 200), strict=True)
    ]
    linear = (sum(m * v for m, v in zip(row, xyz, strict=True)) for row in _XYZ_TO_SRGB)
    red, green, blue = (bisect_right(_thresholds(), value) for value in linear)
    return red, green, blue


def _unfolded(f: float) -> float:
    return f * f * f if f > 6 / 29 else 3 * (6 / 29) ** 2 * (f - 4 / 29)


def _level(share: float) -> int:
    return int(255 * min(max(share, 0.0), 1.0) + 0.5)


@functools.cache
def _thresholds() -> list[float]:
    """Return the least linear value for which each level from 1 is nearest, in its own scale.

    Computed in decimals, which round alike everywhere, unlike the C library.
    """
    halves = ((Decimal(level) + Decimal("0.5")) / 255 for level in range(255))
    return [
        float(v / Decimal("12.92"))
        if v <= Decimal("0.04045")
        else float(((v + Decimal("0.055")) / Decimal("1.055")) ** Decimal("2.4"))
        for v in halves
    ]
