"""What the adaptive coders have in common: indices to symbols of the colour tree and back."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kmcodec.coding.choice import Choice, Criterion, choice_of
from kmcodec.coding.colortree import ColorTree, tree_of
from kmcodec.errors import KmcFormatError, KmcLimitError, warn
from kmcodec.model.image import index_dtype

__all__ = ["SymbolCoding", "check_width", "warn_if_slow"]

# The compiled models count columns in 32 bits, with room for borders.
_MOST_WIDTH = 1 << 30

# Pixels from which a slow twin in Python deserves a warning.
_SLOW = 50_000


class SymbolCoding(ABC):
    """A coding method that learns from what it coded; see `Coding`.

    Attributes
    ----------
    number : int
    coder : str
    effort : str
    """

    name = "context"
    number: int
    coder: str
    effort: str

    @abstractmethod
    def _encode_symbols(
        self, symbols: NDArray[np.uint16], tree: ColorTree, choice: Choice | None
    ) -> tuple[bytes, NDArray[np.uint16]]:
        """Code a strip to a payload; return the coded symbols, too."""

    @abstractmethod
    def _decode_symbols(
        self, payload: bytes, rows: int, width: int, tree: ColorTree, wanted: int
    ) -> NDArray[np.uint16]:
        """Decode the first `wanted` rows; refuse what no encoder writes."""

    def _looked_up(
        self, table: NDArray[np.uint16], places: NDArray[Any], dtype: type[np.unsignedinteger[Any]]
    ) -> NDArray[Any]:
        """Return the numbers of a table at some places, as an array of the shape of these."""
        found: NDArray[Any] = table[places].astype(dtype, copy=False)
        return found

    def encode(self, indices: NDArray[Any], palette: NDArray[np.uint8]) -> bytes:
        """Code a strip; see `Coding`."""
        return self._encoded(indices, palette, None)[0]

    def choose(
        self, indices: NDArray[Any], palette: NDArray[np.uint8], criterion: Criterion
    ) -> tuple[NDArray[Any], int]:
        """Choose indices of a strip by their cost and the distance of their colours.

        Parameters
        ----------
        indices : ndarray, shape (rows, width)
            The nearest entries.
        palette : ndarray, shape (K, C), uint8
        criterion : Criterion
            For this strip.

        Returns
        -------
        indices : ndarray, shape (rows, width), uint8 for up to 256 entries, else uint16
        size : int
            Bytes of the payload. `encode` may need a few fewer: the choice can deny a run and then
            choose the same symbols as in the run.
        """
        payload, chosen = self._encoded(indices, palette, criterion)
        return chosen, len(payload)

    def _encoded(
        self, indices: NDArray[Any], palette: NDArray[np.uint8], criterion: Criterion | None
    ) -> tuple[bytes, NDArray[Any]]:
        if len(palette) == 1:
            return b"", indices
        check_width(indices.shape[1])
        tree = tree_of(palette)
        choice = None if criterion is None else choice_of(criterion, tree, indices)
        symbols = self._looked_up(tree.symbols, indices, np.uint16)
        payload, coded = self._encode_symbols(symbols, tree, choice)
        if choice is None:
            return payload, indices
        return payload, self._looked_up(tree.entries, coded, index_dtype(len(palette)))

    def decode(
        self,
        payload: bytes,
        rows: int,
        width: int,
        palette: NDArray[np.uint8],
        stop: int | None = None,
    ) -> NDArray[Any]:
        """Decode a strip; see `Coding`."""
        wanted = rows if stop is None else stop
        if len(palette) == 1:
            if payload:
                raise KmcFormatError("indices are coded although there is only one palette entry")
            return np.zeros((wanted, width), np.uint8)
        check_width(width)
        tree = tree_of(palette)
        symbols = self._decode_symbols(payload, rows, width, tree, wanted)
        return self._looked_up(tree.entries, symbols, index_dtype(len(palette)))


def check_width(width: int) -> None:
    if width > _MOST_WIDTH:
        raise KmcLimitError(
            f"rows of {width:,} pixels exceed the limit of coding 'context', {_MOST_WIDTH:,}"
        )


def warn_if_slow(pixels: int) -> None:
    """Warn that so many pixels take long without compiled kernels."""
    # Python's default filter shows a warning once for each location.
    if pixels >= _SLOW:
        warn(
            "no compiled kernels: coding 'context' needs minutes to hours for a megapixel; "
            "coding='deflate' (--coding deflate) is quick"
        )
