"""Counts of even squares: the kernel and its twin agree, however the rows come."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from kernel_twins import needs_kernels, running

from kmcodec.quantization import squares

seeds = st.integers(0, 2**32 - 1)


def squares_in_parts(pixels, cuts):
    """Counted from the top, part by part, each with the row above."""
    found = squares.no_squares()
    for top, bottom in pairwise([0, *cuts, len(pixels)]):
        above = pixels[top - 1] if top else None
        found += squares.squares_of(pixels[top:bottom], above)
    return found


@given(st.integers(1, 40), st.integers(1, 40), st.sampled_from([None, 1, 2, 3, 4]), seeds)
def test_squares_are_those_of_the_twin_however_the_rows_are_cut(height, width, channels, seed):
    rng = np.random.default_rng(seed)
    shape = (height, width) if channels is None else (height, width, channels)
    # Few hues, so that some squares are even.
    pixels = rng.integers(0, rng.choice([6, 60, 256]), shape, np.uint8)
    if channels in (2, 4):
        pixels[..., -1] = rng.choice([255, 255, 255, 254, 0], (height, width))
    cuts = sorted(set(rng.integers(1, height, 3))) if height > 1 else []
    found = [squares.squares_of(pixels), squares_in_parts(pixels, cuts)]
    with running(twins=True):
        found += [squares.squares_of(pixels), squares_in_parts(pixels, cuts)]
    assert {each.pixels for each in found} == {height * width}
    for other in found[1:]:
        np.testing.assert_array_equal(other.sums, found[0].sums, strict=True)
    opaque = pixels[..., -1] == 255 if channels in (2, 4) else np.ones((height, width), bool)
    assert found[0].sums[:, 0].sum() == opaque.sum()


@needs_kernels
def test_sums_of_many_squares_are_exact():
    """More than the kernel holds before it passes them on, in few rows and in many."""
    for shape in ((2, 3_000_001, 3), (3_001, 1_000, 3)):
        found = squares.squares_of(np.full(shape, 255, np.uint8)).sums.sum(axis=0)
        count = (shape[0] - 1) * (shape[1] - 1)
        assert found.tolist() == [shape[0] * shape[1], count, *[4 * 255 * count] * 3]
