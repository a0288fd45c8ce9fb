"""Thumbnails: what they show, what they say of their file, and what hostile files cost."""

from __future__ import annotations

import configparser
import importlib.resources
import os
import shlex
import struct
import time
from io import BytesIO

import numpy as np
import pytest
from conftest import VECTORS, indexed_images
from desktop_tools import need
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageCms
from test_memory import head, many_strips, peak_of

import kmcodec
from kmcodec import IndexedImage, LabelClasses, Metadata
from kmcodec.animation.value import Animation
from kmcodec.container.layout import strip_crc
from kmcodec.desktop.shrinking import Shrinker, fitted
from kmcodec.desktop.thumbnails import thumbnail_of
from kmcodec.formats.icc import gamma, grey_profile
from kmcodec.model.label_array import LabelArray
from kmcodec.model.limits import DEFAULT_MAX_PIXELS, Limits
from kmcodec.model.pixels import to_channels

ORIENTATION = 0x0112


def shown(data, most=128, max_pixels=DEFAULT_MAX_PIXELS):
    """The pixels of a thumbnail, RGBA."""
    picture = thumbnail_of(BytesIO(data), most, Limits(max_pixels=max_pixels)).picture
    assert picture.mode == "RGBA"
    return np.asarray(picture)


def mean_below(image, columns, rows):
    """The mean of an image below each new pixel, in fractions made plain by repetition."""
    rgba = to_channels(image.palette, 4).astype(np.int64)[image.indices]
    # Each pixel `columns` x `rows` times, so that each new one covers whole ones.
    fine = rgba.repeat(rows, axis=0).repeat(columns, axis=1)
    parts = fine.reshape(rows, image.height, columns, image.width, 4).swapaxes(1, 2)
    alphas = parts[..., 3:].sum(axis=(2, 3))
    colors = (parts[..., :3] * parts[..., 3:]).sum(axis=(2, 3))
    area = image.width * image.height
    made = np.concatenate(
        [
            (2 * colors + alphas) // np.maximum(2 * alphas, 1),
            (2 * alphas + area) // (2 * area),
        ],
        axis=2,
    )
    return np.where(alphas > 0, made, 0)


@given(indexed_images(max_side=30, max_entries=40), st.integers(1, 30), st.integers(1, 5))
def test_a_pixel_is_the_mean_of_what_lies_below(image, most, block):
    columns, rows = fitted(image.width, image.height, most)
    shrinker = Shrinker(image.palette, (image.width, image.height), (columns, rows))
    blocks = [(y, image.indices[y : y + block]) for y in range(0, image.height, block)]
    for first, indices in reversed(blocks):
        shrinker.add(first, indices)
    np.testing.assert_array_equal(shrinker.result(), mean_below(image, columns, rows))


def test_very_wide_rows_are_taken_in_parts(rng, monkeypatch):
    image = IndexedImage(rng.integers(0, 256, (9, 4)), rng.integers(0, 9, (3, 1000)))
    monkeypatch.setattr("kmcodec.desktop.shrinking._AT_ONCE", 7)
    shrinker = Shrinker(image.palette, (1000, 3), (64, 1))
    shrinker.add(0, image.indices)
    np.testing.assert_array_equal(shrinker.result(), mean_below(image, 64, 1))


@pytest.mark.parametrize(
    ("size", "most", "small"),
    [
        ((100, 50), 128, (100, 50)),
        ((128, 128), 128, (128, 128)),
        ((256, 100), 128, (128, 50)),
        ((3, 9000), 128, (1, 128)),
        ((4000, 3000), 256, (256, 192)),
    ],
)
def test_it_fits_the_square_and_is_never_larger_than_the_image(size, most, small):
    assert fitted(*size, most) == small
    assert fitted(*size[::-1], most) == small[::-1]


@given(indexed_images(max_side=12))
def test_a_small_image_is_shown_as_it_is(image):
    pixels = shown(kmcodec.encode(image, coding="packed"))
    expected = to_channels(image.palette, 4)[image.indices]
    expected = np.where(expected[..., 3:] > 0, expected, 0)
    np.testing.assert_array_equal(pixels, expected)


