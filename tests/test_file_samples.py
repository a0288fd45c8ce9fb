"""Samples and colour keys as files mean them, checked against an expansion of their own."""

import io

import numpy as np
import pytest
from PIL import Image
from png_files import expanded, key, png

import kmcodec
from kmcodec.errors import KmcWarning
from kmcodec.formats.pillow_images import from_pillow
from kmcodec.sources.images import read_source

reduces = pytest.mark.filterwarnings("ignore:.*16-bit samples reduced:kmcodec.errors.KmcWarning")


def pixels_of(data, how, tmp_path):
    if how == "file":
        path = tmp_path / "a.png"
        path.write_bytes(data)
        return read_source(path).pixels
    image = Image.open(io.BytesIO(data))
    if how == "loaded":
        image.load()
    made = from_pillow(image)
    return made.to_array() if isinstance(made, kmcodec.IndexedImage) else made


@reduces
@pytest.mark.parametrize("how", ["file", "opened", "loaded"])
@pytest.mark.parametrize("depth", [1, 2, 4, 8, 16])
def test_a_key_of_grey_is_in_the_units_of_the_file(depth, how, tmp_path, rng):
    samples = rng.integers(0, 2**depth, (9, 13))
    samples[0, :2] = 2**depth - 1, max(1, 2**depth // 3)
    for chosen in (0, int(samples[0, 0]), int(samples[0, 1])):
        pixels = pixels_of(png(samples, depth, key(chosen)), how, tmp_path)
        np.testing.assert_array_equal(pixels[..., 0], expanded(samples, depth))
        np.testing.assert_array_equal(pixels[..., 1] == 0, samples == chosen)


@reduces
@pytest.mark.parametrize("how", ["file", "opened"])
@pytest.mark.parametrize("depth", [8, 16])
def test_a_key_of_colours_is_in_the_units_of_the_file(depth, how, tmp_path, rng):
    samples = rng.integers(0, 2**depth, (9, 13, 3))
    near = samples[4, 5] ^ [0, 0, 1]  # the same but for the lowest bit
    samples[4, 6] = near
    data = png(samples, depth, key(*samples[4, 5].tolist()))
    pixels = pixels_of(data, how, tmp_path)
    np.testing.assert_array_equal(pixels[..., :3], expanded(samples, depth))
    assert np.argwhere(pixels[..., 3] == 0).tolist() == [[4, 5]]


def test_a_key_of_8_bits_that_no_sample_has_is_not_scaled(tmp_path):
    pixels = pixels_of(png(np.array([[0, 85, 170, 255]]), 8, key(1)), "file", tmp_path)
    assert pixels[..., 1].min() == 255


@reduces
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_16_bits_are_rounded_in_every_kind_of_png(channels, tmp_path, rng):
    samples = rng.integers(0, 2**16, (40, 30, channels))  # too many values to be labels
    pixels = pixels_of(png(samples, 16), "file", tmp_path).reshape(40, 30, -1)
    if channels == 2:
        samples = samples[..., [0, 0, 0, 1]]  # Pillow has no mode for it but RGBA
    np.testing.assert_array_equal(pixels, expanded(samples, 16))


@reduces
@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("compression", [None, "zlib"])
@pytest.mark.parametrize("channels", [3, 4])
def test_16_bits_are_rounded_in_tiff(channels, compression, order, tmp_path, rng):
    tifffile = pytest.importorskip("tifffile")
    samples = rng.integers(0, 2**16, (9, 13, channels), np.uint16)
    path = tmp_path / "a.tiff"
    extra = {"extrasamples": ["unassalpha"]} if channels == 4 else {}
    tifffile.imwrite(
        path, samples, photometric="rgb", compression=compression, byteorder=order, **extra
    )
    np.testing.assert_array_equal(read_source(path).pixels, expanded(samples, 16))


def test_an_image_of_16_bits_stays_as_pillow_shows_it(rng):
    samples = rng.integers(0, 2**16, (3, 4, 3))
    image = Image.open(io.BytesIO(png(samples, 16, key(*samples[0, 0].tolist()))))
    with pytest.warns(KmcWarning, match="16-bit samples reduced"):
        from_pillow(image)
    assert image.mode == "RGB"
    assert "transparency" in image.info
    np.testing.assert_array_equal(np.array(image), samples >> 8)


def palette_picture(palette, raw):
    picture = Image.frombytes("P", (2, 1), bytes([0, 1]))
    picture.putpalette(palette, raw)
    return picture


@pytest.mark.filterwarnings("ignore:CMYK samples converted:kmcodec.errors.KmcLossWarning")
@pytest.mark.parametrize(
    ("raw", "palette", "wanted"),
    [
        ("CMYK", [255, 0, 0, 0, 0, 0, 255, 51], [[0, 255, 255], [204, 204, 0]]),
        ("CMYK;I", [0, 255, 255, 255, 255, 255, 0, 204], [[0, 255, 255], [204, 204, 0]]),
        ("RGBX", [1, 2, 3, 4, 5, 6, 7, 8], [[1, 2, 3], [5, 6, 7]]),
        ("BGRX", [1, 2, 3, 4, 5, 6, 7, 8], [[3, 2, 1], [7, 6, 5]]),
        ("LA", [7, 100, 200, 50], [[7, 7, 7, 100], [200, 200, 200, 50]]),
        ("RGBA", [1, 2, 3, 4, 5, 6, 7, 8], [[1, 2, 3, 4], [5, 6, 7, 8]]),
    ],
)
def test_palettes_of_all_modes_show_their_colours(raw, palette, wanted):
    picture = palette_picture(palette, raw)
    assert from_pillow(picture).palette.tolist() == wanted


def test_what_fills_a_palette_is_no_alpha():
    picture = palette_picture([1, 2, 3, 4, 5, 6, 7, 8], "RGBX")
    picture.info["transparency"] = 0
    assert from_pillow(picture).palette.tolist() == [[1, 2, 3, 0], [5, 6, 7, 255]]
