"""The label coder as a coding method: strips of indices to payloads and back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kmcodec.coding.additive.range_coder import check_end
from kmcodec.coding.labels.kernels import MAP
from kmcodec.coding.labels.start import MOST_SLICE_ROWS, Start
from kmcodec.coding.packed import Packed, bits_for, packed_size
from kmcodec.coding.symbol_coding import check_width, warn_if_slow
from kmcodec.errors import KmcFormatError
from kmcodec.model.image import index_dtype

__all__ = ["Labels"]

# How a payload begins.
_FLAT, _SLICES, _PACKED = b"\x00", b"\x01", b"\xff"


@dataclass(frozen=True)
class Labels:
    """Coding method 6: the label coder.

    Parameters
    ----------
    slice_rows : int
        To encode: how many rows a slice of the volume has that the image is a stack of; 0 for other
        images.
    """

    slice_rows: int = 0

    number = 6
    name = "labels"
    coder = "label"
    effort = None

    def encode(self, indices: NDArray[Any], palette: NDArray[np.uint8]) -> bytes:
        """Code a strip; see `Coding`."""
        if len(palette) == 1:
            return b""
        rows, width = indices.shape
        check_width(width)
        has_slices = 2 <= self.slice_rows < rows and self.slice_rows <= MOST_SLICE_ROWS
        start = Start(len(palette), self.slice_rows if has_slices else 0)
        head = _SLICES + start.slice_rows.to_bytes(2, "little") if has_slices else _FLAT
        if MAP is None:
            warn_if_slow(indices.size)
            # Import the twin only when needed.
            from kmcodec.coding.labels import model

            payload = head + model.encode(indices, start)
        else:
            payload = head + MAP.encode(indices, start)
        if len(payload) > len(_PACKED) + packed_size(rows, width, bits_for(len(palette))):
            payload = _PACKED + Packed().encode(indices, palette)
        return payload

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
        if payload.startswith(_PACKED):
            return Packed().decode(payload[len(_PACKED) :], rows, width, palette, stop)
        slice_rows, coded = _begun(payload, rows)
        start = Start(len(palette), slice_rows)
        if MAP is None:
            warn_if_slow(rows * width)
            from kmcodec.coding.labels import model

            symbols, shifts, code, is_wrong = model.decode(coded, wanted, width, start)
        else:
            symbols, shifts, code, is_wrong = MAP.decode(coded, wanted, width, start)
        # The kernel and its twin stop at different pixels where a payload is too short.
        shifts = min(shifts, 8 * len(coded))
        if is_wrong and shifts < 8 * len(coded):
            raise KmcFormatError(f"an index is not below the {len(palette):,} palette entries")
        if wanted == rows or shifts == 8 * len(coded):
            check_end(coded, shifts, code)
        return symbols.astype(index_dtype(len(palette)), copy=False)


def _begun(payload: bytes, rows: int) -> tuple[int, bytes]:
    """Return the rows of a slice, or 0, and the coded strip.

    Raises
    ------
    KmcFormatError
        If the payload begins otherwise.
    """
    if payload.startswith(_FLAT):
        return 0, payload[1:]
    if payload.startswith(_SLICES) and len(payload) >= 3:
        slice_rows = int.from_bytes(payload[1:3], "little")
        if 2 <= slice_rows <= MOST_SLICE_ROWS and slice_rows < rows:
            return slice_rows, payload[3:]
        raise KmcFormatError(f"slices of {slice_rows:,} rows in a strip of {rows:,}")
    raise KmcFormatError("coded indices begin with none of the known forms")
