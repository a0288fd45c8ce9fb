"""Format the words and numbers of figures."""

from __future__ import annotations

import math

__all__ = [
    "axis_unit",
    "color_count",
    "dimensions",
    "original_line",
    "percent",
    "printable",
    "quality_line",
    "score_line",
    "short_size",
    "size_line",
]


def printable(name: str) -> str:
    """Make a name a title: replace unprintable characters, cut the middle of long names."""
    name = "".join(c if c.isprintable() else "?" for c in name)
    return name if len(name) <= 56 else f"{name[:32]} … {name[-20:]}"


def dimensions(width: int, height: int) -> str:
    """Format width and height, such as ``128 × 96 pixels``."""
    pixels = "pixel" if width == height == 1 else "pixels"
    return f"{width:,} \N{MULTIPLICATION SIGN} {height:,} {pixels}"


def color_count(colors: int, channels: int) -> str:
    """Format a number of colours, called grey levels for one channel."""
    noun = "grey level" if channels == 1 else "colour"
    return f"{colors:,} {noun}{'s' if colors != 1 else ''}"


def original_line(colors: int, channels: int, raw_size: int) -> str:
    """Describe the original pixels.

    Parameters
    ----------
    colors, channels : int
        See `color_count`.
    raw_size : int
        Bytes of the pixels, uncompressed.
    """
    return f"{color_count(colors, channels)}, {_bytes(raw_size)} raw"


def size_line(size: int, raw_size: int) -> str:
    """Format a file's bytes, and how many times smaller or larger than the raw pixels it is."""
    times, word = (raw_size / size, "smaller") if size <= raw_size else (size / raw_size, "larger")
    return f"{_bytes(size)}, {times:,.{0 if times >= 100 else 1}f} times {word}"


def quality_line(psnr: float, reduced: bool = False) -> str:
    """Describe an error.

    Parameters
    ----------
    psnr : float
        In decibels, `math.inf` if no pixel differs; shown with the root mean square in levels.
    reduced : bool
        Whether reading the pixels lost something, so that they are not called lossless.
    """
    if math.isinf(psnr):
        return "none in the pixels as read, PSNR ∞" if reduced else "none: lossless, PSNR ∞"
    return f"PSNR {psnr:.2f} dB ({255 / 10 ** (psnr / 20):.1f} levels rms)"


def score_line(score: float) -> str:
    """Describe how alike two images look; `score` is that of `kmcodec.ssimulacra2`."""
    if score == 100:
        return "SSIMULACRA2 100"
    return f"SSIMULACRA2 {score:.1f} ({100 - score:.1f} points)"


def short_size(size: int) -> str:
    """Format bytes in three or four digits: kB of 1,000 bytes, or MB."""
    if size < 1000:
        return _bytes(size)
    return f"{size / 1000:.1f} kB" if size < 999_950 else f"{size / 1_000_000:.1f} MB"


def percent(share: float) -> str:
    """Format a share from 0 to 1 in per cent, small ones with a decimal."""
    if share >= 0.0995 or not share:
        return f"{share:.0%}"
    return f"{share:.1%}" if share >= 0.0005 else "< 0.1%"


def axis_unit(largest: float) -> tuple[float, str]:
    """Find a divisor for short numbers at an axis, and the words for it.

    Parameters
    ----------
    largest : float
        The largest number at the axis.

    Returns
    -------
    unit : float
    words : str
        Text after the axis' name; empty for 1.
    """
    words = {1e12: "trillions", 1e9: "billions", 1e6: "millions", 1e3: "thousands"}
    for unit, word in words.items():
        if largest >= 2 * unit:
            return unit, f", in {word}"
    return 1, ""


def _bytes(size: int) -> str:
    return f"{size:,} byte{'s' if size != 1 else ''}"
