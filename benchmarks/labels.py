"""Bytes and speed of label maps in arrays: `kmcodec.encode_labels`, what Zarr has, specialists.

    python benchmarks/labels.py
    python benchmarks/labels.py --chunk 256 LAND.npy

An argument is an integer array in a .npy file; without one, maps are made of public pictures and by
chance (label_maps.py). Each compressor gets the whole array or, with `--chunk`, each of its chunks,
and every result is decoded and compared. Blosc with zstd is the best of its three ways to shuffle,
at level 9, which in Blosc is zstd's 22. PNG is the smaller of grey with 8 or 16 bits and a palette,
where the values fit, as Pillow optimises it. label_coders.py tells the others.

Speeds are millions of labels a second in one thread, from an array in memory to bytes and back, the
best of the repeats. They are of CPU time: what else runs on the machine matters less so.
"""

from __future__ import annotations

import argparse
import math
import os
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import product
from pathlib import Path

# Before kmcodec is loaded.
os.environ["KMC_THREADS"] = "1"

import numpy as np
from label_coders import BLOSC, CRACKLE, EFFORTS, Setting, compressors
from label_maps import LABEL_MAPS
from needs import need
from peers import versions

SECONDS = 1.0
"""Repeats of a measurement end after so long."""


@dataclass(frozen=True)
class Result:
    """Bytes of an array with all its chunks, and millions of labels a second."""

    size: int
    encoding: float
    decoding: float


def measured(settings: list[Setting], chunks: list[np.ndarray], repeats: int) -> Result | None:
    """Measure the setting that makes the fewest bytes; None if none can hold the labels."""
    best: tuple[int, Setting, list[bytes]] | None = None
    for setting in settings:
        encoded = [setting.encode(chunk) for chunk in chunks]
        whole = [data for data in encoded if data is not None]
        size = sum(map(len, whole))
        if len(whole) == len(chunks) and (best is None or size < best[0]):
            best = size, setting, whole
    if best is None:
        return None
    size, setting, encoded = best
    pairs = list(zip(encoded, chunks, strict=True))
    for data, chunk in pairs:
        decoded = setting.decode(data, chunk)
        if decoded.dtype != chunk.dtype or not np.array_equal(decoded, chunk):
            raise RuntimeError("a compressor did not keep the labels")
    labels = sum(chunk.size for chunk in chunks) / 1e6
    encoding = seconds(lambda: [setting.encode(chunk) for chunk in chunks], repeats)
    decoding = seconds(lambda: [setting.decode(*pair) for pair in pairs], repeats)
    return Result(size, labels / encoding, labels / decoding)


def seconds(run: Callable[[], object], repeats: int) -> float:
    """The least time of some runs."""
    end, best = time.perf_counter() + SECONDS, math.inf
    for _ in range(repeats):
        begin = time.process_time()
        run()
        best = min(best, time.process_time() - begin)
        if time.perf_counter() > end:
            break
    return best


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


Row = dict[str, Result | None]


def print_map(head: str, row: Row) -> None:
    """Print bytes and speeds of a map as rows of the table."""
    print_row(head, [found and f"{found.size:,}" for found in row.values()])
    print_row("encode | |", [found and speed(found.encoding) for found in row.values()])
    print_row("decode | |", [found and speed(found.decoding) for found in row.values()])


def speed(value: float) -> str:
    """A speed with two or three digits."""
    return f"{value:.2f}" if value < 1 else f"{value:.1f}" if value < 100 else f"{value:,.0f}"


def print_row(head: str, cells: list[str | None]) -> None:
    print(f"| {head} | " + " | ".join(cell or "" for cell in cells) + " |", flush=True)


def print_means(table: list[Row]) -> None:
    """Print geometric means of speeds and of ratios; empty for what cannot hold all maps."""
    ways = list(table[0])
    for what in ("encoding", "decoding"):
        columns = [[getattr(row[way], what, None) for row in table] for way in ways]
        print_row(f"*{what}, geometric mean* | |", [mean(column, speed) for column in columns])
    for what, reference in (("size", BLOSC), ("size", CRACKLE), ("decoding", CRACKLE)):
        if reference not in ways:
            continue
        columns = [[ratio(row, what, way, reference) for row in table] for way in ways]
        name = f"{'bytes' if what == 'size' else what} of {reference}"
        print_row(f"*{name}, geometric mean* | |", [mean(c, "{:.2f}".format) for c in columns])
        worst = max if what == "size" else min
        cells = [f"{worst(c):.2f}" if None not in c else None for c in columns]
        print_row(f"*{name}, worst* | |", cells)


def ratio(row: Row, what: str, way: str, reference: str) -> float | None:
    """A figure of a way over that of the reference."""
    found, other = row[way], row[reference]
    if found is None or other is None:
        return None
    return float(getattr(found, what) / getattr(other, what))


def mean(values: list[float | None], shown: Callable[[float], str]) -> str | None:
    """The geometric mean."""
    known = [math.log(value) for value in values if value is not None]
    return shown(math.exp(sum(known) / len(known))) if len(known) == len(values) else None


def main() -> None:
    """Print bytes and speeds of each map, and their means."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("maps", nargs="*", help=".npy files instead of the maps made here")
    parser.add_argument("--effort", nargs="+", choices=EFFORTS, default=EFFORTS)
    parser.add_argument("--chunk", type=int, help="side of chunks; the whole array without it")
    parser.add_argument("--repeats", type=int, default=7, help="of which the fastest counts")
    options = parser.parse_args()
    need(*([] if options.maps else ["skimage"]))
    made = {Path(path).name: lambda path=path: np.load(path) for path in options.maps}
    ways = compressors(options.effort)
    packages = ("numcodecs", "pillow", "crackle-codec", "compresso", "scikit-image")
    print(versions(*packages))
    print("\n| bytes, million labels a second | dtype | values | " + " | ".join(ways) + " |")
    print("|---|---|---:|" + "---:|" * len(ways))
    table: list[Row] = []
    for name, make in (made or LABEL_MAPS).items():
        labels = make()
        if labels.dtype.kind not in "iub":
            sys.exit(f"{name}: labels are integers or bool, not {labels.dtype}")
        chunks = list(chunks_of(np.ascontiguousarray(labels), options.chunk))
        row = {way: measured(found, chunks, options.repeats) for way, found in ways.items()}
        print_map(f"{name} | {labels.dtype} | {len(np.unique(labels)):,}", row)
        table.append(row)
    print_means(table)


if __name__ == "__main__":
    main()
