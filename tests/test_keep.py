"""Colours to keep stand in the palette exactly, on every path and through to the file."""

from __future__ import annotations

import io

import click
import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image
from test_option_paths import pixels

import kmcodec
from kmcodec.cli.app import kmc
from kmcodec.model.metrics import psnr
from kmcodec.model.pixels import to_channels

RED, INK = [230, 57, 70], [1, 2, 3]
KEEP = [RED, INK]
SPACES = ["srgb", "oklab"]


def holds(palette, colors):
    """Whether a palette has each of these colours exactly once."""
    entries = [tuple(e) for e in to_channels(np.asarray(palette), 4).tolist()]
    wanted = [tuple(c) + (255,) * (4 - len(c)) for c in colors]
    return all(entries.count(color) == 1 for color in wanted)


def clear_and_soft(kind):
    """The test image with alpha: 0 and 255 only, or all values."""
    rng = np.random.default_rng(5)
    alpha = rng.integers(0, 256, (33, 40)).astype(np.uint8)
    if kind == "clear":
        alpha = np.where(alpha < 60, 0, 255).astype(np.uint8)
    return np.dstack([pixels(), alpha])


# The search.


@pytest.mark.parametrize("space", SPACES)
@pytest.mark.parametrize("search", [0, 1, 3, 5])
@pytest.mark.parametrize("k", [2, 3, 16, 64])
def test_kept_colours_are_entries_even_if_no_pixel_uses_them(space, search, k):
    image = kmcodec.quantize(pixels(), k, keep=KEEP, space=space, search=search)
    assert holds(image.palette, KEEP)
    assert len(image.palette) <= k
    assert len(np.unique(image.palette, axis=0)) == len(image.palette)


@pytest.mark.parametrize("init", ["pca", "k-means++", "random"])
def test_restarts_and_starts_keep_them(init):
    image = kmcodec.quantize(pixels(), 9, keep=KEEP, init=init, seed=3, restarts=3)
    assert holds(image.palette, KEEP)


@pytest.mark.parametrize("space", SPACES)
def test_pixels_get_their_nearest_entry_kept_or_not(space):
    source = pixels()
    near = source[3, 5].tolist()
    image = kmcodec.quantize(source, 12, keep=[near], space=space)
    again = kmcodec.quantize(source, palette=image.palette, space=space)
    assert np.array_equal(image.indices, again.indices)
    assert image.to_array()[3, 5].tolist() == near


def test_the_others_are_searched_around_them():
    # A colour that the search would choose anyway costs next to nothing.
    source = pixels()
    plain = kmcodec.quantize(source, 16)
    own = [plain.palette[3].tolist(), plain.palette[9].tolist()]
    kept = kmcodec.quantize(source, 16, keep=own)
    assert psnr(source, kept.to_array()) > psnr(source, plain.to_array()) - 0.1
    # Two that no pixel needs leave 14 entries, which are as good as 14 without them.
    apart = kmcodec.quantize(source, 16, keep=[[255, 0, 255], [0, 255, 255]])
    fewer = kmcodec.quantize(source, 14)
    assert psnr(source, apart.to_array()) > psnr(source, fewer.to_array()) - 0.05


def test_colours_that_fit_beside_them_are_kept_too():
    few = np.arange(12, dtype=np.uint8).reshape(2, 2, 3)
    image = kmcodec.quantize(few, 6, keep=KEEP)
    assert np.array_equal(image.to_array(), few)
    assert len(image.palette) == 6
    assert holds(image.palette, KEEP)
    # One entry too few: no more than k, and the kept ones stand.
    image = kmcodec.quantize(few, 5, keep=KEEP)
    assert len(image.palette) == 5
    assert holds(image.palette, KEEP)
    assert not np.array_equal(image.to_array(), few)


def test_the_same_colour_twice_is_one():
    image = kmcodec.quantize(pixels(), 2, keep=[RED, INK, RED])
    assert holds(image.palette, KEEP)


# Channels.


def test_a_grey_image_gets_colours_for_a_coloured_one():
    grey = pixels()[..., 1]
    image = kmcodec.quantize(grey, 8, keep=[RED])
    assert image.channels == 3
    assert holds(image.palette, [RED])
    assert kmcodec.quantize(grey, 8, keep=[[9, 9, 9]]).channels == 1
    stream = io.BytesIO()
    kmcodec.encode_rows(grey, k=8, keep=[RED], output=stream)
    assert stream.getvalue() == kmcodec.encode(grey, 8, keep=[RED])


