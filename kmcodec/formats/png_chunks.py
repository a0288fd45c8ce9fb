"""The chunks of a PNG that tell how its pixels are to be shown, also those that Pillow skips."""

from __future__ import annotations

from struct import Struct
from typing import IO

__all__ = ["header_chunks"]

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_HEAD = Struct(">I4s")
# They stand before the first of these.
_LATER = (b"IDAT", b"fdAT", b"IEND")
# Those that are asked for have 32 bytes at most, or are only looked at whether they are there.
_MOST_BYTES = 32
_MOST_CHUNKS = 1 << 16


def header_chunks(stream: IO[bytes]) -> dict[str, bytes]:
    """Read the chunks of a PNG that stand before its pixels.

    Parameters
    ----------
    stream : binary file
        Of a PNG, still or animated, from its first byte; read from there, wherever it stands.

    Returns
    -------
    dict of str to bytes
        The first 32 bytes of the first chunk of each kind. Empty for what is no PNG.
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
