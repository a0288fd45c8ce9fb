"""Round trips through the whole file, and the size of what lies on disk."""

from __future__ import annotations

import numpy as np
import pytest
from conftest import SAMPLES, indexed_images
from hypothesis import given
from hypothesis import strategies as st

import kmcodec
from kmcodec.coding import CODINGS

METADATA = kmcodec.Metadata(
    icc=b"profile" * 50,
    exif=b"II*\0\x08\0\0\0",
    xmp=b"<x:xmpmeta/>",
    text={"Title": "Rotkehlchen", "Überschrift": "", "Note": "a\0b\nc"},
)


@given(
    image=indexed_images(), coding=st.sampled_from(sorted(CODINGS)), strip_rows=st.integers(0, 14)
)
def test_an_indexed_image_survives(image, coding, strip_rows):
    data = kmcodec.encode(image, coding=coding, strip_rows=strip_rows)
    assert kmcodec.decode_indexed(data) == image
    np.testing.assert_array_equal(kmcodec.decode(data), image.to_array())


@given(
    height=st.integers(1, 20),
    width=st.integers(1, 20),
    channels=st.integers(1, 4),
    seed=st.integers(0, 2**32 - 1),
)
def test_pixels_survive_where_there_are_entries_enough(height, width, channels, seed):
    shape = (height, width) if channels == 1 else (height, width, channels)
    pixels = np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)
    decoded = kmcodec.decode(kmcodec.encode(pixels, 400))
    assert decoded.dtype == np.uint8
    np.testing.assert_array_equal(decoded, pixels)


def test_the_largest_palette_survives():
    palette = np.stack(np.divmod(np.arange(65536), 256), axis=1).astype(np.uint8)
    image = kmcodec.IndexedImage(palette, np.arange(65536).reshape(256, 256))
    for coding in CODINGS:
        assert kmcodec.decode_indexed(kmcodec.encode(image, coding=coding)) == image


def test_metadata_survives_and_can_be_left_out():
    image = kmcodec.IndexedImage([[1], [2]], [[0, 1]], METADATA)
    data = kmcodec.encode(image)
    assert kmcodec.decode_indexed(data).metadata == METADATA
    bare = kmcodec.encode(image, metadata=kmcodec.Metadata())
    assert not kmcodec.decode_indexed(bare).metadata
    assert len(bare) < len(data)


@pytest.mark.parametrize("keyword", ["", "a\nb", "x" * 80, "\udc80", "a\0b"])
def test_impossible_keywords_are_told(keyword):
    metadata = kmcodec.Metadata(text={keyword: "text"})
    with pytest.raises(kmcodec.KmcInputError, match="is not a keyword"):
        kmcodec.encode(np.zeros((1, 1), np.uint8), metadata=metadata)


def test_metadata_too_long_is_told():
    metadata = kmcodec.Metadata(icc=bytes((1 << 24) + 1))
    with pytest.raises(kmcodec.KmcInputError, match="16,777,217 bytes"):
        kmcodec.encode(np.zeros((1, 1), np.uint8), metadata=metadata)


def test_packed_sixteen_colours_take_what_the_specification_says(bird, tmp_path):
    path = tmp_path / "bird.kmc"
    written = kmcodec.write(path, bird, 16, coding="packed")
    assert written == path.stat().st_size <= 128 * 128 // 2 + 16 * 3 + 40
    assert path.stat().st_size * 5.9 < (SAMPLES / "bird_small.mat").stat().st_size


def test_context_is_smaller_than_deflate_and_that_than_packed_on_every_sample(bird):
    from PIL import Image

    names = ["screenshot.png", "icon.png", "grey.png", "pixelart.png"]
    for picture in [bird, *(Image.open(SAMPLES / name) for name in names)]:
        sizes = {c: len(kmcodec.encode(picture, 64, coding=c)) for c in CODINGS}
        assert sizes["context"] < 0.85 * sizes["deflate"] < sizes["packed"]


def test_write_and_read_by_path(bird, tmp_path):
    path = tmp_path / "bird.kmc"
    kmcodec.write(path, bird, 16, seed=3, strip_rows=10)
    image = kmcodec.read(path)
    assert image == kmcodec.quantize(bird, 16, seed=3)
    np.testing.assert_array_equal(np.asarray(image), kmcodec.decode(path.read_bytes()))
    assert np.array(image, dtype=float).dtype == float


def test_a_failed_write_leaves_the_file(bird, tmp_path):
    path = tmp_path / "bird.kmc"
    path.write_bytes(b"precious")
    with pytest.raises(kmcodec.KmcInputError):
        kmcodec.write(path, bird, 0)
    assert path.read_bytes() == b"precious"
    assert list(tmp_path.iterdir()) == [path]


def test_inspect_tells_every_byte(bird):
    data = kmcodec.encode(bird, 16, strip_rows=50, metadata=METADATA)
    info = kmcodec.inspect(data)
    assert info.size == len(data)
    parts = info.to_dict()["bytes"]
    assert sum(parts.values()) == 2 * len(data)
    assert [strip.rows for strip in info.strips] == [(0, 50), (50, 100), (100, 128)]
    # Header and CRCs; a frame for each strip; for three sections, three texts and KEND.
    assert parts["container"] == 32 + 3 * 8 + 7 * 12
    assert info.metadata == METADATA
    assert (info.coding, info.effort) == ("context", "max")


def test_too_many_pixels_are_refused_before_they_are_allocated():
    huge = kmcodec.IndexedImage([[0]], np.zeros((1, 1), np.uint8))
    data = bytearray(kmcodec.encode(huge, coding="packed"))
    import struct
    import zlib

    data[12:20] = struct.pack("<II", 2**31 - 1, 2**31 - 1)
    data[24:28] = struct.pack("<I", zlib.crc32(bytes(data[:24])))
    with pytest.raises(kmcodec.KmcLimitError, match="exceed the limit"):
        kmcodec.decode(bytes(data))


@pytest.mark.parametrize("wrong", [{"coding": "zip"}, {"strip_rows": -1}, {"strip_rows": 65536}])
def test_wrong_encode_options_are_told(wrong):
    with pytest.raises(kmcodec.KmcInputError):
        kmcodec.encode(np.zeros((2, 2), np.uint8), **wrong)


def test_unknown_options_are_refused():
    with pytest.raises(kmcodec.KmcInputError, match="encode has no option colours"):
        kmcodec.encode(np.zeros((2, 2), np.uint8), colours=3)


@pytest.mark.parametrize(
    ("palette", "indices", "message"),
    [
        (np.zeros((0, 3), np.uint8), [[0]], "1 to 65,536 entries"),
        (np.zeros((65537, 1), np.uint8), [[0]], "1 to 65,536 entries"),
        (np.zeros((2, 5), np.uint8), [[0]], "shape"),
        ([[256]], [[0]], "from 0 to 255"),
        ([[1]], [[1]], "entries 0 to 0"),
        ([[1]], [[-1]], "entries 0 to 0"),
        ([[1]], [0], "shape"),
        ([[1]], [[0.5]], "must be integers"),
    ],
)
def test_an_impossible_indexed_image_is_told(palette, indices, message):
    with pytest.raises(kmcodec.KmcInputError, match=message):
        kmcodec.IndexedImage(palette, indices)