@pytest.mark.parametrize("space", SPACES)
@pytest.mark.parametrize("kind", ["clear", "soft"])
@pytest.mark.parametrize("k", [2, 3, 9, 40])
@pytest.mark.parametrize(
    "keep",
    [
        KEEP,
        [[255, 0, 0, 0]],
        [[0, 0, 0, 0], [9, 9, 9, 255]],
        [[255, 0, 0, 128], [3, 4, 5, 77]],
        [[255, 0, 0, 0], [0, 0, 255, 0]],
    ],
    ids=str,
)
def test_alpha_is_kept_exactly_and_opaque_pixels_stay_opaque(space, kind, k, keep):
    source = clear_and_soft(kind)
    image = kmcodec.quantize(source, k, keep=keep, space=space)
    assert holds(image.palette, keep)
    assert len(image.palette) <= k
    if k > len(keep):
        assert (image.to_array()[source[..., 3] == 255][:, 3] == 255).all()
    if k > len(keep) + 1:
        assert (image.to_array()[source[..., 3] == 0][:, 3] == 0).all()


def test_an_opaque_image_gets_alpha_for_a_colour_with_alpha():
    image = kmcodec.quantize(pixels(), 8, keep=[[255, 0, 0, 128]])
    assert image.channels == 4
    assert holds(image.palette, [[255, 0, 0, 128]])
    assert (image.to_array()[..., 3] == 255).all()
    clear = np.zeros((4, 5, 4), np.uint8)
    clear[..., 0] = np.arange(20).reshape(4, 5)
    assert holds(kmcodec.quantize(clear, 2, keep=[RED]).palette, [RED])


# Palette images.


def test_a_palette_image_gets_the_colours_it_lacks_after_its_own():
    own = kmcodec.IndexedImage([[200, 9, 9], INK, [200, 9, 9]], pixels()[..., 0] % 3)
    image = kmcodec.quantize(own, keep=KEEP)
    assert image.palette.tolist() == [[200, 9, 9], INK, [200, 9, 9], RED]
    assert np.array_equal(image.indices, own.indices)
    assert kmcodec.quantize(own, keep=[INK]) == own
    assert holds(kmcodec.quantize(own, keep=KEEP, reorder=True).palette, [RED, INK, [200, 9, 9]])
    with pytest.raises(kmcodec.KmcInputError, match="4 palette entries, more than k = 3"):
        kmcodec.quantize(own, 3, keep=KEEP)


# Every path, to the file.


GOALS = [
    {"rdo": 1.0},
    {"psnr": 24},
    {"max_bytes": 700},
    {"max_bytes": 60},
    {"dither": "blue-noise"},
]


@pytest.mark.filterwarnings("ignore:60 bytes cannot be reached")
@pytest.mark.parametrize("space", SPACES)
@pytest.mark.parametrize("goal", GOALS, ids=str)
@pytest.mark.parametrize("kind", ["opaque", "soft"])
def test_goals_and_dither_move_no_kept_entry(space, goal, kind):
    source = pixels() if kind == "opaque" else clear_and_soft("soft")
    data = kmcodec.encode(source, 32, keep=KEEP, space=space, **goal)
    assert holds(kmcodec.decode_indexed(data).palette, KEEP)


def test_a_goal_out_of_reach_says_what_the_kept_colours_take():
    with pytest.warns(kmcodec.KmcWarning, match="2 colours take"):
        kmcodec.encode(pixels(), 32, keep=KEEP, max_bytes=20)


@pytest.mark.parametrize("goal", [{}, {"rdo": 1.0}, {"palettes": "frame"}], ids=str)
def test_frames_keep_them(goal):
    data = kmcodec.encode_frames([pixels(), pixels(1)[::-1]], 12, keep=KEEP, **goal)
    animation = kmcodec.decode_frames(data)
    assert len(animation.palettes) == (2 if "palettes" in goal else 1)
    for palette in animation.palettes:
        assert holds(palette, KEEP)


def test_frames_with_few_pixels_refuse_more_colours_than_that():
    frames = [np.full((1, 1, 3), 9, np.uint8), np.full((1, 1, 3), 7, np.uint8)]
    with pytest.raises(kmcodec.KmcInputError, match="keep has 2 colours, more than the 1 pixels"):
        kmcodec.encode_frames(frames, 12, keep=KEEP, palettes="frame")


