"""The smallest palette PNG of an image."""

from __future__ import annotations

import io
from dataclasses import replace

import numpy as np
import pytest
from conftest import SAMPLES
from PIL import Image, ImageCms

from kmcodec import quantize
from kmcodec.errors import KmcInputError
from kmcodec.model.image import IndexedImage
from kmcodec.sources.images import read_source
from kmcodec.targets.images import encode_image
from kmcodec.targets.palette_png import encode_palette_png


def drawn(rng, entries, channels, shape=(23, 37)):
    palette = rng.integers(0, 256, (entries, channels), dtype=np.uint8)
    return IndexedImage(palette, rng.integers(0, entries, shape).astype(np.uint8))


def loaded(data):
    picture = Image.open(io.BytesIO(data))
    picture.load()
    return picture


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
@pytest.mark.parametrize("entries", [1, 2, 3, 4, 5, 16, 17, 255, 256])
def test_pixels_come_back(rng, entries, channels):
    image = drawn(rng, entries, channels)
    mode = {1: "L", 2: "LA", 3: "RGB", 4: "RGBA"}[channels]
    found = np.asarray(loaded(encode_palette_png(image)).convert("RGBA"))
    pixels = image.palette[image.indices]
    expected = Image.fromarray(pixels[..., 0] if channels == 1 else pixels, mode).convert("RGBA")
    assert np.array_equal(found, np.asarray(expected))


@pytest.mark.parametrize(("entries", "depth"), [(2, 1), (4, 2), (16, 4), (17, 8)])
def test_the_lowest_depth_is_taken(rng, entries, depth):
    data = encode_palette_png(drawn(rng, entries, 3))
    assert (data[24], data[25]) == (depth, 3)


def test_alpha_ends_with_the_last_translucent_entry(rng):
    palette = rng.integers(0, 256, (200, 4), dtype=np.uint8)
    palette[:, 3] = 255
    palette[[17, 180], 3] = 0, 99
    data = encode_palette_png(IndexedImage(palette, rng.integers(0, 200, (9, 9), dtype=np.uint8)))
    length = int.from_bytes(data[data.index(b"tRNS") - 4 :][:4], "big")
    assert length == 2


@pytest.mark.parametrize("name", ["pixelart.png", "icon.png"])
def test_it_is_smaller_than_what_decode_writes(name):
    with Image.open(SAMPLES / name) as picture:
        image = quantize(np.asarray(picture.convert("RGBA")), 16)
    assert len(encode_palette_png(image)) < len(encode_image(image, ".png"))


def test_too_many_entries_are_refused(rng):
    palette = np.arange(257 * 3).reshape(257, 3) % 251
    image = IndexedImage(palette.astype(np.uint8), np.zeros((1, 257), np.uint16))
    with pytest.raises(KmcInputError, match="257 entries, more than the 256 of a PNG"):
        encode_palette_png(image)


def test_metadata_stay(rng, tmp_path):
    exif = Image.Exif()
    exif[0x010E] = "a bird"
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    picture = Image.fromarray(rng.integers(0, 256, (9, 9, 3), dtype=np.uint8))
    picture.save(tmp_path / "a.png", exif=exif, icc_profile=profile, dpi=(300, 300))
    metadata = read_source(str(tmp_path / "a.png")).metadata
    image = quantize(np.asarray(picture), 4)
    found = loaded(encode_palette_png(replace(image, metadata=metadata)))
    assert found.info["icc_profile"] == profile
    assert found.getexif()[0x010E] == "a bird"
    assert found.info["dpi"] == pytest.approx((300, 300), abs=0.1)
