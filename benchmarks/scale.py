"""Seconds and peak memory of `kmc encode` and `kmc decode` as images grow beyond memory.

    python benchmarks/scale.py --megapixels 1 10 100 1000

Makes square images (three channels, `.npy`) in a temporary folder: tiles of noise over gradients
and tiles of flat shapes, half and half, lit by a gradient across the image. Each command runs in a
process of its own; its peak memory is what the system tells of it when it has ended.
"""

from __future__ import annotations

import argparse
import itertools
import math
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

TILE = 128
KINDS = 64
KMC = [sys.executable, "-m", "kmcodec"]


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--megapixels", type=int, nargs="+", default=[1, 10, 100])
    options.add_argument("--effort", default="fast", help="of the context coder [fast]")
    options.add_argument("--colors", type=int, default=256, help="palette entries [256]")
    options.add_argument("--threads", type=int, help="of every run [as many as processors]")
    options.add_argument("--compare-threads", type=int, metavar="MP", help="one thread against two")
    options.add_argument("--folder", help="for temporary files: four bytes a pixel, and more")
    options.add_argument("--draw", nargs=2, help=argparse.SUPPRESS)
    chosen = options.parse_args()
    if chosen.draw:
        draw(chosen.draw[0], int(chosen.draw[1]))
        return
    environment = dict(os.environ)
    if chosen.threads:
        environment["KMC_THREADS"] = str(chosen.threads)
    with tempfile.TemporaryDirectory(dir=chosen.folder) as folder:
        print(f"k = {chosen.colors}, --effort {chosen.effort}\n")
        print("| MP | bits/pixel | encode s | MP/s | peak MB | decode s | MP/s | peak MB |", end="")
        print(" 256 rows s | peak MB |\n|---:" + "|---:" * 9 + "|")
        rows = [measure(Path(folder), n, chosen, environment) for n in chosen.megapixels]
        for before, after in itertools.pairwise(rows):
            pixels = after[0] / before[0]
            growth = ", ".join(
                f"{name} {after[i] / before[i] / pixels:.2f}"
                for name, i in (("encode", 1), ("decode", 2))
            )
            print(f"{before[0]} to {after[0]} MP, time over linear: {growth}")
        if chosen.compare_threads:
            compare(Path(folder), chosen)


def encoding(image: Path, file: Path, chosen: argparse.Namespace) -> list[object]:
    """The command that encodes an image of any size."""
    options = ["-k", chosen.colors, "--effort", chosen.effort, "--max-pixels", 0, "--force"]
    return [*KMC, "encode", image, "-o", file, *options]


