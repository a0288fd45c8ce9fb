"""Squared error and time of palettes by kmcodec and by other quantisers.

    python benchmarks/quantize.py samples/bird_small.mat samples/*.png -k 16 256

The error is measured in the same way for all: their palettes in 8 bits, for each pixel the
nearest entry, the sum of squares over R, G and B per pixel. It is told as a ratio to the best
palette known (`--best`: JSON, images -> K -> sse_per_pixel) or else to the best of this run.
The time is that of palette and index map from pixels in memory; commands are timed as a whole, from
file to file. For each image it is the median of the repeats; the tables show the median of those.
"""

from __future__ import annotations

import argparse
import json
import math
import multiprocessing
import os
import statistics
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image
from quantizers import (
    HAS_SEARCH,
    Picture,
    Quantizer,
    other_quantizers,
    own_quantizers,
    read_picture,
    versions,
)

import kmcodec


def print_table(k: int, pictures: list[Picture], rows: list[Quantizer], best: dict) -> None:
    """Print the results at one K as a Markdown table."""
    references = []
    for number, picture in enumerate(pictures):
        known = best.get(picture.name, {}).get(str(k))
        references.append(known or min(row.errors[number] for row in rows))
    fastest = min((statistics.median(row.seconds) for row in rows if not row.ours), default=None)
    print(f"\n| K = {k} | mean error ratio | worst | median seconds | of fastest peer |")
    print("|---|---:|---:|---:|---:|")
    for row in rows:
        ratios = [
            error / reference if reference else (math.inf if error else 1.0)
            for error, reference in zip(row.errors, references, strict=True)
        ]
        seconds = statistics.median(row.seconds)
        cells = [f"{statistics.mean(ratios):.4f}", f"{max(ratios):.4f}", f"{seconds:.3f}"]
        cells.append(f"{seconds / fastest:.1f}" if fastest else "")
        print(f"| {row.name} | " + " | ".join(cells) + " |", flush=True)


def print_large(picture: Picture, levels: list[int], repeats: int) -> None:
    """Print times with thousands of entries, which most peers cannot have."""
    print(f"\n| {picture.name} | K | error per pixel | seconds |\n|---|---:|---:|---:|")
    for k in (1024, 4096):
        for row in own_quantizers(levels):
            row.measure(picture, k, repeats)
            print(f"| {row.name} | {k} | {row.errors[0]:.3f} | {row.seconds[0]:.3f} |", flush=True)


def enlarged(picture: Picture, megapixels: float) -> np.ndarray:
    """A picture scaled to a size, with the noise that it would have if a camera had taken it."""
    width, height = picture.pillow.size
    scale = math.sqrt(megapixels * 1e6 / (width * height))
    size = (round(width * scale), round(height * scale))
    pixels = np.asarray(picture.pillow.resize(size, Image.Resampling.BICUBIC), np.int16)
    noise = np.random.default_rng(0).integers(-3, 4, pixels.shape, np.int16)
    return np.clip(pixels + noise, 0, 255).astype(np.uint8)


def measure_memory(path: str, k: int, search: int | None) -> tuple[float, float, float]:
    """Seconds to quantise an array in a file, and peak megabytes before and after."""
    options = {} if search is None else {"search": search}
    pixels = np.load(path)
    before = peak_megabytes()
    started = time.perf_counter()
    kmcodec.quantize(pixels, k, **options)
    return time.perf_counter() - started, before, peak_megabytes()


def peak_megabytes() -> float:
    """The most memory that this process had."""
    try:
        # What `getrusage` tells on Linux includes the parent's memory when this one was started.
        lines = Path("/proc/self/status").read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1024
    except (OSError, StopIteration):
        import resource

        unit = 1 << 20 if sys.platform == "darwin" else 1 << 10
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit


def print_memory(picture: Picture, megapixels: float, levels: list[int], folder: str) -> None:
    """Print time and memory for a large image, each in a process of its own."""
    path = os.path.join(folder, "large.npy")
    np.save(path, enlarged(picture, megapixels))
    print(f"\n| {megapixels:g} megapixels, K = 256 | seconds | peak MB | before it |")
    print("|---|---:|---:|---:|")
    for level in [None, *(levels if HAS_SEARCH else [])]:
        with multiprocessing.get_context("spawn").Pool(1) as pool:
            seconds, before, peak = pool.apply(measure_memory, (path, 256, level))
        name = "kmcodec" if level is None else f"kmcodec search={level}"
        print(f"| {name} | {seconds:.2f} | {peak:.0f} | {before:.0f} |", flush=True)


def main() -> None:
    """Print a table for each K, and the others that are asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("images", nargs="+")
    parser.add_argument("-k", type=int, nargs="+", default=[16, 64, 256])
    parser.add_argument("--best", metavar="JSON", type=Path)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--search", type=int, nargs="+", default=[], metavar="LEVEL")
    parser.add_argument("--large", action="store_true", help="also K = 1024 and 4096")
    parser.add_argument("--megapixels", type=float, help="also time and memory of a large image")
    options = parser.parse_args()
    best = json.loads(options.best.read_text())["images"] if options.best else {}
    print(versions())
    others = list(other_quantizers())
    if options.search and not HAS_SEARCH:
        print("Skipped: --search (this kmcodec.quantize has no such parameter)")
    with tempfile.TemporaryDirectory() as folder:
        pictures = [read_picture(path, folder) for path in options.images]
        tiny = Picture("tiny", pictures[0].pixels[:8, :8], folder)
        for k in options.k:
            fresh = [replace(q, errors=[], seconds=[]) for q in others if k <= q.most]
            rows = [*own_quantizers(options.search), *fresh]
            for row in rows:
                row.warm_up(tiny)
                for picture in pictures:
                    row.measure(picture, k, options.repeats)
            print_table(k, pictures, rows, best)
        if options.large:
            print_large(pictures[0], options.search, options.repeats)
        if options.megapixels:
            print_memory(pictures[0], options.megapixels, options.search, folder)


if __name__ == "__main__":
    main()
