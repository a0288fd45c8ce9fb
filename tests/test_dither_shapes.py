"""Dithering looks at the picture: flat areas, thin lines and edges stay, gradients are dithered."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image, ImageDraw

from kmcodec import quantize
from kmcodec.quantization.assign import nearest_entries
from kmcodec.quantization.dither import DITHERS, dither

# The twin is slow, and says so.
pytestmark = pytest.mark.filterwarnings("ignore:no compiled kernels")

every_method = pytest.mark.parametrize("method", DITHERS)


@every_method
@pytest.mark.parametrize(("k", "share"), [(16, 0.4), (32, 0.2)])
def test_few_flat_patches_are_speckled(rng, method, k, share):
    pixels = np.kron(rng.integers(0, 256, (8, 8, 3)), np.ones((40, 40, 1))).astype(np.uint8)
    found = quantize(pixels, k, dither=method).indices.reshape(8, 40, 8, 40)
    assert (found != found[:, :1, :, :1]).any(axis=(1, 3)).mean() <= share


def slow_gradient():
    """Two blues; rows of one colour, ten rows of each level in one channel."""
    share = np.linspace(0, 1, 128)[:, None, None]
    rows = np.array([225, 238, 245]) * (1 - share) + np.array([212, 150, 230]) * share
    return np.broadcast_to((rows + 0.5).astype(np.uint8), (128, 96, 3)).copy()


@every_method
def test_slow_gradients_are_dithered_without_bands(method):
    pixels = slow_gradient()
    palette = pixels[[0, 42, 85, 127], 0]

    def bands(amount):
        found = palette[dither(pixels, palette, method, amount)]
        return np.abs(found.mean(axis=1) - pixels[:, 0]).max(axis=1)[4:].mean()

    assert bands(0.5) < 0.8 * bands(0)
    assert bands(1.0) < 0.35 * bands(0)


@pytest.mark.parametrize(("step", "same"), [(1, True), (3, False)])
def test_only_slow_gradients_pass_half_as_much_again(step, same):
    # Rows that differ by at most a level, or by up to three.
    pixels = np.ascontiguousarray(slow_gradient()[::step])
    palette = slow_gradient()[[0, 42, 85, 127], 0]
    part, whole = (dither(pixels, palette, "floyd-steinberg", amount) for amount in (2 / 3, 1))
    assert np.array_equal(part, whole) == same


@pytest.mark.parametrize("width", [1, 2])
@pytest.mark.parametrize("smooth", [False, True])
@pytest.mark.parametrize("ground", ["flat", "gradient"])
@pytest.mark.parametrize(
    "ends", [(6, 40, 90, 40), (48, 6, 48, 90), (8, 8, 88, 88), (6, 30, 90, 50)]
)
@pytest.mark.parametrize("amount", [0.5, 1.0])
@every_method
def test_a_drawn_line_is_unbroken(method, width, smooth, ground, ends, amount):
    # Blue halfway between two entries: dithering would make dashes.
    background = slow_gradient() if ground == "gradient" else np.full((128, 96, 3), 240, np.uint8)
    scale = 8 if smooth else 1
    covered = Image.new("L", (96 * scale, 128 * scale))
    place = [end * scale + scale // 2 for end in ends]
    ImageDraw.Draw(covered).line(place, fill=255, width=width * scale)
    share = np.asarray(covered.resize((96, 128), Image.Resampling.BOX))[..., None] / 255
    pixels = (background * (1 - share) + np.array([40, 60, 190]) * share + 0.5).astype(np.uint8)
    blues = [[20, 40, 210], [58, 80, 172]]
    greys = [[v, v, v] for v in range(0, 240, 24)]
    palette = np.array([*blues, *greys, *background[[0, 50, 90, 127], 0]], np.uint8)
    found = dither(pixels, palette, method, amount)
    line = share[..., 0] >= 0.6
    np.testing.assert_array_equal(
        found[line], nearest_entries(pixels[line], palette), "the line is dashed"
    )


def test_no_error_crosses_an_edge():
    # The red that no entry is near must not make specks in the grey beside it.
    palette = np.array([[100, 100, 100], [130, 130, 130], [160, 160, 160], [220, 90, 90]], np.uint8)
    pixels = np.full((40, 60, 3), 110, np.uint8)
    pixels[::2, ::2] = 111
    alone = dither(pixels, palette, "floyd-steinberg", 1.0)
    pixels[10:20, 20:40] = 255, 0, 0
    found = dither(pixels, palette, "floyd-steinberg", 1.0)
    beside = np.ones((40, 60), bool)
    beside[10:20, 20:40] = False
    assert (found[beside] != 3).all()
    # All errors but those that the red shields.
    assert (found == 0)[beside].mean() == pytest.approx((alone == 0)[beside].mean(), abs=0.02)
