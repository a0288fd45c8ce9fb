"""Parts of files, damaged files, limits."""

from __future__ import annotations

import struct
import zlib

import numpy as np
import pytest

import kmcodec
from kmcodec.coding import CODINGS
from kmcodec.parallel import in_threads_each

PALETTE = np.array([[10, 20, 30], [200, 100, 0], [255, 255, 255]], np.uint8)


@pytest.fixture
def image(rng):
    return kmcodec.IndexedImage(PALETTE, rng.integers(0, 3, (50, 30)))


@pytest.fixture
def path(tmp_path, image):
    path = tmp_path / "image.kmc"
    kmcodec.write(path, image, strip_rows=8)
    return path


def strips_of(data):
    return kmcodec.inspect(data).strips


@pytest.mark.parametrize("rows", [(0, 50), (0, 1), (7, 9), (8, 16), (13, 42), (49, 50)])
def test_some_rows_are_those_of_the_whole(path, image, rows):
    part = kmcodec.read(path, rows=rows)
    np.testing.assert_array_equal(part.indices, image.indices[slice(*rows)], strict=True)
    np.testing.assert_array_equal(part.palette, image.palette)


def test_strips_that_are_not_asked_for_are_not_looked_at(path, image):
    data = bytearray(path.read_bytes())
    for strip in strips_of(bytes(data)):
        if strip.rows != (16, 24):
            data[strip.offset] ^= 255
    path.write_bytes(data)
    part = kmcodec.read(path, rows=(17, 24))
    np.testing.assert_array_equal(part.indices, image.indices[17:24])
    with pytest.raises(kmcodec.KmcFormatError, match=r"strip 1 \(rows 8 to 15\)"):
        kmcodec.read(path, rows=(15, 24))


@pytest.mark.parametrize("rows", [(-1, 3), (3, 3), (5, 4), (0, 51)])
def test_rows_that_are_not_there(path, rows):
    with pytest.raises(kmcodec.KmcInputError, match="rows"):
        kmcodec.read(path, rows=rows)


def test_blocks_are_all_rows(path, image):
    blocks = list(kmcodec.decode_rows(path))
    assert [len(block) for block in blocks] == [8, 8, 8, 8, 8, 8, 2]
    np.testing.assert_array_equal(np.concatenate(blocks), image.to_array())


def test_blocks_before_a_damaged_one_are_read(path, image):
    data = bytearray(path.read_bytes())
    hurt = strips_of(bytes(data))[5]
    data[hurt.offset] ^= 255
    path.write_bytes(data)
    blocks = kmcodec.decode_rows(path)
    for first in range(0, 40, 8):
        np.testing.assert_array_equal(next(blocks), image.to_array()[first : first + 8])
    with pytest.raises(kmcodec.KmcFormatError, match=r"strip 5 \(rows 40 to 47\)"):
        next(blocks)


def test_limits(path, image, rng):
    data = path.read_bytes()
    for function in (kmcodec.decode, kmcodec.decode_indexed):
        for salvage in (False, True):
            assert function(data, max_pixels=1500, salvage=salvage) is not None
            with pytest.raises(kmcodec.KmcLimitError, match="max_pixels"):
                function(data, max_pixels=1499, salvage=salvage)
    with pytest.raises(kmcodec.KmcLimitError):
        kmcodec.read(path, max_pixels=1499)
    # Of a part, the part counts, and each strip that it takes.
    assert kmcodec.read(path, rows=(8, 10), max_pixels=240).height == 2
    with pytest.raises(kmcodec.KmcLimitError):
        kmcodec.read(path, rows=(8, 10), max_pixels=239)
    with pytest.raises(kmcodec.KmcLimitError):
        list(kmcodec.decode_rows(path, max_pixels=239))


def test_metadata_has_a_limit_too(image):
    metadata = kmcodec.Metadata(icc=bytes(5000), text={"a": "b" * 3000})
    data = kmcodec.encode(image, metadata=metadata)
    assert kmcodec.decode_indexed(data, max_metadata=8002).metadata == metadata
    for most in (0, 4999, 8001):
        with pytest.raises(kmcodec.KmcLimitError, match="max_metadata"):
            kmcodec.decode_indexed(data, max_metadata=most)
        with pytest.raises(kmcodec.KmcLimitError, match="max_metadata"):
            kmcodec.inspect(data, max_metadata=most)
    assert kmcodec.decode_indexed(data, max_metadata=None).metadata == metadata
    assert kmcodec.inspect(data, max_metadata=None).metadata == metadata


