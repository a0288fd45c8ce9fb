"""The layout of the file: what is written, what is checked, and in which order."""

from __future__ import annotations

import io
import struct
import zlib
from dataclasses import replace

import pytest

from kmcodec.container.header import HEADER_SIZE, SIGNATURE, Header
from kmcodec.container.layout import Section, build
from kmcodec.container.reader import ContainerReader
from kmcodec.errors import KmcFormatError

PALETTE = bytes.fromhex("1d3557e63946f1faee")
PAYLOADS = [bytes.fromhex("18405680"), bytes.fromhex("8080")]
HEADER = Header(coding=0, channels=3, width=5, height=3, entries=3, rows_per_strip=2)
# From section 9 of the specification, where it was written down by hand.
EXAMPLE = bytes.fromhex(
    "8b4b4d430d0a1a0a 01000300 05000000 03000000 02000200 45c1d239"
    "1d3557e63946f1faee 8ec16d5f 04000000d743f11b18405680 0200000028b9bb978080"
)


def read(data):
    return ContainerReader(io.BytesIO(data))


def with_header(change):
    """The example with some header bytes changed and the header's CRC made right again."""
    data = bytearray(EXAMPLE)
    for offset, value in change.items():
        data[offset : offset + len(value)] = value
    data[24:28] = struct.pack("<I", zlib.crc32(bytes(data[:24])))
    return bytes(data)


def test_build_writes_the_example_of_the_specification():
    assert build(HEADER, PALETTE, PAYLOADS) == EXAMPLE


def test_reading_gives_header_palette_and_payloads_back():
    container = read(EXAMPLE)
    assert container.header == HEADER
    assert (container.palette_offset, container.palette) == (HEADER_SIZE, PALETTE)
    strips = list(container.strips())
    assert [strip.rows for strip in strips] == [(0, 2), (2, 3)]
    assert [container.payload(strip) for strip in strips] == PAYLOADS
    assert list(container.sections()) == []


def test_strips_can_be_read_in_any_order():
    container = read(EXAMPLE)
    strips = list(container.strips())
    assert [container.payload(strip) for strip in reversed(strips)] == PAYLOADS[::-1]


def test_one_strip_without_sections_adds_forty_bytes():
    header = Header(coding=0, channels=3, width=5, height=3, entries=3)
    assert len(build(header, PALETTE, [b"123456"])) == 40 + len(PALETTE) + 6


def test_sections_survive_and_end_with_kend():
    sections = [Section("iccp", b"\0abc"), Section("zzzz", b"")]
    data = build(HEADER, PALETTE, PAYLOADS, sections)
    found = list(read(data).sections())
    assert [(s.type, s.payload) for s in found] == [("iccp", b"\0abc"), ("zzzz", b"")]
    assert data[-12:-8] == b"KEND"


def test_build_refuses_a_number_of_strips_that_does_not_fit():
    with pytest.raises(ValueError, match="expected 2"):
        build(HEADER, PALETTE, PAYLOADS[:1])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({8: b"\2"}, "version 2"),
        ({10: b"\0"}, "channels is 0"),
        ({10: b"\5"}, "channels is 5"),
        ({11: b"\2"}, "a coded palette with coding method 0"),
        ({9: b"\1", 11: b"\2"}, "a coded palette with coding method 1"),
        ({9: b"\3", 11: b"\x10"}, "flags 0x10"),
        ({9: b"\3", 11: b"\x0a"}, "a coded one or a frame table"),
        ({11: b"\x0c"}, "a coded one or a frame table"),
        ({11: b"\x08"}, "channels is 3, but a ramp of 3 entries has 1"),
        ({12: b"\0\0\0\0"}, "0 x 3 pixels"),
        ({16: b"\0\0\0\x80"}, "5 x 2147483648 pixels"),
    ],
)
def test_a_wrong_header_field_is_named(change, message):
    with pytest.raises(KmcFormatError, match=message):
        read(with_header(change))


def test_a_wrong_header_crc_is_told_before_any_field():
    data = EXAMPLE[:8] + b"\x63" + EXAMPLE[9:]
    with pytest.raises(KmcFormatError, match=r"header: CRC is 39d2c145, computed [0-9a-f]{8}") as e:
        read(data)
    assert e.value.offset == 24