def test_the_first_frame_of_an_animation_is_shown(rng):
    palettes = tuple(rng.integers(0, 256, (5, 3), dtype=np.uint8) for _ in range(3))
    indices = rng.integers(0, 5, (3, 7, 9), dtype=np.uint8)
    for kept in (palettes, palettes[:1]):
        data = kmcodec.encode_frames(Animation(kept, indices, (50, 50, 50), 0), effort="fast")
        np.testing.assert_array_equal(shown(data)[..., :3], palettes[0][indices[0]])


TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


@pytest.mark.parametrize("orientation", TURNS)
def test_it_stands_upright(rng, orientation):
    pixels = rng.integers(0, 256, (3, 5), dtype=np.uint8)
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    metadata = Metadata(exif=exif.tobytes().removeprefix(b"Exif\0\0"))
    made = thumbnail_of(
        BytesIO(kmcodec.encode(IndexedImage(np.arange(256), pixels, metadata))), 128, Limits()
    )
    upright = Image.fromarray(pixels).transpose(TURNS[orientation])
    np.testing.assert_array_equal(np.asarray(made.picture)[..., 0], np.asarray(upright))
    assert (made.width, made.height) == upright.size


def test_colours_are_in_srgb():
    image = IndexedImage([[0], [100], [255]], [[0, 1, 2]], Metadata(icc=grey_profile(gamma(1), "")))
    dark, grey, bright = shown(kmcodec.encode(image))[0, :, 0].tolist()
    assert (dark, bright) == (0, 255)
    assert 160 <= grey <= 170  # linear light of 100 / 255 in sRGB


def test_a_colour_profile_that_does_not_fit_is_ignored():
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB"))
    image = IndexedImage([[10, 20, 30]], [[0]], Metadata(icc=profile.tobytes()))
    with pytest.warns(kmcodec.KmcWarning, match="cannot use the colour profile"):
        assert shown(kmcodec.encode(image)).tolist() == [[[10, 20, 30, 255]]]


CLASSES = LabelClasses(
    {1: "water"}, {1: (0, 100, 200), 7: (250, 0, 0, 128), 500: (9, 9, 9)}, nodata=0
)


def test_labels_have_the_colours_of_their_classes():
    data = kmcodec.encode_labels(np.array([[0, 1, 7], [3, 3, 1]], np.int16), classes=CLASSES)
    grey = kmcodec.decode(data)[1, 0]
    pixels = shown(data)
    assert pixels[0].tolist() == [[0, 0, 0, 0], [0, 100, 200, 255], [250, 0, 0, 128]]
    assert pixels[1].tolist() == [[grey] * 3 + [255]] * 2 + [[0, 100, 200, 255]]


def test_of_a_volume_the_slice_in_the_middle_is_shown(rng):
    volume = rng.integers(0, 3, (5, 6, 8)).astype(np.uint8)
    colors = {0: (1, 2, 3), 1: (40, 50, 60), 2: (200, 210, 220)}
    for coding in ("labels", "packed"):
        data = kmcodec.encode_labels(volume, classes=LabelClasses(colors=colors), coding=coding)
        expected = np.array([colors[i] for i in range(3)])[volume[2]]
        np.testing.assert_array_equal(shown(data)[..., :3], expected)


def test_of_labels_stored_by_bytes_the_lowest_byte_is_shown(rng):
    labels = rng.permutation(70_000).reshape(250, 280).astype(np.int32)
    pixels = shown(kmcodec.encode_labels(labels, coding="packed"), most=512)
    np.testing.assert_array_equal(pixels[..., 0], labels % 256)


def test_labels_that_do_not_fit_leave_a_picture():
    told = LabelArray(np.dtype("u1"), (2, 2), (1, 2))
    image = IndexedImage([[0], [255]], [[0, 1]], Metadata(labels=told))
    with pytest.warns(kmcodec.KmcWarning, match="shown as a picture"):
        assert shown(kmcodec.encode(image))[..., 0].tolist() == [[0, 255]]


# What large and hostile files cost.


