"""The goal of an encoding, as a value."""

from __future__ import annotations

from dataclasses import dataclass

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
    strict : bool
        Whether a missed goal is an error.

    Raises
    ------
    KmcInputError
        If one is wrong, or if more than one of the first three is given.
    """

    rdo: float | None = None
    psnr: float | None = None
    max_bytes: int | None = None
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

    @property
    def names(self) -> list[str]:
        """The names of the options that set a goal; empty if any file will do."""
        given = {"rdo": self.rdo, "psnr": self.psnr, "max_bytes": self.max_bytes}
        return [name for name, value in given.items() if value is not None and value is not False]