@pytest.mark.parametrize("coding", CODINGS)
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_intact_strips_are_salvaged(rng, coding, channels):
    palette = rng.integers(0, 256, (9, channels), dtype=np.uint8)
    image = kmcodec.IndexedImage(palette, rng.integers(0, 9, (40, 20)))
    data = bytearray(kmcodec.encode(image, coding=coding, strip_rows=10))
    hurt = strips_of(bytes(data))[2]
    data[hurt.offset + 1] ^= 1
    with pytest.raises(kmcodec.KmcFormatError, match=r"strip 2 \(rows 20 to 29\).*at byte"):
        kmcodec.decode(bytes(data))
    with pytest.warns(kmcodec.KmcWarning, match=r"strip 2 \(rows 20 to 29\)") as warned:
        pixels = kmcodec.decode(bytes(data), salvage=True)
    assert len(warned) == 1
    good = np.delete(np.arange(40), np.s_[20:30])
    np.testing.assert_array_equal(pixels[good], image.to_array()[good])
    mark = {1: 0, 2: [0, 0], 3: [255, 0, 255], 4: [255, 0, 255, 0]}[channels]
    assert (pixels[20:30] == np.array(mark)).all()


def test_a_strip_that_lies_about_its_crc_is_lost_alone(image):
    data = bytearray(kmcodec.encode(image, strip_rows=10))
    hurt = strips_of(bytes(data))[1]
    data[hurt.offset : hurt.offset + hurt.length] = bytes(hurt.length)
    framed = struct.pack("<II", 1, hurt.length) + bytes(hurt.length)
    data[hurt.offset - 4 : hurt.offset] = struct.pack("<I", zlib.crc32(framed))
    with pytest.warns(kmcodec.KmcWarning, match="strip 1"):
        found = kmcodec.decode_indexed(bytes(data), salvage=True)
    assert set(np.flatnonzero((found.indices == 3).any(axis=1))) == set(range(10, 20))


@pytest.mark.parametrize("cut", [0.2, 0.5, 0.9, 1])
def test_of_a_truncated_file_all_up_to_the_cut_is_salvaged(image, cut):
    data = kmcodec.encode(image, strip_rows=5)
    strips = strips_of(data)
    length = int(cut * len(data)) - 1
    whole = sum(strip.offset + strip.length <= length for strip in strips)
    with pytest.warns(kmcodec.KmcWarning, match="lost"):
        found = kmcodec.decode_indexed(data[:length], salvage=True)
    np.testing.assert_array_equal(found.indices[: 5 * whole], image.indices[: 5 * whole])
    assert (found.indices[5 * whole :] == 3).all()


def test_damaged_metadata_does_not_keep_pixels_back(image):
    metadata = kmcodec.Metadata(text={"Title": "x" * 40})
    data = bytearray(kmcodec.encode(image, metadata=metadata))
    data[-20] ^= 1
    with pytest.warns(kmcodec.KmcWarning, match="metadata: "):
        found = kmcodec.decode_indexed(bytes(data), salvage=True)
    assert found == image


def test_nothing_is_said_of_what_is_right(image):
    data = kmcodec.encode(image, strip_rows=10)
    assert kmcodec.decode_indexed(data, salvage=True) == image


def test_no_pixels_without_a_header_or_a_palette(image):
    data = bytearray(kmcodec.encode(image))
    for at in (9, 30):
        hurt = bytearray(data)
        hurt[at] ^= 1
        with pytest.raises(kmcodec.KmcFormatError):
            kmcodec.decode(bytes(hurt), salvage=True)


def test_the_command_salvages_and_says_so(kmc, tmp_path, path, image):
    data = bytearray(path.read_bytes())
    for number in (1, 4):
        data[strips_of(bytes(data) if number == 1 else path.read_bytes())[number].offset] ^= 1
    (tmp_path / "hurt.kmc").write_bytes(data)
    run = kmc("decode", "hurt.kmc", "-o", "out.npy")
    assert run.returncode == 1
    assert not (tmp_path / "out.npy").exists()
    run = kmc("decode", "hurt.kmc", "-o", "out.npy", "--salvage")
    assert run.returncode == 1
    assert b"strip 1 (rows 8 to 15)" in run.stderr
    assert b"strip 4 (rows 32 to 39)" in run.stderr
    pixels = np.load(tmp_path / "out.npy")
    lost = (pixels == [255, 0, 255]).all(axis=(1, 2))
    assert np.flatnonzero(lost).tolist() == [*range(8, 16), *range(32, 40)]
    np.testing.assert_array_equal(pixels[~lost], image.to_array()[~lost])


def test_the_command_decodes_some_rows(kmc, tmp_path, path, image):
    assert kmc("decode", path, "-o", "out.npy", "--rows", "10:20").returncode == 0
    np.testing.assert_array_equal(np.load(tmp_path / "out.npy"), image.to_array()[10:20])
    for rows in ("20:10", "x", "1", "5:5"):
        run = kmc("decode", path, "-o", "o.npy", "--rows", rows)
        assert (run.returncode, run.stderr.count(b"\n")) == (2, 1)
    run = kmc("decode", path, "-o", "o.npy", "--rows", "40:51")
    assert run.returncode == 1
    assert b"outside the image (50 rows)" in run.stderr


