"""What the additive coder has beside the tests of all coders in test_context.py."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_context import strips

import kmcodec
from kmcodec.coding.additive import PROFILES, Additive, method
from kmcodec.coding.additive.kernels import STRIP
from kmcodec.coding.additive.start import Start
from kmcodec.coding.colortree import ColorTree
from kmcodec.coding.packed import Packed

BOTH = [Additive(profile) for profile in PROFILES.values()]
by_profile = pytest.mark.parametrize("coding", BOTH, ids=lambda coding: coding.effort)


@by_profile
@pytest.mark.parametrize("entries", [2, 3, 16, 200, 256, 257, 5000])
def test_noise_takes_a_byte_more_than_packed(coding, entries, rng):
    palette = rng.integers(0, 256, (entries, 3), np.uint8)
    indices = rng.integers(0, entries, (70, 90)).astype(np.uint16 if entries > 256 else np.uint8)
    packed = Packed().encode(indices, palette)
    payload = coding.encode(indices, palette)
    # The coder can win where entries are not a power of two, but never loses more.
    assert len(payload) <= 1 + len(packed)
    np.testing.assert_array_equal(coding.decode(payload, 70, 90, palette), indices, strict=True)
    if entries == 256:
        assert payload == b"\xff" + packed
        first = coding.decode(payload, 70, 90, palette, 3)
        np.testing.assert_array_equal(first, indices[:3], strict=True)
        for damaged in (payload[:-1], payload + b"\0", b"\xff"):
            with pytest.raises(kmcodec.KmcFormatError):
                coding.decode(damaged, 70, 90, palette)


@by_profile
@given(strips(30, 30))
def test_only_packed_rows_begin_with_the_byte_that_says_so(coding, strip):
    indices, palette = strip
    payload = coding.encode(indices, palette)
    if payload[:1] == b"\xff":
        assert payload[1:] == Packed().encode(indices, palette)


@pytest.mark.parametrize("entries", [2, 3, 5, 16, 17, 100, 256, 300])
def test_leaves_are_counted_up_to_three(entries, rng):
    tree = ColorTree.of(rng.integers(0, 256, (entries, 3), np.uint8))
    found = Start(PROFILES["fast"], tree, 100).leaves
    for node in range(1, len(found)):
        size = len(found) >> node.bit_length()
        first = (2 * node << tree.bits - node.bit_length()) - len(found)
        sides = tree.hole[first : first + 2 * size].reshape(2, -1)
        zeros, ones = np.minimum(3, (1 - sides.astype(int)).sum(axis=1))
        assert found[node] == (0 if zeros == ones == 3 else zeros + 4 * ones), node


@by_profile
def test_both_twins_say_the_same_of_a_payload_that_is_too_short(coding, rng, monkeypatch):
    palette = rng.integers(0, 256, (64, 3), np.uint8)
    indices = np.sort(rng.integers(0, 64, (20, 50), np.uint8))
    payload = coding.encode(indices, palette)[:40]
    for twin in (False, True):
        if twin:
            monkeypatch.setattr(method, "STRIP", None)
        with pytest.raises(kmcodec.KmcFormatError, match=r"40 bytes .* the decoder used 41"):
            coding.decode(payload, 20, 50, palette)


@pytest.mark.skipif(STRIP is None, reason="no compiled kernels")
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_numbers_are_looked_up_as_numpy_does(dtype, rng):
    table = rng.integers(0, 200, 150, np.uint16)
    places = rng.integers(0, 150, (7, 9)).astype(dtype)
    for wanted in (np.uint8, np.uint16):
        found = np.empty(places.shape, wanted)
        STRIP.look_up(table, places, found)
        np.testing.assert_array_equal(found, table[places])
        places[3, 4] = 150
        with pytest.raises(IndexError, match="place 150 is not among 150"):
            STRIP.look_up(table, places, found)
        places[3, 4] = 0
        with pytest.raises(ValueError, match="shapes"):
            STRIP.look_up(table, places, found[:6])


@by_profile
def test_a_palette_of_one_colour_needs_no_payload(coding):
    palette = np.array([[1, 2, 3]], np.uint8)
    assert coding.encode(np.zeros((5, 4), np.uint8), palette) == b""
    assert coding.decode(b"", 5, 4, palette).shape == (5, 4)
    with pytest.raises(kmcodec.KmcFormatError, match="only one palette entry"):
        coding.decode(b"\xff", 5, 4, palette)


@by_profile
@given(strips(20, 20), st.integers(1, 3))
def test_no_zeros_follow_a_payload(coding, strip, zeros):
    indices, palette = strip
    payload = coding.encode(indices, palette)
    with pytest.raises(kmcodec.KmcFormatError):
        coding.decode(payload + bytes(zeros), *indices.shape, palette)
