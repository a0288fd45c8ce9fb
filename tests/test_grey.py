"""Grey palettes: none is better, whatever the levels and counts."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kmcodec.errors import KmcLimitError
from kmcodec.quantization.grey import MAX_COUNT, best_grey_palette

ALL = np.arange(256, dtype=np.uint8)


def error_of(levels, counts, palette):
    """In Python's own whole numbers, which cannot overflow."""
    entries = [int(entry) for entry in palette]
    return sum(
        int(count) * min((int(level) - entry) ** 2 for entry in entries)
        for level, count in zip(levels, counts, strict=True)
    )


def best_of_all(levels, counts, k):
    """The least error that any palette of k entries has: by trying them all."""
    between = range(int(min(levels)), int(max(levels)) + 1)
    return min(error_of(levels, counts, p) for p in combinations(between, min(k, len(between))))


def palette_of(histogram, k):
    levels = np.array(list(histogram), np.uint8)
    return best_grey_palette(levels, np.array(list(histogram.values()), np.int64), k)


@given(
    base=st.sampled_from([0, 100, 241]),
    histogram=st.dictionaries(
        st.integers(0, 14), st.integers(1, 9) | st.integers(1, 2**40), min_size=1, max_size=9
    ),
    k=st.integers(1, 5),
)
def test_no_palette_is_better(base, histogram, k):
    histogram = {base + level: count for level, count in histogram.items()}
    found = palette_of(histogram, k)
    levels, counts = list(histogram), list(histogram.values())
    assert error_of(levels, counts, found) == best_of_all(levels, counts, k)
    assert len(found) == min(k, len(levels))
    assert (np.diff(found.astype(int)) > 0).all()


@given(
    histogram=st.dictionaries(st.integers(0, 255), st.integers(1, 99), min_size=1, max_size=40),
    spare=st.integers(0, 3),
)
def test_no_more_levels_than_entries_is_lossless(histogram, spare):
    found = palette_of(histogram, len(histogram) + spare)
    assert found.tolist() == sorted(histogram)


def test_one_level_is_its_own_palette():
    assert palette_of({77: 5}, 1).tolist() == [77]
    assert palette_of({77: MAX_COUNT}, 256).tolist() == [77]


@pytest.mark.parametrize("k", [1, 2, 3, 64, 255])
def test_huge_counts_do_not_overflow(k):
    counts = np.full(256, 2**40)
    assert counts.sum() == MAX_COUNT
    found = best_grey_palette(ALL, counts, k)
    np.testing.assert_array_equal(found, best_grey_palette(ALL, counts // 2**40, k))


def test_the_largest_error_there_can_be_is_exact():
    levels, counts = np.array([0, 1, 255], np.uint8), np.array([2**47 - 1, 1, 2**47])
    found = best_grey_palette(levels, counts, 1)
    errors = {p: error_of(levels, counts, [p]) for p in range(256)}
    assert errors[int(found[0])] == min(errors.values()) > 2**61
    assert best_grey_palette(levels, counts, 2).tolist() == [0, 255]


def test_more_pixels_than_the_sums_hold_are_refused():
    with pytest.raises(KmcLimitError, match="281,474,976,710,656 pixels"):
        palette_of({0: MAX_COUNT, 1: 1}, 1)
    with pytest.raises(KmcLimitError):
        best_grey_palette(ALL, np.full(256, 2**62), 4)


def test_an_even_ramp_is_divided_evenly():
    found = best_grey_palette(ALL, np.ones(256, np.int64), 4)
    # Groups of 63, 65, 64 and 64 levels, or in another order, are as good as four of 64, whose
    # means end in a half: the tie rule chooses.
    assert found.tolist() == [31, 94, 158, 223]
    assert error_of(ALL, [1] * 256, found) == error_of(ALL, [1] * 256, [31, 95, 159, 223])


def test_of_equally_good_palettes_the_brightest_group_begins_lowest():
    assert palette_of({10: 1, 20: 1, 30: 1}, 2).tolist() == [10, 25]
    assert palette_of({0: 1, 4: 1, 8: 1, 12: 1}, 3).tolist() == [0, 4, 10]


@given(seed=st.integers(0, 999), k=st.integers(1, 60))
def test_the_order_of_the_levels_makes_no_difference(seed, k):
    rng = np.random.default_rng(seed)
    levels = rng.permutation(256)[:50].astype(np.uint8)
    counts = rng.integers(1, 1000, 50)
    order = np.argsort(levels)
    np.testing.assert_array_equal(
        best_grey_palette(levels, counts, k), best_grey_palette(levels[order], counts[order], k)
    )


def test_each_further_entry_lowers_the_error(rng):
    counts = rng.integers(1, 1000, 256)
    errors = [error_of(ALL, counts, best_grey_palette(ALL, counts, k)) for k in range(1, 257, 15)]
    assert errors == sorted(set(errors), reverse=True)
    assert errors[-1] == 0
