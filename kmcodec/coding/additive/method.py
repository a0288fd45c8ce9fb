"""The additive coder as a coding method: strips of symbols to payloads and back."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from kmcodec.coding.additive.kernels import STRIP
from kmcodec.coding.additive.profiles import Profile
from kmcodec.coding.additive.range_coder import check_end
from kmcodec.coding.additive.start import Start
from kmcodec.coding.choice import Choice, Criterion
from kmcodec.coding.colortree import ColorTree
from kmcodec.coding.packed import Packed, bits_for, packed_size
from kmcodec.coding.symbol_coding import SymbolCoding, warn_if_slow

__all__ = ["Additive"]

# A payload that begins so has packed rows.
_PACKED = b"\xff"


class Additive(SymbolCoding):
    """Coding methods 2 and 5: the additive coder with one of its profiles."""

    coder = "additive"

    def __init__(self, profile: Profile) -> None:
        self.number = profile.number
        self.profile = profile
        self.effort = profile.name

    def _encoded(
        self, indices: NDArray[Any], palette: NDArray[np.uint8], criterion: Criterion | None
    ) -> tuple[bytes, NDArray[Any]]:
        payload, coded = super()._encoded(indices, palette, criterion)
        rows, width = indices.shape
        packed = packed_size(rows, width, bits_for(len(palette)))
        if len(payload) > len(_PACKED) + packed:
            payload = _PACKED + Packed().encode(coded, palette)
        return payload, coded

    def decode(
        self,
        payload: bytes,
        rows: int,
        width: int,
        palette: NDArray[np.uint8],
        stop: int | None = None,
    ) -> NDArray[Any]:
        """Decode a strip; see `Coding`."""
        if payload.startswith(_PACKED) and len(palette) > 1:
            return Packed().decode(payload[len(_PACKED) :], rows, width, palette, stop)
        return super().decode(payload, rows, width, palette, stop)

    def _looked_up(
        self, table: NDArray[np.uint16], places: NDArray[Any], dtype: type[np.unsignedinteger[Any]]
    ) -> NDArray[Any]:
        # By NumPy, this would be a sixth of the time that decoding a screenshot takes.
        if STRIP is None or places.dtype not in (np.uint8, np.uint16):
            return super()._looked_up(table, places, dtype)
        found: NDArray[Any] = np.empty(places.shape, dtype)
        STRIP.look_up(table, np.ascontiguousarray(places), found)
        return found

    def _encode_symbols(
        self, symbols: NDArray[np.uint16], tree: ColorTree, choice: Choice | None
    ) -> tuple[bytes, NDArray[np.uint16]]:
        start = Start(self.profile, tree, symbols.size)
        if STRIP is None:
            warn_if_slow(symbols.size)
            # Import the twin only when needed.
            from kmcodec.coding.additive import model

            return model.encode(symbols, start, choice)
        payload, coded = STRIP.encode(symbols, start, choice)
        return payload, coded

    def _decode_symbols(
        self, payload: bytes, rows: int, width: int, tree: ColorTree, wanted: int
    ) -> NDArray[np.uint16]:
        start = Start(self.profile, tree, rows * width)
        if STRIP is None:
            warn_if_slow(rows * width)
            from kmcodec.coding.additive import model

            decoded = model.decode(payload, wanted, width, start)
        else:
            decoded = STRIP.decode(payload, wanted, width, start)
        symbols, shifts, code = decoded
        # The kernel and its twin stop at different pixels where a payload is too short.
        shifts = min(shifts, 8 * len(payload))
        if wanted == rows or shifts == 8 * len(payload):
            check_end(payload, shifts, code)
        return symbols
