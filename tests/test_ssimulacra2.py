"""SSIMULACRA2: scores of the reference, the same from kernel and twin and in any threads."""

from __future__ import annotations

import itertools
import math
import os
import subprocess
import sys
import threading

import numpy as np
import PIL.Image
import pytest
from conftest import SAMPLES
from hypothesis import given
from hypothesis import strategies as st

import kmcodec
from kmcodec import parallel
from kmcodec.perception import Reference, constants, kernels, planes, score

needs_kernel = pytest.mark.skipif(not kernels.COMPILED, reason="not compiled")


def sample(name):
    return np.asarray(PIL.Image.open(SAMPLES / f"{name}.png").convert("RGB"))


def noise(height, width, seed=1):
    """The upper bits of a linear congruential generator."""
    state, values = seed, []
    for _ in range(height * width * 3):
        state = (state * 1664525 + 1013904223) % 2**32
        values.append(state >> 24)
    return np.array(values, np.uint8).reshape(height, width, 3)


def scene(height, width):
    """Soft waves in three colours, with a disc of noise and a hard edge."""
    y, x = np.mgrid[:height, :width].astype(np.int64)
    waves = np.stack([x * 3 + y, (x * x + y * y) // 64, 255 - y * 2 + x // 2], axis=2)
    pixels = np.abs(waves % 510 - 255).astype(np.uint8)
    disc = (x - width // 3) ** 2 + (y - height // 2) ** 2 < (height // 4) ** 2
    pixels[disc] = noise(height, width)[disc] // 2 + 64
    pixels[:, width * 3 // 4 :][y[:, width * 3 // 4 :] % 16 < 2] = (230, 57, 70)
    return pixels


def box(pixels):
    """Mean of 3 x 3 pixels."""
    padded = np.pad(pixels, ((1, 1), (1, 1), (0, 0)), mode="edge").astype(int)
    height, width = pixels.shape[:2]
    parts = [padded[i : i + height, j : j + width] for i in range(3) for j in range(3)]
    return (sum(parts) // 9).astype(np.uint8)


def rounded_icon():
    y, x = np.mgrid[:32, :32]
    pixels = np.zeros((32, 32, 4), np.uint8)
    pixels[..., 0], pixels[..., 1] = 8 * x, 8 * y
    pixels[..., 3] = np.clip((200 - (x - 16) ** 2 - (y - 16) ** 2) * 4, 0, 255)
    return pixels


FLAT = np.full((64, 64, 3), 120, np.uint8)
SCENE = scene(150, 213)
PAIRS = {
    "scene, 3 bits": (SCENE, SCENE & 0xE0),
    "scene, 5 bits": (SCENE, SCENE & 0xF8),
    "scene, least bit": (SCENE, SCENE ^ 1),
    "scene, blurred": (SCENE, box(SCENE)),
    "scene, shifted": (SCENE, np.roll(SCENE, 1, axis=1)),
    "scene, noisy": (SCENE, SCENE // 8 * 7 + noise(150, 213, 5) // 8),
    "scene, swapped": (SCENE, SCENE[..., ::-1]),
    "odd sides": (SCENE[:101, :67], SCENE[:101, :67] & 0xF0),
    "noise, 2 bits": (noise(96, 80), noise(96, 80) & 0xC0),
    "noise, other": (noise(96, 80), noise(96, 80, 2)),
    "flat, 1 brighter": (FLAT, FLAT + 1),
    "flat, 20 brighter": (FLAT, FLAT + 20),
    "black and white": (FLAT * 0, FLAT * 0 + 255),
    "pixel art": (sample("pixelart"), sample("pixelart") & 0xC0),
    "grey": (sample("grey"), sample("grey") & 0xF0),
    "screenshot": (sample("screenshot")[:300, :400], sample("screenshot")[:300, :400] & 0xF0),
    "8 x 8": (SCENE[60:68, 40:48], SCENE[60:68, 40:48] & 0xC0),
    "15 x 15": (SCENE[60:75, 40:55], SCENE[60:75, 40:55] & 0xC0),
    "16 x 16": (SCENE[60:76, 40:56], SCENE[60:76, 40:56] & 0xC0),
    "8 x 40": (SCENE[60:68, 40:80], SCENE[60:68, 40:80] & 0xC0),
    "icon with alpha": (rounded_icon(), rounded_icon() & 0xE0),
}
# Of another program, in float64: the PyPI package ssimulacra2 0.3.0 with its blur, which treats
# borders in its own way, replaced by the recursive one of libjxl 0.11, and scales as there.
EXPECTED = {
    "scene, 3 bits": 26.4564,
    "scene, 5 bits": 86.9189,
    "scene, least bit": 94.8822,
    "scene, blurred": 32.0483,
    "scene, shifted": 17.8889,
    "scene, noisy": 40.7477,
    "scene, swapped": -61.8900,
    "odd sides": 63.2860,
    "noise, 2 bits": 19.1083,
    "noise, other": -56.7112,
    "flat, 1 brighter": 98.7512,
    "flat, 20 brighter": 53.1988,
    "black and white": -1112.1701,
    "pixel art": -33.1254,
    "grey": 40.4666,
    "screenshot": 49.3932,
    "8 x 8": 88.7594,
    "15 x 15": 74.4630,
    "16 x 16": 73.6683,
    "8 x 40": 86.7443,
    "icon with alpha": 32.0932,
}


@pytest.mark.parametrize("name", PAIRS)
def test_scores_are_those_of_the_reference(name):
    original, distorted = PAIRS[name]
    assert kmcodec.ssimulacra2(original, distorted) == pytest.approx(EXPECTED[name], abs=0.02)


def test_the_blur_is_that_of_the_paper():
    """Charalampidis 2016: equations 37, 44, 50 and 52 for sigma 1.5 and radius 5."""
    omega = np.array([1, 3, 5]) * math.pi / 10
    p = np.array([1, -1, 1]) / np.tan(omega / 2)
    r = np.array([1, -1, 1]) * p**2 / np.sin(omega)
    rho = np.exp(-(1.5**2) / 2 * omega**2) / 5
    cross = np.cross(p, r)
    zeta = cross[:2] / cross[2]
    matrix = np.array([p, r, [*zeta, 1]])
    beta = np.linalg.solve(matrix, [1, 25 - 1.5**2, zeta @ rho[:2] + rho[2]])
    taps = [float((beta * np.cos(omega * m)).sum()) for m in range(6)]
    np.testing.assert_allclose([*constants.TAPS, 0], taps, atol=1e-8)


# --- properties -------------------------------------------------------------------------------


def test_equal_images_score_100():
    for pixels, _ in PAIRS.values():
        assert kmcodec.ssimulacra2(pixels, pixels) == 100


@pytest.mark.parametrize("pixels", [SCENE, sample("grey"), rounded_icon()[8:24, 8:24]])
def test_the_score_falls_with_the_strength_of_a_distortion(pixels):
    masks = [0xFF, 0xFE, 0xFC, 0xF8, 0xF0, 0xE0, 0xC0]
    scores = [kmcodec.ssimulacra2(pixels, pixels & mask) for mask in masks]
    assert all(better > worse for better, worse in itertools.pairwise(scores))


def test_a_reference_scores_many_images_alike():
    reference = Reference(SCENE)
    for bits in (0xE0, 0xFC, 0xE0):
        assert reference.score(SCENE & bits) == kmcodec.ssimulacra2(SCENE, SCENE & bits)


def test_kinds_of_images_that_show_the_same_score_the_same():
    grey, rough = sample("grey")[..., 0], sample("grey")[..., 0] & 0xE0
    expected = kmcodec.ssimulacra2(sample("grey"), np.stack([rough] * 3, axis=2))
    assert kmcodec.ssimulacra2(grey, rough) == expected
    assert kmcodec.ssimulacra2(grey[..., np.newaxis], PIL.Image.fromarray(rough)) == expected
    assert kmcodec.ssimulacra2(PIL.Image.fromarray(grey), kmcodec.quantize(rough)) == expected
    opaque = np.stack([grey, np.full_like(grey, 255)], axis=2)
    # Blending with alpha 255 changes nothing, but its arithmetic differs.
    assert kmcodec.ssimulacra2(opaque, rough) == pytest.approx(expected, abs=1e-3)


def test_hidden_colours_do_not_count():
    icon = rounded_icon()
    other = icon.copy()
    other[icon[..., 3] == 0, :3] = 77
    assert (other != icon).any()
    assert kmcodec.ssimulacra2(icon, other) == 100


def test_the_worse_of_two_backgrounds_counts():
    """A white mark that turns transparent is not seen on white, but on black."""
    marked = np.zeros((32, 32, 2), np.uint8)
    marked[8:24, 8:24] = 255
    dark = marked.copy()
    dark[8:24, 8:24, 0] = 0
    for mark in (marked, dark):
        assert kmcodec.ssimulacra2(mark, np.zeros_like(mark)) < 60
    assert kmcodec.ssimulacra2(marked[..., 0], marked) < 60


@pytest.mark.parametrize("name", PAIRS)
def test_pixels_share_what_is_lost(name):
    original, distorted = PAIRS[name]
    reference = Reference(original)
    losses = reference.losses(distorted)
    assert losses.shape == original.shape[:2]
    assert losses.min() >= 0
    lost = 100 - reference.score(distorted)
    assert losses.mean(dtype=np.float64) == pytest.approx(lost, rel=1e-5)


def test_losses_lie_where_an_image_differs():
    distorted = SCENE.copy()
    distorted[90:110, 30:60] &= 0xC0
    losses = Reference(SCENE).losses(distorted)
    assert losses[80:120, 20:70].sum() > 0.8 * losses.sum()
    assert (Reference(SCENE).losses(SCENE) == 0).all()


@pytest.mark.parametrize("shape", [(1, 1), (1, 20), (7, 7), (3, 300), (8, 7)])
def test_small_images_are_extended_to_8_pixels(shape):
    height, width = shape
    pixels = SCENE[70 : 70 + height, :width] if width <= 213 else noise(height, width)
    rough = pixels & 0x80
    margins = ((0, max(0, 8 - height)), (0, max(0, 8 - width)), (0, 0))
    large = [np.pad(each, margins, mode="edge") for each in (pixels, rough)]
    assert kmcodec.ssimulacra2(pixels, rough) == kmcodec.ssimulacra2(*large) < 100
    assert kmcodec.ssimulacra2(pixels, pixels) == 100


@pytest.mark.parametrize(
    ("original", "distorted", "message"),
    [
        (FLAT, FLAT[:60], "the images of 64 x 64 and 64 x 60 pixels differ in size"),
        (FLAT[0, 0], FLAT, "pixels must have shape"),
        (FLAT, FLAT - 200.5, "float pixels must be 0 to 1"),
        (FLAT[:0], FLAT, "the image is empty"),
    ],
)
def test_bad_images_are_refused_in_one_line(original, distorted, message):
    with pytest.raises(kmcodec.KmcInputError, match=message) as caught:
        kmcodec.ssimulacra2(original, distorted)
    assert "\n" not in str(caught.value)


# --- the same everywhere ----------------------------------------------------------------------


def test_the_kernel_is_there_where_it_is_required():
    assert kernels.COMPILED is (kernels.compiled is not None)
    assert kernels.COMPILED or os.environ.get("KMC_REQUIRE_COMPILED") != "1"


def shapes():
    return st.tuples(st.integers(8, 40), st.integers(8, 40))


@needs_kernel
@given(shapes(), st.integers(0, 2**32 - 1), st.sampled_from([0, 1, 255]))
def test_kernel_and_twin_agree_bit_for_bit(shape, seed, bits):
    rng = np.random.default_rng(seed)
    pixels = rng.integers(0, 256, (*shape, 3), np.uint8)
    other = pixels ^ rng.integers(0, bits + 1, pixels.shape, np.uint8)
    both = []
    for loops in (kernels.compiled, planes):
        light = [loops.light(each, score._levels()) for each in (pixels, other)]
        one, two = (loops.opsin(each) for each in light)
        made = [*light, one, two, *(loops.halved(each) for each in light)]
        for plane, distorted, border in zip(one, two, constants.BORDER, strict=True):
            blurs = [loops.blurred(plane, border, squared) for squared in (False, True)]
            made += [*blurs, loops.column_sums(plane, *blurs, distorted, border)]
            shares = np.arange(1.0, 7)
            made += [loops.weighted_errors(plane, *blurs, distorted, border, shares)]
        both.append(made)
    for found, expected in zip(*both, strict=True):
        np.testing.assert_array_equal(found, expected, strict=True)


@needs_kernel
def test_scores_do_not_depend_on_threads_or_kernel(monkeypatch):
    for name in ("scene, 5 bits", "icon with alpha", "15 x 15"):
        expected = kmcodec.ssimulacra2(*PAIRS[name])
        with monkeypatch.context() as patch:
            patch.setattr(kernels, "compiled", None)
            assert kmcodec.ssimulacra2(*PAIRS[name]) == expected
        for threads in ("1", "2", "7"):
            with monkeypatch.context() as patch:
                patch.setenv("KMC_THREADS", threads)
                parallel.thread_count.cache_clear()
                parallel._pool.cache_clear()
                assert kmcodec.ssimulacra2(*PAIRS[name]) == expected
            parallel.thread_count.cache_clear()
            parallel._pool.cache_clear()


def test_without_kernels_a_process_gives_the_same_score():
    code = (
        "import sys, PIL.Image, numpy as np, kmcodec, kmcodec.perception.kernels as kernels\n"
        "assert kernels.compiled is None\n"
        "pixels = np.asarray(PIL.Image.open(sys.argv[1]).convert('RGB'))\n"
        "print(kmcodec.ssimulacra2(pixels, pixels & 0xE0).hex())"
    )
    run = subprocess.run(
        [sys.executable, "-c", code, SAMPLES / "pixelart.png"],
        env={**os.environ, "KMC_COMPILED": "0"},
        capture_output=True,
        check=True,
        text=True,
    )
    pixels = sample("pixelart")
    assert float.fromhex(run.stdout) == kmcodec.ssimulacra2(pixels, pixels & 0xE0)


@pytest.mark.parametrize("compiled", [pytest.param(True, marks=needs_kernel), False])
def test_stopping_ends_a_score(monkeypatch, compiled):
    reference = Reference(SCENE)
    reference.score(SCENE & 0xE0)
    if not compiled:
        monkeypatch.setattr(kernels, "compiled", None)
    stopped = threading.Event()
    stopped.set()
    monkeypatch.setattr(parallel._state, "stop", stopped, raising=False)
    with pytest.raises(parallel._Stopped):
        reference.score(SCENE & 0xE0)
