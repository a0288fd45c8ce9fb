"""Tests of the weights of the price by what pixels hide."""

from __future__ import annotations

import numpy as np

from kmcodec.perception import price_weights


def busy_and_calm() -> np.ndarray:
    pixels = np.full((40, 60, 3), 128, np.uint8)
    pixels[:, :30] = np.random.default_rng(5).integers(0, 256, (40, 30, 3))
    return pixels


def test_a_bit_costs_more_where_much_happens():
    weights = price_weights(busy_and_calm(), 1)
    assert weights.shape == (40, 60)
    assert weights[:, :28].min() > 2 * weights[:, 33:].max()


def test_a_flat_image_has_the_usual_price():
    weights = price_weights(np.full((9, 7, 1), 77, np.uint8), 1)
    assert weights.min() == weights.max()
    assert 240 <= weights[0, 0] <= 272


def test_what_is_beside_a_frame_does_not_count():
    # The calm half alone, as a frame, is as calm along the border as elsewhere.
    weights = price_weights(busy_and_calm(), 2)
    assert np.ptp(weights[:, 30:]) == 0
    assert np.ptp(price_weights(busy_and_calm(), 1)[:, 30:]) > 0


def test_a_pixel_is_enough():
    assert price_weights(np.zeros((1, 1, 4), np.uint8), 1).shape == (1, 1)
