"""Draw small marks and weak tints, and tell whether they are still seen."""

from __future__ import annotations

import numpy as np

import kmcodec
from kmcodec.quantization import Search, find_palette
from kmcodec.quantization.accents import lost_hue
from kmcodec.quantization.histogram import histogram
from kmcodec.quantization.oklab import to_oklab

SPACES = ["srgb", "oklab"]
MARKS = {"red": (220, 30, 40), "green": (20, 170, 50), "blue": (30, 60, 220)}


def earth(seed=0, grain=4.0):
    """A picture in browns with grain, shape (96, 128, 3)."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:96, :128] / 40
    level = 0.5 + 0.25 * np.sin(3 * x + 2 * np.sin(2 * y)) + 0.25 * np.sin(5 * y - x)
    colors = np.array([50, 35, 20]) + np.multiply.outer(level, [140, 125, 100])
    return np.clip(colors + rng.normal(0, grain, (96, 128, 3)) + 0.5, 0, 255).astype(np.uint8)


def large():
    """The picture six times over, so that a mark is a smaller part of it."""
    return np.tile(earth(), (2, 3, 1))


def with_mark(pixels, color, size, at=(40, 70)):
    marked = pixels.copy()
    marked[at[0] : at[0] + size, at[1] : at[1] + size, :3] = color
    return marked, (slice(at[0], at[0] + size), slice(at[1], at[1] + size))


def keeps_hue(image, where, color):
    mean = (image[where][..., :3].mean(axis=(0, 1)) + 0.5).astype(np.uint8)
    return not lost_hue(np.array([color], np.uint8), mean[np.newaxis]).any()


TINTS = {"blue": (-3, -1, 7), "warm": (4, 0, -7), "green": (-5, 3, -4), "pink": (5, -3, 2)}
GREY = 225


def texture(seed=0):
    """A texture in all greys, with grain, shape (120, 160, 3)."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:120, :160] / 120
    level = 130 + 50 * np.sin(9 * x + 4 * np.sin(5 * y)) + 50 * np.sin(13 * y - 3 * x)
    return np.repeat(level[..., np.newaxis], 3, axis=2) + rng.normal(0, 2, (120, 160, 1))


def with_panel(tint, seed=0):
    """The texture with a neutral panel, half of which is tinted: 12 % of the image."""
    pixels = texture(seed)
    grain = np.random.default_rng(seed + 9).normal(0, 2, (48, 96, 1))
    pixels[16:64, 24:120] = GREY + grain
    pixels[16:64, 24:72] += tint
    return np.clip(pixels + 0.5, 0, 255).astype(np.uint8)


def tint_of(pixels):
    areas = pixels[16:64, 24:72, :3], pixels[16:64, 72:120, :3]
    means = [to_oklab(area.reshape(-1, 3))[:, 1:].mean(axis=0) for area in areas]
    return means[0] - means[1]


def keeps_tint(pixels, shown):
    own, left = tint_of(pixels), tint_of(shown)
    lengths = np.linalg.norm(own), np.linalg.norm(left)
    return own @ left >= np.cos(np.radians(20)) * lengths[0] * lengths[1] and (
        2 * lengths[1] >= lengths[0]
    )


def without_places(pixels, k, space="srgb"):
    """Quantised by the colours alone, without their places."""
    palette, _ = find_palette(histogram(pixels), k, Search(space=space))
    return kmcodec.quantize(pixels, palette=palette, space=space)
