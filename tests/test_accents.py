"""Small marks of a hue of their own keep it; noise, and images without such marks, get nothing."""

from __future__ import annotations

import io

import numpy as np
import pytest
from marked_images import MARKS, SPACES, earth, keeps_hue, large, with_mark, without_places
from PIL import Image

import kmcodec
from kmcodec.model.metrics import psnr
from kmcodec.quantization.accents import find_accents, lost_hue, rare_squares
from kmcodec.quantization.histogram import index_colors


def accents_of(pixels):
    return find_accents(rare_squares(pixels, *index_colors(pixels))).tolist()


@pytest.mark.parametrize("space", SPACES)
@pytest.mark.parametrize("k", [16, 32, 64])
@pytest.mark.parametrize("size", [2, 3, 6])
@pytest.mark.parametrize("name", MARKS)
def test_a_mark_keeps_its_hue(space, k, size, name):
    marked, where = with_mark(large(), MARKS[name], size)
    image = kmcodec.quantize(marked, k, space=space)
    assert keeps_hue(image.to_array(), where, MARKS[name])
    # At K = 16 an entry more for the rest would be worth about 0.3 dB.
    plain = without_places(marked, k, space)
    cost = psnr(marked, plain.to_array()) - psnr(marked, image.to_array())
    assert cost < (0.35 if k == 16 else 0.2)


@pytest.mark.parametrize("space", SPACES)
@pytest.mark.parametrize("name", MARKS)
def test_a_mark_costs_no_more_than_an_entry(space, name):
    marked, _ = with_mark(large(), MARKS[name], 2)
    image = kmcodec.quantize(marked, 16, space=space)
    of_one_less = psnr(marked, without_places(marked, 15, space).to_array())
    assert psnr(marked, image.to_array()) > of_one_less - 0.02


@pytest.mark.parametrize("space", SPACES)
def test_the_colours_alone_would_lose_it(space):
    marked, where = with_mark(large(), MARKS["blue"], 2)
    assert not keeps_hue(without_places(marked, 16, space).to_array(), where, MARKS["blue"])


def test_two_marks_keep_both_hues():
    marked, first = with_mark(earth(), MARKS["blue"], 3)
    marked, second = with_mark(marked, MARKS["green"], 3, at=(10, 20))
    image = kmcodec.quantize(marked, 32).to_array()
    assert keeps_hue(image, first, MARKS["blue"])
    assert keeps_hue(image, second, MARKS["green"])


@pytest.mark.parametrize("options", [{"rdo": 0.3}, {"dither": "floyd-steinberg"}], ids=str)
def test_a_mark_keeps_its_hue_through_goals_and_dither(options):
    marked, where = with_mark(earth(), MARKS["blue"], 3)
    image = kmcodec.decode(kmcodec.encode(marked, 32, **options))
    assert keeps_hue(image, where, MARKS["blue"])


def test_a_mark_of_one_frame_keeps_its_hue():
    marked, where = with_mark(earth(), MARKS["blue"], 3)
    data = kmcodec.encode_frames([earth(1), marked, earth(2)], 24)
    assert keeps_hue(kmcodec.decode_frames(data).to_array()[1], where, MARKS["blue"])


def test_a_mark_of_a_logo_with_clear_pixels_keeps_its_hue():
    marked, where = with_mark(earth(), MARKS["blue"], 3)
    alpha = np.full((96, 128, 1), 255, np.uint8)
    alpha[:9] = 0
    # What is clear is seen by nobody: no accent.
    marked[2:5, 2:5] = MARKS["green"]
    logo = np.dstack([marked, alpha])
    assert accents_of(logo) == [list(MARKS["blue"])]
    assert keeps_hue(kmcodec.quantize(logo, 24).to_array(), where, MARKS["blue"])


