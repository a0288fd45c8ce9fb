"""How many rows strips have."""

from __future__ import annotations

import numpy as np
import pytest

import kmcodec
from kmcodec.writing.strips import MAX_STRIP_ROWS, BusySample, is_cut, rows_of_strips

SIDE = 1 << 13


def sampled(indices, cuts=()):
    sample = BusySample(indices.shape[1], len(indices))
    for block in np.split(indices, cuts):
        for pair in sample.pairs(block):
            sample.add(pair)
    return sample


@pytest.fixture
def half_busy(rng):
    indices = rng.integers(0, 4000, (300, 200))
    indices[:, 100:] = 0
    return sampled(indices)


def strips(width, height, effort, sample):
    return -(-height // rows_of_strips(width, height, effort, sample))


def test_small_images_are_one_strip(half_busy):
    assert not is_cut(1 << 11, 1 << 11)
    assert rows_of_strips(1 << 11, 1 << 11, "max", half_busy) == 0
    # So is a somewhat larger one with little in it.
    flat = sampled(np.zeros((300, 200)))
    assert rows_of_strips(1 << 11, 2100, "max", flat) == 0
    assert strips(1 << 11, 2100, "max", half_busy) == 2


def test_busy_images_have_smaller_strips(half_busy, rng):
    flat, busy = sampled(np.zeros((300, 200))), sampled(rng.integers(0, 4000, (300, 200)))
    found = [strips(SIDE, SIDE, "fast", sample) for sample in (flat, half_busy, busy)]
    assert found == [4, 16, 32]
    # What learns more gets more to learn from; what learns nothing needs no large ones.
    assert strips(SIDE, SIDE, "default", half_busy) == 8
    assert strips(SIDE, SIDE, None, None) == 32


@pytest.mark.parametrize("height", [1, 2, 3, 65, 300])
def test_blocks_do_not_matter(rng, height):
    indices = rng.integers(0, 2, (height, 50))
    cuts = sorted(rng.choice(height, min(height, 9), replace=False))
    one, other = sampled(indices), sampled(indices, cuts)
    assert one.pixels_for(1 << 20) == other.pixels_for(1 << 20)


def test_heights_that_a_header_can_hold():
    sample = sampled(np.zeros((300, 1)))
    assert rows_of_strips(1, 1 << 30, "fast", sample) == MAX_STRIP_ROWS
    assert rows_of_strips(1 << 30, 2, "fast", sample) == 1
    assert rows_of_strips(1 << 30, 1, "fast", sample) == 1


def test_a_large_image_is_cut_and_put_together_again(rng):
    indices = rng.integers(0, 2, (2100, 2100), np.uint8)
    data = kmcodec.encode(kmcodec.IndexedImage([[0], [9]], indices), effort="fast")
    assert len(kmcodec.inspect(data).strips) == 2
    np.testing.assert_array_equal(kmcodec.decode_indexed(data).indices, indices)
