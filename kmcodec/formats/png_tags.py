"""What PNG says of how its pixels are to be shown: colours as an ICC profile, the rest by name."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from kmcodec.formats.icc import (
    SRGB,
    SRGB_CURVE,
    Curve,
    Primaries,
    gamma,
    grey_profile,
    rgb_profile,
)

__all__ = ["png_facts_left_out", "png_profile", "png_tags_left_out"]

_D65 = SRGB.white
_C = (0.310, 0.316)
_SMPTE = Primaries(_D65, (0.630, 0.340), (0.310, 0.595), (0.155, 0.070))
# By the numbers of ITU-T H.273, table 2.
_PRIMARIES = {
    1: SRGB,
    4: Primaries(_C, (0.67, 0.33), (0.21, 0.71), (0.14, 0.08)),
    5: Primaries(_D65, (0.64, 0.33), (0.29, 0.60), (0.15, 0.06)),
    6: _SMPTE,
    7: _SMPTE,
    8: Primaries(_C, (0.681, 0.319), (0.243, 0.692), (0.145, 0.049)),
    9: Primaries(_D65, (0.708, 0.292), (0.170, 0.797), (0.131, 0.046)),
    10: Primaries((1 / 3, 1 / 3), (1.0, 0.0), (0.0, 1.0), (0.0, 0.0)),
    11: Primaries((0.314, 0.351), (0.680, 0.320), (0.265, 0.690), (0.150, 0.060)),
    12: Primaries(_D65, (0.680, 0.320), (0.265, 0.690), (0.150, 0.060)),
    22: Primaries(_D65, (0.630, 0.340), (0.295, 0.605), (0.155, 0.077)),
}
# What such samples look like is a matter of displays, ITU-R BT.1886; that is what browsers take.
_REC709_CURVE = gamma(2.4)
# Table 3, as far as a profile can say them; PQ and HLG are among those that it cannot.
_CURVES = {
    1: _REC709_CURVE,
    4: gamma(2.2),
    5: gamma(2.8),
    6: _REC709_CURVE,
    7: Curve(1 / 0.45, 1 / 1.111572, 0.111572 / 1.111572, 1 / 4.0, 0.091286),
    8: gamma(1.0),
    13: SRGB_CURVE,
    14: _REC709_CURVE,
    15: _REC709_CURVE,
}
_NAMED_CURVES = {16: "PQ", 18: "HLG"}
_RGB, _FULL_RANGE = 0, 1
_GREY = 0  # the colour type of PNG

# Chromaticities that differ by less are those of sRGB, rounded in one way or the other.
_NEAR = 0.0015
# So does PNG write the gamma of sRGB; alone it is taken for that, as by browsers.
_SRGB_GAMMA, _GAMMA_NEAR = 0.45455, 0.0006


def png_profile(
    info: Mapping[Any, Any], chunks: Mapping[str, bytes], *, grey: bool
) -> bytes | None:
    """The ICC profile of a PNG: its own, or one that says what its other chunks do.

    Parameters
    ----------
    info : mapping
        That of Pillow's image.
    chunks : mapping
        See `png_chunks_of`.
    grey : bool
        Whether the pixels are grey.

    Returns
    -------
    bytes or None
        None stands for sRGB.

    Notes
    -----
    Of several chunks the first of cICP, iCCP, sRGB and gAMA with cHRM holds, after PNG, third
    edition, section 4.3. gAMA without cHRM is taken to have the primaries of sRGB; cHRM without
    gAMA says nothing of light, and is left alone as browsers do. A profile that is in `info` only
    was put there since, and holds before all.
    """
    own = info.get("icc_profile")
    if own and "iCCP" not in chunks:
        return bytes(own)
    if (coded := _of_cicp(chunks)) is not None:
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
    if curve == SRGB_CURVE and (grey or _is_near_srgb(primaries)):
        return None
    try:
        name = "from PNG"
        return grey_profile(curve, name) if grey else rgb_profile(primaries, curve, name)
    except ValueError:
        return None


def png_tags_left_out(
    info: Mapping[Any, Any], chunks: Mapping[str, bytes], *, grey: bool
) -> list[str]:
    """Name what a PNG says of how its pixels look, and neither a profile nor EXIF can.

    Parameters
    ----------
    info, chunks, grey
        See `png_profile`.

    Returns
    -------
    list of str
    """
    lost = []
    cicp = chunks.get("cICP")
    if cicp is not None and _of_cicp(chunks) is None:
        name = _NAMED_CURVES.get(cicp[1]) if len(cicp) == 4 else None
        lost.append(f"colours by cICP ({name})" if name else "colours by cICP")
    elif _rules_nothing(info, chunks):
        primaries = _chromaticities_in(info)
        ignored = primaries is None or ("gamma" not in info and not _is_near_srgb(primaries))
        if "gamma" in info and _gamma_in(info) is None:
            lost.append("gAMA")
        if "chromaticity" in info and ignored and not grey:
            lost.append("cHRM")
    if "iCCP" in chunks and info.get("icc_profile", b"") is None and _of_cicp(chunks) is None:
        lost.append("damaged colour profile (iCCP)")  # Pillow puts None for it
    for kind, words in (("mDCV", "mastering display"), ("cLLI", "light levels")):
        if kind in chunks:
            lost.append(f"{words} ({kind})")
    across, down = info.get("aspect", (1, 1))
    if across != down:
        lost.append(f"pixel aspect ratio ({across}:{down})")
    return lost


def png_facts_left_out(chunks: Mapping[str, bytes]) -> list[str]:
    """Name what else a PNG says: nothing of it changes how the pixels look.

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
    """Whether significant bits are fewer than samples have, of which 8 are kept at most."""
    depth, kind = chunks.get("IHDR", bytes(13))[8:10]
    bits = min(depth, 8) if kind == _GREY else 8
    return any(each < bits for each in chunks.get("sBIT", b""))


def _of_cicp(chunks: Mapping[str, bytes]) -> tuple[Primaries, Curve] | None:
    cicp = chunks.get("cICP", b"")
    if len(cicp) != 4 or cicp[2] != _RGB or cicp[3] != _FULL_RANGE:
        return None
    primaries, curve = _PRIMARIES.get(cicp[0]), _CURVES.get(cicp[1])
    return None if primaries is None or curve is None else (primaries, curve)


def _rules_nothing(info: Mapping[Any, Any], chunks: Mapping[str, bytes]) -> bool:
    return _of_cicp(chunks) is None and not info.get("icc_profile") and "srgb" not in info


def _gamma_in(info: Mapping[Any, Any]) -> float | None:
    power = info.get("gamma")
    # A profile holds exponents up to 32,768; what is beyond these bounds shows nothing.
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


def _is_near_srgb(primaries: Primaries) -> bool:
    pairs = zip(vars(primaries).values(), vars(SRGB).values(), strict=True)
    return all(math.dist(one, other) < _NEAR for one, other in pairs)
