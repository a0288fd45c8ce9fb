"""Histograms of blocks: exact while they are small, of cells beyond that."""

from __future__ import annotations

import numpy as np
import pytest

from kmcodec.quantization import tally
from kmcodec.quantization.histogram import histogram
from kmcodec.quantization.tally import Tally


def tallied(blocks, most=1 << 20):
    counted = Tally(blocks[0].shape[2], most)
    for block in blocks:
        counted.add(block)
    return counted.result()


def same(found, expected):
    np.testing.assert_array_equal(found.colors, expected.colors, strict=True)
    np.testing.assert_array_equal(found.counts, expected.counts, strict=True)


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_few_colors_are_counted_exactly(rng, channels, monkeypatch):
    monkeypatch.setattr(tally, "_GROUP", 700)
    pixels = rng.integers(0, 256, (90, 50, channels), dtype=np.uint8)
    found, exact = tallied([pixels[:31], pixels[31:40], pixels[40:]])
    assert exact
    same(found, histogram(pixels))


@pytest.mark.parametrize("channels", [3, 4])
def test_many_colors_are_put_together_whatever_their_order(rng, channels, monkeypatch):
    monkeypatch.setattr(tally, "_GROUP", 700)
    pixels = rng.integers(0, 256, (90, 50, channels), dtype=np.uint8)
    if channels == 4:
        pixels[..., 3] = rng.choice([0, 1, 2, 100, 101, 254, 255], (90, 50))
    found, exact = tallied([pixels[:31], pixels[31:]], most=2000)
    assert not exact
    assert 200 < len(found.counts) <= 2000
    assert found.counts.sum() == 90 * 50
    assert len(np.unique(found.colors, axis=0)) == len(found.colors)
    np.testing.assert_allclose(
        found.counts @ found.colors / 4500, pixels.reshape(-1, channels).mean(axis=0), atol=0.1
    )
    again, _ = tallied([pixels[60:], pixels[10:60], pixels[:10]], most=2000)
    same(again, found)
    if channels == 4:
        for alpha in (0, 255):
            kept = found.counts[found.colors[:, 3] == alpha].sum()
            assert kept == (pixels[..., 3] == alpha).sum()


def test_the_first_number_of_bits_that_does_is_taken(rng):
    # Neighbours by their lowest bit only: 7 bits halve their number.
    levels = rng.permutation(1 << 16)[:3000] * 2
    colors = np.stack([levels >> 9, levels >> 1, levels & 254], axis=1).astype(np.uint8)
    pixels = np.concatenate([colors, colors | np.uint8([0, 0, 1])])[np.newaxis]
    found, exact = tallied([pixels], most=len(np.unique(pixels[0], axis=0)) - 1)
    assert not exact
    # Means between two neighbours are rounded up.
    np.testing.assert_array_equal(np.unique(found.colors[:, 2] & 1), [1])
