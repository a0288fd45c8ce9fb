"""Encoding for a quality as people see it, and dithering in the choice of entries."""

from __future__ import annotations

import json

import numpy as np
import pytest

import kmcodec
from kmcodec import ssimulacra2
from kmcodec.rate_distortion import Goal
from kmcodec.rate_distortion.source import Source


def score_of(pixels, data):
    return ssimulacra2(pixels, kmcodec.decode(data))


@pytest.fixture
def bird(bird):
    """Part of the bird: a search for a quality takes long."""
    return np.ascontiguousarray(bird[24:88, 32:112])


@pytest.fixture
def scene(rng):
    """Soft colours with grain and an edge, uint8, shape (96, 128, 3)."""
    y, x = np.mgrid[:96, :128]
    soft = np.stack([x + 40, y * 2, 200 - x], axis=-1) + 30 * (x > 80)[..., None]
    return np.clip(soft + rng.normal(0, 4, soft.shape), 0, 255).astype(np.uint8)


@pytest.fixture
def drawing():
    """Flat shapes and a ramp, uint8, shape (72, 96, 3)."""
    y, x = np.mgrid[:72, :96]
    image = np.full((72, 96, 3), (240, 240, 230), np.uint8)
    image[(x - 30) ** 2 + (y - 34) ** 2 < 400] = (200, 40, 50)
    image[20:30, 50:90] = (30, 60, 160)
    image[50:60, 50:90] = np.linspace(0, 255, 40, dtype=np.uint8)[None, :, None]
    return image


@pytest.fixture
def page():
    """Strokes with soft edges on tinted paper, as on a page of text, uint8, shape (96, 192, 3)."""
    rng = np.random.default_rng(5)
    large = np.full((192, 384), 250)
    for y in range(12, 180, 28):
        for x in range(12, 370, 14):
            width, height = rng.integers(3, 12), rng.integers(6, 20)
            if rng.random() < 0.5:
                large[y : y + height, x : x + 3] = 20
                large[y : y + 3, x : x + width] = 20
            else:
                large[y + height : y + height + 3, x : x + width] = 20
                large[y : y + height, x + width : x + width + 2] = 90
    grey = large.reshape(96, 2, 192, 2).mean(axis=(1, 3)).astype(int)[..., None]
    return np.clip(grey + np.array([0, -3, -12]) * (grey > 128), 0, 255).astype(np.uint8)


@pytest.mark.parametrize("quality", [40, 75])
def test_a_quality_is_reached_and_not_by_far_exceeded(bird, quality):
    data = kmcodec.encode(bird, quality=quality, effort="fast")
    # On so few pixels the score jumps.
    assert quality <= score_of(bird, data) <= quality + 2.5


def test_a_photo_takes_fewer_bytes_than_at_the_psnr_of_the_same_quality(bird):
    by_psnr = kmcodec.encode(bird, psnr=33, effort="fast")
    data = kmcodec.encode(bird, quality=score_of(bird, by_psnr), effort="fast")
    assert len(data) < len(by_psnr)


def test_a_drawing_takes_no_more_bytes_than_at_the_psnr_of_the_same_quality(drawing):
    by_psnr = kmcodec.encode(drawing, psnr=34)
    data = kmcodec.encode(drawing, quality=score_of(drawing, by_psnr))
    # Of some hundred bytes: one more is one percent.
    assert len(data) <= 1.03 * len(by_psnr)


@pytest.mark.parametrize("quality", [75, 85])
def test_a_page_takes_no_more_bytes_than_the_nearest_of_few_entries(page, quality):
    data = kmcodec.encode(page, quality=quality)
    plain = [kmcodec.encode(page, k, space=space) for k in (3, 4, 5) for space in ("srgb", "oklab")]
    assert len(data) <= min(len(each) for each in plain if score_of(page, each) >= quality)


def test_a_search_takes_few_choices_by_a_slow_coder(scene, monkeypatch):
    efforts = []
    choose = Source.choose

    def counted(source, base, prices):
        efforts.extend([base.method.effort] * len(prices))
        return choose(source, base, prices)

    monkeypatch.setattr(Source, "choose", counted)
    data = kmcodec.encode(scene, quality=60, effort="max")
    assert 60 <= score_of(scene, data) <= 62
    # Two settings, three rounds of two prices each.
    assert 2 <= efforts.count("max") <= 12 < efforts.count("fast") <= 40


def test_quality_100_is_lossless(drawing):
    np.testing.assert_array_equal(kmcodec.decode(kmcodec.encode(drawing, quality=100)), drawing)


def test_the_most_is_aimed_at_and_less_than_the_least_is_an_error(bird):
    few = {"k": 16, "effort": "fast"}
    with pytest.warns(kmcodec.KmcWarning, match="quality 95 cannot be reached with 16 colours"):
        best = score_of(bird, kmcodec.encode(bird, quality=95, **few))
    data = kmcodec.encode(bird, quality=(best - 5, 95), **few)
    assert best - 5 <= score_of(bird, data) < 95
    assert data == kmcodec.encode(bird, quality=f"{best - 5:f}-95", **few)
    with pytest.raises(kmcodec.KmcGoalError, match=r"quality 94 cannot be reached .*, \d+\.\d can"):
        kmcodec.encode(bird, quality="94-95", **few)
    # The other number does not matter where the second can be reached.
    assert kmcodec.encode(bird, quality="10-30", **few) == kmcodec.encode(bird, quality=30, **few)


