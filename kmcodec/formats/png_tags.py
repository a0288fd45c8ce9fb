"""Convert PNG's colour chunks to an ICC profile, and name the display tags that are dropped."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from kmcodec.formats.cicp import colors_by, describing_profile, is_near_srgb, named
from kmcodec.formats.icc import SRGB, SRGB_CURVE, Curve, Primaries, gamma, rgb_profile

__all__ = ["png_facts_left_out", "png_profile", "png_tags_left_out"]

_GREY = 0  # the colour type of PNG

# The gamma of sRGB in PNG; alone it means sRGB, as in browsers.
_SRGB_GAMMA, _GAMMA_NEAR = 0.45455, 0.0006


def png_profile(
    info: Mapping[Any, Any], chunks: Mapping[str, bytes], *, grey: bool
) -> bytes | None:
    """Return the ICC profile of a PNG: its own, or one made from its other chunks.

    Parameters
    ----------
    info : mapping
        The `info` of Pillow's image.
    chunks : mapping
        See `FileFacts`.
    grey : bool
        Whether the pixels are grey.

    Returns
    -------
    bytes or None
        None means sRGB.

    Notes
    -----
    The first of cICP, iCCP, sRGB, and gAMA with cHRM applies, after PNG, third edition, section
    4.3. gAMA without cHRM implies the primaries of sRGB. cHRM without gAMA has no curve, and is
    ignored as in browsers. A profile in `info` only was added after opening, and overrides all.
    """
    own = info.get("icc_profile")
    if own and "iCCP" not in chunks:
        return bytes(own)
    if (coded := _coded(chunks)) is not None:
        primaries, curve = coded
    elif own:
        return bytes(own)
    elif "srgb" in info or (power := _gamma_in(info)) is None:
        return None
    else:
        chromaticities = _chromaticities_in(info)
        primaries = chromaticities or SRGB
        is_srgb = chromaticities is None and abs(power - _SRGB_GAMMA) < _GAMMA_NEAR
        curve = SRGB_CURVE if is_srgb else gamma(1 / power)
    return describing_profile(primaries, curve, "from PNG", grey=grey)


def png_tags_left_out(
    info: Mapping[Any, Any], chunks: Mapping[str, bytes], *, grey: bool
) -> list[str]:
    """Name the tags of a PNG that change how pixels look but fit neither a profile nor EXIF.

    Parameters
    ----------
    info, chunks, grey
        See `png_profile`.

    Returns
    -------
    list of str
    """
    lost = []
    if "cICP" in chunks and colors_by(chunks["cICP"]) is None:
        lost.append(named("cICP", chunks["cICP"]))
    elif _rules_nothing(info, chunks):
        primaries = _chromaticities_in(info)
        ignored = primaries is None or ("gamma" not in info and not is_near_srgb(primaries))
        if "gamma" in info and _gamma_in(info) is None:
            lost.append("gAMA")
        if "chromaticity" in info and ignored and not grey:
            lost.append("cHRM")
    if "iCCP" in chunks and info.get("icc_profile", b"") is None and _coded(chunks) is None:
        lost.append("damaged colour profile (iCCP)")  # Pillow reads it as None
    for kind, words in (("mDCV", "mastering display"), ("cLLI", "light levels")):
        if kind in chunks:
            lost.append(f"{words} ({kind})")
    across, down = info.get("aspect", (1, 1))
    if across != down:
        lost.append(f"pixel aspect ratio ({across}:{down})")
    return lost


def png_facts_left_out(chunks: Mapping[str, bytes]) -> list[str]:
    """Name the dropped tags of a PNG that do not change how pixels look.

    Parameters
    ----------
    chunks
        See `png_profile`.

    Returns
    -------
    list of str
    """
    lost = []
    if _has_fewer_bits(chunks):
        lost.append("significant bits (sBIT)")
    if "bKGD" in chunks:
        lost.append("background (bKGD)")
    if any(chunks.get("oFFs", b"")[:8]):
        lost.append("offset (oFFs)")
    return lost + [f"scale ({kind})" for kind in ("sCAL", "pCAL") if kind in chunks]


def _has_fewer_bits(chunks: Mapping[str, bytes]) -> bool:
    """Whether samples have fewer significant bits than are kept, at most 8."""
    depth, kind = chunks.get("IHDR", bytes(13))[8:10]
    bits = min(depth, 8) if kind == _GREY else 8
    return any(each < bits for each in chunks.get("sBIT", b""))


def _rules_nothing(info: Mapping[Any, Any], chunks: Mapping[str, bytes]) -> bool:
    return _coded(chunks) is None and not info.get("icc_profile") and "srgb" not in info


def _gamma_in(info: Mapping[Any, Any]) -> float | None:
    power = info.get("gamma")
    # A profile holds exponents up to 32,768, but beyond these bounds nothing is visible.
    usable = isinstance(power, (int, float)) and math.isfinite(power) and 0.01 <= power <= 100
    return float(power) if usable and power is not None else None


def _chromaticities_in(info: Mapping[Any, Any]) -> Primaries | None:
    values = info.get("chromaticity")
    if not isinstance(values, tuple) or len(values) != 8:
        return None
    white, *colours = zip(values[::2], values[1::2], strict=True)
    primaries = Primaries(white, *colours)
    try:
        rgb_profile(primaries, SRGB_CURVE, "")
    except ValueError:
        return None
    return primaries


def _coded(chunks: Mapping[str, bytes]) -> tuple[Primaries, Curve] | None:
    return colors_by(chunks.get("cICP", b""))