def test_frames_with_palettes_of_their_own_keep_them():
    frames = [
        kmcodec.IndexedImage([[200, 9, 9], [7, 7, 7 + n]], pixels(n)[..., 0] % 2) for n in range(2)
    ]
    animation = kmcodec.decode_frames(kmcodec.encode_frames(frames, keep=KEEP))
    for frame in range(2):
        assert np.array_equal(animation.to_array()[frame], frames[frame].to_array())
    for palette in animation.palettes:
        assert holds(palette, KEEP)


@pytest.mark.parametrize("dither", ["none", "floyd-steinberg"])
def test_rows_write_what_a_whole_image_does(dither):
    stream = io.BytesIO()
    kmcodec.encode_rows(pixels(), k=12, keep=KEEP, dither=dither, output=stream)
    assert stream.getvalue() == kmcodec.encode(pixels(), 12, keep=KEEP, dither=dither)


def test_a_shared_palette_keeps_them_and_what_they_leave_is_shared():
    palette = kmcodec.shared_palette([pixels(), pixels(1)[..., 0]], 12, keep=KEEP)
    assert holds(palette, KEEP)
    assert len(palette) == 12


@pytest.mark.filterwarnings("ignore:.*16-bit samples reduced")
def test_label_maps_are_pictures_if_colours_are_kept(tmp_path):
    path = tmp_path / "labels.npy"
    np.save(path, (np.arange(600).reshape(20, 30) // 200 * 300).astype(np.uint16))
    done = CliRunner().invoke(kmc, ["encode", str(path), "--keep", "#e63946", "-k", "4"])
    assert done.exit_code == 0, done.output
    assert holds(kmcodec.read(tmp_path / "labels.kmc").palette, [RED])


# The command line, and Pillow.


@pytest.fixture
def photo(tmp_path):
    path = tmp_path / "photo.png"
    Image.fromarray(pixels()).save(path)
    return path


def test_the_command_line_keeps_them_in_files_palettes_and_sweeps(photo):
    words = [str(photo), "--keep", "#e63946", "--keep", "#010203ff"]
    done = CliRunner().invoke(kmc, ["encode", *words, "-k", "9", "--shared-palette"])
    assert done.exit_code == 0, done.output
    assert holds(kmcodec.read(photo.with_suffix(".kmc")).palette, KEEP)
    done = CliRunner().invoke(kmc, ["palette", *words, "-k", "4"])
    assert {"#e63946", "#010203"} <= set(done.output.split())
    done = CliRunner().invoke(kmc, ["sweep", *words, "-k", "2,9"])
    assert done.exit_code == 0, done.output
    plain = CliRunner().invoke(kmc, ["sweep", str(photo), "-k", "2,9"])
    assert done.output != plain.output


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["encode", "-k", "1"], "keep has 2 colours, more than k = 1"),
        (["sweep", "-k", "1,9"], "keep has 2 colours, more than k = 1"),
        (["palette", "-k", "1"], "keep has 2 colours, more than k = 1"),
        (["encode", "--palette", "#000"], "keep and palette exclude each other"),
        (["encode", "--keep", "red"], "'red' is not a colour such as #e63946"),
    ],
)
def test_the_command_line_refuses_what_cannot_be_kept(photo, words, message):
    command, *rest = words
    words = [command, str(photo), "--keep", "#e63946", "--keep", "#010203", *rest]
    with pytest.raises((kmcodec.KmcError, click.UsageError)) as caught:
        CliRunner().invoke(kmc, words, standalone_mode=False, catch_exceptions=False)
    error = caught.value
    text = error.format_message() if isinstance(error, click.UsageError) else str(error)
    assert message in text
    assert not photo.with_suffix(".kmc").exists()


def test_pillow_keeps_them(tmp_path):
    target = tmp_path / "out.kmc"
    Image.fromarray(pixels()).save(target, colors=9, keep=KEEP)
    assert holds(kmcodec.read(target).palette, KEEP)


@pytest.mark.parametrize(
    ("keep", "message"),
    [
        (["#e63946"], "keep must be a list of colours such as"),
        ([[300, 0, 0]], "keep must be a list of colours such as"),
        ([[1, 2, 3], [1]], "keep must be a list of colours such as"),
        (RED[0], "keep must be a list of colours such as"),
    ],
    ids=str,
)
def test_what_is_no_colour_is_refused_by_name(keep, message):
    with pytest.raises(kmcodec.KmcInputError, match=message):
        kmcodec.quantize(pixels(), 8, keep=keep)
