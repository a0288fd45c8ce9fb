"""Read PNG and TIFF row by row, if the library libvips is installed."""

from __future__ import annotations

import functools
import io
import struct
import zlib
from collections.abc import Callable, Iterator
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, TiffImagePlugin

from kmcodec.errors import KmcInputError
from kmcodec.formats.faults import image_fault
from kmcodec.formats.file_facts import keep_facts

__all__ = ["can_stream", "image_rows", "streamable"]

_PNG = b"\x89PNG\r\n\x1a\n"
_TIFF = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_CHUNK = struct.Struct(">I4s")
_ORIENTATION = 0x0112
_MODES = ("L", "LA", "RGB", "RGBA")

# Pixels to read at a time.
_BLOCK = 1 << 20


@functools.cache
def can_stream() -> bool:
    """Whether libvips is installed (``pip install 'kmcodec[large]'``)."""
    try:
        import pyvips  # noqa: F401
    except (ImportError, OSError):
        return False
    return True


def streamable(stream: IO[bytes]) -> tuple[Image.Image, tuple[int, int]] | None:
    """Open a file if reading it row by row gives the same pixels as Pillow.

    Such files are non-interlaced PNG, and TIFF, upright, with 8-bit samples, grey or colour, with
    or without alpha. No pixels are read.

    Parameters
    ----------
    stream : binary file
        At its start.

    Returns
    -------
    (PIL.Image.Image, (int, int)) or None
        An image with the file's metadata, and the file's width and height.
    """
    start = stream.read(8)
    stream.seek(0)
    try:
        if start == _PNG:
            return _png(stream)
        if start.startswith(_TIFF):
            return _tiff(stream)
    except Exception:  # reading it as a whole reports the error
        return None
    return None


def image_rows(path: str, width: int, height: int) -> Callable[[], Iterator[NDArray[np.uint8]]]:
    """Return a callable that reads a file's pixels in blocks of rows.

    Raises
    ------
    KmcInputError
        If the file is damaged, raised while reading blocks.
    """
    rows = max(1, _BLOCK // width)

    def read() -> Iterator[NDArray[np.uint8]]:
        import pyvips

        try:
            image: Any = pyvips.Image.new_from_file(path, access="sequential", fail_on="truncated")
            region = pyvips.Region.new(image)
            for first in range(0, height, rows):
                count = min(rows, height - first)
                samples = np.frombuffer(region.fetch(0, first, width, count), np.uint8)
                yield samples.reshape(count, width, -1)
        except pyvips.Error as error:
            raise KmcInputError(image_fault(error.detail)) from error

    return read


def _png(stream: IO[bytes]) -> tuple[Image.Image, tuple[int, int]] | None:
    """Read metadata from a copy of one pixel, as Pillow would read all pixels to reach them."""
    stream.seek(len(_PNG))
    chunks, size, kind = [_PNG], (0, 0), ""
    while True:
        length, name = _CHUNK.unpack(stream.read(_CHUNK.size))
        if name == b"IDAT":
            if not kind:
                return None
            if chunks[-1] != b"IDAT":
                chunks.append(b"IDAT")
            stream.seek(length + 4, io.SEEK_CUR)
            continue
        data = stream.read(length)
        stream.seek(4, io.SEEK_CUR)
        if name == b"IHDR":
            *size_, depth, color, _, _, interlaced = struct.unpack(">IIBBBBB", data)
            if depth != 8 or color not in (0, 2, 4, 6) or interlaced:
                return None
            size, kind = (size_[0], size_[1]), {0: "L", 2: "RGB", 4: "LA", 6: "RGBA"}[color]
            data = struct.pack(">II", 1, 1) + data[8:]
        elif name in (b"tRNS", b"acTL"):
            return None
        chunks.append(_chunk(name, data))
        if name == b"IEND":
            break
    pixel = _chunk(b"IDAT", zlib.compress(bytes(1 + len(kind))))
    skeleton = b"".join(pixel if chunk == b"IDAT" else chunk for chunk in chunks)
    image = Image.open(io.BytesIO(skeleton))
    keep_facts(image)
    image.load()
    return (image, size) if _is_upright(image) else None


def _tiff(stream: IO[bytes]) -> tuple[Image.Image, tuple[int, int]] | None:
    # Not by Image.open, which refuses large images.
    image = TiffImagePlugin.TiffImageFile(stream)
    how: Any = image.tile[0][3]
    plain = image.mode in _MODES and how[0] == image.mode
    if not plain or image.info.get("compression") == "jpeg" or not _is_upright(image):
        return None
    return image, image.size


def _is_upright(image: Image.Image) -> bool:
    return bool(image.getexif().get(_ORIENTATION, 1) == 1)


def _chunk(name: bytes, data: bytes) -> bytes:
    return _CHUNK.pack(len(data), name) + data + struct.pack(">I", zlib.crc32(name + data))
