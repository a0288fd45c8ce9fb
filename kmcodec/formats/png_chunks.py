"""Chunks of a PNG that Pillow skips, read from the file of an image that it has opened."""

from __future__ import annotations

import functools
import io
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from struct import Struct
from typing import IO, Any

from PIL import Image

__all__ = ["header_chunks", "keep_png_chunks", "png_chunks_of"]

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_HEAD, _SIZE = Struct(">I4s"), Struct(">II")
# Chunks that tell how pixels are to be shown stand before the first of these.
_LATER = (b"IDAT", b"fdAT", b"IEND")
# Those that are asked for have 32 bytes at most, or are only looked at whether they are there.
_MOST_BYTES = 32
_MOST_CHUNKS = 1 << 16
_KEPT = "chunks of the PNG"


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


def keep_png_chunks(image: Image.Image) -> None:
    """Let an image that nobody else sees have its chunks by it, before Pillow closes its file."""
    image.info[_KEPT] = png_chunks_of(image)


def png_chunks_of(image: Image.Image) -> Mapping[str, bytes]:
    """The chunks of a PNG that Pillow has opened; see `header_chunks`.

    Parameters
    ----------
    image : PIL.Image.Image
        It does not change, nor does the place at which its file is read.

    Returns
    -------
    mapping of str to bytes
        Empty if it was not read from a PNG, and where the file is gone: one that was given as a
        stream is, once that is closed, and one of a name, once another file has that name.
    """
    kept = image.info.get(_KEPT)
    if isinstance(kept, dict):
        return kept
    if image.format != "PNG":
        return {}
    for opened in _files_of(image):
        try:
            with opened() as stream:
                chunks = header_chunks(stream)
        except (OSError, ValueError, AttributeError):  # closed, gone, or no file to be read so
            continue
        if _is_of(chunks, image):
            return chunks
    return {}


def _files_of(image: Image.Image) -> Iterator[Callable[[], AbstractContextManager[IO[bytes]]]]:
    """Whatever may open the file of an image."""
    # Once an image is loaded, Pillow has the file of a stream under the second name only.
    for name in ("fp", "_fp"):
        yield functools.partial(_at_its_place, getattr(image, name, None))
    name = getattr(image, "filename", "")
    if name and os.path.isfile(name):
        yield functools.partial(io.FileIO, name)


@contextmanager
def _at_its_place(stream: Any) -> Iterator[IO[bytes]]:
    place = stream.tell()
    try:
        yield stream
    finally:
        stream.seek(place)


def _is_of(chunks: Mapping[str, bytes], image: Image.Image) -> bool:
    header = chunks.get("IHDR", b"")
    # An image may have been turned since.
    return len(header) == 13 and _SIZE.unpack_from(header) in (image.size, image.size[::-1])