def measure(
    folder: Path, megapixels: int, chosen: argparse.Namespace, environment: dict[str, str]
) -> tuple[float, float, float]:
    """Print a row, and return megapixels and the seconds of encoding and decoding."""
    image, file, back = folder / "image.npy", folder / "image.kmc", folder / "back.npy"
    run([sys.executable, __file__, "--draw", str(image), str(megapixels)], environment)
    encode = encoding(image, file, chosen)
    decode = [*KMC, "decode", file, "-o", back, "--max-pixels", 0, "--force"]
    encoded, decoded = run(encode, environment), run(decode, environment)
    side = side_of(megapixels)
    half = max(0, side // 2 - 128)
    region = run([*decode, "--rows", f"{half}:{min(side, half + 256)}"], environment)
    pixels = side * side / 1e6
    cells = [f"{pixels:.0f}", f"{file.stat().st_size * 8 / pixels / 1e6:.3f}"]
    for seconds, peak in (encoded, decoded):
        cells += [f"{seconds:.2f}", f"{pixels / seconds:.2f}", f"{peak:.0f}"]
    cells += [f"{region[0]:.2f}", f"{region[1]:.0f}"]
    print("| " + " | ".join(cells) + " |", flush=True)
    return pixels, encoded[0], decoded[0]


def compare(folder: Path, chosen: argparse.Namespace) -> None:
    """Print what a second thread gains; the bytes must be the same."""
    image, back = folder / "image.npy", folder / "back.npy"
    run([sys.executable, __file__, "--draw", str(image), str(chosen.compare_threads)], os.environ)
    seconds, data = [], []
    for threads in (1, 2):
        environment = {**os.environ, "KMC_THREADS": str(threads)}
        file = folder / f"{threads}.kmc"
        encode = encoding(image, file, chosen)
        decode = [*KMC, "decode", file, "-o", back, "--max-pixels", 0, "--force"]
        seconds.append([run(encode, environment)[0], run(decode, environment)[0]])
        data.append(file.read_bytes())
    if data[0] != data[1]:
        raise RuntimeError("the bytes depend on the number of threads")
    gains = ", ".join(
        f"{name} {one:.1f} s to {two:.1f} s, {one / two:.2f} times"
        for name, one, two in zip(("encode", "decode"), *seconds, strict=True)
    )
    print(f"{chosen.compare_threads} MP, one thread to two: {gains}")


def run(command: list[object], environment: dict[str, str]) -> tuple[float, float]:
    """Seconds and peak megabytes of a process."""
    started = time.perf_counter()
    process = subprocess.Popen([*map(str, command)], env=environment, stderr=subprocess.PIPE)
    told = process.stderr.read() if process.stderr else b""
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - started
    if status:
        raise RuntimeError(told.decode())
    scale = 1 if sys.platform == "darwin" else 1024
    return seconds, usage.ru_maxrss * scale / 1e6


def side_of(megapixels: int) -> int:
    return round(math.sqrt(megapixels * 1e6))


def draw(path: str, megapixels: int) -> None:
    """Draw the image, a row of tiles at a time."""
    rng = np.random.default_rng(1)
    side, tiles = side_of(megapixels), library(rng)
    across = -(-side // TILE)
    x = np.arange(side)
    with open(path, "wb") as stream:
        layout = {"descr": "|u1", "fortran_order": False, "shape": (side, side, 3)}
        np.lib.format.write_array_header_1_0(stream, layout)
        for top in range(0, side, TILE):
            row = tiles[rng.integers(0, KINDS, across)].swapaxes(0, 1).reshape(TILE, -1, 3)
            y = np.arange(top, min(side, top + TILE))[:, np.newaxis]
            light = [30 * np.sin(x / a + y / b) for a, b in ((700, 900), (1100, -800), (-900, 700))]
            lit = row[: len(y), :side] + np.stack(light, axis=2).astype(np.int16)
            stream.write(np.clip(lit, 0, 255).astype(np.uint8).tobytes())


def library(rng: np.random.Generator) -> np.ndarray:
    """Tiles, shape (KINDS, TILE, TILE, 3), int16."""
    y, x = np.mgrid[:TILE, :TILE]
    tiles = np.empty((KINDS, TILE, TILE, 3), np.int16)
    for kind, tile in enumerate(tiles):
        tile[:] = rng.integers(60, 190, 3)
        if kind % 2:
            slope = rng.uniform(-0.4, 0.4, (2, 3))
            tile += (y[..., np.newaxis] * slope[0] + x[..., np.newaxis] * slope[1]).astype(np.int16)
            grey = rng.normal(0, 2.5, (TILE, TILE, 1))
            tile += (grey + rng.normal(0, 1, tile.shape)).astype(np.int16)
            continue
        for _ in range(6):
            radius, (cy, cx) = rng.integers(6, 40), rng.integers(0, TILE, 2)
            inside = (y - cy) ** 2 + (x - cx) ** 2 < radius**2
            if rng.integers(2):
                inside = (abs(y - cy) < radius) & (abs(x - cx) < radius // 2)
            tile[inside] = rng.integers(30, 220, 3)
    return tiles


if __name__ == "__main__":
    main()
