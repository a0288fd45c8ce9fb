"""Animations out: what is written is what was there, and what cannot be is told."""

from __future__ import annotations

import io
import warnings
from fractions import Fraction

import numpy as np
import pytest
from animation_files import drawn, gifsicle, seen
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from kmcodec.animation.value import Animation
from kmcodec.errors import KmcInputError, KmcWarning
from kmcodec.formats.apng_writer import delay_of
from kmcodec.formats.gif import parse_gif
from kmcodec.model.image import Metadata
from kmcodec.sources.animations import animation_in
from kmcodec.targets.animations import encode_animation


def animation(*frames, durations=None, loop=0, metadata=None):
    """Frames of letters, with one palette: black, red, green, blue and clear."""
    palette = np.concatenate(drawn("KRGB.")[0:1])
    indices = np.array(
        [[["KRGB.".index(letter) for letter in row] for row in rows] for rows in frames]
    )
    times = durations or (100,) * len(frames)
    return Animation((palette,), indices.astype(np.uint8), times, loop, metadata or Metadata())


def read(data):
    found = animation_in(data)
    return np.stack([seen(image) for image in found.images]), found


def pixels_of(given):
    return np.stack([seen(given[number]) for number in range(len(given))])


@st.composite
def animations(draw):
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    channels, count = draw(st.integers(1, 4)), draw(st.integers(2, 5))
    entries = draw(st.sampled_from([1, 2, 3, 4, 8, 16, 255, 256]))
    height, width = draw(st.integers(1, 9)), draw(st.integers(1, 9))
    palettes = rng.integers(
        0, 256, (draw(st.sampled_from([1, count])), entries, channels), np.uint8
    )
    if channels in (2, 4):
        palettes[..., -1] = 255
        palettes[:, rng.integers(entries)] = 0
    frames = [rng.integers(0, entries, (height, width), np.uint8)]
    for _ in range(count - 1):
        frame = frames[-1].copy()
        top, left = rng.integers(height), rng.integers(width)
        part = frame[top : top + rng.integers(5), left : left + 4]
        part[...] = rng.integers(0, entries, part.shape, np.uint8)
        frames.append(frame)
    times = draw(st.lists(st.integers(0, 999), min_size=count, max_size=count))
    return Animation(
        tuple(palettes), np.stack(frames), tuple(10 * t for t in times), draw(st.integers(0, 3))
    )


@settings(max_examples=60)
@given(animations(), st.sampled_from([".gif", ".png"]))
def test_frames_times_and_loop_counts_come_back(given_, extension):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        data = encode_animation(given_, extension)
    pixels, found = read(data)
    np.testing.assert_array_equal(pixels, pixels_of(given_))
    assert (found.durations, found.loop) == (given_.durations, given_.loop)


# Blinking; opaque black beside what is clear; what becomes clear; equal frames.
HARD = {
    "blinking": (["RR", "RR"], ["..", ".."], ["RR", "RR"], ["..", ".."]),
    "black beside clear": (["K.", "RK"], ["KK", "R."], ["R.", "KK"]),
    "becomes clear": (["RGB", "RGB"], ["R.B", "RGB"], ["...", ".G."], ["RRR", ".G."]),
    "equal": (["RG", "B."],) * 4,
    "clear at first": (["..", ".."], ["..", ".K"], ["..", ".."]),
}


@pytest.mark.parametrize("name", HARD)
@pytest.mark.parametrize("extension", [".gif", ".png"])
def test_clear_pixels_and_equal_frames_stay_what_they_are(name, extension):
    given_ = animation(*HARD[name])
    pixels, found = read(encode_animation(given_, extension))
    np.testing.assert_array_equal(pixels, pixels_of(given_))
    assert len(found.images) == len(given_)


@pytest.mark.parametrize("name", HARD)
def test_others_read_our_gifs(name):
    given_ = animation(*HARD[name], loop=3)
    data = encode_animation(given_, ".gif")
    told = gifsicle("--info", data=data).decode()
    assert f"{len(given_)} images" in told
    assert "loop count 2" in told
    with Image.open(io.BytesIO(data)) as image:
        assert image.n_frames == len(given_)
        for number, expected in enumerate(pixels_of(given_)):
            image.seek(number)
            np.testing.assert_array_equal(seen(image.convert("RGBA")), expected)


def test_a_gif_holds_no_more_than_what_changes(rng):
    frames = np.repeat(rng.integers(0, 8, (1, 60, 80), np.uint8), 5, axis=0)
    for number in range(5):
        frames[number, 10 : 12 + number, 20:30] = number
    palette = np.arange(24, dtype=np.uint8).reshape(8, 3)
    data = encode_animation(Animation((palette,), frames, (100,) * 5), ".gif")
    first, *others = parse_gif(data).frames
    assert (first.width, first.height) == (80, 60)
    assert all((each.left, each.top, each.width) == (20, 10, 10) for each in others)
    assert len(data) < 1.1 * (len(first.data) + 200)


