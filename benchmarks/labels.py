"""Bytes of label maps in arrays: `kmcodec.encode_labels` and the compressors that Zarr has.

    python benchmarks/labels.py
    python benchmarks/labels.py --chunk 256 LAND.npy

An argument is an integer array in a .npy file; without one, maps are made of public pictures and by
chance (label_maps.py). Each compressor gets the whole array or, with
`--chunk`, each of its chunks, and every result is decoded and compared. Blosc with zstd is the best
of its three ways to shuffle, at level 9, which in Blosc is zstd's 22. PNG is the smaller of grey
with 8 or 16 bits and a palette, where the values fit, as Pillow optimises it.
"""

from __future__ import annotations

import argparse
import io
import lzma
import math
import sys
import time
from collections.abc import Callable, Iterator
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from label_maps import LABEL_MAPS
from needs import need
from peers import versions
from PIL import Image

import kmcodec

if TYPE_CHECKING:
    import numcodecs

EFFORTS = ["fastest", "fast", "default", "max", "auto"]
REFERENCE = "Blosc zstd"


def own(effort: str) -> Callable[[np.ndarray], int]:
    """How many bytes these labels take as `.kmc`."""

    def size(labels: np.ndarray) -> int:
        data = kmcodec.encode_labels(labels, effort=effort)
        check(kmcodec.decode_labels(data), labels)
        return len(data)

    return size


def of_codecs(*codecs: numcodecs.abc.Codec) -> Callable[[np.ndarray], int]:
    """How many bytes these labels take with the best of some codecs."""

    def size(labels: np.ndarray) -> int:
        results = []
        for codec in codecs:
            data = codec.encode(labels)
            check(np.frombuffer(codec.decode(data), labels.dtype).reshape(labels.shape), labels)
            results.append(len(data))
        return min(results)

    return size


def lzma_size(labels: np.ndarray) -> int:
    """How many bytes xz takes at its slowest."""
    return len(lzma.compress(labels.tobytes(), preset=9 | lzma.PRESET_EXTREME))


def png_size(labels: np.ndarray) -> int | None:
    """How many bytes a PNG takes; None where it cannot hold these values."""
    least, most = int(labels.min()), int(labels.max())
    if least < 0 or most > 65_535:
        return None
    rows = labels.reshape(-1, labels.shape[-1]).astype(np.uint8 if most < 256 else np.uint16)
    pictures = [Image.fromarray(rows)]
    if most < 256:
        indexed = Image.fromarray(rows)
        indexed.putpalette(np.arange(most + 1, dtype=np.uint8).repeat(3).tobytes())
        pictures.append(indexed)
    sizes = []
    for picture in pictures:
        stream = io.BytesIO()
        picture.save(stream, "PNG", optimize=True)
        check(np.asarray(Image.open(stream)).astype(labels.dtype).reshape(labels.shape), labels)
        sizes.append(stream.tell())
    return min(sizes)


def check(found: np.ndarray, labels: np.ndarray) -> None:
    """Stop where something is not lossless."""
    if not np.array_equal(found, labels):
        raise RuntimeError("a compressor did not keep the labels")


def peers() -> dict[str, Callable[[np.ndarray], int | None]]:
    """What tells the bytes of an array in the formats of others, by their names."""
    import numcodecs

    return {
        REFERENCE: of_codecs(*(numcodecs.Blosc("zstd", 9, shuffle) for shuffle in (0, 1, 2))),
        "zstd 19": of_codecs(numcodecs.Zstd(19)),
        "LZMA": lzma_size,
        "PNG": png_size,
    }


def chunks_of(labels: np.ndarray, side: int | None) -> Iterator[np.ndarray]:
    """The array, or its chunks of this side in all axes."""
    if side is None:
        yield labels
        return
    sides = [side] * labels.ndim
    starts = (range(0, length, step) for length, step in zip(labels.shape, sides, strict=True))
    for corner in product(*starts):
        part = (slice(at, at + step) for at, step in zip(corner, sides, strict=True))
        yield np.ascontiguousarray(labels[tuple(part)])


def measured(
    size: Callable[[np.ndarray], int | None], chunks: list[np.ndarray]
) -> tuple[int | None, float]:
    """Bytes of all chunks, and seconds for encoding, and decoding where the size is checked."""
    begin = time.perf_counter()
    sizes = [size(chunk) for chunk in chunks]
    total = None if None in sizes else sum(sizes)
    return total, time.perf_counter() - begin


def main() -> None:
    """Print bytes of each map and ratios to Blosc's."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("maps", nargs="*", help=".npy files instead of the maps made here")
    parser.add_argument("--effort", nargs="+", choices=EFFORTS, default=EFFORTS)
    parser.add_argument("--chunk", type=int, help="side of chunks; the whole array without it")
    options = parser.parse_args()
    need("numcodecs", *([] if options.maps else ["skimage"]))
    made = {Path(path).name: lambda path=path: np.load(path) for path in options.maps}
    ways = {f"kmc {effort}": own(effort) for effort in options.effort} | peers()
    print(versions("numcodecs", "pillow", "scikit-image"))
    print("\n| bytes | dtype | values | " + " | ".join(ways) + " |")
    print("|---|---|---:|" + "---:|" * len(ways))
    table: list[dict[str, int | None]] = []
    seconds = dict.fromkeys(ways, 0.0)
    for name, make in (made or LABEL_MAPS).items():
        labels = make()
        if labels.dtype.kind not in "iub":
            sys.exit(f"{name}: labels are integers or bool, not {labels.dtype}")
        chunks = list(chunks_of(labels, options.chunk))
        row: dict[str, int | None] = {}
        for way, size in ways.items():
            row[way], taken = measured(size, chunks)
            seconds[way] += taken
        cells = ("" if size is None else f"{size:,}" for size in row.values())
        head = f"| {name} | {labels.dtype} | {len(np.unique(labels)):,} | "
        print(head + " | ".join(cells) + " |", flush=True)
        table.append(row)
    print(f"| *of {REFERENCE}, geometric mean* | | | " + " | ".join(means(table)) + " |")
    print(f"| *of {REFERENCE}, worst* | | | " + " | ".join(worst(table)) + " |")
    print("\nSeconds, with the check: " + ", ".join(f"{w} {s:.1f}" for w, s in seconds.items()))


def ratios(table: list[dict[str, int | None]]) -> Iterator[list[float]]:
    """For each way the ratios to the reference, of the maps that it can hold."""
    for way in table[0]:
        yield [row[way] / row[REFERENCE] for row in table if row[way] is not None]


def means(table: list[dict[str, int | None]]) -> list[str]:
    """Geometric means; empty for what cannot hold all maps."""
    found = ratios(table)
    return [
        f"{math.exp(sum(map(math.log, r)) / len(r)):.2f}" if len(r) == len(table) else ""
        for r in found
    ]


def worst(table: list[dict[str, int | None]]) -> list[str]:
    """The largest ratio."""
    return [f"{max(r):.2f}" if r else "" for r in ratios(table)]


if __name__ == "__main__":
    main()
