"""The context coder as a coding method: strips of symbols to payloads and back."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from kmcodec.coding.choice import Choice
from kmcodec.coding.colortree import ColorTree
from kmcodec.coding.context.arithmetic import check_end
from kmcodec.coding.context.kernels import MODELS
from kmcodec.coding.context.profiles import Profile
from kmcodec.coding.context.tables import starts, tables
from kmcodec.coding.symbol_coding import SymbolCoding, warn_if_slow

__all__ = ["Context"]


class Context(SymbolCoding):
    """Coding methods 3 and 4: the context coder with one of its profiles."""

    coder = "context"

    def __init__(self, number: int, profile: Profile) -> None:
        self.number = number
        self.profile = profile
        self.effort = profile.name

    def _encode_symbols(
        self, symbols: NDArray[np.uint16], tree: ColorTree, choice: Choice | None
    ) -> tuple[bytes, NDArray[np.uint16]]:
        compiled = MODELS.get(self.profile.name)
        if compiled is None:
            warn_if_slow(symbols.size)
            # Import the twin only when needed: it takes as long as the rest of kmcodec.
            from kmcodec.coding.context import model

            return model.encode(symbols, tree, self.profile, choice)
        payload, coded = compiled.encode(
            symbols, tree, tables(), *self._start(symbols.size), choice
        )
        return payload, coded

    def _decode_symbols(
        self, payload: bytes, rows: int, width: int, tree: ColorTree, wanted: int
    ) -> NDArray[np.uint16]:
        compiled = MODELS.get(self.profile.name)
        if compiled is None:
            warn_if_slow(rows * width)
            from kmcodec.coding.context import model

            decoded = model.decode(payload, rows, width, tree, self.profile, wanted)
        else:
            decoded = compiled.decode(
                payload, wanted, width, tree, tables(), *self._start(rows * width)
            )
        symbols, shifts, low = decoded
        if wanted == rows or shifts >= len(payload):
            check_end(payload, shifts, low, "indices")
        return symbols

    def _start(self, pixels: int) -> tuple[Any, int]:
        return starts(self.profile), self.profile.head_bits(pixels)
