"""Choosing indices by what they cost: both twins, and what a choice may not do."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_context import CONTEXT, Twin, by_profile, drawn, needs_kernels

from kmcodec.coding.carry import Carry
from kmcodec.coding.choice import Criterion


def criterion_for(pixels, palette, lagrangian, allowance):
    kinds = np.zeros(len(palette), np.uint8)
    return Criterion(
        pixels.astype(np.int16), palette.astype(np.int16), kinds, lagrangian, allowance
    )


def errors(pixels, palette, indices):
    return ((pixels.astype(int) - palette[indices]) ** 2).sum(axis=-1)


@st.composite
def sources(draw, most_rows=10, most_width=40):
    """Pixels near the colours of a palette, and the nearest of these."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    rows, width = draw(st.integers(1, most_rows)), draw(st.integers(1, most_width))
    entries = draw(st.sampled_from([2, 3, 7, 16, 40]))
    channels = draw(st.integers(1, 3))
    palette = rng.integers(0, 256, (entries, channels))
    kind = draw(st.sampled_from(["noise", "flat", "ramp", "tiles", "blocks"]))
    pixels = palette[drawn(rng, kind, rows, width, entries)]
    pixels = np.clip(pixels + rng.normal(0, draw(st.sampled_from([1, 20])), pixels.shape), 0, 255)
    pixels = pixels.astype(np.uint8)
    distances = ((pixels[:, :, np.newaxis].astype(int) - palette) ** 2).sum(axis=-1)
    return pixels, palette.astype(np.uint8), distances.argmin(axis=-1).astype(np.uint8)


@needs_kernels
@by_profile
@settings(max_examples=12)
@given(sources(), st.sampled_from([1, 5000, 100_000, 10_000_000]))
def test_twins_choose_the_same(coding, source, lagrangian):
    pixels, palette, nearest = source
    criterion = criterion_for(pixels, palette, lagrangian, 1 << 30)
    chosen, size = coding.choose(nearest, palette, criterion)
    other, other_size = Twin(coding).choose(nearest, palette, criterion)
    np.testing.assert_array_equal(chosen, other, strict=True)
    assert size == other_size


@st.composite
def carries(draw, most_below=3):
    return Carry(
        share=draw(st.sampled_from([1, 128, 256])),
        limit=draw(st.sampled_from([0, 50, 65536])),
        colors=draw(st.integers(1, 3)),
        below=draw(st.integers(1, most_below)),
    )


@needs_kernels
@by_profile
@settings(max_examples=10)
@given(sources(), carries(), st.sampled_from([1, 5000, 100_000, 10_000_000]))
def test_twins_choose_the_same_where_they_carry_errors(coding, source, carry, lagrangian):
    pixels, palette, nearest = source
    criterion = criterion_for(pixels, palette, lagrangian, 1 << 30)
    criterion = dataclasses.replace(criterion, carry=carry)
    chosen, size = coding.choose(nearest, palette, criterion)
    other, other_size = Twin(coding).choose(nearest, palette, criterion)
    np.testing.assert_array_equal(chosen, other, strict=True)
    assert size == other_size


@needs_kernels
@by_profile
@settings(max_examples=10)
@given(sources(), st.none() | carries(), st.sampled_from([0, 1000, 1 << 30]), st.integers(0, 99))
def test_twins_choose_the_same_at_prices_by_pixel(coding, source, carry, allowance, seed):
    pixels, palette, nearest = source
    weights = np.random.default_rng(seed).choice([0, 64, 256, 1024, 65535], nearest.shape)
    criterion = criterion_for(pixels, palette, 50_000, allowance)
    criterion = dataclasses.replace(criterion, carry=carry, weights=weights.astype(np.uint16))
    chosen, size = coding.choose(nearest, palette, criterion)
    other, other_size = Twin(coding).choose(nearest, palette, criterion)
    np.testing.assert_array_equal(chosen, other, strict=True)
    assert size == other_size


