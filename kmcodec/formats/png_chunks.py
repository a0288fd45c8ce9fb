"""Read the chunks of a PNG before its pixels, including those that Pillow skips."""

from __future__ import annotations

from struct import Struct
from typing import IO

__all__ = ["header_chunks"]

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_HEAD = Struct(">I4s")
# The chunks come before the first of these.
_LATER = (b"IDAT", b"fdAT", b"IEND")
# The chunks in use have at most 32 bytes, or only their presence matters.
_MOST_BYTES = 32
_MOST_CHUNKS = 1 << 16


def header_chunks(stream: IO[bytes]) -> dict[str, bytes]:
    """Read the chunks of a PNG that come before its pixels.

    Parameters
    ----------
    stream : binary file
        A PNG, still or animated; always read from its first byte.

    Returns
    -------
    dict of str to bytes
        The first 32 bytes of the first chunk of each kind. Empty if the file is not a PNG.
    """
    stream.seek(0)
    found: dict[str, bytes] = {}
    if stream.read(len(_SIGNATURE)) != _SIGNATURE:
        return found
    at = len(_SIGNATURE)
    for _ in range(_MOST_CHUNKS):
        head = stream.read(_HEAD.size)
        if len(head) < _HEAD.size:
            break
        length, kind = _HEAD.unpack(head)
        if kind in _LATER:
            break
        content = stream.read(min(length, _MOST_BYTES))
        found.setdefault(kind.decode("latin-1"), content)
        at += _HEAD.size + length + 4
        stream.seek(at)
    return found
