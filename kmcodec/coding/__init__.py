"""Coding methods: index map to bytes and back (spec/kmc-1.md, section 6).

A method is one module here and one `Coding` in `CODINGS`. It codes a strip by itself and knows
neither the container nor where a palette comes from.
"""

from __future__ import annotations

from typing import Any, Protocol

from numpy.typing import NDArray

from kmcodec.coding.deflate import Deflate
from kmcodec.coding.packed import Packed

__all__ = ["CODINGS", "Coding", "coding_by_number"]


class Coding(Protocol):
    """The contract of a coding method.

    Attributes
    ----------
    number : int
        How the header names it.
    name : str
        How people name it.
    """

    number: int
    name: str

    def encode(self, indices: NDArray[Any], entries: int) -> bytes:
        """Code a strip.

        Parameters
        ----------
        indices : ndarray, shape (rows, width), uint8 or uint16
            All below `entries`.
        entries : int
            Palette entries, 1 to 65,536.
        """

    def decode(self, payload: bytes, rows: int, width: int, entries: int) -> NDArray[Any]:
        """Decode a strip.

        Returns
        -------
        ndarray, shape (rows, width), uint8 for up to 256 entries, else uint16

        Raises
        ------
        KmcFormatError
            If the payload is not exactly what `encode` may have written for such a strip.
        """


CODINGS: dict[str, Coding] = {coding.name: coding for coding in (Packed(), Deflate())}
"""All coding methods by name."""


def coding_by_number(number: int) -> Coding | None:
    """The coding method that a header names so, or None."""
    return next((coding for coding in CODINGS.values() if coding.number == number), None)