def test_text_mode_damage_is_told():
    with pytest.raises(KmcFormatError, match="text mode"):
        read(EXAMPLE.replace(b"\r\n", b"\n"))


def test_a_foreign_file_is_told():
    with pytest.raises(KmcFormatError, match=r"not a \.kmc file"):
        read(b"KMCP" + bytes(100))


@pytest.mark.parametrize("length", [0, 5, 8, HEADER_SIZE - 1, HEADER_SIZE, 38, 40])
def test_a_truncated_start_is_told(length):
    with pytest.raises(KmcFormatError, match="truncated"):
        read(EXAMPLE[:length])


CODED = replace(HEADER, coding=3, palette_coded=True)


def test_a_coded_palette_has_a_length_and_one_crc_over_both():
    data = build(CODED, b"coded", PAYLOADS)
    assert data[11] == 2
    assert data[28:34] == b"\5coded"
    assert data[34:38] == struct.pack("<I", zlib.crc32(b"\5coded"))
    container = read(data)
    assert container.header == CODED
    assert (container.palette_offset, container.palette) == (29, b"coded")
    assert [container.payload(strip) for strip in container.strips()] == PAYLOADS


@pytest.mark.parametrize(
    ("entries", "channels", "width"),
    [(256, 1, 1), (257, 1, 2), (128, 2, 1), (65536, 1, 2), (21846, 3, 4), (65536, 4, 4)],
)
def test_the_length_of_a_coded_palette_is_as_wide_as_needed(entries, channels, width):
    header = replace(CODED, entries=entries, channels=channels)
    data = build(header, b"coded", PAYLOADS)
    assert data[28 : 28 + width] == (5).to_bytes(width, "little")
    container = read(data)
    assert (container.palette_offset, container.palette) == (28 + width, b"coded")
    list(container.sections())


def test_a_coded_palette_is_shorter_than_a_plain_one():
    assert read(build(CODED, bytes(8), PAYLOADS)).palette == bytes(8)
    with pytest.raises(KmcFormatError, match="9 bytes, not fewer than the 9") as error:
        read(build(CODED, bytes(9), PAYLOADS))
    assert error.value.offset == HEADER_SIZE


@pytest.mark.parametrize("length", [28, 29, 33, 37])
def test_a_truncated_coded_palette_is_told(length):
    with pytest.raises(KmcFormatError, match=r"palette.*truncated"):
        read(build(CODED, b"coded", PAYLOADS)[:length])


@pytest.mark.parametrize("byte", range(28, 38))
def test_a_damaged_coded_palette_is_told(byte):
    data = bytearray(build(CODED, b"coded", PAYLOADS))
    data[byte] ^= 1
    with pytest.raises(KmcFormatError, match="palette: CRC") as error:
        read(bytes(data))
    assert error.value.offset in (33, 34, 35)


def test_swapped_strips_are_noticed():
    header = Header(coding=0, channels=3, width=5, height=2, entries=3, rows_per_strip=1)
    data = build(header, PALETTE, [b"\x18\x40", b"\x56\x80"])
    frame = 10
    swapped = data[: -2 * frame] + data[-frame:] + data[-2 * frame : -frame]
    container = read(swapped)
    with pytest.raises(KmcFormatError, match=r"strip 0 \(rows 0 to 0\): CRC"):
        container.payload(next(container.strips()))


def test_many_strips_are_refused_before_they_are_walked():
    data = with_header({16: struct.pack("<I", 2**31 - 1), 22: struct.pack("<H", 1)})
    with pytest.raises(KmcFormatError, match="2,147,483,647 strips"):
        next(read(data).strips())


def test_trailing_bytes_are_told():
    with pytest.raises(KmcFormatError, match="1 bytes follow") as error:
        list(read(EXAMPLE + b"x").sections())
    assert error.value.offset == len(EXAMPLE)


def test_the_signature_is_as_specified():
    assert bytes.fromhex("8B4B4D430D0A1A0A") == SIGNATURE
