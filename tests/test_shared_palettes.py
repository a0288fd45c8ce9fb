"""One palette for many images: that of all their pixels together."""

from __future__ import annotations

import io
import shutil

import numpy as np
import pytest
from conftest import OPAQUE_PALETTES, PALETTES, SAMPLES
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

import kmcodec
from kmcodec.batch.pool import LocalPool
from kmcodec.batch.shared_palettes import ColorSum, count_colors
from kmcodec.model.pixels import to_channels
from kmcodec.sources.palettes import read_palette
from kmcodec.targets.palettes import encode_palette_file, palette_extension


@pytest.fixture
def parts(rng, bird):
    """The bird cut in pieces, of other shapes each."""
    return [bird[:50], bird[50:90, :70], bird[50:90, 70:], bird[90:]]


@pytest.mark.parametrize("options", [{}, {"search": 0}, {"space": "oklab"}, {"init": "k-means++"}])
def test_it_is_the_palette_of_all_pixels_together(parts, bird, options):
    expected = kmcodec.quantize(bird, 16, **options).palette
    for images in (parts, parts[::-1]):
        found = kmcodec.shared_palette(images, 16, **options)
        np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("k", [1, 7, 300])
@pytest.mark.parametrize("channels", [(1, 1), (1, 3), (2, 1), (1, 4), (2, 3), (3, 4), (1, 2, 3, 4)])
def test_images_of_several_channels_are_taken_as_what_holds_all(rng, k, channels):
    images = [rng.integers(0, 256, (9, 9, c), dtype=np.uint8) for c in channels]
    for image, c in zip(images, channels, strict=True):
        if c in (2, 4):
            image[:4, :, -1] = rng.choice([0, 255], (4, 9))
    in_color = max(channels) > 2
    widest = (3 if in_color else 1) + any(c in (2, 4) for c in channels)
    together = np.concatenate([to_channels(image, widest) for image in images])
    expected = kmcodec.quantize(together, k).palette
    given = [image[..., 0] if image.shape[2] == 1 else image for image in images]
    np.testing.assert_array_equal(kmcodec.shared_palette(given, k), expected)


@given(st.permutations(range(6)), st.integers(0, 2**32 - 1))
def test_the_sum_does_not_depend_on_the_order(order, seed):
    rng = np.random.default_rng(seed)
    images = [rng.integers(0, 4, (int(rng.integers(1, 9)), 5, 3), dtype=np.uint8) for _ in order]
    total = ColorSum()
    for number in order:
        total.add(count_colors(images[number]))
    expected = count_colors(np.concatenate(images)).histogram
    found = total.total().histogram
    np.testing.assert_array_equal(found.colors, expected.colors)
    np.testing.assert_array_equal(found.counts, expected.counts)


def test_files_pillow_images_and_palette_images_count_too(tmp_path, bird, parts):
    Image.fromarray(parts[0]).save(tmp_path / "0.png")
    indexed = kmcodec.quantize(parts[1], 65536)
    images = [tmp_path / "0.png", indexed, Image.fromarray(parts[2]), parts[3].tolist()]
    np.testing.assert_array_equal(
        kmcodec.shared_palette(images, 8), kmcodec.quantize(bird, 8).palette
    )


@pytest.mark.parametrize("extension", ["gif", "png", "webp", "kmc"])
def test_all_frames_of_animations_count(tmp_path, extension):
    colors = [(255, 0, 0), (0, 128, 0), (0, 0, 255), (250, 250, 250)]
    frames = [Image.new("RGB", (8, 6), color) for color in colors]
    path = tmp_path / f"a.{extension}"
    options = {"lossless": True} if extension == "webp" else {}
    frames[0].save(path, save_all=True, append_images=frames[1:], duration=50, **options)
    other = np.full((5, 5), 128, np.uint8)
    expected = sorted([*map(list, colors), [128, 128, 128]])
    with Image.open(path) as image:
        image.seek(2)
        for given in (path, image, path.as_uri()):
            found = kmcodec.shared_palette([given, other])
            assert sorted(found.tolist()) == expected
        assert image.tell() == 2
        with LocalPool(2) as pool:
            found = kmcodec.shared_palette([path, image], 4, executor=pool)
        assert sorted(found.tolist()) == sorted(map(list, colors))