@pytest.fixture(scope="module")
def tall():
    """An image that becomes brighter from top to bottom, in 100 strips."""
    indices = np.repeat(np.arange(200, dtype=np.uint8), 8)[:, np.newaxis].repeat(300, axis=1)
    return IndexedImage(np.arange(200, dtype=np.uint8), indices)


@pytest.mark.parametrize("coding", ["packed", "deflate", "context", "labels"])
def test_of_a_large_image_some_rows_of_evenly_chosen_strips_are_decoded(tall, coding, monkeypatch):
    data = kmcodec.encode(tall, coding=coding, effort="fast", strip_rows=16)
    whole, most = shown(data), 120_000
    decoded = []
    method = type(kmcodec.reading.strip_reader.coding_of(kmcodec.inspect(data).header))
    real = method.decode

    def counted(self, payload, rows, width, palette, stop=None):
        cost = rows if coding == "deflate" else min(rows, stop)
        decoded.append(cost * width)
        return real(self, payload, rows, width, palette, stop)

    monkeypatch.setattr(method, "decode", counted)
    part = shown(data, max_pixels=most)
    assert most / 2 < sum(decoded) <= most
    assert part.shape == whole.shape
    differences = np.abs(part.astype(int) - whole)[..., 0]
    # A strip spans two greys.
    assert differences.max() <= (2 if coding != "deflate" else 6)


def test_an_image_too_large_for_a_sample_is_refused(tall):
    for strip_rows in (0, 800):
        data = kmcodec.encode(tall, coding="packed", strip_rows=strip_rows)
        with pytest.raises(kmcodec.KmcLimitError, match="too few strips"):
            shown(data, max_pixels=100_000)
    wide = kmcodec.encode(IndexedImage([[1]], np.zeros((200, 5_000), np.uint8)), strip_rows=1)
    with pytest.raises(kmcodec.KmcLimitError, match="too few strips"):
        shown(wide, max_pixels=4_999)


def test_what_declares_much_costs_little():
    started = time.process_time()
    for name in ("both-sides", "frames"):
        with pytest.raises(kmcodec.KmcLimitError):
            shown((VECTORS / "large" / f"{name}.kmc").read_bytes())
    assert shown((VECTORS / "large" / "scenes.kmc").read_bytes()).shape == (128, 128, 4)
    assert time.process_time() - started < 5


def test_time_and_memory_do_not_grow_with_the_number_of_strips():
    few, many = (many_strips(count) for count in (2_000, 20_000))
    shown(few)
    assert peak_of(lambda: shown(many)) < peak_of(lambda: shown(few)) + 2 * len(many)


def empty_strip(number):
    """A strip of a file of one colour."""
    return struct.pack("<II", 0, strip_crc(number, b""))


def test_memory_stays_near_that_of_the_decoded_strips():
    rows, columns = 16, 1 << 18
    strips = b"".join(empty_strip(number) for number in range(40))
    data = head(columns, 40 * rows, rows_per_strip=rows) + strips
    # Four million pixels a strip, of which a few are in memory at a time; 160 million in all.
    assert peak_of(lambda: shown(data)) < 12 * rows * columns


# The command.


def text_of(path):
    with Image.open(path) as image:
        image.load()
        assert (image.format, image.mode) == ("PNG", "RGBA")
        return image.size, dict(image.text)


def test_the_command_writes_what_desktops_look_for(kmc, tmp_path, bird):
    source = tmp_path / "bird.kmc"
    kmcodec.write(source, bird, 16)
    os.utime(source, (1_700_000_000.9, 1_700_000_000.9))
    run = kmc("thumbnail", "bird.kmc", "out.png", "100")
    assert (run.returncode, run.stdout, run.stderr) == (0, b"", b"")
    size, texts = text_of(tmp_path / "out.png")
    assert size == (100, 100)
    assert texts == {
        "Thumb::URI": f"file://{tmp_path}/bird.kmc",
        "Thumb::MTime": "1700000000",
        "Thumb::Size": str(source.stat().st_size),
        "Thumb::Mimetype": "image/x-kmc",
        "Thumb::Image::Width": "128",
        "Thumb::Image::Height": "128",
        "Software": f"kmcodec {kmcodec.__version__}",
    }


