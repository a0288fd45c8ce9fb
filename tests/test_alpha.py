"""Palettes of images with alpha: no opaque colour is lost, nothing clear is veiled."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFilter

import kmcodec
from kmcodec.quantization import DITHERS, LEVELS, SPACES, kernels


def icon(seed, glow=0):
    """Flat shapes over one another, antialiased, on what is clear."""
    rng = np.random.default_rng(seed)
    image = Image.new("RGBA", (192, 192))
    draw = ImageDraw.Draw(image)
    for _ in range(int(rng.integers(2, 6))):
        x, y = rng.integers(20, 110, 2).tolist()
        w, h = rng.integers(40, 70, 2).tolist()
        draw.ellipse((x, y, x + w, y + h), fill=(*rng.integers(0, 256, 3).tolist(), 255))
    if glow:
        light = Image.new("RGBA", image.size, (240, 190, 30, 255))
        light.putalpha(image.getchannel("A").filter(ImageFilter.GaussianBlur(glow)))
        image = Image.alpha_composite(light, image)
    small = image.convert("RGBa").resize((48, 48), Image.Resampling.BOX)
    return np.array(small.convert("RGBA"))


def red_dot():
    """A translucent ramp and an opaque red dot."""
    level = np.linspace(0, 1, 96)[np.newaxis].repeat(96, axis=0)
    ramp = [255 * level, 160 * (1 - level), 255 * (1 - level), 30 + 190 * level]
    pixels = np.dstack(ramp).round().astype(np.uint8)
    pixels[40:50, 20:30] = (230, 10, 20, 255)
    return pixels


def over(pixels, level):
    alpha = pixels[..., 3:] / 255
    return pixels[..., :3] * alpha + level * (1 - alpha)


def error(pixels, made):
    """Mean squared error over black, white and grey."""
    return np.mean([np.square(over(pixels, b) - over(made, b)).mean() for b in (0, 255, 128)])


def lost(pixels, made):
    """The share of the opaque pixels that are far off."""
    opaque = pixels[..., 3] == 255
    off = np.abs(pixels[opaque].astype(int) - made[opaque]).max(axis=1)
    return (off > 60).mean()


@pytest.mark.parametrize("k", [8, 16])
def test_no_flat_colour_of_an_icon_is_lost(k):
    for seed in range(12):
        pixels = icon(seed)
        made = kmcodec.quantize(pixels, k).to_array()
        assert lost(pixels, made) < 0.02, seed
        assert not made[pixels[..., 3] == 0].any()
        assert (made[pixels[..., 3] == 255, 3] == 255).all()


@pytest.mark.parametrize("space", SPACES)
@pytest.mark.parametrize("search", range(len(LEVELS)))
def test_at_no_level_in_no_space_is_a_colour_lost(search, space):
    pixels = icon(3)
    assert lost(pixels, kmcodec.quantize(pixels, 16, search=search, space=space).to_array()) < 0.02


@pytest.mark.parametrize("dither", DITHERS)
def test_dithering_loses_no_colour(dither):
    pixels = icon(3)
    assert lost(pixels, kmcodec.quantize(pixels, 16, dither=dither).to_array()) < 0.02


def test_more_entries_are_never_worse_by_more_than_the_noise_of_the_search():
    for pixels in (icon(1), icon(2, glow=8), red_dot()):
        best = np.inf
        for k in (2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64):
            found = error(pixels, kmcodec.quantize(pixels, k).to_array())
            assert found <= 1.1 * best
            best = min(best, found)


@pytest.mark.parametrize("k", [8, 32])
def test_a_few_opaque_pixels_keep_their_colour_beside_many_soft_ones(k):
    pixels = red_dot()
    made = kmcodec.quantize(pixels, k).to_array()
    assert lost(pixels, made) == 0
    assert error(pixels, made) < {8: 60, 32: 6}[k]


def test_a_rate_distortion_goal_leaves_a_picture():
    pixels = red_dot()
    made = kmcodec.decode(kmcodec.encode(pixels, k=32, rdo=0.1))
    assert error(pixels, made) < 30


def test_a_halo_is_as_good_over_white_as_over_black():
    pixels = icon(2, glow=8)
    made = kmcodec.quantize(pixels, 32).to_array()
    black, white = (np.square(over(pixels, b) - over(made, b)).mean() for b in (0, 255))
    assert white < 1.5 * black


@pytest.mark.parametrize("k", range(1, 6))
def test_few_entries_keep_what_is_clear_and_what_is_opaque(k):
    pixels = icon(2, glow=8)
    made = kmcodec.quantize(pixels, k).to_array()
    assert (made[pixels[..., 3] == 255, 3] == 255).all()
    assert k == 1 or not made[pixels[..., 3] == 0].any()


def test_the_twins_find_the_same_palette(monkeypatch):
    pixels = icon(2, glow=8)
    found = kmcodec.quantize(pixels, 12)
    for name in kernels.__all__:
        if name != "COMPILED":
            monkeypatch.setattr(kernels, name, None)
    twin = kmcodec.quantize(pixels, 12)
    assert np.array_equal(found.palette, twin.palette)
    assert np.array_equal(found.indices, twin.indices)
