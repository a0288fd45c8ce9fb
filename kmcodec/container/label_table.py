"""Dtype, shape and ids of an array of labels, as files and streams store them.

See spec/labels.md, section 10.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kmcodec.model.image import MAX_COLORS
from kmcodec.model.label_array import DTYPES, MOST_AXES, span_of

__all__ = ["TableReader", "first_to_bytes", "kind_to_bytes", "values_to_bytes"]

_RAW, _ZLIB = 0, 16


def kind_to_bytes(dtype: np.dtype[Any], shape: Sequence[int]) -> bytes:
    """Return dtype, number of axes and their lengths."""
    return bytes([DTYPES.index(dtype), len(shape)]) + b"".join(map(_number, shape))


def first_to_bytes(first: int, dtype: np.dtype[Any]) -> bytes:
    """Return the least value."""
    return _number(first - span_of(dtype)[0])


def values_to_bytes(values: Sequence[int], dtype: np.dtype[Any]) -> bytes:
    """Return the number of values, the first, and the gaps between them by planes of bytes.

    Parameters
    ----------
    values : sequence of int
        At least one; they ascend.
    dtype : numpy.dtype
    """
    gaps = np.diff(np.array([value - values[0] for value in values], np.uint64)) - np.uint64(1)
    size = -(-int(gaps.max(initial=0)).bit_length() // 8)
    planes = gaps.astype("<u8").view(np.uint8).reshape(-1, 8)[:, :size].T.tobytes()
    packed = zlib.compress(planes, 9)
    head = _number(len(values) - 1) + first_to_bytes(values[0], dtype)
    if len(packed) + 2 < len(planes):
        return head + bytes([_ZLIB | size]) + _number(len(packed)) + packed
    return head + bytes([_RAW | size]) + planes


class TableReader:
    """Take parts of a table from its start on.

    Parameters
    ----------
    data : bytes

    Raises
    ------
    ValueError
        From all methods, if the data end before, or are malformed.
    """

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def take(self, size: int) -> bytes:
        """Return the next bytes."""
        if size > len(self._data) - self._at:
            raise ValueError("truncated")
        self._at += size
        return self._data[self._at - size : self._at]

    def byte(self) -> int:
        """Return the next byte."""
        return self.take(1)[0]

    def rest(self) -> bytes:
        """Return all further bytes."""
        return self.take(len(self._data) - self._at)

    def kind(self) -> tuple[np.dtype[Any], tuple[int, ...]]:
        """Undo `kind_to_bytes`."""
        number, axes = self.byte(), self.byte()
        if number >= len(DTYPES) or axes > MOST_AXES:
            raise ValueError(f"an unknown dtype, or more than {MOST_AXES} axes")
        return DTYPES[number], tuple(self._number() for _ in range(axes))

    def first(self, dtype: np.dtype[Any]) -> int:
        """Undo `first_to_bytes`."""
        least, most = span_of(dtype)
        first = least + self._number()
        if first > most:
            raise ValueError(f"a value is outside {dtype}")
        return first

    def values(self, dtype: np.dtype[Any]) -> NDArray[Any]:
        """Undo `values_to_bytes`."""
        count, first = self._number() + 1, self.first(dtype)
        form = self.byte()
        size, due = form & 15, (form & 15) * (count - 1)
        if count > MAX_COLORS or size > 8 or form & ~15 not in (_RAW, _ZLIB):
            raise ValueError("the table of values is malformed")
        planes = self.take(due) if form < _ZLIB else _inflated(self.take(self._number()), due)
        gaps = np.zeros((count - 1, 8), np.uint8)
        gaps[:, :size] = np.frombuffer(planes, np.uint8).reshape(size, count - 1).T
        distances = gaps.view("<u8")[:, 0]
        if first + sum(distances.tolist()) + count - 1 > span_of(dtype)[1]:
            raise ValueError(f"a value is outside {dtype}")
        # Modulo 2**64, as in two's complement.
        values = np.full(count, first % (1 << 64), np.uint64)
        values[1:] += np.cumsum(distances + np.uint64(1), dtype=np.uint64)
        return values.astype(dtype)

    def _number(self) -> int:
        """Undo the function `_number`."""
        value = 0
        for shift in range(0, 64, 7):
            byte = self.byte()
            value |= (byte & 127) << shift
            if byte < 128:
                if value >= 1 << 64 or (not byte and shift):
                    break
                return value
        raise ValueError("a number is malformed")


def _number(value: int) -> bytes:
    """Return a number in groups of seven bits, the lowest first; the last byte is below 128."""
    groups = bytearray()
    while value > 127:
        groups.append(128 | value & 127)
        value >>= 7
    groups.append(value)
    return bytes(groups)


def _inflated(packed: bytes, size: int) -> bytes:
    inflater = zlib.decompressobj()
    try:
        data = inflater.decompress(packed, size + 1)
    except zlib.error:
        raise ValueError("the zlib stream is damaged") from None
    if len(data) != size or not inflater.eof or inflater.unused_data:
        raise ValueError("the table of values has another size")
    return data