@pytest.mark.parametrize(
    ("quality", "words"),
    [
        ("good", "quality must be a number or MIN-MAX, such as 65-80, not 'good'"),
        ("1-2-3", "quality must be a number or MIN-MAX"),
        ("80-65", "the lowest to accept exceeds the one to reach"),
        (101, "quality is 101, must be"),
        ((50, 60, 70), "quality must be a number or MIN-MAX"),
        ("6..5", "quality must be a number or MIN-MAX"),
    ],
)
def test_a_wrong_quality_is_refused(bird, quality, words):
    with pytest.raises(kmcodec.KmcInputError, match=words):
        kmcodec.encode(bird, quality=quality)


def test_goals_exclude_each_other():
    with pytest.raises(kmcodec.KmcInputError, match="psnr and quality exclude each other"):
        Goal(quality=70, psnr=30)


@pytest.mark.parametrize("channels", [1, 2, 4])
def test_grey_and_alpha_keep_their_kind(scene, channels):
    y, x = np.mgrid[:96, :128]
    alpha = np.clip(255 - 25 * (np.hypot(x - 60, y - 48) - 30), 0, 255).astype(np.uint8)
    image = {1: scene[..., 0], 2: np.dstack([scene[..., 0], alpha]), 4: np.dstack([scene, alpha])}
    data = kmcodec.encode(image[channels], quality=70, effort="fast")
    assert 70 <= score_of(image[channels], data) <= 72
    if channels > 1:
        decoded = kmcodec.decode(data)
        for kind in (0, 255):
            assert (decoded[..., -1][alpha == kind] == kind).all()


def test_a_dither_or_oklab_that_is_given_is_kept(bird):
    plain = kmcodec.encode(bird, quality=50, effort="fast")
    for options in ({"dither": "blue-noise"}, {"dither": "floyd-steinberg", "dither_amount": 1}):
        data = kmcodec.encode(bird, quality=50, effort="fast", **options)
        assert data != plain
        assert 50 <= score_of(bird, data) <= 57
    oklab = kmcodec.encode(bird, quality=50, space="oklab", effort="fast")
    assert 50 <= score_of(bird, oklab) <= 52


def test_a_given_palette_is_kept(bird):
    palette = kmcodec.quantize(bird, 64, space="oklab").palette
    data = kmcodec.encode(bird, palette=palette, quality=30, effort="fast")
    np.testing.assert_array_equal(kmcodec.decode_indexed(data).palette, palette)
    assert 30 <= score_of(bird, data) <= 31.5


def test_frames_reach_a_quality_on_average(bird):
    frames = [bird[:48], np.roll(bird[:48], 3, axis=1)]
    data = kmcodec.encode_frames(frames, quality=50, effort="fast")
    decoded = [np.asarray(frame.to_array()) for frame in kmcodec.decode_frames(data)]
    scores = [ssimulacra2(*pair) for pair in zip(frames, decoded, strict=True)]
    assert 50 <= np.mean(scores) <= 51.5


def test_images_that_would_need_gigabytes_are_refused(bird, monkeypatch):
    monkeypatch.setattr("kmcodec.perception.score.MOST_PIXELS", bird.shape[0] * bird.shape[1] - 1)
    with pytest.raises(kmcodec.KmcInputError, match="quality is measured of up to 5,119 pixels"):
        kmcodec.encode(bird, quality=50)


def test_small_images_have_a_quality(rng):
    tiny = rng.integers(0, 256, (3, 5, 3), dtype=np.uint8)
    data = kmcodec.encode(tiny, quality=80)
    assert score_of(tiny, data) >= 80


def test_the_command_makes_the_same_file(bird, kmc, tmp_path):
    np.save(tmp_path / "bird.npy", bird)
    kmc("encode", "bird.npy", "--quality", "60", "--effort", "fast", "-o", "x.kmc", "--jobs", "1")
    data = kmcodec.encode(bird, quality=60, effort="fast")
    assert (tmp_path / "x.kmc").read_bytes() == data


def test_the_command_says_the_quality_and_writes_nothing_below_the_least(bird, kmc, tmp_path):
    np.save(tmp_path / "bird.npy", bird)
    common = ("encode", "bird.npy", "--effort", "fast")
    run = kmc(*common, "--quality", "40-60", "-o", "a.kmc", "--json")
    report = json.loads(run.stdout)
    assert 60 <= report["quality"] <= 61.5
    run = kmc(*common, "--quality", "90-95", "-k", "4", "-o", "b.kmc")
    assert run.returncode == 3
    assert b"quality 90 cannot be reached with 4 colours" in run.stderr
    assert not (tmp_path / "b.kmc").exists()


# Floyd and Steinberg's dither in the choice.


DITHER = {"dither": "floyd-steinberg", "dither_amount": 1}


@pytest.mark.parametrize("k", [16, 64])
def test_dithering_by_cost_takes_fewer_bytes_for_the_same_looks(bird, k):
    options = {"dither": "floyd-steinberg", "effort": "default"}
    plain = kmcodec.encode(bird, k, **options)
    chosen = kmcodec.encode(bird, k, rdo=0.1, **options)
    lost = score_of(bird, plain) - score_of(bird, chosen)
    # Not by fewer colours: a factor of 1.5 in bytes is 12 points or more.
    assert len(chosen) < 0.9 * len(plain) * 1.5 ** (-max(0, lost) / 12)


def test_dithering_by_cost_keeps_the_local_mean():
    ramp = np.repeat(np.linspace(60, 190, 256)[None], 64, axis=0)
    pixels = np.floor(ramp + 0.5).astype(np.uint8)
    palette = np.array([[50], [125], [200]], np.uint8)
    data = kmcodec.encode(pixels, palette=palette, rdo=0.1, **DITHER)
    blocks = kmcodec.decode(data).reshape(4, 16, 16, 16).mean(axis=(0, 1, 3))
    assert np.abs(blocks - pixels.reshape(4, 16, 16, 16).mean(axis=(0, 1, 3))).max() < 6
