"""Bytes and speed of label maps in arrays: `kmcodec.encode_labels`, what Zarr has, specialists.

    python benchmarks/labels.py
    python benchmarks/labels.py --effort fast --chunk whole --chunk 256 LAND.npy MASK.png

An argument is an array of integers in a .npy file, an image of one channel, or a .kmc file of
labels; without one, maps are made of public pictures and by chance (label_maps.py). Each compressor
gets the whole array, or each of its chunks, and every result is decoded and compared. By default
that is done for whole arrays, for maps in chunks of 256 and of 512, for volumes in cubes of 64, and
then windows of drawn maps are read through Zarr (label_windows.py).

Blosc with zstd is the best of its three ways to shuffle, at level 9, which in Blosc is zstd's 22.
PNG is the smaller of grey with 8 or 16 bits and a palette, where the values fit, as Pillow
optimises it; JPEG XL is grey likewise. label_coders.py tells the others. A dash stands for labels
that a format cannot hold. The best other codec is the one, not kmcodec, that makes the fewest bytes
of a map.

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
from label_coders import BLOSC, CRACKLE, OWN, Setting, compressors
from label_maps import LABEL_MAPS, land_cover, parcels
from label_windows import CHUNK, SIDE, windows
from needs import is_there, need
from peers import versions
from PIL import Image

import kmcodec
from kmcodec.coding import AUTO, EFFORTS

SECONDS = 1.0
"""Repeats of a measurement end after so long."""

LAYOUTS: dict[int | None, tuple[int, ...]] = {None: (2, 3), 256: (2,), 512: (2,), 64: (3,)}
"""Sides of chunks, None for whole arrays, and the numbers of axes of the arrays to cut so."""


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
    print(f"| {head} | " + " | ".join(cell or "-" for cell in cells) + " |", flush=True)


def print_means(table: list[Row]) -> None:
    """Print geometric means of speeds and of ratios; a dash for what cannot hold all maps."""
    ways = list(table[0])
    for what in ("encoding", "decoding"):
        columns = [[getattr(row[way], what, None) for row in table] for way in ways]
        print_row(f"*{what}, geometric mean* | |", [mean(column, speed) for column in columns])
    peers = [way for way in ways if not way.startswith(OWN)]
    best = [min((row[way].size for way in peers if row[way]), default=None) for row in table]
    references: list[tuple[str, str, list[float | None]]] = [("size", "the best other codec", best)]
    for what, way in (("size", BLOSC), ("size", CRACKLE), ("decoding", CRACKLE)):
        if way in ways:
            references.append((what, way, [getattr(row[way], what, None) for row in table]))
    for what, name, values in references:
        columns = [
            [ratio(row[way], what, value) for row, value in zip(table, values, strict=True)]
            for way in ways
        ]
        name = f"{'bytes' if what == 'size' else what} of {name}"
        print_row(f"*{name}, geometric mean* | |", [mean(c, "{:.2f}".format) for c in columns])
        worst = max if what == "size" else min
        cells = [f"{worst(c):.2f}" if None not in c else None for c in columns]
        print_row(f"*{name}, worst* | |", cells)


def ratio(found: Result | None, what: str, reference: float | None) -> float | None:
    """A figure over that of the reference."""
    if found is None or reference is None:
        return None
    return float(getattr(found, what) / reference)


def mean(values: list[float | None], shown: Callable[[float], str]) -> str | None:
    """The geometric mean."""
    known = [math.log(value) for value in values if value is not None]
    return shown(math.exp(sum(known) / len(known))) if len(known) == len(values) else None


def print_layout(
    side: int | None, maps: dict[str, np.ndarray], ways: dict[str, list[Setting]], repeats: int
) -> None:
    """Print a table for maps in chunks of this side, or whole, as it is measured."""
    print(f"\n## {'Whole arrays' if side is None else f'Chunks of {side} on each side'}\n")
    print("| bytes, million labels a second | dtype | values | " + " | ".join(ways) + " |")
    print("|---|---|---:|" + "---:|" * len(ways))
    table: list[Row] = []
    for name, labels in maps.items():
        chunks = list(chunks_of(labels, side))
        row = {way: measured(found, chunks, repeats) for way, found in ways.items()}
        print_map(f"{name} | {labels.dtype} | {len(np.unique(labels)):,}", row)
        table.append(row)
    print_means(table)


def print_windows(efforts: list[str], repeats: int) -> None:
    """Print how long windows of two drawn maps take."""
    if not is_there("zarr", "zarr", "windows"):
        return
    print(f"\n## Windows of 32 x 32 from {SIDE} x {SIDE} in chunks of {CHUNK} by Zarr, one core\n")
    maps = {"land cover": land_cover(SIDE), "parcels": parcels(SIDE, 12_000)}
    for number, (name, labels) in enumerate(maps.items()):
        found = windows(labels, efforts, repeats)
        if not number:
            print("| | " + " | ".join(found) + " |")
            print("|---|" + "---:|" * len(found))
        print_row(f"{name}, bytes", [f"{one.size:,}" for one in found.values()])
        print_row("ms a window", [f"{one.milliseconds:.2f}" for one in found.values()])


def read_map(path: Path) -> np.ndarray:
    """Read labels from a file."""
    try:
        if path.suffix == ".npy":
            labels = np.load(path)
        elif path.suffix == ".kmc":
            labels = kmcodec.decode_labels(path.read_bytes())
        else:
            with Image.open(path) as picture:
                labels = np.asarray(picture)
    except (OSError, ValueError) as error:
        sys.exit(f"{path}: {error}")
    if labels.dtype.kind not in "iub":
        sys.exit(f"{path}: labels are integers or bool, not {labels.dtype}")
    if path.suffix not in (".npy", ".kmc") and labels.ndim != 2:
        sys.exit(f"{path}: labels have one channel, not {labels.shape[-1]}")
    return labels


def layout(text: str) -> int | None:
    """Parse a value of `--chunk`."""
    if text == "whole":
        return None
    if not text.isdecimal() or not int(text):
        raise argparse.ArgumentTypeError(f"{text!r} is neither a side of chunks nor 'whole'")
    return int(text)


def main() -> None:
    """Print bytes and speeds of each map, and their means, for each layout of chunks."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("maps", nargs="*", type=Path, help="files instead of the maps made here")
    usual = [AUTO, "default"]
    parser.add_argument("--effort", nargs="+", choices=EFFORTS, default=usual)
    parser.add_argument(
        "--chunk",
        action="append",
        type=layout,
        help="side of chunks, or 'whole'; may be repeated (default: whole, 256, 512; volumes 64)",
    )
    parser.add_argument("--repeats", type=int, default=5, help="of which the fastest counts")
    options = parser.parse_args()
    need(*([] if options.maps else ["skimage"]))
    made = {path.name: lambda path=path: read_map(path) for path in options.maps}
    maps = {name: np.array(make(), order="C") for name, make in (made or LABEL_MAPS).items()}
    packages = ("numcodecs", "pillow", "imagecodecs", "crackle-codec", "compresso", "scikit-image")
    print(versions(*packages))
    layouts = LAYOUTS if options.chunk is None else dict.fromkeys(options.chunk, None)
    kinds = {
        are_chunks: compressors(options.effort, are_chunks=are_chunks)
        for are_chunks in sorted({side is not None for side in layouts})
    }
    for side, axes in layouts.items():
        chosen = {name: map_ for name, map_ in maps.items() if axes is None or map_.ndim in axes}
        if chosen:
            print_layout(side, chosen, kinds[side is not None], options.repeats)
    if not options.maps and options.chunk is None:
        print_windows(options.effort, options.repeats)


if __name__ == "__main__":
    main()
