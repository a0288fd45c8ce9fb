"""Accents: whether small marks of a hue that the rest of an image lacks keep it.

    python benchmarks/accents.py [images] [-k 16 32 64] [--sizes 2 3 6] [--drawn]

Into each image, and with --drawn into five pictures drawn here, it puts one square mark at a time,
of each of six hues that fewer than one in a thousand pixels has: a colour of the hue has at most 20
degrees of difference in Oklab, and at least half the chroma of the mark. A mark is kept if its mean
colour afterwards still has the hue by the same measure.

For each K and size a row tells how many marks are kept, and the mean PSNR: by `kmcodec.quantize` in
both spaces; by the palette that `shared_palette` finds for the image and the same without the mark;
by a palette of the colours alone, without their places, and so without accents; and by pngquant at
its slowest, without dithering, if it is installed. The last columns tell what accents cost, on
average and at most, in decibels, and beside it what the palette without places loses with K - 1
entries: an entry that serves a mark alone cannot cost less than that.
"""

from __future__ import annotations

import argparse
import io
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from peers import versions
from PIL import Image

import kmcodec
from kmcodec.model.metrics import psnr
from kmcodec.quantization import Search, find_palette
from kmcodec.quantization.histogram import histogram
from kmcodec.quantization.oklab import NEUTRAL, to_oklab

# Takes an image, K, and an image that may share the palette.
Quantizer = Callable[[np.ndarray, int, np.ndarray], np.ndarray]

MARKS = {
    "red": (220, 30, 40),
    "yellow": (240, 220, 20),
    "green": (20, 170, 50),
    "cyan": (20, 190, 210),
    "blue": (30, 60, 220),
    "magenta": (210, 30, 190),
}
_COSINE = np.cos(np.radians(20))
_MOST = 1 / 1000
_WIDTH, _HEIGHT = 320, 240


def with_pngquant(pixels: np.ndarray, k: int, _: np.ndarray) -> np.ndarray:
    """By pngquant at its slowest, without dithering."""
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "PNG")
    command = ["pngquant", "--speed", "1", "--nofs", str(max(2, k)), "-"]
    run = subprocess.run(command, input=stream.getvalue(), stdout=subprocess.PIPE, check=True)
    return np.array(Image.open(io.BytesIO(run.stdout)).convert("RGB"))


def without_accents(space: str, fewer: int = 0) -> Quantizer:
    """By the palette of the colours alone, of some entries fewer."""

    def made(pixels: np.ndarray, k: int, _: np.ndarray) -> np.ndarray:
        palette = find_palette(histogram(pixels), k - fewer, Search(space=space))[0]
        return kmcodec.quantize(pixels, palette=palette, space=space).to_array()

    return made


def with_accents(space: str) -> Quantizer:
    """As users quantise."""
    return lambda pixels, k, _: kmcodec.quantize(pixels, k, space=space).to_array()


def with_shared_palette(space: str) -> Quantizer:
    """By one palette for two images."""

    def made(pixels: np.ndarray, k: int, beside: np.ndarray) -> np.ndarray:
        palette = kmcodec.shared_palette([pixels, beside], k, space=space)
        return kmcodec.quantize(pixels, palette=palette, space=space).to_array()

    return made


def quantizers() -> dict[str, Quantizer]:
    """What is compared, by name."""
    found: dict[str, Quantizer] = {}
    for space in ("srgb", "oklab"):
        found[space] = with_accents(space)
        found[f"{space}, shared"] = with_shared_palette(space)
        found[f"{space}, no accents"] = without_accents(space)
        found[f"{space}, K - 1"] = without_accents(space, 1)
    if shutil.which("pngquant"):
        found["pngquant"] = with_pngquant
    return found


def has_hue(colors: np.ndarray, mark: tuple[int, int, int]) -> np.ndarray:
    """Return which colours, shape (..., 3), have the hue of a mark."""
    flat = np.asarray(colors, np.uint8).reshape(-1, 3)
    chroma = to_oklab(flat)[:, 1:].astype(float) - NEUTRAL
    own = to_oklab(np.array([mark], np.uint8))[0, 1:].astype(float) - NEUTRAL
    size, of_own = np.linalg.norm(chroma, axis=1), np.linalg.norm(own)
    near = (chroma @ own >= _COSINE * size * of_own) & (2 * size >= of_own)
    return np.asarray(near.reshape(np.shape(colors)[:-1]))


