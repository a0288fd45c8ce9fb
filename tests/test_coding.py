"""Coding methods: bits as specified, round trips, and refusals."""

from __future__ import annotations

import zlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kmcodec.coding import METHODS, coding_by_number
from kmcodec.coding.packed import bits_for, pack_rows, packed_size, unpack_rows
from kmcodec.errors import KmcFormatError

PACKED, DEFLATE = METHODS[:2]


def palette_of(entries):
    """A palette of so many grey entries; what it holds matters to the context coder only."""
    return (np.arange(entries) % 256).astype(np.uint8)[:, np.newaxis]


@pytest.mark.parametrize(
    ("entries", "bits"),
    [(1, 0), (2, 1), (3, 2), (4, 2), (5, 3), (16, 4), (17, 5), (256, 8), (257, 9), (65536, 16)],
)
def test_bits_are_the_least_that_tell_all_entries_apart(entries, bits):
    assert bits_for(entries) == bits


def test_rows_are_packed_as_in_the_specification():
    rows = np.array([[0, 1, 2, 0, 1], [1, 1, 1, 2, 2]], np.uint8)
    assert pack_rows(rows, 2) == bytes.fromhex("18405680")


def test_sixteen_bits_are_most_significant_byte_first():
    assert pack_rows(np.array([[1, 0x1234]], np.uint16), 16) == bytes.fromhex("00011234")


@pytest.mark.parametrize("method", METHODS, ids=lambda m: m.effort or m.name)
@given(
    rows=st.integers(1, 9),
    width=st.integers(1, 40),
    entries=st.sampled_from([1, 2, 3, 5, 9, 17, 33, 65, 129, 256, 257, 5000, 65536]),
    seed=st.integers(0, 999),
)
def test_a_strip_survives_coding(method, rows, width, entries, seed):
    dtype = np.uint8 if entries <= 256 else np.uint16
    strip = np.random.default_rng(seed).integers(0, entries, (rows, width)).astype(dtype)
    palette = palette_of(entries)
    decoded = method.decode(method.encode(strip, palette), rows, width, palette)
    assert decoded.dtype == dtype
    np.testing.assert_array_equal(decoded, strip)


@pytest.mark.parametrize("entries", [2, 17, 300, 20000, 65536])
def test_long_rows_are_unpacked_in_parts(rng, entries):
    bits, width = bits_for(entries), 2 * (1 << 18) + 3
    rows = rng.integers(0, entries, (2, width)).astype(np.uint8 if entries <= 256 else np.uint16)
    data = bytearray(pack_rows(rows, bits))
    np.testing.assert_array_equal(unpack_rows(bytes(data), 2, width, entries, bits), rows)
    if width * bits % 8:
        data[-1] ^= 1
        with pytest.raises(KmcFormatError, match="pad bits"):
            unpack_rows(bytes(data), 2, width, entries, bits)
    if entries < 1 << bits:
        rows[1, width - 9] = entries
        with pytest.raises(KmcFormatError, match=f"row 1, column {width - 9} "):
            unpack_rows(pack_rows(rows, bits), 2, width, entries, bits)


def test_a_large_strip_survives_coding_in_groups_of_rows(rng):
    strip = rng.integers(0, 17, (900, 701), dtype=np.uint8)
    data = pack_rows(strip, 5)
    assert len(data) == packed_size(900, 701, 5)
    np.testing.assert_array_equal(unpack_rows(data, 900, 701, 17, 5), strip)


def test_an_index_beyond_the_palette_is_refused():
    with pytest.raises(KmcFormatError, match="index 3 at row 1, column 0"):
        PACKED.decode(b"\x00\xc0", 2, 1, palette_of(3))


def test_set_pad_bits_are_refused():
    with pytest.raises(KmcFormatError, match="pad bits"):
        PACKED.decode(b"\x01", 1, 3, palette_of(4))


@pytest.mark.parametrize("length", [0, 1, 3])
def test_a_wrong_length_is_refused(length):
    with pytest.raises(KmcFormatError, match="instead of 2"):
        PACKED.decode(bytes(length), 1, 9, palette_of(2))


def deflated(data, **options):
    return zlib.compress(data, **options)


@pytest.mark.parametrize(
    ("payload", "message"),
    [
        (b"", "instead of 4"),
        (b"nonsense", "damaged"),
        (deflated(bytes(4))[:-1], "does not end"),
        (deflated(bytes(4)) + b"x", "does not end"),
        (deflated(bytes(3)), "3 bytes"),
        (deflated(bytes(5)), "5 bytes"),
        (deflated(bytes(10_000_000)), "5 bytes"),
        (deflated(bytes(4))[:-1] + b"\xff", "damaged"),
    ],
)
def test_deflate_refuses_what_is_not_one_stream_of_the_right_length(payload, message):
    with pytest.raises(KmcFormatError, match=message):
        DEFLATE.decode(payload, 2, 2, palette_of(200))


def test_deflate_aligns_indices_to_bytes():
    strip = np.arange(64, dtype=np.uint8).reshape(8, 8)
    assert zlib.decompress(DEFLATE.encode(strip, palette_of(64))) == strip.tobytes()


def test_numbers_are_those_of_the_header():
    assert [(method.number, method.name, method.effort) for method in METHODS] == [
        (0, "packed", None),
        (1, "deflate", None),
        (2, "context", "fast"),
        (3, "context", "default"),
        (4, "context", "max"),
        (5, "context", "fastest"),
        (6, "labels", None),
    ]
    assert coding_by_number(7) is None
