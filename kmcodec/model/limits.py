"""How much of a file a caller is prepared to decode, as a value; and how much a file may hold."""

from __future__ import annotations

from dataclasses import dataclass

from kmcodec.errors import KmcLimitError
from kmcodec.model.checks import checked_integer

__all__ = ["DEFAULT_MAX_METADATA", "DEFAULT_MAX_PIXELS", "MAX_COLORS", "NO_LIMITS", "Limits"]

MAX_COLORS = 65_536
"""The most entries of a palette."""

DEFAULT_MAX_PIXELS = 1 << 28
"""Pixels decoded at a time unless the caller says otherwise: 268,435,456."""

DEFAULT_MAX_METADATA = 64 << 20
"""Bytes of metadata, decompressed, unless the caller says otherwise: 64 MiB."""


@dataclass(frozen=True, kw_only=True)
class Limits:
    """Limits that a caller sets; None for no limit.

    Parameters
    ----------
    max_pixels : int, optional
        The most pixels decoded at a time: of the file, or of the rows asked for.
    max_metadata : int, optional
        The most bytes of metadata, decompressed.

    Raises
    ------
    KmcInputError
        If one is negative or not an integer.
    """

    max_pixels: int | None = DEFAULT_MAX_PIXELS
    max_metadata: int | None = DEFAULT_MAX_METADATA

    def __post_init__(self) -> None:
        for name in ("max_pixels", "max_metadata"):
            value = getattr(self, name)
            if value is not None:
                object.__setattr__(self, name, checked_integer(name, value, 0))

    def check_pixels(self, pixels: int, what: str) -> None:
        """Refuse to decode more pixels than the limit.

        Parameters
        ----------
        pixels : int
        what : str
            The pixels, in words.

        Raises
        ------
        KmcLimitError
        """
        if self.max_pixels is not None and pixels > self.max_pixels:
            raise KmcLimitError(
                f"{what} pixels exceed the limit of {self.max_pixels:,} (raise max_pixels)"
            )


NO_LIMITS = Limits(max_pixels=None, max_metadata=None)