def drawn() -> Iterator[tuple[str, np.ndarray]]:
    """Draw pictures of few hues, with some grain."""
    rng = np.random.default_rng(0)
    y, x = np.mgrid[:_HEIGHT, :_WIDTH] / 240
    waves = 0.5 + 0.25 * np.sin(9 * x + 4 * np.sin(5 * y)) + 0.25 * np.sin(13 * y - 3 * x)
    inked = (np.sin(40 * y) > 0.6) & (np.sin(23 * x + 30 * np.floor(6.4 * y)) > -0.4)
    for name, dark, bright, level in (
        ("sky", (40, 80, 140), (200, 220, 240), y),
        ("earth", (50, 35, 20), (190, 160, 120), waves),
        ("leaves", (20, 40, 15), (150, 180, 110), waves),
        ("grey", (10, 10, 10), (245, 245, 245), waves),
        ("text", (20, 20, 20), (250, 250, 245), 1.0 - inked),
    ):
        colors = np.array(dark) + np.multiply.outer(level, np.subtract(bright, dark))
        grain = rng.normal(0, 4, (_HEIGHT, _WIDTH, 3))
        yield name, np.clip(colors + grain + 0.5, 0, 255).astype(np.uint8)


def marked(pixels: np.ndarray, size: int) -> Iterator[tuple[np.ndarray, np.ndarray, str]]:
    """Yield an image with a mark of each hue that it lacks, where the mark is, and its name."""
    height, width = pixels.shape[:2]
    for number, (name, color) in enumerate(MARKS.items(), 1):
        if has_hue(pixels, color).mean() >= _MOST:
            continue
        where = np.zeros((height, width), bool)
        top, left = height * number // 8, width * (3 * number % 8) // 8
        where[top : top + size, left : left + size] = True
        with_mark = pixels.copy()
        with_mark[where] = color
        yield with_mark, where, name


def lost(before: list[float], after: list[float]) -> np.ndarray:
    """Return the decibels lost, none where both are without loss."""
    return np.array([0 if a == b else a - b for a, b in zip(before, after, strict=True)])


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("images", nargs="*", type=Path)
    parser.add_argument("-k", nargs="*", type=int, default=[16, 32, 64])
    parser.add_argument("--sizes", nargs="*", type=int, default=[2, 3, 6])
    parser.add_argument("--drawn", action="store_true", help="also measure drawn pictures")
    given = parser.parse_args()
    images = [(path.stem, np.array(Image.open(path).convert("RGB"))) for path in given.images]
    images += list(drawn()) if given.drawn or not images else []
    compared = quantizers()
    costs = [name for name in compared if f"{name}, no accents" in compared]
    print(versions("Pillow"))
    print(f"\n{len(images)} images: {', '.join(name for name, _ in images)}\n")
    heads = [
        "K",
        "mark",
        "marks",
        *compared,
        *(f"{name}: cost, an entry less, dB" for name in costs),
    ]
    print("| " + " | ".join(heads) + " |\n|" + "---|" * len(heads))
    for k in given.k:
        for size in given.sizes:
            kept: dict[str, list[bool]] = {name: [] for name in compared}
            quality: dict[str, list[float]] = {name: [] for name in compared}
            for _, pixels in images:
                for with_mark, where, mark in marked(pixels, size):
                    for name, quantizer in compared.items():
                        made = quantizer(with_mark, k, pixels)
                        mean = (made[where].mean(axis=0) + 0.5).astype(np.uint8)
                        kept[name].append(bool(has_hue(mean, MARKS[mark])))
                        quality[name].append(psnr(with_mark, made))
            count = len(next(iter(kept.values())))
            cells = [str(k), f"{size} x {size}", str(count)]
            if not count:
                # Every image has every hue.
                cells += ["-"] * (len(compared) + len(costs))
                print("| " + " | ".join(cells) + " |", flush=True)
                continue
            for name in compared:
                cells.append(f"{sum(kept[name])} ({np.mean(quality[name]):.2f} dB)")
            for name in costs:
                before = quality[f"{name}, no accents"]
                cells.append(
                    "; ".join(
                        f"{less.mean():.2f} ({less.max():.2f})"
                        for less in (
                            lost(before, quality[name]),
                            lost(before, quality[f"{name}, K - 1"]),
                        )
                    )
                )
            print("| " + " | ".join(cells) + " |", flush=True)


if __name__ == "__main__":
    main()