@pytest.mark.parametrize(
    ("given_", "written"),
    [
        ((33, 33, 33), (30, 40, 30)),
        ((7, 7, 7, 7), (10, 10, 10, 10)),
        ((4, 100, 4), (10, 90, 10)),
        ((0, 15, 0, 15), (0, 20, 0, 10)),
    ],
)
def test_a_gif_has_rounded_times_that_do_not_drift_and_it_is_said_once(given_, written):
    frames = [["RG"], ["GR"]] * 2
    with pytest.warns(KmcWarning, match="rounded durations to the 10 ms steps of a GIF") as told:
        data = encode_animation(animation(*frames[: len(given_)], durations=given_), ".gif")
    assert len(told) == 1
    assert animation_in(data).durations == written


@pytest.mark.parametrize(
    ("extension", "most"), [(".gif", 655_350), (".png", 65_535_000), (".webp", 2**24 - 1)]
)
def test_times_that_are_too_long_are_one_line(extension, most):
    given_ = animation(["RG"], ["GR"], durations=(most, 20))
    assert animation_in(encode_animation(given_, extension)).durations == (most, 20)
    too_long = animation(["RG"], ["GR"], durations=(most + 1000, 20))
    with pytest.raises(KmcInputError, match=r"^[^\n]* at most"):
        encode_animation(too_long, extension)


def test_png_holds_long_times_in_longer_steps():
    assert delay_of(7) == Fraction(7, 1000)
    assert delay_of(70_000) == 70
    assert delay_of(70_001) == 70
    with pytest.warns(KmcWarning, match="rounded long durations"):
        data = encode_animation(animation(["RG"], ["GR"], durations=(70_001, 7)), ".png")
    assert animation_in(data).durations == (70_000, 7)


@pytest.mark.parametrize(
    ("extension", "loop", "written"), [(".gif", 70_000, 65_536), (".webp", 70_000, 65_535)]
)
def test_loop_counts_that_are_too_high_are_told(extension, loop, written):
    with pytest.warns(KmcWarning, match=f"shown {written:,} times, not 70,000"):
        data = encode_animation(animation(["RG"], ["GR"], loop=loop), extension)
    assert animation_in(data).loop == written


def test_avif_says_that_it_has_no_loop_count():
    if "AVIF" not in Image.SAVE:
        pytest.skip("this Pillow writes no AVIF")
    with pytest.warns(KmcWarning, match="shown for ever, not 3 times: AVIF has no loop count"):
        encode_animation(animation(["RGRGRGRG"] * 8, ["GRGRGRGR"] * 8, loop=3), ".avif")


def test_frames_that_webp_merges_are_told():
    frames = (["RG"], ["RG"], ["GR"], ["GR"], ["RG"])
    with pytest.warns(KmcWarning, match="2 frames merged with equal ones before them"):
        data = encode_animation(animation(*frames), ".webp")
    assert animation_in(data).durations == (200, 200, 100)
    with pytest.warns(KmcWarning, match="all frames are equal"):
        encode_animation(animation(*[["RG"]] * 3), ".webp")


def test_frames_of_too_many_colours_share_256_in_a_gif_and_clear_stays(rng):
    palette = np.column_stack([rng.integers(0, 256, (400, 3)), np.full(400, 255)]).astype(np.uint8)
    palette[7] = 0
    indices = rng.permutation(np.resize(np.arange(400, dtype=np.uint16), 3 * 400))
    given_ = Animation((palette,), indices.reshape(3, 20, 20), (50,) * 3)
    with pytest.warns(KmcWarning, match="reduced to the 256 colours of a GIF"):
        data = encode_animation(given_, ".gif")
    pixels, expected = read(data)[0], pixels_of(given_)
    np.testing.assert_array_equal(pixels[..., 3], expected[..., 3])
    assert np.abs(pixels.astype(int) - expected).mean() < 20
    assert len(np.unique(pixels.reshape(-1, 4), axis=0)) <= 256


def test_comments_go_into_a_gif_and_texts_into_a_png():
    metadata = Metadata(text={"Comment": "ein Vogel, ü" * 40, "Title": "bird"}, icc=b"profile")
    given_ = animation(["RG"], ["GR"], metadata=metadata)
    with pytest.warns(KmcWarning, match="cannot hold: ICC profile, texts"):
        gif = encode_animation(given_, ".gif")
    assert parse_gif(gif).comments == [("ein Vogel, ü" * 40).encode()]
    with Image.open(io.BytesIO(encode_animation(given_, ".png"))) as image:
        assert image.text == dict(metadata.text)
        assert image.info["icc_profile"] == b"profile"
        assert image.n_frames == 2


def test_a_png_of_more_colours_than_a_palette_has_pixels(rng):
    palettes = tuple(rng.integers(0, 256, (2, 200, 3), np.uint8))
    given_ = Animation(palettes, rng.integers(0, 200, (2, 30, 30), np.uint8), (10, 20))
    with Image.open(io.BytesIO(encode_animation(given_, ".png"))) as image:
        assert image.mode == "RGB"
        for number in range(2):
            image.seek(number)
            np.testing.assert_array_equal(np.asarray(image), given_[number].to_array())


def test_sides_that_a_gif_cannot_have_are_told():
    given_ = Animation((np.zeros((1, 1), np.uint8),), np.zeros((2, 1, 65_536), np.uint8), (1, 1))
    with pytest.raises(
        KmcInputError, match="65,536 x 1 pixels exceed GIF's limit of 65,535 a side"
    ):
        encode_animation(given_, ".gif")
