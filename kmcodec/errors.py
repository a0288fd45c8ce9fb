"""The exceptions and the warning of this package, by whose fault it is."""

from __future__ import annotations

from typing import Any

__all__ = [
    "KmcError",
    "KmcFormatError",
    "KmcGoalError",
    "KmcInputError",
    "KmcLimitError",
    "KmcWarning",
]


class KmcError(Exception):
    """Whatever goes wrong here; its text is one plain sentence."""


class KmcFormatError(KmcError):
    """The file is wrong: damaged, truncated, or not a `.kmc` file that this version reads.

    Parameters
    ----------
    message : str
        What is wrong, without its place.
    offset : int, optional
        Byte of the file at which the wrong part begins.
    expected, found : optional
        What the specification asks for and what stands there, where there are two such values.
    """

    def __init__(
        self,
        message: str,
        *,
        offset: int | None = None,
        expected: Any = None,
        found: Any = None,
    ) -> None:
        self.message = message
        self.offset = offset
        self.expected = expected
        self.found = found
        super().__init__(message if offset is None else f"{message} (at byte {offset})")

    def inside(self, place: str, offset: int | None = None) -> KmcFormatError:
        """The same fault, told as that of a named file or part of one.

        Parameters
        ----------
        place : str
            Such as ``"bird.kmc"`` or ``"strip 3 (rows 48 to 63)"``.
        offset : int, optional
            Byte of the file at which the part begins, where the fault does not know it.
        """
        if offset is None:
            offset = self.offset
        message = f"{place}: {self.message}"
        return type(self)(message, offset=offset, expected=self.expected, found=self.found)


class KmcLimitError(KmcError):
    """The file declares more than the caller is prepared to handle."""


class KmcInputError(KmcError, ValueError):
    """The caller's image, option or path is wrong."""


class KmcGoalError(KmcError):
    """A quality or a size that was asked for cannot be reached."""


class KmcWarning(UserWarning):
    """Something was changed on the way in, such as 16-bit samples reduced to 8 bits."""