def test_a_palette_goes_to_standard_output_as_hex(kmc, tmp_path):
    Image.new("RGB", (8, 6), "#0080ff").save(tmp_path / "a.png")
    run = kmc("palette", "a.png", "-o", "-")
    assert (run.returncode, run.stdout) == (0, b"0080ff\n")
    assert run.stderr == b"standard output: 1 colour for 1 image\n"


def test_commands_count_all_frames(kmc, tmp_path):
    frames = [Image.new("RGB", (8, 6), color) for color in ("#f00", "#080", "#00f")]
    frames[0].save(tmp_path / "a.gif", save_all=True, append_images=frames[1:])
    deep = np.arange(0, 60000, 1000, np.uint16).reshape(6, 10)
    Image.fromarray(deep).save(tmp_path / "deep.png")
    assert kmc("palette", "a.gif").stdout.split() == [b"#0000ff", b"#ff0000", b"#008800"]
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "deep.kmc").write_bytes(b"there")
    run = kmc(
        "encode", "a.gif", "deep.png", "--shared-palette", "-o", "out", "--skip-existing", "-q"
    )
    assert run.returncode == 0
    assert b"deep.png: 16-bit samples reduced" in run.stderr  # the skipped one counts too
    palette = kmcodec.read(tmp_path / "out" / "a.kmc").palette.tolist()
    assert [0, 0, 255] in palette
    assert [0, 136, 0] in palette


@pytest.mark.parametrize("extension", ["npy", "png", "tif"])
@pytest.mark.parametrize("shape", [(300, 90), (300, 90, 3), (300, 90, 4)])
def test_large_files_are_counted_block_by_block(tmp_path, rng, monkeypatch, extension, shape):
    if extension != "npy":
        pytest.importorskip("pyvips", reason="pyvips is not there")
    pixels = rng.integers(0, 200, shape, np.uint8)
    path = tmp_path / f"image.{extension}"
    if extension == "npy":
        np.save(path, pixels)
    else:
        Image.fromarray(pixels).save(path)
    expected = count_colors(path).histogram
    monkeypatch.setattr("kmcodec.batch.shared_palettes.read_source", None)
    monkeypatch.setattr("kmcodec.rows.counting._BLOCK", 90 * 70)
    found = count_colors(path, large=300 * 90 - 1).histogram
    np.testing.assert_array_equal(found.colors, expected.colors)
    np.testing.assert_array_equal(found.counts, expected.counts)


def test_what_is_wrong_with_large_files_is_told(tmp_path):
    path = tmp_path / "image.npy"
    for pixels, told in [
        (np.array([[0.5, 0.5], [0.5, 3]]), "image.npy: from row 0: float pixels must be 0 to 1"),
        (np.zeros((2, 2, 7), np.uint8), "image.npy: from row 0: pixels must have shape"),
    ]:
        np.save(path, pixels)
        with pytest.raises(kmcodec.KmcInputError, match=told):
            count_colors(path, large=1)
    np.save(path, np.array([[0, 1], [2, 40000]], np.uint16))
    with pytest.warns(kmcodec.KmcWarning, match=r"image\.npy: 16-bit samples reduced"):
        assert count_colors(path, large=1).histogram.colors.ravel().tolist() == [0, 156]


def test_others_can_count_the_colours(bird, parts):
    with LocalPool(2) as pool:
        found = kmcodec.shared_palette(parts, 8, executor=pool)
    np.testing.assert_array_equal(found, kmcodec.quantize(bird, 8).palette)


def test_what_is_wrong_is_told(tmp_path, parts):
    for images, options, told in [
        ([], {}, "images is empty, must hold at least one image"),
        ("images/a.png", {}, "must be a list of images, not str"),
        (tmp_path, {}, "must be a list of images"),
        (Image.new("L", (3, 3)), {}, "must be a list of images, not Image"),
        (parts, {"k": 0}, "k is 0, must be an integer"),
        (parts, {"space": "lab"}, "space is 'lab', must be one of"),
        ([*parts, tmp_path / "none.png"], {}, "none.png: no such file"),
        ([np.zeros((3, 3, 7), np.uint8)], {}, "shape"),
    ]:
        with pytest.raises(kmcodec.KmcInputError, match=told):
            kmcodec.shared_palette(images, **options)


# Palette files.


