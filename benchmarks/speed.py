"""Megapixels a second of `.kmc` and of other formats, for `index_size.py`."""

from __future__ import annotations

import math
import multiprocessing
import os
import time
import zlib
from collections.abc import Callable, Iterable

import numpy as np
from peers import (
    from_jpeg_xl,
    from_pillow_format,
    jpeg_xl_samples,
    to_jpeg_xl,
    to_oxipng,
    to_webp,
)

import kmcodec

__all__ = ["print_speeds", "print_threads"]

BIG = 12_000_000  # Pixels from which threads are measured.

Codec = tuple[Callable[[], bytes], Callable[[bytes], object]]


def print_speeds(
    images: dict[str, kmcodec.IndexedImage], efforts: list[str], repeats: int, peers: list[str]
) -> dict[str, tuple[int, float]]:
    """Print how fast each image is encoded and decoded, as a Markdown table.

    Returns the bytes of all images and the megapixels a second of decoding them, by codec.
    """
    pixels, seconds, sizes = [], [], []
    for name, image in images.items():
        codecs = {f"kmc {effort}": kmc(image, effort) for effort in efforts}
        codecs |= {peer: PEER_CODECS[peer](image) for peer in PEER_CODECS if peer in peers}
        if not pixels:
            print(f"\n| MP/s, KMC_THREADS={os.environ['KMC_THREADS']} | MP | ", end="")
            print(" | ".join(f"{codec} encode | decode" for codec in codecs) + " |")
            print("|---|" + "---:|" * (1 + 2 * len(codecs)))
        pixels.append(image.indices.size)
        best, bytes_ = best_seconds(codecs.values(), repeats)
        seconds.append(best)
        sizes.append(bytes_)
        print_row(name, pixels[-1], seconds[-1])
    if len(images) > 1:
        print_row("*all: pixels over seconds*", sum(pixels), np.sum(seconds, axis=0))
        speeds = np.array(pixels)[:, np.newaxis, np.newaxis] / np.array(seconds)
        print_row("*slowest*", None, 1 / speeds.min(axis=0))
    decoded = sum(pixels) / np.sum(seconds, axis=0)[:, 1] / 1e6
    totals = np.sum(sizes, axis=0).tolist()
    return dict(zip(codecs, zip(totals, decoded.tolist(), strict=True), strict=True))


def print_row(name: str, pixels: int | None, seconds: np.ndarray) -> None:
    """Print a row from seconds, shape (codecs, 2): of encoding and of decoding."""
    speeds = (f"{(pixels or 1) / second / 1e6:.3g}" for second in np.ravel(seconds))
    size = "" if pixels is None else f"{pixels / 1e6:.3f}"
    print(f"| {name} | {size} | " + " | ".join(speeds) + " |", flush=True)


def kmc(image: kmcodec.IndexedImage, effort: str) -> Codec:
    """Image to file and back, with the context coder."""

    def encode() -> bytes:
        return kmcodec.encode(image, coding="context", effort=effort)

    return encode, kmcodec.decode_indexed


def jpeg_xl(image: kmcodec.IndexedImage) -> Codec:
    """Pixels to JPEG XL and back."""
    samples = jpeg_xl_samples(image)
    return lambda: to_jpeg_xl(samples), from_jpeg_xl


def by_pillow(encode: Callable[[kmcodec.IndexedImage], bytes]) -> Callable[..., Codec]:
    """A format that Pillow writes and reads."""
    return lambda image: (lambda: encode(image), lambda data: from_pillow_format(data, image))


# Those that are timed, by the names of `peers.py`.
PEER_CODECS = {
    "oxipng": by_pillow(to_oxipng),
    "WebP": by_pillow(to_webp),
    "JPEG XL e9": jpeg_xl,
}


def best_seconds(codecs: Iterable[Codec], repeats: int) -> tuple[np.ndarray, np.ndarray]:
    """The least seconds to encode and to decode, shape (codecs, 2), and the bytes of each codec.

    The codecs take turns, so that a busy moment of the machine does not meet one of them alone; and
    decode after all have encoded, as slow encoders leave other things in the caches.
    """
    codecs = list(codecs)
    best = np.full((len(codecs), 2), math.inf)
    files = [b""] * len(codecs)
    for _ in range(repeats):
        for row, (encode, _decode) in enumerate(codecs):
            start = time.perf_counter()
            files[row] = encode()
            best[row, 0] = min(best[row, 0], time.perf_counter() - start)
    for _ in range(repeats):
        for row, (_encode, decode) in enumerate(codecs):
            start = time.perf_counter()
            decode(files[row])
            best[row, 1] = min(best[row, 1], time.perf_counter() - start)
    sizes = np.array([len(data) for data in files])
    return best, sizes


def print_threads(name: str, image: kmcodec.IndexedImage, efforts: list[str], repeats: int) -> None:
    """Print what a second thread gains on an image that is tiled until it is big."""
    image = tiled(image)
    print(f"\n| {name} tiled, {image.width} x {image.height} | encode | decode |", end="")
    print(" encode, 2 threads | decode | gain, encode | decode |")
    print("|---|" + "---:|" * 6)
    for effort in efforts:
        one, two = (in_process(threads, image, effort, repeats) for threads in (1, 2))
        if one[1] != two[1]:
            raise RuntimeError(f"{effort}: the bytes depend on the number of threads")
        seconds = np.concatenate([one[0], two[0]])
        cells = [f"{image.indices.size / second / 1e6:.3g}" for second in seconds]
        cells += [f"{gain:.2f}" for gain in one[0] / two[0]]
        print(f"| {effort}, MP/s | " + " | ".join(cells) + " |", flush=True)


def tiled(image: kmcodec.IndexedImage) -> kmcodec.IndexedImage:
    """An image beside and below itself until it is big, in about its own proportions."""
    scale = math.sqrt(BIG / image.indices.size)
    down = max(1, round(scale))
    across = max(1, math.ceil(BIG / (image.indices.size * down)))
    return kmcodec.IndexedImage(image.palette, np.tile(image.indices, (down, across)))


def in_process(
    threads: int, image: kmcodec.IndexedImage, effort: str, repeats: int
) -> tuple[np.ndarray, int]:
    """Seconds and the file's CRC from a process of its own: kmcodec asks for threads only once."""
    before = os.environ["KMC_THREADS"]
    os.environ["KMC_THREADS"] = str(threads)
    try:
        with multiprocessing.get_context("spawn").Pool(1) as pool:
            return pool.apply(measured, (image.palette, image.indices, effort, repeats))
    finally:
        os.environ["KMC_THREADS"] = before


def measured(
    palette: np.ndarray, indices: np.ndarray, effort: str, repeats: int
) -> tuple[np.ndarray, int]:
    """Seconds to encode and to decode, and the CRC of the file."""
    encode, decode = kmc(kmcodec.IndexedImage(palette, indices), effort)
    best, _ = best_seconds([(encode, decode)], repeats)
    return best[0], zlib.crc32(encode())
