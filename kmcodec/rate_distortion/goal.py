"""The goal of an encoding, as a value."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from kmcodec.errors import KmcInputError
from kmcodec.model.checks import checked_integer, checked_number

__all__ = ["Goal"]


@dataclass(frozen=True, kw_only=True)
class Goal:
    """The goal of an encoding: the options of `kmcodec.encode` of the same names.

    Parameters
    ----------
    rdo : float, optional
        Decibels by which the PSNR may be below that of the nearest entries.
    psnr : float, optional
        Decibels to reach.
    max_bytes : int, optional
        Maximum size of the file.
    quality : float, str or pair of float, optional
        Score of SSIMULACRA2 to reach, 0 to 100; or two, also as in "65-80": the lowest to accept
        and the one to reach. It is kept as a pair.
    strict : bool
        Whether a missed goal is an error; with two qualities it is.

    Raises
    ------
    KmcInputError
        If one is wrong, or if more than one of the first four is given.
    """

    rdo: float | None = None
    psnr: float | None = None
    max_bytes: int | None = None
    quality: Any = None
    strict: bool = False

    def __post_init__(self) -> None:
        if len(self.names) > 1:
            raise KmcInputError(f"{' and '.join(self.names)} exclude each other")
        if self.rdo is not None:
            object.__setattr__(self, "rdo", checked_number("rdo", self.rdo, 0, 20))
        if self.psnr is not None:
            object.__setattr__(self, "psnr", checked_number("psnr", self.psnr, 0, 100))
        if self.max_bytes is not None:
            object.__setattr__(self, "max_bytes", checked_integer("max_bytes", self.max_bytes, 1))
        if self.quality is not None:
            qualities = _checked_quality(self.quality)
            object.__setattr__(self, "strict", self.strict or len(qualities) > 1)
            object.__setattr__(self, "quality", (qualities[0], qualities[-1]))

    @property
    def names(self) -> list[str]:
        """The names of the options that set a goal; empty if any file will do."""
        given = {name: getattr(self, name) for name in ("rdo", "psnr", "max_bytes", "quality")}
        return [name for name, value in given.items() if value is not None and value is not False]


def _checked_quality(quality: Any) -> list[float]:
    """Return one quality or two, checked."""
    given = quality if isinstance(quality, (tuple, list)) else [quality]
    if isinstance(quality, str):
        found = re.fullmatch(r"\s*([\d.]+)\s*(?:-\s*([\d.]+))?\s*", quality)
        try:
            given = [float(number) for number in found.groups() if number] if found else []
        except ValueError:
            given = []
    if not 1 <= len(given) <= 2:
        raise KmcInputError(f"quality must be a number or MIN-MAX, such as 65-80, not {quality!r}")
    checked = [checked_number("quality", number, 0, 100) for number in given]
    if checked[0] > checked[-1]:
        raise KmcInputError(f"quality {quality!r}: the lowest to accept exceeds the one to reach")
    return checked
