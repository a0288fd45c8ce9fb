"""A weak tint over a large area stays visible; noise and gradients are no tint."""

import numpy as np
import pytest

import kmcodec
from kmcodec.model.metrics import psnr
from kmcodec.quantization.oklab import to_oklab
from kmcodec.quantization.tints import find_tints, lost_tint

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


def of_colors_alone(pixels, k, space):
    palette = kmcodec.shared_palette([pixels], k, space=space)
    return kmcodec.quantize(pixels, palette=palette, space=space).to_array()


@pytest.mark.parametrize("space", ["srgb", "oklab"])
@pytest.mark.parametrize("k", [16, 24, 32])
@pytest.mark.parametrize("name", TINTS)
def test_a_panel_keeps_its_tint(space, k, name):
    pixels = with_panel(TINTS[name])
    shown = kmcodec.quantize(pixels, k, space=space).to_array()
    assert keeps_tint(pixels, shown)
    assert psnr(pixels, of_colors_alone(pixels, k, space)) - psnr(pixels, shown) < 0.36


@pytest.mark.parametrize("space", ["srgb", "oklab"])
def test_the_colours_alone_would_lose_it(space):
    pixels = with_panel(TINTS["blue"])
    assert not keeps_tint(pixels, of_colors_alone(pixels, 16, space))


def test_alpha_hides_what_is_clear():
    pixels = with_panel(TINTS["blue"])
    alpha = np.full((120, 160, 1), 255, np.uint8)
    assert len(find_tints(np.dstack([pixels, alpha]))) > 0
    alpha[16:64, 24:72] = 0
    assert len(find_tints(np.dstack([pixels, alpha]))) == 0


@pytest.mark.parametrize("seed", range(4))
def test_noise_is_no_tint(seed):
    rng = np.random.default_rng(seed)
    flat = np.full((120, 160, 3), 200.0)
    for noisy in (
        flat + rng.normal(0, 4, flat.shape),
        texture(seed),
        rng.integers(0, 256, flat.shape),
    ):
        pixels = np.clip(noisy, 0, 255).astype(np.uint8)
        assert len(find_tints(pixels)) == 0


def test_a_gradient_of_tints_is_no_tint():
    share = np.linspace(0, 1, 160)[:, np.newaxis]
    ramp = (1 - share) * [225, 225, 225] + share * [205, 215, 245]
    pixels = np.broadcast_to(ramp + 0.5, (120, 160, 3)).astype(np.uint8)
    assert len(find_tints(pixels)) == 0


@pytest.mark.parametrize("shape", [(5, 400, 3), (400, 7, 3), (40, 40), (40, 40, 2), (1, 1, 4)])
def test_images_that_can_have_no_tint(shape):
    assert find_tints(np.full(shape, 200, np.uint8)).shape == (0, 2, 3)


def test_a_tint_is_lost_by_an_error_of_a_third():
    pair = np.array([[222, 224, 232], [225, 225, 225]], np.uint8)
    assert lost_tint(pair, pair) is None
    assert lost_tint(pair, pair[[0, 0]]) == 1
    assert lost_tint(pair, pair[[1, 1]]) == 0
