"""Label streams: chunks of labels without the frame of a file (spec/labels.md, section 10).

A chunk of 256 x 256 labels often takes less than a kilobyte. Header, palette and sections of a
`.kmc` file would add more than 50 bytes to it, and most of the time to read a small window.
"""

from __future__ import annotations

import math
import zlib
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kmcodec.coding import AUTO, Coding, coding_by_number, coding_named, codings_of_labels
from kmcodec.container.label_table import TableReader, kind_to_bytes, values_to_bytes
from kmcodec.errors import KmcFormatError, KmcLimitError
from kmcodec.model.image import index_dtype
from kmcodec.model.label_array import MOST_AXES
from kmcodec.model.label_images import MOST_IN_ENTRIES, check_dtype, in_runs, ranked
from kmcodec.model.ramp import ramp

__all__ = ["decode_stream", "encode_stream", "is_stream"]

_VERSION = 1
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
    if not labels.size or labels.ndim > MOST_AXES:
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
    head = bytes([_VERSION, number]) + kind_to_bytes(labels.dtype, labels.shape)
    if labels.ndim > 2:
        head += bytes([front])
    stream = head + values_to_bytes(values, labels.dtype) + payload
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
    if zlib.crc32(data[:-4]) != int.from_bytes(data[-4:], "little"):
        raise KmcFormatError("label stream: the CRC does not match")
    try:
        head = _Head.read(TableReader(data[:-4]), max_labels)
    except ValueError as error:
        raise KmcFormatError(f"label stream: {error}") from None
    shape, front, values = list(head.shape), head.front, head.values
    size = math.prod(shape)
    if front:
        shape.insert(0, shape.pop(front))
    width = shape[-1] if shape else 1
    indices = head.method.decode(head.payload, size // width, width, ramp(len(values)))
    labels = values[indices].reshape(shape)
    return np.ascontiguousarray(np.moveaxis(labels, 0, front)) if front else labels


@dataclass(frozen=True, eq=False)
class _Head:
    """What a stream says before its payload."""

    method: Coding
    shape: tuple[int, ...]
    front: int
    values: NDArray[Any]
    payload: bytes

    @classmethod
    def read(cls, reader: TableReader, max_labels: int | None) -> _Head:
        """Read the parts of a stream without its CRC.

        Raises
        ------
        ValueError
            If one is malformed.
        KmcLimitError
            If there are more labels.
        """
        if reader.byte() != _VERSION:
            raise ValueError("not supported: another version")
        method = coding_by_number(reader.byte())
        if method is None:
            raise ValueError("not supported: another coding method")
        dtype, shape = reader.kind()
        front = reader.byte() if len(shape) > 2 else 0
        size = math.prod(shape)
        if not size or front >= max(1, len(shape)):
            raise ValueError("an axis of no labels, or a first axis that is none")
        if max_labels is not None and size > max_labels:
            raise KmcLimitError(f"{size:,} labels exceed the limit of {max_labels:,}")
        return cls(method, shape, front, reader.values(dtype), reader.rest())


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
