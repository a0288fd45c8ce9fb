"""Animations of other formats, block by block, so that each can be as odd as a test needs it."""

from __future__ import annotations

import io
import itertools
import os
import shutil
import struct
import subprocess
import zlib

import numpy as np
import pytest
from PIL import Image

from kmcodec.model.pixels import to_channels

COLORS = {"K": (0, 0, 0), "R": (255, 0, 0), "G": (0, 255, 0), "B": (0, 0, 255)}
CLEAR = (0, 0, 0, 0)


def drawn(*rows):
    """Pixels (H, W, 4) from letters: those of COLORS, and a dot for clear."""
    colors = {".": CLEAR} | {letter: (*color, 255) for letter, color in COLORS.items()}
    return np.array([[colors[letter] for letter in row] for row in rows], np.uint8)


def gif(size, frames, *, loop=None, comment=b"", end=b";"):
    """A GIF89a whose table has the entries K, R, G and B."""
    table = bytes(sum(COLORS.values(), ()))
    parts = [struct.pack("<6sHHBBB", b"GIF89a", *size, 0x81, 1, 0) + table]
    if loop is not None:
        parts.append(b"!\xff\x0bNETSCAPE2.0\x03\x01" + struct.pack("<HB", loop, 0))
    parts += frames
    if comment:
        parts.append(b"!\xfe" + bytes([len(comment)]) + comment + b"\0")
    return b"".join([*parts, end])


def frame(rows, at=(0, 0), *, disposal=0, clear=None, delay=10, table=""):
    """A frame of a GIF; `clear` is the letter of the entry that is not drawn."""
    letters = table or "KRGB"
    pixels = np.array([[letters.index(letter) for letter in row] for row in rows], np.uint8)
    flags = disposal << 2 | (clear is not None)
    entry = letters.index(clear) if clear else 0
    height, width = pixels.shape
    own = b"".join(bytes(COLORS[letter]) for letter in table)
    return (
        b"!\xf9\x04"
        + struct.pack("<BHBB", flags, delay, entry, 0)
        + struct.pack("<BHHHHB", 0x2C, *at, width, height, 0x81 if table else 0)
        + own
        + b"\x02"
        + Image.fromarray(pixels).tobytes("gif", "L", 2, 0)
        + b"\0"
    )


def apng(picture, frames, *, loop=0, first=(0, 0)):
    """An animated PNG of pixels or Pillow's images.

    `frames` are tuples: what is drawn, where, its disposal and its blending. `first` are those of
    the first picture; None if it is for those who show no animations.
    """
    count = len(frames) + (first is not None)
    chunks = [_chunk(b"acTL", struct.pack(">II", count, loop))]
    numbers = itertools.count()
    if first is not None:
        chunks.append(_control(next(numbers), picture, (0, 0), *first))
    head, data = _png(picture)
    chunks.append(_chunk(b"IDAT", data))
    for part, at, disposal, blending in frames:
        chunks.append(_control(next(numbers), part, at, disposal, blending))
        chunks.append(_chunk(b"fdAT", struct.pack(">I", next(numbers)) + _png(part)[1]))
    return head + b"".join(chunks) + _chunk(b"IEND", b"")


def _control(number, picture, at, disposal, blending):
    height, width = np.asarray(picture).shape[:2]
    values = number, width, height, *at, 10, 100, disposal, blending
    return _chunk(b"fcTL", struct.pack(">IIIIIHHBB", *values))


def _png(picture):
    stream = io.BytesIO()
    image = picture if isinstance(picture, Image.Image) else Image.fromarray(picture)
    image.save(stream, "PNG")
    data = stream.getvalue()
    at = data.index(b"IDAT")
    (length,) = struct.unpack(">I", data[at - 4 : at])
    return data[: at - 4], data[at + 4 : at + 4 + length]


def _chunk(kind, content):
    crc = struct.pack(">I", zlib.crc32(kind + content))
    return struct.pack(">I", len(content)) + kind + content + crc


def seen(image):
    """The pixels (H, W, 4) of a frame, clear ones black."""
    pixels = np.asarray(image) if not hasattr(image, "to_array") else image.to_array()
    height, width = pixels.shape[:2]
    flat = np.array(to_channels(pixels.reshape(height * width, -1), 4))
    flat[flat[:, 3] == 0] = 0
    return flat.reshape(height, width, 4)


def gifsicle(*args, data):
    """What gifsicle says of a GIF; the test is skipped where it need not be there."""
    if shutil.which("gifsicle") is None and os.environ.get("KMC_REQUIRE_GIFSICLE") != "1":
        pytest.skip("gifsicle is not there")
    run = subprocess.run(["gifsicle", *args], input=data, capture_output=True, check=True)
    assert not run.stderr
    return run.stdout
