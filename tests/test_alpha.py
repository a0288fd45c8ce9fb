"""Palettes of images with alpha: no opaque colour is lost, nothing clear is veiled."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFilter

import kmcodec
from kmcodec.quantization import DITHERS, LEVELS, SPACES, kernels
from kmcodec.quantization.colorspace import ColorSpace


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


def drawn(seed, shade=False, side=40):
    """An icon of two to five flat colours, antialiased, in whole numbers alone."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[: 4 * side, : 4 * side]
    large = np.zeros((4 * side, 4 * side, 4), np.int64)
    for _ in range(int(rng.integers(2, 6))):
        cx, cy = rng.integers(side, 3 * side, 2).tolist()
        radius = int(rng.integers(side // 2, side))
        large[(x - cx) ** 2 + (y - cy) ** 2 < radius**2] = (*rng.integers(0, 256, 3).tolist(), 255)
    sums = large.reshape(side, 4, side, 4, 4).sum(axis=(1, 3))
    inside = sums[..., 3:] // 255
    pixels = np.dstack([sums[..., :3] // np.maximum(inside, 1), sums[..., 3] // 16])
    if shade:
        light = 256 - 3 * np.arange(side)[:, np.newaxis, np.newaxis]
        pixels[..., :3] = pixels[..., :3] * light // 256
    return pixels.astype(np.uint8)


@pytest.mark.parametrize("shade", [False, True])
@pytest.mark.parametrize("seed", range(3))
def test_the_error_never_rises_with_more_entries(seed, shade):
    pixels = drawn(seed, shade)
    least = np.inf
    for k in range(2, 41):
        found = error(pixels, kmcodec.quantize(pixels, k).to_array())
        assert found <= least, k
        least = found


# Of pngquant 2.17, `--speed 1 --nofs`: mean squared errors over black, white and grey.
PNGQUANT = {
    (23, False, 32): 0.050653,
    (0, False, 4): 526.37,
    (0, False, 8): 60.459,
    (0, False, 16): 17.091,
    (0, False, 32): 5.6427,
    (1, False, 4): 166.32,
    (1, False, 8): 22.966,
    (1, False, 16): 7.1465,
    (1, False, 32): 1.0626,
    (2, False, 4): 578.17,
    (2, False, 8): 92.943,
    (2, False, 16): 24.408,
    (2, False, 32): 7.3723,
    (3, False, 4): 248.64,
    (3, False, 8): 40.916,
    (3, False, 16): 12.783,
    (3, False, 32): 3.8072,
    (0, True, 4): 390.72,
    (0, True, 8): 85.971,
    (0, True, 16): 25.04,
    (0, True, 32): 10.77,
    (1, True, 4): 99.245,
    (1, True, 8): 69.918,
    (1, True, 16): 9.8724,
    (1, True, 32): 3.5863,
    (2, True, 4): 266.52,
    (2, True, 8): 67.822,
    (2, True, 16): 28.458,
    (2, True, 32): 11.573,
    (3, True, 4): 219.57,
    (3, True, 8): 37.283,
    (3, True, 16): 18.53,
    (3, True, 32): 6.1885,
}


@pytest.mark.parametrize(("seed", "shade", "k"), PNGQUANT)
def test_icons_are_no_worse_than_what_pngquant_makes_of_them(seed, shade, k):
    pixels = drawn(seed, shade)
    found = error(pixels, kmcodec.quantize(pixels, k).to_array())
    assert found <= 1.0005 * PNGQUANT[seed, shade, k]


def photo(rng):
    """Smooth, with some noise."""
    y, x = np.mgrid[0:1:64j, 0:1:64j]
    bands = [np.sin(7 * x + 3 * y), np.cos(5 * y - x), np.sin(9 * x * y)]
    noisy = 127 + 90 * np.dstack(bands) + rng.normal(0, 6, (64, 64, 3))
    return np.clip(noisy, 0, 255).astype(np.uint8)


@pytest.mark.parametrize("dither", ["none", *DITHERS])
@pytest.mark.parametrize("space", SPACES)
@pytest.mark.parametrize("channels", [1, 3])
def test_opaque_pixels_get_the_palette_that_they_get_without_alpha(channels, space, dither):
    plain = photo(np.random.default_rng(1))[..., :channels]
    full = np.dstack([plain, np.full((64, 64), 255, np.uint8)])
    for k in (1, 7, 32):
        without, with_alpha = (
            kmcodec.quantize(pixels, k, space=space, dither=dither) for pixels in (plain, full)
        )
        assert np.array_equal(with_alpha.palette[:, :-1], without.palette)
        assert (with_alpha.palette[:, -1] == 255).all()
        assert np.array_equal(with_alpha.indices, without.indices)


@pytest.mark.parametrize("space", SPACES)
def test_beside_what_is_clear_opaque_pixels_are_as_good_as_without_alpha(space):
    rng = np.random.default_rng(2)
    plain = photo(rng)
    pixels = np.dstack([plain, np.full((64, 64), 255, np.uint8)])
    # Hidden colours, too, are nothing that is seen.
    pixels[:20, :, :3], pixels[:20, :, 3] = rng.integers(0, 256, (20, 64, 3)), 0
    for k in (2, 8, 33):
        made = kmcodec.quantize(pixels, k, space=space)
        assert (made.palette[0] == 0).all()
        assert len(made.palette) == k
        alone = kmcodec.quantize(plain[20:], k - 1, space=space)
        assert np.array_equal(made.to_array()[20:, :, :3], alone.to_array())
        assert not made.to_array()[:20].any()


def test_of_hidden_colours_alone_there_is_one_entry():
    pixels = np.random.default_rng(3).integers(0, 256, (32, 32, 4)).astype(np.uint8)
    pixels[..., 3] = 0
    assert kmcodec.quantize(pixels, 8).palette.tolist() == [[0, 0, 0, 0]]


def test_colour_makes_up_for_the_rounding_of_alpha():
    space = ColorSpace("srgb", 4)
    rng = np.random.default_rng(4)
    colors = rng.integers(1, 255, (200, 4)).astype(np.uint8)
    wanted = (space.to_coordinates(colors) << 12) + rng.integers(-20000, 20000, (200, 4))
    found = space.to_colors(wanted / 4096)
    least = np.square((space.to_coordinates(found) << 12) - wanted).sum(axis=1)
    # The best colour for the alpha that was wanted is no better beside the rounded one.
    points = wanted / 4096
    grey = points[:, :3] - 2040
    alpha = points[:, 3:] * 256 / (222 << 4)
    plain = np.clip(np.floor((2040 + grey * 255 / alpha) / 16 + 0.5), 0, 255)
    plain = np.hstack([plain, np.clip(np.floor(alpha + 0.5), 0, 255)]).astype(np.uint8)
    plain = space.to_coordinates(plain) << 12
    alone = np.square(plain - wanted).sum(axis=1)
    assert least.sum() < 0.99 * alone.sum()


@pytest.mark.parametrize("dither", ["none", *DITHERS])
@pytest.mark.parametrize("space", SPACES)
def test_rows_get_the_entries_of_the_whole_image(dither, space, tmp_path):
    for pixels in (icon(2, glow=8), red_dot(), drawn(5, shade=True)):
        whole = kmcodec.quantize(pixels, 12, dither=dither, space=space)
        path = tmp_path / "rows.kmc"
        options = {"k": 12, "dither": dither, "space": space, "coding": "packed"}
        kmcodec.encode_rows(pixels, output=path, **options)
        assert np.array_equal(kmcodec.read(path).to_array(), whole.to_array())