def test_kept_colours_stay_beside_accents():
    marked, where = with_mark(earth(), MARKS["blue"], 3)
    image = kmcodec.quantize(marked, 24, keep=[[1, 2, 3], [250, 250, 250]])
    assert {(1, 2, 3), (250, 250, 250)} <= set(map(tuple, image.palette.tolist()))
    assert keeps_hue(image.to_array(), where, MARKS["blue"])


@pytest.mark.parametrize("space", SPACES)
def test_an_accent_is_given_up_if_it_costs_much(space):
    # With 3 entries each is worth several decibels.
    marked, _ = with_mark(earth(), MARKS["blue"], 2)
    image = kmcodec.quantize(marked, 3, space=space)
    assert image == kmcodec.quantize(marked, palette=image.palette, space=space)
    plain = without_places(marked, 3, space)
    assert np.array_equal(image.palette, plain.palette)


# Noise is no accent.


def hot_pixels(pixels, rng):
    noisy = pixels.copy()
    for color in ((255, 0, 0), (0, 0, 255), (0, 255, 0), (255, 0, 255)):
        y, x = rng.integers(0, 96, 12), rng.integers(0, 128, 12)
        noisy[y, x] = color
    return noisy


def salt(pixels, rng):
    noisy = pixels.copy()
    where = rng.random(pixels.shape[:2]) < 0.02
    noisy[where] = rng.choice([0, 255], (int(where.sum()), 3))
    return noisy


def by_jpeg(quality):
    def made(pixels, rng):
        stream = io.BytesIO()
        noisy = hot_pixels(pixels, rng)
        Image.fromarray(noisy).save(stream, "JPEG", quality=quality, subsampling=2)
        return np.array(Image.open(stream))

    return made


NOISES = {
    "none": lambda pixels, rng: pixels,
    "sensor": lambda p, rng: np.clip(p + rng.normal(0, 20, p.shape), 0, 255).astype(np.uint8),
    "hot pixels": hot_pixels,
    "salt": salt,
    "specks of JPEG": by_jpeg(40),
}


@pytest.mark.parametrize("noise", NOISES)
@pytest.mark.parametrize("seed", range(4))
def test_noise_is_no_accent_and_changes_no_palette(noise, seed):
    noisy = NOISES[noise](earth(seed), np.random.default_rng(seed))
    if noise != "specks of JPEG":
        assert accents_of(noisy) == []
    found = kmcodec.quantize(noisy, 16)
    assert np.array_equal(found.palette, without_places(noisy, 16).palette)


def test_a_line_of_one_pixel_and_a_range_of_hues_are_no_accents():
    lined = earth()
    lined[30, 20:60] = MARKS["blue"]
    assert accents_of(lined) == []
    hues = earth()
    ramp = np.linspace(0, 1, 40)[:, np.newaxis]
    hues[20:44, 30:70] = ((1 - ramp) * [120, 100, 80] + ramp * MARKS["blue"]).astype(np.uint8)
    assert accents_of(hues) == []


@pytest.mark.parametrize("shape", [(1, 400, 3), (400, 1, 3), (20, 20), (20, 20, 2)])
def test_images_that_can_have_no_accent_are_quantised_as_ever(shape):
    pixels = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    assert len(kmcodec.quantize(pixels, 8).palette) == 8


def test_hues_are_compared_as_eyes_do():
    red = np.array([[220, 30, 40]] * 5, np.uint8)
    others = [[220, 30, 40], [180, 60, 60], [130, 110, 105], [30, 160, 40], [120, 120, 120]]
    lost = lost_hue(red, np.array(others, np.uint8)) > 0
    assert lost.tolist() == [False, False, True, True, True]


def test_the_same_bytes_with_any_number_of_threads(monkeypatch):
    marked, _ = with_mark(earth(), MARKS["blue"], 3)
    first = kmcodec.encode(marked, 16)
    from kmcodec import parallel

    parallel.thread_count.cache_clear()
    monkeypatch.setenv("KMC_THREADS", "1")
    try:
        assert kmcodec.encode(marked, 16) == first
    finally:
        parallel.thread_count.cache_clear()
