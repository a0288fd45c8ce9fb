"""PNG files, chunk by chunk, and what their pixels mean."""

from __future__ import annotations

import struct
import zlib

import numpy as np

CHANNELS = {0: 1, 2: 3, 4: 2, 6: 4}


def chunk(kind, content):
    crc = struct.pack(">I", zlib.crc32(kind + content))
    return struct.pack(">I", len(content)) + kind + content + crc


def png(samples, depth=8, *before):
    """A PNG of integer samples (H, W) or (H, W, C), with more chunks between IHDR and IDAT."""
    rows = np.asarray(samples)
    channels = 1 if rows.ndim == 2 else rows.shape[2]
    kind = {count: number for number, count in CHANNELS.items()}[channels]
    height, width = rows.shape[:2]
    lines = []
    for row in rows.reshape(height, -1):
        bits = "".join(f"{sample:0{depth}b}" for sample in row.tolist())
        bits += "0" * (-len(bits) % 8)
        lines.append(b"\0" + int(bits, 2).to_bytes(len(bits) // 8, "big"))
    head = struct.pack(">IIBBBBB", width, height, depth, kind, 0, 0, 0)
    chunks = [chunk(b"IHDR", head), *before, chunk(b"IDAT", zlib.compress(b"".join(lines)))]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks) + chunk(b"IEND", b"")


def key(*samples):
    return chunk(b"tRNS", struct.pack(f">{len(samples)}H", *samples))


def gama(power):
    return chunk(b"gAMA", struct.pack(">I", round(power * 100_000)))


def chrm(*chromaticities):
    return chunk(b"cHRM", struct.pack(">8I", *(round(each * 100_000) for each in chromaticities)))


def expanded(samples, depth):
    """Samples of 8 bits, each the nearest to what they are of the brightest, halves up."""
    return ((np.asarray(samples, np.uint64) * 510 + 2**depth - 1) // (2 * (2**depth - 1))).astype(
        np.uint8
    )
