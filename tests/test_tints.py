"""A weak tint over a large area stays visible; noise and gradients are no tint."""

import numpy as np
import pytest
from marked_images import SPACES, TINTS, keeps_tint, texture, with_panel, without_places

import kmcodec
from kmcodec.model.metrics import psnr
from kmcodec.quantization.even_blocks import even_blocks
from kmcodec.quantization.tints import find_tints, lost_tint


def tints_of(pixels):
    return find_tints(even_blocks(pixels)).pairs


@pytest.mark.parametrize("space", SPACES)
@pytest.mark.parametrize("k", [16, 24, 32])
@pytest.mark.parametrize("name", TINTS)
def test_a_panel_keeps_its_tint(space, k, name):
    pixels = with_panel(TINTS[name])
    shown = kmcodec.quantize(pixels, k, space=space).to_array()
    assert keeps_tint(pixels, shown)
    assert psnr(pixels, without_places(pixels, k, space).to_array()) - psnr(pixels, shown) < 0.36


@pytest.mark.parametrize("space", SPACES)
def test_the_colours_alone_would_lose_it(space):
    pixels = with_panel(TINTS["blue"])
    assert not keeps_tint(pixels, without_places(pixels, 16, space).to_array())


def test_alpha_hides_what_is_clear():
    pixels = with_panel(TINTS["blue"])
    alpha = np.full((120, 160, 1), 255, np.uint8)
    assert len(tints_of(np.dstack([pixels, alpha]))) > 0
    alpha[16:64, 24:72] = 0
    assert len(tints_of(np.dstack([pixels, alpha]))) == 0


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
        assert len(tints_of(pixels)) == 0


def test_a_gradient_of_tints_is_no_tint():
    share = np.linspace(0, 1, 160)[:, np.newaxis]
    ramp = (1 - share) * [225, 225, 225] + share * [205, 215, 245]
    pixels = np.broadcast_to(ramp + 0.5, (120, 160, 3)).astype(np.uint8)
    assert len(tints_of(pixels)) == 0


@pytest.mark.parametrize("shape", [(5, 400, 3), (400, 7, 3), (40, 40), (40, 40, 2), (1, 1, 4)])
def test_images_that_can_have_no_tint(shape):
    assert tints_of(np.full(shape, 200, np.uint8)).shape == (0, 2, 3)


def test_a_tint_is_lost_by_an_error_of_a_third():
    pair = np.array([[222, 224, 232], [225, 225, 225]], np.uint8)
    assert lost_tint(pair, pair) is None
    assert lost_tint(pair, pair[[0, 0]]) == 1
    assert lost_tint(pair, pair[[1, 1]]) == 0
