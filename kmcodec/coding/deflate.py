"""Method 1: zlib over packed rows (spec, 6.3)."""

from __future__ import annotations

import zlib
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kmcodec.coding.packed import bits_for, pack_rows, packed_size, unpack_rows
from kmcodec.errors import KmcFormatError

__all__ = ["Deflate"]


class Deflate:
    """Coding method 1: a zlib stream of rows packed to 0, 1, 2, 4, 8 or 16 bits an index."""

    number = 1
    name = "deflate"

    effort = None

    def encode(self, indices: NDArray[Any], palette: NDArray[np.uint8]) -> bytes:
        """Code a strip; see `Coding`."""
        return zlib.compress(pack_rows(indices, _aligned_bits(len(palette))), 9)

    def decode(
        self,
        payload: bytes,
        rows: int,
        width: int,
        palette: NDArray[np.uint8],
        stop: int | None = None,
    ) -> NDArray[Any]:
        """Decode a strip; see `Coding`."""
        entries = len(palette)
        bits = _aligned_bits(entries)
        due = packed_size(rows, width, bits)
        inflater = zlib.decompressobj()
        try:
            # One byte more than due, so that a stream that holds too much is told from one
            # that is right, and a bomb is never unpacked.
            data = inflater.decompress(payload, due + 1)
        except zlib.error as error:
            raise KmcFormatError(f"the zlib stream is damaged ({error})") from None
        if len(data) == due and (not inflater.eof or inflater.unused_data):
            raise KmcFormatError("the zlib stream does not end where the strip does")
        return unpack_rows(data, rows, width, entries, bits)[:stop]


def _aligned_bits(entries: int) -> int:
    # Indices that straddle bytes cost deflate 15 to 30 % (6 bits an index, four Kodak photos).
    bits = bits_for(entries)
    return 1 << (bits - 1).bit_length() if bits else 0