def test_the_command_has_limits(kmc, path):
    run = kmc("decode", path, "--max-pixels", "1499")
    assert run.returncode == 1
    assert b"1,499" in run.stderr
    assert kmc("decode", path, "--max-pixels", "0").returncode == 0


def test_verify_looks_deeper_if_told_to(kmc, path, tmp_path):
    data = bytearray(path.read_bytes())
    strip = strips_of(bytes(data))[0]
    data[strip.offset : strip.offset + strip.length] = bytes(strip.length)
    framed = struct.pack("<II", 0, strip.length) + bytes(strip.length)
    data[strip.offset - 4 : strip.offset] = struct.pack("<I", zlib.crc32(framed))
    (tmp_path / "forged.kmc").write_bytes(data)
    run = kmc("verify", path, "forged.kmc")
    assert run.returncode == 0
    assert run.stdout.count(b"intact") == 2
    run = kmc("verify", "--deep", "forged.kmc", path)
    assert run.returncode == 1
    assert b"forged.kmc: strip 0" in run.stderr
    line = f"{path}: intact, every index decoded (30 x 50, 3 entries)"
    assert run.stdout.splitlines() == [line.encode()]


def test_threads_within_threads_end(bird):
    data = [kmcodec.encode(bird, k, strip_rows=16, effort="fast") for k in (4, 8, 16, 32)]
    images = in_threads_each(kmcodec.decode_indexed, data)
    assert [len(image.palette) for image in images] == [4, 8, 16, 32]


def in_strips(rng, rows=6, metadata=None):
    image = kmcodec.IndexedImage(PALETTE, rng.integers(0, 3, (60, 40)), metadata)
    data = kmcodec.encode(image, strip_rows=rows)
    return image, bytearray(data), strips_of(data)


def salvaged(data):
    """Indices, with 3 in lost rows, and what is said of each loss."""
    with pytest.warns(kmcodec.KmcWarning) as warned:
        found = kmcodec.decode_indexed(bytes(data), salvage=True)
    return found.indices, [str(w.message) for w in warned]


@pytest.mark.parametrize("metadata", [None, kmcodec.Metadata(text={"Title": "x"})])
@pytest.mark.parametrize("number", [0, 4, 8, 9])
@pytest.mark.parametrize("bit", [0, 3, 9, 31])
def test_strips_after_a_damaged_length_are_found(rng, metadata, number, bit):
    image, data, strips = in_strips(rng, metadata=metadata)
    data[strips[number].offset - 8 + bit // 8] ^= 1 << bit % 8
    indices, _ = salvaged(data)
    if number == 9:  # nothing follows that would tell where it ends
        assert (indices[54:] == 3).all()
        indices = np.vstack([indices[:54], image.indices[54:]])
    np.testing.assert_array_equal(indices, image.indices)


@pytest.mark.parametrize("change", ["overwritten", "removed", "inserted"])
def test_strips_are_found_where_several_are_gone(rng, change):
    image, data, strips = in_strips(rng)
    start, end = strips[2].offset - 8, strips[4].offset + 5
    put = {"overwritten": bytes(end - start), "removed": b"", "inserted": rng.bytes(500)}[change]
    data[start:end] = put
    indices, _ = salvaged(data)
    lost = np.flatnonzero((indices == 3).all(axis=1))
    assert lost.tolist() == [*range(12, 30)]
    kept = np.delete(np.arange(60), lost)
    np.testing.assert_array_equal(indices[kept], image.indices[kept])


def test_what_is_lost_is_told_strip_by_strip(rng):
    _, data, strips = in_strips(rng)
    for number in (1, 2, 6):
        data[strips[number].offset] ^= 1
    data[strips[8].offset - 8] ^= 1
    indices, told = salvaged(data)
    assert np.flatnonzero((indices == 3).all(axis=1)).tolist() == [*range(6, 18), *range(36, 42)]
    assert len(told) == 3
    assert "strip 1 (rows 6 to 11): CRC" in told[0]
    assert "rows 12 to 17 are lost with it" in told[0]
    assert "strip 6 (rows 36 to 41): CRC" in told[1]
    assert "strip 8 (rows 48 to 53): its length is damaged, its rows are not" in told[2]


def test_files_made_to_be_searched_long_are_given_up():
    # Each byte from the damage on may be the place of a frame whose CRC takes megabytes.
    wide = kmcodec.IndexedImage(PALETTE, np.zeros((40, 100_000), np.uint8))
    data = bytearray(kmcodec.encode(wide, coding="packed", strip_rows=10))
    start = strips_of(bytes(data))[1].offset - 8
    data[start:] = b"\x01\x04\x04\x00" * 500_000
    indices, _ = salvaged(data)
    assert (indices[:10] == 0).all()
    assert (indices[10:] == 3).all()
