"""The context coder as a coding method: strips of indices to payloads and back."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from kmcodec.coding.context.arithmetic import check_end
from kmcodec.coding.context.choice import Criterion, choice_of
from kmcodec.coding.context.colortree import ColorTree, tree_of
from kmcodec.coding.context.kernels import MODELS
from kmcodec.coding.context.profiles import Profile
from kmcodec.coding.context.tables import starts, tables
from kmcodec.errors import KmcFormatError, KmcLimitError, warn
from kmcodec.model.image import index_dtype

__all__ = ["Context"]

# The compiled model counts columns in 32 bits, with room for borders.
_MOST_WIDTH = 1 << 30

# Pixels from which the slow twin in Python deserves a warning.
_SLOW = 50_000


class Context:
    """Coding methods 2, 3 and 4: the context coder with one of its profiles."""

    name = "context"

    def __init__(self, number: int, profile: Profile) -> None:
        self.number = number
        self.profile = profile
        self.effort = profile.name

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
        _check_width(indices.shape[1])
        tree = tree_of(palette)
        symbols = tree.symbols[indices]
        choice = None if criterion is None else choice_of(criterion, tree, indices)
        compiled = MODELS.get(self.profile.name)
        if compiled is None:
            _warn_if_slow(indices.size)
            # Import the twin only when needed: it takes as long as the rest of kmcodec.
            from kmcodec.coding.context import model

            payload, coded = model.encode(symbols, tree, self.profile, choice)
        else:
            start = self._start(indices.size)
            payload, coded = compiled.encode(symbols, tree, tables(), *start, choice)
        return payload, tree.entries[coded].astype(index_dtype(len(palette)), copy=False)

    def decode(
        self,
        payload: bytes,
        rows: int,
        width: int,
        palette: NDArray[np.uint8],
        stop: int | None = None,
    ) -> NDArray[Any]:
        """Decode a strip; see `Coding`."""
        if len(palette) == 1:
            if payload:
                raise KmcFormatError("indices are coded although there is only one palette entry")
            return np.zeros((rows if stop is None else stop, width), np.uint8)
        _check_width(width)
        tree = tree_of(palette)
        wanted = rows if stop is None else stop
        symbols, shifts, low = self._decoded(payload, rows, width, tree, wanted)
        if wanted == rows or shifts >= len(payload):
            check_end(payload, shifts, low, "indices")
        return tree.entries[symbols].astype(index_dtype(len(palette)), copy=False)

    def _decoded(
        self, payload: bytes, rows: int, width: int, tree: ColorTree, wanted: int
    ) -> tuple[NDArray[np.uint16], int, int]:
        compiled = MODELS.get(self.profile.name)
        if compiled is None:
            _warn_if_slow(rows * width)
            from kmcodec.coding.context import model

            return model.decode(payload, rows, width, tree, self.profile, wanted)
        symbols, shifts, low = compiled.decode(
            payload, wanted, width, tree, tables(), *self._start(rows * width)
        )
        return symbols, shifts, low

    def _start(self, pixels: int) -> tuple[Any, int]:
        return starts(self.profile), self.profile.head_bits(pixels)


def _check_width(width: int) -> None:
    if width > _MOST_WIDTH:
        raise KmcLimitError(
            f"rows of {width:,} pixels exceed the context coder's limit of {_MOST_WIDTH:,}"
        )


def _warn_if_slow(pixels: int) -> None:
    # Python's default filter shows a warning once for each location.
    if pixels >= _SLOW:
        warn(
            "no compiled kernels: the context coder needs minutes to hours for a megapixel; "
            "coding='deflate' (--coding deflate) is quick"
        )
