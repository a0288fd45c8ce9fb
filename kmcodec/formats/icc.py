"""Write ICC profiles from primaries, a white point and a transfer curve."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from struct import Struct

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "SRGB",
    "SRGB_CURVE",
    "Curve",
    "Primaries",
    "gamma",
    "grey_profile",
    "is_grey_profile",
    "rgb_profile",
]

_HEADER = Struct(">I4xI4s4s4s6H4s4xI4x4xQI3I4x16x28x")
_VERSION = 0x04300000
# The white of the profile connection space, as the specification rounds it.
_D50 = (0.9642, 1.0, 0.8249)
# Bradford's cone responses, which ICC.1 recommends for the tag `chad`.
_BRADFORD = np.array(
    [[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]]
)
_DATE = (2000, 1, 1, 0, 0, 0)


@dataclass(frozen=True)
class Curve:
    """Transfer curve from samples V in 0 to 1 to light: ``(a V + b) ** g`` from `d`, ``c V`` below.

    Parameters
    ----------
    g, a, b, c, d : float
    """

    g: float
    a: float = 1.0
    b: float = 0.0
    c: float = 0.0
    d: float = 0.0


@dataclass(frozen=True)
class Primaries:
    """Chromaticities, each as CIE x and y.

    Parameters
    ----------
    white, red, green, blue : (float, float)
    """

    white: tuple[float, float]
    red: tuple[float, float]
    green: tuple[float, float]
    blue: tuple[float, float]


SRGB = Primaries((0.3127, 0.3290), (0.64, 0.33), (0.30, 0.60), (0.15, 0.06))
"""The primaries of sRGB and ITU-R BT.709."""

SRGB_CURVE = Curve(2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045)
"""The transfer curve of IEC 61966-2-1."""


def gamma(exponent: float) -> Curve:
    """Return a curve that is a power of the samples."""
    return Curve(exponent)


def rgb_profile(primaries: Primaries, curve: Curve, name: str) -> bytes:
    """Make an RGB profile from three primaries.

    Parameters
    ----------
    primaries : Primaries
    curve : Curve
        For all three channels.
    name : str
        ASCII.

    Returns
    -------
    bytes
        The same on every platform.

    Raises
    ------
    ValueError
        If the primaries are impossible: three on one line, a white without light, or numbers that
        a profile cannot hold.

    Notes
    -----
    After ICC.1:2022 (version 4.4), section 8.3.3 for three-component matrix-based display
    profiles and annex E for the adaptation of the white point to D50.
    """
    adaptation = _adaptation(_xyz(primaries.white))
    colorants = adaptation @ _colorants(primaries)
    tags = _common_tags(name, adaptation)
    for letter, column in zip(b"rgb", colorants.T, strict=True):
        tags.append((bytes([letter]) + b"XYZ", _xyz_tag(column)))
    tags += [(bytes([letter]) + b"TRC", _curve_tag(curve)) for letter in b"rgb"]
    return _profile(b"RGB ", tags)


def grey_profile(curve: Curve, name: str) -> bytes:
    """Make a grey profile; see `rgb_profile`. Its white is always D50."""
    return _profile(b"GRAY", [*_common_tags(name, None), (b"kTRC", _curve_tag(curve))])


def is_grey_profile(icc: bytes) -> bool:
    """Whether a profile is for grey only."""
    return icc[16:20] == b"GRAY"


def _xyz(chromaticity: tuple[float, float]) -> NDArray[np.float64]:
    x, y = chromaticity
    if not y > 0:
        raise ValueError("a colour without light")
    return np.array([x / y, 1.0, (1 - x - y) / y])


def _colorants(primaries: Primaries) -> NDArray[np.float64]:
    """Return XYZ of the primaries as columns, scaled so that they add up to white."""
    each = (primaries.red, primaries.green, primaries.blue)
    # Not scaled by 1 / y: cICP has a valid blue with y = 0.
    columns = np.array([(x, y, 1 - x - y) for x, y in each]).T
    if abs(np.linalg.det(columns)) < 1e-6:
        raise ValueError("primaries on one line")
    scaled: NDArray[np.float64] = columns * np.linalg.solve(columns, _xyz(primaries.white))
    return scaled


def _adaptation(white: NDArray[np.float64]) -> NDArray[np.float64]:
    seen, wanted = _BRADFORD @ white, _BRADFORD @ np.array(_D50)
    if (seen <= 0).any():
        raise ValueError("a white point without light")
    scaled: NDArray[np.float64] = np.linalg.inv(_BRADFORD) @ np.diag(wanted / seen) @ _BRADFORD
    return scaled


def _common_tags(name: str, adaptation: NDArray[np.float64] | None) -> list[tuple[bytes, bytes]]:
    tags = [
        (b"desc", _text_tag(name)),
        (b"cprt", _text_tag("No copyright, use freely")),
        (b"wtpt", _xyz_tag(_D50)),
    ]
    if adaptation is not None:
        tags.append((b"chad", b"sf32" + bytes(4) + _fixed(adaptation.ravel())))
    return tags


def _profile(space: bytes, tags: Sequence[tuple[bytes, bytes]]) -> bytes:
    table, body, places = len(tags).to_bytes(4, "big"), b"", {}
    start = 128 + 4 + 12 * len(tags)
    for kind, data in tags:
        if data not in places:
            places[data] = start + len(body)
            body += data + bytes(-len(data) % 4)
        table += kind + places[data].to_bytes(4, "big") + len(data).to_bytes(4, "big")
    white = np.frombuffer(_fixed(_D50), ">u4").tolist()
    size = start + len(body)
    # Perceptual intent: for a matrix, all intents are the same.
    fields = (_VERSION, b"mntr", space, b"XYZ ", *_DATE, b"acsp", 0, 0, 0, *white)
    return _HEADER.pack(size, *fields) + table + body


def _text_tag(text: str) -> bytes:
    coded = text.encode("utf-16-be")
    head = Struct(">4s4xII2s2sII").pack(b"mluc", 1, 12, b"en", b"US", len(coded), 28)
    return head + coded


def _xyz_tag(xyz: Sequence[float] | NDArray[np.float64]) -> bytes:
    return b"XYZ " + bytes(4) + _fixed(xyz)


def _curve_tag(curve: Curve) -> bytes:
    plain = curve == Curve(curve.g)
    values = (curve.g,) if plain else (curve.g, curve.a, curve.b, curve.c, curve.d)
    kind = 0 if plain else 3
    return b"para" + bytes(4) + kind.to_bytes(2, "big") + bytes(2) + _fixed(values)


def _fixed(values: Sequence[float] | NDArray[np.float64]) -> bytes:
    """Encode numbers as s15Fixed16Number."""
    scaled = np.floor(np.asarray(values, np.float64) * 65536 + 0.5)
    if not (np.abs(scaled) < 2**31).all():
        raise ValueError("numbers that a profile does not hold")
    return scaled.astype(">i4").tobytes()
