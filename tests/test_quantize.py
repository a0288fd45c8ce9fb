"""K-means: exact, deterministic, and as documented at the edges."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import kmcodec
from kmcodec.metrics import squared_error
from kmcodec.quantization.assign import nearest_centroids, nearest_entries
from kmcodec.quantization.histogram import histogram, map_colors
from kmcodec.quantization.initialize import INITS

SHAPES = [(9, 7), (9, 7, 2), (9, 7, 3), (9, 7, 4)]


@pytest.mark.parametrize("shape", SHAPES)
def test_the_histogram_counts_every_pixel(rng, shape):
    pixels = rng.integers(0, 3, shape, dtype=np.uint8)
    found = histogram(pixels)
    colors, counts = np.unique(pixels.reshape(63, -1), axis=0, return_counts=True)
    np.testing.assert_array_equal(found.colors, colors)
    np.testing.assert_array_equal(found.counts, counts)


def test_table_and_sort_give_the_same_histogram(rng, monkeypatch):
    pixels = rng.integers(0, 256, (40, 50, 3), dtype=np.uint8)
    by_sort = histogram(pixels)
    values = np.arange(len(by_sort.colors), dtype=np.uint16)
    mapped = map_colors(pixels, by_sort.colors, values)
    monkeypatch.setattr("kmcodec.quantization.histogram._TABLE_FROM", 0)
    by_table = histogram(pixels)
    np.testing.assert_array_equal(by_sort.colors, by_table.colors)
    np.testing.assert_array_equal(by_sort.counts, by_table.counts)
    np.testing.assert_array_equal(mapped, map_colors(pixels, by_sort.colors, values))
    np.testing.assert_array_equal(by_sort.colors[mapped], pixels)


@given(n=st.integers(1, 60), k=st.integers(1, 40), dims=st.integers(1, 4), seed=st.integers(0, 999))
def test_nearest_is_exact_with_ties_to_the_lower_index(n, k, dims, seed):
    rng = np.random.default_rng(seed)
    # Few values, so that there are many ties.
    points, centers = rng.integers(0, 6, (n, dims)), rng.integers(0, 6, (k, dims))
    labels, distances = nearest_centroids(points, centers)
    table = ((points[:, None] - centers[None]) ** 2).sum(axis=2)
    np.testing.assert_array_equal(labels, table.argmin(axis=1))
    np.testing.assert_array_equal(distances, table.min(axis=1))


def test_nearest_is_exact_at_the_ends_of_the_grid(rng):
    points = rng.integers(2**24 - 50, 2**24, (500, 4))
    centers = rng.integers(2**24 - 50, 2**24, (300, 4))
    labels, distances = nearest_centroids(points, centers)
    table = ((points[:, None] - centers[None]) ** 2).sum(axis=2)
    np.testing.assert_array_equal(labels, table.argmin(axis=1))
    np.testing.assert_array_equal(distances, table.min(axis=1))


@pytest.mark.parametrize("init", sorted(INITS))
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("k", [1, 2, 5, 62])
def test_at_most_k_entries_all_used_and_each_pixel_at_its_nearest(rng, init, shape, k):
    pixels = rng.integers(0, 256, shape, dtype=np.uint8)
    image = kmcodec.quantize(pixels, k, init=init)
    assert len(image.palette) <= k
    assert len(np.unique(image.palette, axis=0)) == len(image.palette)
    np.testing.assert_array_equal(np.unique(image.indices), np.arange(len(image.palette)))
    colors = pixels.reshape(-1, image.channels)
    np.testing.assert_array_equal(image.indices.ravel(), nearest_entries(colors, image.palette))


@pytest.mark.parametrize("init", sorted(INITS))
@given(seed=st.integers(0, 10**9), shape=st.sampled_from(SHAPES), spare=st.integers(0, 3))
def test_no_more_colours_than_k_is_lossless_whatever_the_seed(init, seed, shape, spare):
    pixels = np.random.default_rng(seed).integers(0, 4, shape, dtype=np.uint8) * 85
    channels = 1 if len(shape) == 2 else shape[2]
    colors = len(np.unique(pixels.reshape(-1, channels), axis=0))
    image = kmcodec.quantize(pixels, colors + spare, init=init, seed=seed)
    np.testing.assert_array_equal(image.to_array(), pixels)


@pytest.mark.parametrize("init", sorted(INITS))
def test_the_same_seed_gives_the_same_bytes(bird, init):
    first = kmcodec.encode(bird, 16, init=init, seed=5)
    assert kmcodec.encode(bird, 16, init=init, seed=5) == first


def test_another_seed_gives_another_random_start(bird):
    images = [kmcodec.quantize(bird, 16, init="random", seed=seed) for seed in (1, 2)]
    assert images[0] != images[1]


@pytest.mark.parametrize("init", sorted(INITS))
def test_the_photo_at_sixteen_colours_is_close(bird, init):
    error = squared_error(bird, kmcodec.quantize(bird, 16, init=init).to_array())
    median_cut = np.array(_median_cut(bird, 16))
    assert error < 0.7 * squared_error(bird, median_cut)


def _median_cut(pixels, k):
    from PIL import Image

    return Image.fromarray(pixels).quantize(k, method=Image.Quantize.MEDIANCUT).convert("RGB")


def test_more_entries_never_hurt(bird):
    errors = [squared_error(bird, kmcodec.quantize(bird, k).to_array()) for k in (2, 8, 32, 128)]
    assert errors == sorted(errors, reverse=True)


def test_more_restarts_never_hurt(bird):
    def error(restarts):
        image = kmcodec.quantize(bird, 8, init="random", restarts=restarts)
        return squared_error(bird, image.to_array())

    assert error(4) <= error(1) * 1.001


def test_a_weight_is_as_good_as_that_many_pixels():
    once = np.array([[0, 10, 20, 200, 220]], np.uint8)
    image = kmcodec.quantize(np.repeat(once, [9, 1, 1, 1, 3], axis=1), 2)
    # The means: (9 * 0 + 10 + 20) / 11 and (200 + 3 * 220) / 4.
    assert image.palette.ravel().tolist() == [3, 215]


def test_one_entry_is_the_mean():
    pixels = np.array([[[0, 0, 0], [10, 20, 31]]], np.uint8)
    assert kmcodec.quantize(pixels, 1).palette.tolist() == [[5, 10, 16]]


def test_entries_run_from_dark_to_bright(bird):
    palette = kmcodec.quantize(bird, 32).palette.astype(int)
    luma = palette @ [299, 587, 114]
    assert (np.diff(luma) >= 0).all()


def test_transparent_pixels_share_one_entry_and_stay_transparent(rng):
    pixels = rng.integers(0, 256, (40, 40, 4), dtype=np.uint8)
    pixels[:20, :, 3] = 0
    pixels[20:, :, 3] = 255
    image = kmcodec.quantize(pixels, 8)
    assert image.palette[0].tolist() == [0, 0, 0, 0]
    assert set(image.palette[1:, 3].tolist()) == {255}
    assert (image.indices[:20] == 0).all()
    assert (image.indices[20:] != 0).all()


def test_hidden_colours_are_kept_where_there_is_room():
    pixels = np.array([[[1, 2, 3, 0], [4, 5, 6, 0], [7, 8, 9, 255]]], np.uint8)
    np.testing.assert_array_equal(kmcodec.quantize(pixels, 3).to_array(), pixels)
    assert len(kmcodec.quantize(pixels, 2).palette) == 2


def test_empty_clusters_are_begun_anew():
    # A random start can take two close colours out of three far groups.
    pixels = np.repeat(np.array([[0, 1, 2, 100, 101, 250, 251]], np.uint8), 5, axis=1)
    for seed in range(20):
        image = kmcodec.quantize(pixels, 6, init="random", seed=seed)
        assert len(image.palette) >= 5


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"k": 0}, "k is a whole number from 1 to 65,536, not 0"),
        ({"k": 65537}, "k is"),
        ({"k": 2.5}, "k is"),
        ({"k": "many"}, "k is"),
        ({"init": "best"}, "init is one of pca, k-means\\+\\+, random, not 'best'"),
        ({"seed": -1}, "seed is"),
        ({"iterations": 0}, "iterations is"),
        ({"restarts": 0}, "restarts is"),
    ],
)
def test_wrong_options_are_told(options, message):
    with pytest.raises(kmcodec.KmcInputError, match=message):
        kmcodec.quantize(np.zeros((2, 2), np.uint8), **options)


def test_an_indexed_image_is_kept_exactly():
    image = kmcodec.IndexedImage([[9], [9], [1]], [[0, 1]])
    assert kmcodec.quantize(image) is image
    with pytest.raises(kmcodec.KmcInputError, match="3 palette entries, more than k = 2"):
        kmcodec.quantize(image, 2)


def test_a_pillow_palette_is_kept_if_it_fits(bird):
    from PIL import Image

    picture = Image.fromarray(bird).quantize(32)
    assert len(kmcodec.quantize(picture).palette) == 32
    assert len(kmcodec.quantize(picture, 8).palette) == 8
