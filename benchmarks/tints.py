"""Weak tints: whether a pale panel beside a grey one keeps its tint.

    python benchmarks/tints.py [images] [-k 16 32]

Into each image, and into three drawn here, goes a neutral panel with an even area of a weak tint:
blue, warm, green or pink, 10, 20 or 30 % of the image, 4 to 8 apart in CIELAB. The tint is kept if
the mean colours of the two areas afterwards differ by a vector in Oklab's a and b at most 20
degrees off the one before, and at least half as long.

For each K a row tells how many tints are kept, and what that costs in decibels of PSNR, on average
and at most: by `kmcodec.quantize` in both spaces; by the palette that `shared_palette` finds for
the image and its ground; and by a palette of the colours alone, which knows no areas.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from accents import lost, with_accents, with_shared_palette, without_accents
from PIL import Image

from kmcodec.model.metrics import psnr
from kmcodec.quantization.oklab import to_oklab

TINTS = {"blue": (-3, -1, 7), "warm": (4, 0, -7), "green": (-5, 3, -4), "pink": (5, -3, 2)}
_WIDTH, _HEIGHT, _GREY = 320, 240, 225
_COSINE = np.cos(np.radians(20))

Scene = tuple[np.ndarray, np.ndarray, np.ndarray]


def drawn() -> Iterator[np.ndarray]:
    """Draw greys: a texture, a soft gradient, and a pale texture."""
    y, x = np.mgrid[:_HEIGHT, :_WIDTH] / 240
    waves = 0.5 + 0.25 * np.sin(9 * x + 4 * np.sin(5 * y)) + 0.25 * np.sin(13 * y - 3 * x)
    for level in (30 + 200 * waves, 60 + 150 * y, 225 + 12 * waves):
        yield np.repeat(level[..., np.newaxis], 3, axis=2)


def scenes(ground: np.ndarray) -> Iterator[Scene]:
    """Yield an image with a panel in each tint and size, and the masks of the tint and beside."""
    rng = np.random.default_rng(1)
    height, width = ground.shape[:2]
    for share in (0.1, 0.2, 0.3):
        rows, columns = int(height * share**0.5), int(width * share**0.5)
        area, panel = np.zeros((2, height, width), bool)
        area[20 : 20 + rows, 30 : 30 + columns] = True
        panel[10 : 30 + rows, 15 : 50 + columns] = True
        for tint in TINTS.values():
            pixels = np.where(panel[..., np.newaxis], _GREY, ground)
            pixels = pixels + rng.normal(0, 2, (height, width, 1))
            pixels[area] += tint
            yield np.clip(pixels + 0.5, 0, 255).astype(np.uint8), area, panel & ~area


def tint_of(pixels: np.ndarray, area: np.ndarray, beside: np.ndarray) -> np.ndarray:
    """Return how the mean chroma of two areas differs."""
    means = [to_oklab(pixels[where])[:, 1:].mean(axis=0) for where in (area, beside)]
    return np.asarray(means[0] - means[1])


def is_kept(own: np.ndarray, shown: np.ndarray) -> bool:
    """Return whether a tint is kept."""
    lengths = np.linalg.norm(own), np.linalg.norm(shown)
    return bool(own @ shown >= _COSINE * lengths[0] * lengths[1] and 2 * lengths[1] >= lengths[0])


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("images", nargs="*", type=Path)
    parser.add_argument("-k", nargs="*", type=int, default=[16, 32])
    given = parser.parse_args()
    grounds = list(drawn())
    for path in given.images:
        image = Image.open(path).convert("RGB").resize((_WIDTH, _HEIGHT))
        grounds.append(np.asarray(image, float))
    made = [
        (np.clip(ground + 0.5, 0, 255).astype(np.uint8), scene)
        for ground in grounds
        for scene in scenes(ground)
    ]
    print("| K | space | tints | kept | shared | without places | cost, dB (most) |")
    print("|---|---|---:|---:|---:|---:|---:|")
    for k in given.k:
        for space in ("srgb", "oklab"):
            methods = with_accents(space), with_shared_palette(space), without_accents(space)
            kept: list[list[bool]] = [[], [], []]
            quality: list[list[float]] = [[], [], []]
            for ground, (pixels, *areas) in made:
                own = tint_of(pixels, *areas)
                for place, method in enumerate(methods):
                    shown = method(pixels, k, ground)
                    kept[place].append(is_kept(own, tint_of(shown, *areas)))
                    quality[place].append(psnr(pixels, shown))
            less = lost(quality[2], quality[0])
            cells = [*(str(sum(each)) for each in kept), f"{less.mean():.2f} ({less.max():.2f})"]
            print(f"| {k} | {space} | {len(made)} | " + " | ".join(cells) + " |", flush=True)


if __name__ == "__main__":
    main()
