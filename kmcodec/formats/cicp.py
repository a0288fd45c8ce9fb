"""Colours by the code points of ITU-T H.273 (CICP), as in PNG and AVIF."""

from __future__ import annotations

import math

from kmcodec.formats.icc import (
    SRGB,
    SRGB_CURVE,
    Curve,
    Primaries,
    gamma,
    grey_profile,
    rgb_profile,
)

__all__ = ["colors_by", "describing_profile", "is_near_srgb", "named"]

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
# Browsers use the curve of displays, ITU-R BT.1886.
_REC709_CURVE = gamma(2.4)
# Table 3, except curves that a profile cannot hold, such as PQ and HLG.
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

# Chromaticities that differ by less are those of sRGB, rounded differently.
_NEAR = 0.0015


def colors_by(cicp: bytes) -> tuple[Primaries, Curve] | None:
    """Return primaries and curve of PNG's four code points; None if no profile can hold them."""
    if len(cicp) != 4 or cicp[2] != _RGB or cicp[3] != _FULL_RANGE:
        return None
    primaries, curve = _PRIMARIES.get(cicp[0]), _CURVES.get(cicp[1])
    return None if primaries is None or curve is None else (primaries, curve)


def named(where: str, cicp: bytes) -> str:
    """Name colours by their place in the file, and by their curve if it is known."""
    name = _NAMED_CURVES.get(cicp[1]) if len(cicp) == 4 else None
    return f"colours by {where} ({name})" if name else f"colours by {where}"


def describing_profile(
    primaries: Primaries, curve: Curve, name: str, *, grey: bool
) -> bytes | None:
    """Return the profile of primaries and a curve.

    Parameters
    ----------
    primaries : Primaries
    curve : Curve
    name : str
        ASCII.
    grey : bool
        Whether the pixels are grey.

    Returns
    -------
    bytes or None
        None for sRGB, and for impossible primaries.
    """
    if curve == SRGB_CURVE and (grey or is_near_srgb(primaries)):
        return None
    try:
        return grey_profile(curve, name) if grey else rgb_profile(primaries, curve, name)
    except ValueError:
        return None


def is_near_srgb(primaries: Primaries) -> bool:
    """Whether primaries and white are those of sRGB, except for rounding."""
    pairs = zip(vars(primaries).values(), vars(SRGB).values(), strict=True)
    return all(math.dist(one, other) < _NEAR for one, other in pairs)