@by_profile
def test_pixels_of_a_low_price_keep_their_entries(coding):
    rng = np.random.default_rng(7)
    pixels = rng.integers(0, 256, (40, 60, 1)).astype(np.uint8)
    palette = np.arange(8, 256, 16, dtype=np.uint8)[:, None]
    nearest = (pixels[..., 0] // 16).astype(np.uint8)
    weights = np.full(nearest.shape, 256, np.uint16)
    weights[:, :30] = 1
    criterion = criterion_for(pixels, palette, 50_000, 1 << 30)
    criterion = dataclasses.replace(criterion, weights=weights)
    chosen, _ = coding.choose(nearest, palette, criterion)
    kept = chosen == nearest
    assert kept[:, :30].mean() > 0.95
    assert kept[:, 30:].mean() < 0.75


def test_neighbors_make_up_for_carried_errors_in_each_frame():
    # Two frames whose rows take turns: a flat one of the only other entry, and a half-tone.
    palette = np.array([[0], [100]], np.uint8)
    pixels = np.full((80, 64, 1), 100, np.uint8)
    pixels[1::2] = 40
    nearest = (pixels[..., 0] == 100).astype(np.uint8)
    criterion = criterion_for(pixels, palette, 1, 1 << 30)
    criterion = dataclasses.replace(criterion, carry=Carry(256, 65536, 1, below=2))
    chosen, _ = CONTEXT[1].choose(nearest, palette, criterion)
    assert (chosen[::2] == 1).all()
    assert chosen[1::2].mean() == pytest.approx(0.4, abs=0.02)
    blocks = chosen[1::2].reshape(10, 4, 16, 4).mean(axis=(1, 3))
    assert blocks.min() >= 0.2
    assert blocks.max() <= 0.6


@by_profile
def test_flat_areas_keep_their_nearest_entry_whatever_the_price(coding):
    # Grain around a flat square, of which another entry is almost as near.
    rng = np.random.default_rng(5)
    pixels = rng.integers(100, 110, (40, 60, 1)).astype(np.uint8)
    pixels[10:30, 20:50] = 108
    palette = np.array([[104], [109]], np.uint8)
    nearest = (np.abs(pixels.astype(int) - 109) < np.abs(pixels.astype(int) - 104))[..., 0]
    criterion = criterion_for(pixels, palette, 1_000_000, 1 << 30)
    chosen, _ = coding.choose(nearest.astype(np.uint8), palette, criterion)
    assert (chosen[10:29, 20:49] == 1).all()
    # Elsewhere the entry that is cheap is taken.
    changes = [np.count_nonzero(rows[:9, 1:] != rows[:9, :-1]) for rows in (nearest, chosen)]
    assert changes[1] < changes[0] / 4


@by_profile
@settings(max_examples=25)
@given(sources(30, 60), st.sampled_from([5000, 100_000]), st.sampled_from([0, 300, 100_000]))
def test_a_choice_takes_the_bytes_it_was_told_and_adds_no_more_than_allowed(
    coding, source, lagrangian, allowance
):
    pixels, palette, nearest = source
    criterion = criterion_for(pixels, palette, lagrangian, allowance)
    chosen, size = coding.choose(nearest, palette, criterion)
    assert size - 4 <= len(coding.encode(chosen, palette)) <= size + 2
    added = errors(pixels, palette, chosen) - errors(pixels, palette, nearest)
    assert added.max() <= allowance


def test_a_larger_lambda_makes_a_smaller_strip_of_a_greater_error():
    rng = np.random.default_rng(3)
    y, x = np.mgrid[:90, :120]
    pixels = np.clip(x + y / 2 + rng.normal(0, 8, x.shape), 0, 255).astype(np.uint8)[..., None]
    palette = np.arange(4, 256, 8, dtype=np.uint8)[:, None]
    nearest = np.abs(pixels.astype(int) - palette[:, 0]).argmin(axis=-1).astype(np.uint8)
    coding = CONTEXT[1]
    plain = len(coding.encode(nearest, palette))
    results = []
    for lagrangian in (640, 2560, 25600):
        criterion = criterion_for(pixels, palette, lagrangian, 1 << 30)
        chosen, size = coding.choose(nearest, palette, criterion)
        results.append((size, int(errors(pixels, palette, chosen).sum())))
    sizes, total = zip(*results, strict=True)
    assert plain > sizes[0] > sizes[1] > sizes[2]
    assert errors(pixels, palette, nearest).sum() < total[0] < total[1] < total[2]
    assert sizes[1] < 0.9 * plain


@by_profile
def test_only_entries_of_a_kind_replace_each_other(coding):
    rng = np.random.default_rng(4)
    palette = np.sort(rng.integers(0, 256, (16, 1)), axis=0).astype(np.uint8)
    nearest = rng.integers(0, 16, (40, 50)).astype(np.uint8)
    kinds = (np.arange(16) % 3).astype(np.uint8)
    criterion = dataclasses.replace(
        criterion_for(palette[nearest], palette, 1 << 20, 1 << 30), kinds=kinds
    )
    chosen, _ = coding.choose(nearest, palette, criterion)
    assert (chosen != nearest).any()
    np.testing.assert_array_equal(kinds[chosen], kinds[nearest])


@by_profile
def test_one_entry_leaves_nothing_to_choose(coding):
    nearest, palette = np.zeros((3, 4), np.uint8), np.array([[9]], np.uint8)
    criterion = criterion_for(np.zeros((3, 4, 1)), palette, 100, 100)
    chosen, size = coding.choose(nearest, palette, criterion)
    np.testing.assert_array_equal(chosen, nearest)
    assert size == 0


@pytest.mark.parametrize("entries", [5000, 65_536])
def test_very_many_entries(entries):
    rng = np.random.default_rng(5)
    colors = rng.choice(1 << 24, entries, replace=False)
    palette = (colors[:, np.newaxis] >> np.array([16, 8, 0]) & 255).astype(np.uint8)
    nearest = rng.integers(0, entries, (20, 30)).astype(np.uint16)
    criterion = criterion_for(palette[nearest], palette, 100_000, 1 << 30)
    chosen, size = CONTEXT[0].choose(nearest, palette, criterion)
    assert (chosen != nearest).any()
    assert size < len(CONTEXT[0].encode(nearest, palette))