@given(PALETTES, st.sampled_from([".kmc", ".gpl", ".hex", ".png"]))
def test_palettes_are_read_as_they_were_written(tmp_path_factory, palette, extension):
    path = tmp_path_factory.getbasetemp() / f"palette{extension}"
    path.write_bytes(encode_palette_file(palette, extension))
    found = read_palette(str(path))
    if extension == ".png" and len(palette) > 256:  # then it has none, only pixels
        palette = palette[np.sort(np.unique(palette, axis=0, return_index=True)[1])]
    np.testing.assert_array_equal(to_channels(found, 4), to_channels(palette, 4))


@given(OPAQUE_PALETTES)
def test_a_palette_png_has_the_palette(palette):
    with Image.open(io.BytesIO(encode_palette_file(palette, ".png"))) as image:
        assert image.mode == "P"
        assert image.getpalette()[: palette.size] == palette.ravel().tolist()


@pytest.mark.parametrize("extension", [".kmc", ".gpl", ".hex", ".png"])
def test_grey_palettes_are_written_too(tmp_path, extension):
    grey = np.array([[3], [90], [255]], np.uint8)
    (tmp_path / f"p{extension}").write_bytes(encode_palette_file(grey, extension))
    found = read_palette(str(tmp_path / f"p{extension}"))
    np.testing.assert_array_equal(to_channels(found, 3), to_channels(grey, 3))


def test_other_extensions_are_refused():
    with pytest.raises(
        kmcodec.KmcInputError, match=r"^x\.xcf: cannot write a palette in this format, use \.kmc, "
    ):
        palette_extension("x.xcf")


# The commands.


@pytest.fixture
def folder(tmp_path, parts):
    (tmp_path / "in" / "sub").mkdir(parents=True)
    for number, part in enumerate(parts):
        Image.fromarray(part).save(
            tmp_path / "in" / ("sub" if number == 3 else "") / f"{number}.png"
        )
    return tmp_path / "in"


def test_the_command_writes_and_prints_a_palette(kmc, tmp_path, bird, folder):
    expected = kmcodec.quantize(bird, 12).palette
    run = kmc("palette", "in", "-r", "-k", "12", "-o", "theme.gpl", "--jobs", "2")
    assert run.returncode == 0
    assert run.stderr == b"theme.gpl: 12 colours for 4 images\n"
    np.testing.assert_array_equal(read_palette(str(tmp_path / "theme.gpl")), expected)
    printed = kmc("palette", "in", "-r", "-k", "12").stdout.decode()
    np.testing.assert_array_equal(read_palette(printed), expected)


def test_images_are_encoded_with_the_shared_palette(kmc, tmp_path, bird, parts, folder):
    expected = kmcodec.quantize(bird, 12).palette
    (folder / "bad.png").write_bytes(b"no image")
    for jobs in (1, 2):
        out = f"out{jobs}"
        run = kmc("encode", "in", "-r", "--shared-palette", "-k12", "-o", out, "--jobs", jobs)
        assert run.returncode == 1
        assert run.stderr.decode().count("bad.png") == 1
        for number, part in enumerate(parts):
            name = "sub/3.kmc" if number == 3 else f"{number}.kmc"
            found = kmcodec.read(tmp_path / out / name)
            assert found == kmcodec.quantize(part, palette=expected)


def test_grey_images_take_the_colours_of_the_others(kmc, tmp_path):
    shutil.copy(SAMPLES / "grey.png", tmp_path / "grey.png")
    shutil.copy(SAMPLES / "icon.png", tmp_path / "icon.png")
    run = kmc("encode", "grey.png", "icon.png", "--shared-palette", "-k", "16")
    assert run.returncode == 0
    palettes = [kmcodec.read(tmp_path / name).palette for name in ("grey.kmc", "icon.kmc")]
    np.testing.assert_array_equal(palettes[0], palettes[1])
    assert palettes[0].shape == (16, 4)


def test_what_excludes_each_other_is_told(kmc):
    for args in (["--palette", "#fff"], ["--reorder"]):
        assert kmc("encode", "a.png", "--shared-palette", *args).returncode == 2
    run = kmc("encode", "-", "--shared-palette", "-o", "x.kmc")
    assert run.returncode == 2
    assert b"reads each source twice" in run.stderr
    run = kmc("palette", "none.png", "-o", "x.xcf")
    assert run.returncode == 1
    assert run.stderr.startswith(b"kmc: x.xcf: cannot write a palette in this format")
