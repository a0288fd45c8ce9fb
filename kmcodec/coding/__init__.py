"""Coding methods: index maps to bytes and back (spec/kmc-1.md, section 6).

A method is one module or package here and one `Coding` in `METHODS`. It codes each strip
independently, and depends neither on the container nor on the source of the palette.
"""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from kmcodec.coding.additive import PROFILES as ADDITIVE
from kmcodec.coding.additive import Additive
from kmcodec.coding.additive.kernels import STRIP
from kmcodec.coding.budget import Survey, affordable_effort, count_unsurprising
from kmcodec.coding.context import PROFILES, Context, decode_palette, encode_palette
from kmcodec.coding.context.kernels import MODELS
from kmcodec.coding.deflate import Deflate
from kmcodec.coding.labels import Labels
from kmcodec.coding.labels.kernels import MAP
from kmcodec.coding.packed import Packed

__all__ = [
    "AUTO",
    "CODINGS",
    "COMPILED",
    "EFFORTS",
    "METHODS",
    "Coding",
    "Survey",
    "coding_by_number",
    "coding_for",
    "coding_named",
    "codings_of_labels",
    "count_unsurprising",
    "decode_palette",
    "encode_palette",
]


class Coding(Protocol):
    """The contract of a coding method.

    Attributes
    ----------
    number : int
        Its number in the header.
    name : str
        Its name for users.
    coder : str
        Its name in the specification.
    effort : str or None
        The profile, if several methods share the name.
    """

    @property
    def number(self) -> int: ...

    @property
    def name(self) -> str: ...

    @property
    def coder(self) -> str: ...

    @property
    def effort(self) -> str | None: ...

    def encode(self, indices: NDArray[Any], palette: NDArray[np.uint8]) -> bytes:
        """Code a strip.

        Parameters
        ----------
        indices : ndarray, shape (rows, width), uint8 or uint16
            Each below the number of palette entries.
        palette : ndarray, shape (K, C), uint8
        """

    def decode(
        self,
        payload: bytes,
        rows: int,
        width: int,
        palette: NDArray[np.uint8],
        stop: int | None = None,
    ) -> NDArray[Any]:
        """Decode a strip.

        Parameters
        ----------
        payload : bytes
        rows, width : int
            Of the strip.
        palette : ndarray, shape (K, C), uint8
        stop : int, optional
            Number of rows to decode; the rest may remain unchecked.

        Returns
        -------
        ndarray, shape (stop or rows, width), uint8 for up to 256 entries, else uint16

        Raises
        ------
        KmcFormatError
            If the payload is not exactly what `encode` may have written for such a strip.
        """


COMPILED = bool(MODELS) and STRIP is not None and MAP is not None
"""Whether the kernels of the adaptive coders are there."""

METHODS: tuple[Coding, ...] = (
    Packed(),
    Deflate(),
    Additive(ADDITIVE["fast"]),
    *(Context(number, profile) for number, profile in enumerate(PROFILES.values(), 3)),
    Additive(ADDITIVE["fastest"]),
    Labels(),
)
"""All coding methods, in the order of their numbers."""

CODINGS = tuple(dict.fromkeys(method.name for method in METHODS))
"""The names of the coding methods."""

AUTO = "auto"
EFFORTS = (AUTO, *ADDITIVE, *PROFILES)
"""Efforts of the adaptive coders, from `auto`, which decides by the image, to the slowest."""


def coding_by_number(number: int) -> Coding | None:
    """Return the coding method with this number in the header, or None."""
    return METHODS[number] if 0 <= number < len(METHODS) else None


def coding_for(name: str, effort: str, indices: NDArray[Any], palette: NDArray[np.uint8]) -> Coding:
    """Return the coding method with a name and an effort.

    Parameters
    ----------
    name : str
        One of `CODINGS`.
    effort : str
        One of `EFFORTS`; only the coding `context` uses it.
    indices : ndarray, shape (height, width)
    palette : ndarray, shape (K, C), uint8
        The image, by which `auto` decides.
    """
    if name == "context" and effort == AUTO:
        effort = affordable_effort(indices, len(palette))
    return coding_named(name, effort)


def coding_named(name: str, effort: str) -> Coding:
    """Return the coding method with a name and an effort other than `auto`."""
    return next(m for m in METHODS if m.name == name and m.effort in (None, effort))


def codings_of_labels(name: str, effort: str, slice_rows: int) -> tuple[Coding, ...]:
    """Return the coding methods of which labels in runs take the one that makes the fewest bytes.

    Parameters
    ----------
    name, effort : str
        See `coding_for`. ``"auto"`` is the label coder, and the context coder is used only where it
        makes fewer bytes than that.
    slice_rows : int
        Rows of a slice if the image is a volume, else 0.
    """
    labels = Labels(slice_rows)
    if name == labels.name or (name == "context" and effort == AUTO):
        return (labels,)
    method = coding_named(name, effort)
    return (method, labels) if isinstance(method, Context) else (method,)
