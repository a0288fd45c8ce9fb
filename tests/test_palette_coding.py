"""Coded palettes, and the order that they need."""

from __future__ import annotations

import io
import struct
import zlib

import numpy as np
import pytest
from conftest import SAMPLES
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

import kmcodec
from kmcodec.coding import decode_palette, encode_palette
from kmcodec.coding.context import palette as coder
from kmcodec.container.header import Header
from kmcodec.container.layout import build
from kmcodec.container.reader import ContainerReader
from kmcodec.model.palette_order import dark_to_bright
from kmcodec.model.ramp import is_ramp

CODED, PLAIN, IMPLIED = 2, 0, 8


def palette_in_order(entries, channels, seed=0, levels=256):
    """Distinct entries from dark to bright, as many as there are."""
    rng = np.random.default_rng(seed)
    drawn = rng.integers(0, levels, (2 * entries + 300, channels)) * (255 // (levels - 1))
    distinct = rng.permutation(np.unique(drawn.astype(np.uint8), axis=0))[:entries]
    return distinct[dark_to_bright(distinct)]


def image_of(palette):
    """An image that uses every entry."""
    return kmcodec.IndexedImage(palette, np.arange(len(palette))[np.newaxis])


def flags_of(data):
    return data[11]


@given(
    entries=st.integers(1, 300),
    channels=st.integers(1, 4),
    seed=st.integers(0, 2**32 - 1),
    levels=st.sampled_from([2, 6, 52, 256]),
)
def test_a_palette_in_order_survives(entries, channels, seed, levels):
    palette = palette_in_order(entries, channels, seed, levels)
    coded = encode_palette(palette)
    np.testing.assert_array_equal(decode_palette(coded, *palette.shape), palette)
    data = kmcodec.encode(image_of(palette))
    assert kmcodec.decode_indexed(data) == image_of(palette)
    saved = palette.size - len(coded) - (1 if palette.size <= 256 else 2)
    if is_ramp(palette):
        assert flags_of(data) == IMPLIED
    else:
        assert flags_of(data) == (CODED if saved > 0 and len(palette) > 1 else PLAIN)


@pytest.mark.parametrize("channels", [2, 3, 4])
def test_a_large_palette_survives(channels):
    palette = palette_in_order(4096, channels)
    coded = encode_palette(palette)
    assert len(coded) < 0.75 * palette.size
    np.testing.assert_array_equal(decode_palette(coded, 4096, channels), palette)


def test_all_greys_take_a_quarter():
    assert len(encode_palette(np.arange(256, dtype=np.uint8)[:, np.newaxis])) < 64


def test_the_example_of_the_specification():
    palette = bytes.fromhex("1D3557 E63946 457B9D A8DADC F1FAEE")
    coded = bytes.fromhex("CF 45 D5 52 06 BC D3 A9 32 E1 DC DD D0 8C 39 7A 06 6E")
    assert encode_palette(np.frombuffer(palette, np.uint8).reshape(5, 3)) == coded
    assert decode_palette(coded, 5, 3).tobytes() == palette


def test_another_order_is_not_coded():
    palette = palette_in_order(60, 3)
    for other in (palette[::-1], np.roll(palette, 1, axis=0), palette[[*range(60), 59]]):
        assert encode_palette(other) is None
        data = kmcodec.encode(image_of(other))
        assert flags_of(data) == PLAIN
        assert kmcodec.decode_indexed(data) == image_of(other)


def test_transparent_entries_come_first():
    palette = np.array([[9, 9, 9, 0], [255, 255, 255, 0], [0, 0, 0, 1], [0, 0, 1, 1]], np.uint8)
    assert dark_to_bright(palette).tolist() == [0, 1, 2, 3]
    np.testing.assert_array_equal(decode_palette(encode_palette(palette), 4, 4), palette)


@pytest.mark.parametrize("coding", ["packed", "deflate"])
def test_other_methods_store_palettes_plainly(coding):
    image = image_of(palette_in_order(200, 3))
    data = kmcodec.encode(image, coding=coding)
    assert flags_of(data) == PLAIN
    assert kmcodec.decode_indexed(data) == image


@pytest.mark.parametrize("name", ["bird_small.mat", "screenshot.png", "icon.png"])
def test_a_quarter_of_a_palette_of_256_is_saved(name, bird):
    picture = bird if name.endswith(".mat") else Image.open(SAMPLES / name)
    palette = kmcodec.quantize(picture, 256).palette
    assert len(palette) == 256
    assert len(encode_palette(palette)) < 0.75 * palette.size


def small_file():
    return kmcodec.encode(image_of(palette_in_order(40, 3)))


def test_every_prefix_of_a_small_file_is_refused():
    data = small_file()
    assert flags_of(data) == CODED
    for length in range(len(data)):
        with pytest.raises(kmcodec.KmcFormatError):
            kmcodec.decode(data[:length])


def test_every_flipped_bit_of_a_small_file_is_refused():
    data = small_file()
    for bit in range(8 * len(data)):
        damaged = bytearray(data)
        damaged[bit // 8] ^= 1 << bit % 8
        with pytest.raises((kmcodec.KmcFormatError, kmcodec.KmcLimitError)):
            kmcodec.decode(bytes(damaged))


@given(payload=st.binary(max_size=80), entries=st.integers(1, 80), channels=st.integers(1, 4))
def test_foreign_bytes_are_refused_or_are_a_palette(payload, entries, channels):
    try:
        palette = decode_palette(payload, entries, channels)
    except kmcodec.KmcFormatError:
        return
    assert palette.shape == (entries, channels)
    assert encode_palette(palette) == payload


@pytest.mark.parametrize("bit", range(0, 8 * 60, 7))
def test_a_changed_payload_is_refused_or_is_another_palette(bit):
    """As where the CRC is right all the same."""
    payload = bytearray(encode_palette(palette_in_order(40, 3)))
    payload[bit // 8] ^= 1 << bit % 8
    try:
        palette = decode_palette(bytes(payload), 40, 3)
    except kmcodec.KmcFormatError:
        return
    assert encode_palette(palette) == payload


def test_an_end_that_no_encoder_writes_is_refused():
    coded = encode_palette(palette_in_order(40, 3))
    for payload in (b"", coded + b"\0", coded + coded[-1:]):
        with pytest.raises(kmcodec.KmcFormatError):
            decode_palette(payload, 40, 3)
    faults = set()
    for last in range(256):
        try:
            found = decode_palette(coded[:-1] + bytes([last]), 40, 3)
        except kmcodec.KmcFormatError as error:
            faults.add(str(error))
        else:
            assert encode_palette(found)[-1] == last
    assert "the last byte of coded palette is not the one that an encoder writes" in faults


def file_of(payload, coding=3):
    """A file of one row, four entries of three channels, and a coded palette."""
    header = Header(coding=coding, channels=3, width=1, height=1, entries=4, palette_coded=True)
    return build(header, payload, [b""])


def test_an_entry_that_repeats_is_refused_with_part_and_place():
    # Only ones: the first entry is white, and nothing can follow it.
    with pytest.raises(kmcodec.KmcFormatError, match="palette: coded entry 1 repeats") as error:
        kmcodec.decode(file_of(bytes(8)))
    assert error.value.offset == 29
    with pytest.raises(kmcodec.KmcFormatError, match="palette: "):
        kmcodec.inspect(file_of(b"\0\0"))


def test_pillow_refuses_a_wrong_palette_as_it_opens():
    with pytest.raises(OSError, match="cannot identify"):
        Image.open(io.BytesIO(file_of(b"")))


def test_a_coding_method_of_the_future_is_refused():
    with pytest.raises(kmcodec.KmcFormatError, match="coding method 9"):
        kmcodec.decode(file_of(b"coded", coding=9))


@pytest.mark.parametrize("coding", [0, 1])
def test_the_flag_is_refused_where_a_reader_needs_no_context_coder(coding):
    data = bytearray(kmcodec.encode(image_of(palette_in_order(9, 3)), coding="packed"))
    data[9], data[11] = coding, CODED
    data[24:28] = struct.pack("<I", zlib.crc32(bytes(data[:24])))
    with pytest.raises(kmcodec.KmcFormatError, match="coded palette") as error:
        kmcodec.decode(bytes(data))
    assert error.value.offset == 11


@pytest.mark.parametrize(
    ("entries", "channels", "width"),
    [(255, 1, 1), (64, 4, 1), (129, 2, 2), (65536 // 4, 4, 2), (21846, 3, 4)],
)
def test_the_length_is_as_wide_as_the_plain_palette_asks(entries, channels, width):
    palette = palette_in_order(8000, channels) if channels > 1 else np.arange(256)[:, np.newaxis]
    grid = np.stack(np.unravel_index(np.arange(65536), (16, 64, 64)), axis=1) * [16, 4, 4]
    if entries > 8000:
        palette = np.hstack([grid, np.full((65536, 1), 255)])[:entries, :channels]
    palette = palette[:entries].astype(np.uint8)
    palette = palette[dark_to_bright(palette)]
    assert palette.shape == (entries, channels)
    data = kmcodec.encode(kmcodec.IndexedImage(palette, [[0]]))
    coded = ContainerReader(io.BytesIO(data)).palette
    assert flags_of(data) == CODED
    assert data[28 : 28 + width] == len(coded).to_bytes(width, "little")
    assert data[28 + width :].startswith(coded)
    np.testing.assert_array_equal(kmcodec.decode_indexed(data).palette, palette)


def test_inspect_tells_what_is_stored(bird):
    data = kmcodec.encode(bird, 256)
    info = kmcodec.inspect(data)
    facts = info.to_dict()
    assert facts["palette_coded"] is True
    assert facts["bytes"]["palette"] == info.palette_size == len(encode_palette(info.palette))
    # Header, palette length and CRC, the frame of a strip.
    assert facts["bytes"]["container"] == 28 + 2 + 4 + 8
    plain = kmcodec.inspect(kmcodec.encode(bird, 256, coding="packed")).to_dict()
    assert plain["palette_coded"] is False
    assert (plain["bytes"]["palette"], plain["bytes"]["container"]) == (768, 40)


def test_info_says_that_the_palette_is_coded(kmc, tmp_path, bird):
    kmcodec.write(tmp_path / "b.kmc", bird, 256)
    size = kmcodec.inspect((tmp_path / "b.kmc").read_bytes()).palette_size
    words = kmc("info", "b.kmc").stdout.decode()
    assert f"256 entries, {size} bytes, coded (plain 768)" in words


# --- reorder ----------------------------------------------------------------------------------


def untidy(channels=3):
    """An image whose palette has double and unused entries, in no order."""
    rng = np.random.default_rng(channels)
    palette = rng.integers(0, 256, (400, channels), dtype=np.uint8)
    palette[300:] = palette[:100]
    metadata = kmcodec.Metadata(text={"Title": "untidy"})
    return kmcodec.IndexedImage(palette, rng.integers(10, 390, (40, 50)), metadata)


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_reorder_keeps_the_pixels_and_tidies_the_palette(channels):
    image = untidy(channels)
    tidy = kmcodec.quantize(image, reorder=True)
    np.testing.assert_array_equal(tidy.to_array(), image.to_array())
    assert tidy.metadata == image.metadata
    assert encode_palette(tidy.palette) is not None
    assert len(np.unique(tidy.indices)) == len(tidy.palette)
    assert kmcodec.quantize(image) is image
    assert len(kmcodec.encode(image, reorder=True)) < len(kmcodec.encode(image))


def test_reorder_keeps_every_one_of_many_colours():
    palette = palette_in_order(3000, 3)[::-1]
    tidy = kmcodec.quantize(image_of(palette), reorder=True, dither="floyd-steinberg")
    np.testing.assert_array_equal(tidy.palette, palette[::-1])


def test_reorder_does_not_reduce_behind_ones_back():
    with pytest.raises(kmcodec.KmcInputError, match="more than k"):
        kmcodec.encode(untidy(), 16, reorder=True)


def test_reorder_and_a_given_palette_exclude_each_other(bird, kmc):
    with pytest.raises(kmcodec.KmcInputError, match="exclude each other"):
        kmcodec.quantize(bird, palette=[[1], [2]], reorder=True)
    run = kmc("encode", SAMPLES / "pixelart.png", "--reorder", "--palette", "#fff", "-o", "x.kmc")
    assert run.returncode == 2
    assert "exclude each other" in run.stderr.decode()


def test_pillow_and_the_command_line_reorder(kmc, tmp_path):
    with Image.open(SAMPLES / "pixelart.png") as image:
        assert image.mode == "P"
        expected = kmcodec.encode(image, reorder=True)
        pixels = np.asarray(image.convert("RGB"))
        image.save(tmp_path / "p.kmc", reorder=True)
    assert (tmp_path / "p.kmc").read_bytes() == expected
    assert kmc("encode", SAMPLES / "pixelart.png", "--reorder", "-o", "c.kmc").returncode == 0
    tidy = kmcodec.read(tmp_path / "c.kmc")
    assert encode_palette(tidy.palette) is not None
    np.testing.assert_array_equal(tidy.to_array(), pixels)


def outcome(work, *arguments):
    """What comes of it: a result, or the words of the error."""
    try:
        return np.asarray(work(*arguments)).tobytes()
    except kmcodec.KmcFormatError as error:
        return str(error)


@pytest.mark.skipif(coder.PALETTE is None, reason="no compiled kernels")
@given(
    entries=st.integers(1, 300),
    channels=st.integers(1, 4),
    seed=st.integers(0, 2**32 - 1),
    levels=st.sampled_from([2, 6, 52, 256]),
    bit=st.integers(0, 1 << 14),
    cut=st.integers(0, 1 << 11),
)
def test_kernel_and_twin_code_palettes_alike_and_refuse_alike(
    entries, channels, seed, levels, bit, cut
):
    colors = palette_in_order(entries, channels, seed, levels)
    coded = encode_palette(colors)
    changed = bytearray(coded)
    changed[bit // 8 % len(coded)] ^= 1 << bit % 8
    works = [(encode_palette, colors)]
    for payload in (coded, coded[: cut % len(coded)], bytes(changed), coded + coded[-1:]):
        works.append((decode_palette, payload, *colors.shape))
    found = [outcome(*work) for work in works]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(coder, "PALETTE", None)
        assert [outcome(*work) for work in works] == found


@pytest.mark.skipif(coder.PALETTE is None, reason="no compiled kernels")
def test_a_palette_of_all_sizes_is_coded_by_the_kernel(monkeypatch):
    """A twin in Python takes longer for a palette of labels than the kernels for the labels."""
    monkeypatch.setattr(coder, "_code", None)
    for entries, channels in ((1, 1), (256, 1), (3000, 3), (65_536, 4)):
        colors = palette_in_order(entries, channels)
        coded = encode_palette(colors)
        np.testing.assert_array_equal(decode_palette(coded, *colors.shape), colors)
