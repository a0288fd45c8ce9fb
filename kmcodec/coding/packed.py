"""Method 0: plain bits, and packed rows, which deflate uses too (spec, 6.1 and 6.2)."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from kmcodec.errors import KmcFormatError
from kmcodec.model.image import index_dtype

__all__ = ["Packed", "bits_for", "pack_rows", "packed_size", "unpack_rows"]

# Pixels to unpack at a time, as each bit temporarily takes a byte: a group of rows, or a part of a
# longer row. A multiple of 8.
_GROUP = 1 << 18


def bits_for(entries: int) -> int:
    """Return the bits of an index: the smallest b with 2**b >= entries, 0 to 16."""
    return (entries - 1).bit_length()


def packed_size(rows: int, width: int, bits: int) -> int:
    """Return the number of bytes of packed rows."""
    return rows * (-(-width * bits // 8))


def pack_rows(indices: NDArray[Any], bits: int) -> bytes:
    """Pack indices, most significant bit first, each row padded to whole bytes with zeros.

    Parameters
    ----------
    indices : ndarray, shape (rows, width), uint8 or uint16
    bits : int
        0 to 16 an index; each index must fit.
    """
    if bits == 0:
        return b""
    if bits in (8, 16):
        return indices.astype(np.uint8 if bits == 8 else ">u2").tobytes()
    shifts = np.arange(bits - 1, -1, -1, dtype=np.uint16)
    step = max(1, _GROUP // indices.shape[1])
    packed = []
    for start in range(0, len(indices), step):
        group = indices[start : start + step, :, np.newaxis].astype(np.uint16)
        ones = ((group >> shifts) & 1).astype(np.uint8)
        packed.append(np.packbits(ones.reshape(len(group), -1), axis=1).tobytes())
    return b"".join(packed)


def unpack_rows(
    data: bytes, rows: int, width: int, entries: int, bits: int, stop: int | None = None
) -> NDArray[Any]:
    """Undo `pack_rows`.

    Parameters
    ----------
    data : bytes
        Exactly ``packed_size(rows, width, bits)`` bytes.
    rows, width : int
    entries : int
        Number of palette entries; the dtype is uint8 for up to 256, else uint16.
    bits : int
        Bits of an index; see `pack_rows`.
    stop : int, optional
        Number of rows to unpack; the rest remain unchecked, except for their length.

    Returns
    -------
    ndarray, shape (stop or rows, width), uint8 or uint16

    Raises
    ------
    KmcFormatError
        If the length is wrong, an index is not below `entries`, or a pad bit is set.
    """
    due = packed_size(rows, width, bits)
    if len(data) != due:
        raise KmcFormatError(
            f"{len(data):,} bytes of packed indices instead of {due:,}",
            expected=due,
            found=len(data),
        )
    wanted = rows if stop is None else min(rows, stop)
    indices = np.zeros((wanted, width), index_dtype(entries))
    if bits == 0 or not wanted:
        return indices
    packed = np.frombuffer(data, np.uint8).reshape(rows, -1)[:wanted]
    step = max(1, _GROUP // width)
    for start in range(0, wanted, step):
        group = packed[start : start + step]
        for left in range(0, width, _GROUP):
            right = min(width, left + _GROUP)
            part = group[:, left * bits // 8 : -(-right * bits // 8)]
            indices[start : start + step, left:right] = _unpack_group(part, right - left, bits)
    highest = int(indices.max())
    if highest >= entries:
        # Not argwhere: if all indices are wrong, it takes 16 bytes for each.
        row, column = divmod(int((indices >= entries).argmax()), width)
        raise KmcFormatError(
            f"index {indices[row, column]} at row {row}, column {column} of the strip, "
            f"but the palette has entries 0 to {entries - 1}",
            expected=entries - 1,
            found=int(indices[row, column]),
        )
    return indices


def _unpack_group(packed: NDArray[np.uint8], width: int, bits: int) -> NDArray[Any]:
    if bits == 8:
        return packed
    if bits == 16:
        return np.ascontiguousarray(packed).view(">u2")
    ones = np.unpackbits(packed, axis=1)
    if ones[:, width * bits :].any():
        raise KmcFormatError("pad bits at the end of a row are not zero")
    ones = ones[:, : width * bits].reshape(len(packed), width, bits)
    indices = np.zeros(ones.shape[:2], np.uint16)
    for bit in range(bits):
        indices = (indices << 1) | ones[:, :, bit]
    return indices


class Packed:
    """Coding method 0: ceil(log2 K) bits an index."""

    number = 0
    name = coder = "packed"
    effort = None

    def encode(self, indices: NDArray[Any], palette: NDArray[np.uint8]) -> bytes:
        """Code a strip; see `Coding`."""
        return pack_rows(indices, bits_for(len(palette)))

    def decode(
        self,
        payload: bytes,
        rows: int,
        width: int,
        palette: NDArray[np.uint8],
        stop: int | None = None,
    ) -> NDArray[Any]:
        """Decode a strip; see `Coding`."""
        return unpack_rows(payload, rows, width, len(palette), bits_for(len(palette)), stop)
