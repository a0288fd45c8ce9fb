"""Method 1: zlib over packed rows (spec, 6.3)."""

from __future__ import annotations

import zlib
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kmcodec.coding.packed import bits_for, pack_rows, packed_size, unpack_rows
from kmcodec.errors import KmcFormatError
from kmcodec.parallel import heed_stop

__all__ = ["Deflate"]

# Bytes between two checks for a request to stop.
_PIECE = 1 << 16


class Deflate:
    """Coding method 1: a zlib stream of rows packed to 0, 1, 2, 4, 8 or 16 bits an index."""

    number = 1
    name = coder = "deflate"

    effort = None

    def encode(self, indices: NDArray[Any], palette: NDArray[np.uint8]) -> bytes:
        """Code a strip; see `Coding`."""
        packed = memoryview(pack_rows(indices, _aligned_bits(len(palette))))
        packer = zlib.compressobj(9)
        coded = []
        # The stream does not depend on the size of the pieces.
        for start in range(0, len(packed), _PIECE):
            heed_stop()
            coded.append(packer.compress(packed[start : start + _PIECE]))
        return b"".join([*coded, packer.flush()])

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
        try:
            data, ended = _inflated(payload, due + 1)
        except zlib.error as error:
            raise KmcFormatError(f"the zlib stream is damaged ({error})") from None
        if len(data) == due and not ended:
            raise KmcFormatError("the zlib stream does not end where the strip does")
        return unpack_rows(data, rows, width, entries, bits, stop)


def _inflated(payload: bytes, most: int) -> tuple[bytes, bool]:
    """Return the data of a zlib stream, and True if the stream ends with the payload.

    It inflates at most `most` bytes, one more than expected: that detects a stream with too much
    data, and never unpacks a decompression bomb.
    """
    inflater, parts, size, end = zlib.decompressobj(), [], 0, 0
    while end < len(payload) and size < most and not inflater.eof:
        heed_stop()
        end, piece = end + _PIECE, payload[end : end + _PIECE]
        parts.append(inflater.decompress(piece, most - size))
        size += len(parts[-1])
    ended = inflater.eof and not inflater.unused_data and end >= len(payload)
    return b"".join(parts), ended


def _aligned_bits(entries: int) -> int:
    # Indices that straddle bytes cost deflate 15 to 30 % (6 bits an index, four Kodak photos).
    bits = bits_for(entries)
    return 1 << (bits - 1).bit_length() if bits else 0
