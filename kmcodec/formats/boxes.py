"""Read the boxes of AVIF and JPEG 2000 with depth and colours, which Pillow skips."""

from __future__ import annotations

from collections.abc import Iterator
from struct import Struct
from typing import IO

__all__ = ["header_boxes"]

_HEAD, _LONG = Struct(">I4s"), Struct(">Q")
_TO_THE_END, _IS_LONG = 0, 1
# Boxes that hold other boxes, and how many bytes of their own come first.
_NESTS = {b"meta": 4, b"iprp": 0, b"ipco": 0, b"jp2h": 0}
# A colour profile is the longest content needed.
_MOST_BYTES = 16 << 20
_MOST_BOXES, _DEEPEST = 1 << 12, 8
_CODESTREAM = b"\xff\x4f\xff\x51"
_SIZE_FIELDS = 200


def header_boxes(stream: IO[bytes]) -> list[tuple[str, bytes]]:
    """Read the boxes that describe an image.

    Parameters
    ----------
    stream : binary file
        Of ISO/IEC 14496-12 or JP2; always read from its first byte. The start of a bare JPEG 2000
        codestream counts as a box "SIZ".

    Returns
    -------
    list of (str, bytes)
        Kind and content of each box without inner boxes, in order.
    """
    end = stream.seek(0, 2)
    stream.seek(0)
    if stream.read(4) == _CODESTREAM:
        return [("SIZ", stream.read(_SIZE_FIELDS))]
    found: list[tuple[str, bytes]] = []
    for kind, start, stop in _boxes(stream, 0, end):
        if len(found) >= _MOST_BOXES:
            break
        if kind != b"mdat" and stop - start <= _MOST_BYTES:
            stream.seek(start)
            found.append((kind.decode("latin-1"), stream.read(stop - start)))
    return found


def _boxes(
    stream: IO[bytes], at: int, end: int, depth: int = 0
) -> Iterator[tuple[bytes, int, int]]:
    """Yield kind, and start and end of the content, of each box and its inner boxes."""
    while at + _HEAD.size <= end:
        stream.seek(at)
        length, kind = _HEAD.unpack(stream.read(_HEAD.size))
        start = at + _HEAD.size
        if length == _IS_LONG:
            if start + _LONG.size > end:
                return
            (length,) = _LONG.unpack(stream.read(_LONG.size))
            start += _LONG.size
        stop = end if length == _TO_THE_END else at + length
        if stop < start or stop > end:
            return  # not a box: the file is damaged or cut off
        if kind in _NESTS:
            if depth < _DEEPEST:
                yield from _boxes(stream, start + _NESTS[kind], stop, depth + 1)
        elif kind == b"jp2c":
            return
        else:
            yield kind, start, stop
        at = stop