NAMES = [
    "plain.kmc",
    "two words.kmc",
    "50% #1?.kmc",
    "über-ñ.kmc",
    "a'b\"c&d;e=f.kmc",
    "~(x)[y]{z}!$*+,:@.kmc",
]


def test_the_uri_is_that_of_the_desktop(desktop, kmc, tmp_path):
    need("gio")
    folder = tmp_path / "ein Ordner"
    folder.mkdir()
    for name in NAMES:
        kmcodec.write(folder / name, IndexedImage([[1]], [[0]]))
        run = kmc("thumbnail", f"ein Ordner/../ein Ordner/./{name}", "out.png", "128", "--force")
        assert run.returncode == 0, run.stderr
        uri = text_of(tmp_path / "out.png")[1]["Thumb::URI"]
        assert f"uri: {uri}\n" in desktop.run("gio", "info", folder / name), name


def test_a_failure_is_one_line_and_writes_nothing(kmc, tmp_path, bird):
    data = kmcodec.encode(bird, 16)
    (tmp_path / "bird.kmc").write_bytes(data)
    (tmp_path / "short.kmc").write_bytes(data[:-9])
    (tmp_path / "text.kmc").write_text("no image")
    (tmp_path / "old.png").write_bytes(b"old")
    cases = {
        ("short.kmc", "new.png", "128"): (1, "short.kmc: strip 0"),
        ("text.kmc", "new.png", "128"): (1, "text.kmc: not a .kmc file"),
        ("none.kmc", "new.png", "128"): (1, "none.kmc: no such file"),
        ("bird.kmc", "old.png", "128"): (1, "old.png: already exists; use --force"),
        ("bird.kmc", "bird.kmc", "128", "--force"): (1, "would replace the input itself"),
        ("bird.kmc", "no/new.png", "128"): (1, "no: no such folder"),
        ("-", "new.png", "128"): (1, "-: a thumbnail names its file: give a path"),
        ("s3://bucket/a.kmc", "new.png", "128"): (1, "a thumbnail names its file: give a path"),
        ("bird.kmc", "new.png", "0"): (2, "SIZE"),
        ("bird.kmc", "new.png", "128", "--max-pixels", "100"): (1, "too few strips"),
    }
    before = sorted(os.listdir(tmp_path))
    for arguments, (code, words) in cases.items():
        run = kmc("thumbnail", *arguments)
        (line,) = run.stderr.decode().splitlines()
        assert (run.returncode, words in line) == (code, True), line
    assert sorted(os.listdir(tmp_path)) == before
    assert (tmp_path / "old.png").read_bytes() == b"old"
    assert kmc("thumbnail", "bird.kmc", "old.png", "64", "-f").returncode == 0
    assert text_of(tmp_path / "old.png")[0] == (64, 64)
    assert kmc("thumbnail", "bird.kmc", "-", "64").stdout.startswith(b"\x89PNG")


def test_the_thumbnailer_entry_runs_as_a_desktop_runs_it(kmc, tmp_path, bird):
    entries = configparser.ConfigParser(interpolation=None)
    folder = importlib.resources.files("kmcodec.desktop")
    entries.read_string((folder / "kmcodec.thumbnailer").read_text("utf-8"))
    entry = entries["Thumbnailer Entry"]
    assert entry["MimeType"] == f"{Image.MIME['KMC']};"
    program, *arguments = shlex.split(entry["Exec"])
    assert program == entry["TryExec"] == "kmc"
    kmcodec.write(tmp_path / "two words.kmc", bird, 16)
    (tmp_path / "made.png").touch()  # as GNOME does
    fields = {"%i": tmp_path / "two words.kmc", "%o": tmp_path / "made.png", "%s": 64}
    run = kmc(*(fields.get(word, word) for word in arguments))
    assert (run.returncode, run.stderr) == (0, b"")
    assert text_of(tmp_path / "made.png")[0] == (64, 64)
