"""Label streams: chunks of labels without the frame of a file (spec/labels.md, section 10).

A chunk of 256 x 256 labels often takes less than a kilobyte. Header, palette and sections of a
`.kmc` file would add a tenth to it, and most of the time to read a small window.
"""

from __future__ import annotations

import math
import zlib
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kmcodec.coding import AUTO, Coding, coding_by_number, coding_named, codings_of_labels
from kmcodec.errors import KmcFormatError, KmcLimitError
from kmcodec.model.image import MAX_COLORS, index_dtype
from kmcodec.model.label_images import MOST_IN_ENTRIES, check_dtype, in_runs, ranked, span_of
from kmcodec.model.ramp import ramp

__all__ = ["decode_stream", "encode_stream", "is_stream"]

_VERSION = 1
_DTYPES = tuple(
    map(
        np.dtype,
        [
            "|b1",
            "|i1",
            "|u1",
            "<i2",
            "<u2",
            ">i2",
            ">u2",
            "<i4",
            "<u4",
            ">i4",
            ">u4",
            "<i8",
            "<u8",
            ">i8",
            ">u8",
        ],
    )
)
_MOST_AXES = 32
_RAW, _ZLIB = 0, 16
# An axis becomes the first if labels change so many times as often along it as along the others.
_ROUGH = 1.25


def is_stream(data: bytes) -> bool:
    """Return True if data begin as a label stream does, rather than a `.kmc` file."""
    return data[:1] == bytes([_VERSION])


def encode_stream(labels: NDArray[Any], coding: str, effort: str) -> bytes | None:
    """Encode an array of labels as a label stream.

    Parameters
    ----------
    labels : ndarray of bool or integer, any shape
    coding, effort : str
        See `kmcodec.encode`, but ``"auto"`` takes what is quick to decode: for labels in runs the
        label coder, for others effort ``"fast"``.

    Returns
    -------
    bytes or None
        None if a stream cannot hold the array: no element, more than 65,536 values or 32 axes, or
        noise of more than 4,096 values.

    Raises
    ------
    KmcInputError
        If the labels are of another type.
    """
    check_dtype(labels)
    if not labels.size or labels.ndim > _MOST_AXES:
        return None
    front = _roughest_axis(labels)
    found = ranked(np.moveaxis(labels, front, 0) if front else labels)
    if found is None:
        return None
    values, ranks = found
    indices = ranks.reshape(math.prod(ranks.shape[:-1]), -1)
    indices = indices.astype(index_dtype(len(values)), copy=False)
    has_runs = in_runs(indices)
    if len(values) > MOST_IN_ENTRIES and not has_runs:
        return None
    methods = _methods_for(coding, effort, ranks, has_runs)
    coded = [(method.encode(indices, ramp(len(values))), method.number) for method in methods]
    payload, number = min(coded, key=lambda pair: len(pair[0]))
    head = bytes([_VERSION, number, _DTYPES.index(labels.dtype), labels.ndim])
    head += b"".join(map(_number, labels.shape))
    if labels.ndim > 2:
        head += bytes([front])
    stream = head + _values_to_bytes(values, span_of(labels.dtype)[0]) + payload
    return stream + zlib.crc32(stream).to_bytes(4, "little")


def decode_stream(data: bytes, max_labels: int | None) -> NDArray[Any]:
    """Decode a label stream.

    Parameters
    ----------
    data : bytes
    max_labels : int or None
        The most labels.

    Returns
    -------
    ndarray
        With the original shape, dtype and byte order.

    Raises
    ------
    KmcFormatError
        If the stream is damaged or truncated.
    KmcLimitError
        If it has more labels.
    """
    if len(data) < 8:
        raise KmcFormatError("label stream: truncated", offset=len(data))
    reader = _Reader(data)
    if zlib.crc32(data[:-4]) != int.from_bytes(data[-4:], "little"):
        raise KmcFormatError("label stream: the CRC does not match")
    if reader.byte() != _VERSION:
        raise KmcFormatError("label stream: not supported: another version")
    method = coding_by_number(reader.byte())
    if method is None:
        raise KmcFormatError("label stream: not supported: another coding method")
    number, axes = reader.byte(), reader.byte()
    if number >= len(_DTYPES) or axes > _MOST_AXES:
        raise KmcFormatError("label stream: an unknown dtype, or more than 32 axes")
    dtype = _DTYPES[number]
    shape = [reader.number() for _ in range(axes)]
    front = reader.byte() if axes > 2 else 0
    size = math.prod(shape)
    if not size or front >= max(1, axes):
        raise KmcFormatError("label stream: an axis of no labels, or a first axis that is none")
    if max_labels is not None and size > max_labels:
        raise KmcLimitError(f"{size:,} labels exceed the limit of {max_labels:,}")
    values = _values_from(reader, dtype)
    if front:
        shape.insert(0, shape.pop(front))
    width = shape[-1] if shape else 1
    indices = method.decode(reader.rest(), size // width, width, ramp(len(values)))
    labels = values.take(indices).reshape(shape)
    return np.ascontiguousarray(np.moveaxis(labels, 0, front)) if front else labels


def _methods_for(
    coding: str, effort: str, ranks: NDArray[Any], has_runs: bool
) -> tuple[Coding, ...]:
    """Return the coding methods of which the one that makes the fewest bytes is to be used."""
    if coding == "labels" or has_runs:
        return codings_of_labels(coding, effort, ranks.shape[-2] if ranks.ndim > 2 else 0)
    return (coding_named(coding, "fast" if effort == AUTO else effort),)


def _roughest_axis(labels: NDArray[Any]) -> int:
    """Return the axis of a volume along which labels change most, if by far; else 0."""
    if labels.ndim != 3 or min(labels.shape) < 2:
        return 0
    sample = labels[tuple(slice(0, 64) for _ in labels.shape)]
    changes = []
    for axis in range(3):
        along = np.moveaxis(sample, axis, 0)
        changes.append(int(np.count_nonzero(along[1:] != along[:-1])) / (len(along) - 1))
    first = max(range(3), key=changes.__getitem__)
    return first if changes[first] > _ROUGH * max(changes[:first] + changes[first + 1 :]) else 0


def _number(value: int) -> bytes:
    """Return a number in groups of seven bits, the lowest first; the last byte is below 128."""
    groups = bytearray()
    while value > 127:
        groups.append(128 | value & 127)
        value >>= 7
    groups.append(value)
    return bytes(groups)


def _values_to_bytes(values: list[int], least: int) -> bytes:
    """Return the number of values, the first, and the gaps between them by planes of bytes."""
    gaps = np.diff(np.array([value - values[0] for value in values], np.uint64)) - np.uint64(1)
    size = -(-int(gaps.max(initial=0)).bit_length() // 8)
    planes = gaps.astype("<u8").view(np.uint8).reshape(-1, 8)[:, :size].T.tobytes()
    packed = zlib.compress(planes, 9)
    head = _number(len(values) - 1) + _number(values[0] - least)
    if len(packed) + 2 < len(planes):
        return head + bytes([_ZLIB | size]) + _number(len(packed)) + packed
    return head + bytes([_RAW | size]) + planes


def _values_from(reader: _Reader, dtype: np.dtype[Any]) -> NDArray[Any]:
    """Undo `_values_to_bytes`.

    Raises
    ------
    KmcFormatError
    """
    least, most = span_of(dtype)
    count, first = reader.number() + 1, least + reader.number()
    form = reader.byte()
    size, due = form & 15, (form & 15) * (count - 1)
    if count > MAX_COLORS or size > 8 or form & ~15 not in (_RAW, _ZLIB):
        raise KmcFormatError("label stream: the table of values is malformed")
    planes = reader.take(due) if form < _ZLIB else _inflated(reader.take(reader.number()), due)
    gaps = np.zeros((count - 1, 8), np.uint8)
    gaps[:, :size] = np.frombuffer(planes, np.uint8).reshape(size, count - 1).T
    distances = gaps.view("<u8")[:, 0]
    if first + sum(distances.tolist()) + count - 1 > most:
        raise KmcFormatError(f"label stream: a value is outside {dtype}")
    # Modulo 2**64, as in two's complement.
    values = np.full(count, first % (1 << 64), np.uint64)
    values[1:] += np.cumsum(distances + np.uint64(1), dtype=np.uint64)
    return values.astype(dtype)


def _inflated(packed: bytes, size: int) -> bytes:
    inflater = zlib.decompressobj()
    try:
        data = inflater.decompress(packed, size + 1)
    except zlib.error:
        raise KmcFormatError("label stream: the zlib stream is damaged") from None
    if len(data) != size or not inflater.eof or inflater.unused_data:
        raise KmcFormatError("label stream: the table of values has another size")
    return data


class _Reader:
    """Take parts of a stream from its start on.

    Raises
    ------
    KmcFormatError
        From all methods, if the stream ends before.
    """

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def take(self, size: int) -> bytes:
        """Return the next bytes."""
        if size > len(self._data) - 4 - self._at:
            raise KmcFormatError("label stream: truncated", offset=len(self._data))
        self._at += size
        return self._data[self._at - size : self._at]

    def byte(self) -> int:
        """Return the next byte."""
        return self.take(1)[0]

    def number(self) -> int:
        """Return the next number; see `_number`."""
        value = 0
        for shift in range(0, 64, 7):
            byte = self.byte()
            value |= (byte & 127) << shift
            if byte < 128:
                if value >= 1 << 64 or (not byte and shift):
                    break
                return value
        raise KmcFormatError("label stream: a number is malformed")

    def rest(self) -> bytes:
        """Return all bytes up to the CRC."""
        return self.take(len(self._data) - 4 - self._at)
