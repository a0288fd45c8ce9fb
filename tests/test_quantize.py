"""K-means: exact, deterministic, and as documented at the edges."""

from __future__ import annotations

import random
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import kmcodec
from kmcodec import quantizer
from kmcodec.formats.pillow_images import from_pillow, to_pillow
from kmcodec.model.label_images import label_image
from kmcodec.model.metrics import squared_error
from kmcodec.quantization.assign import nearest_centroids, nearest_entries
from kmcodec.quantization.grey import best_grey_palette
from kmcodec.quantization.histogram import histogram, index_colors
from kmcodec.quantization.initialize import INITS
from kmcodec.quantization.kmeans import heavy_lloyd, lloyd
from kmcodec.quantization.levels import LEVELS
from kmcodec.quantization.request import QuantizeRequest
from kmcodec.quantization.rounding import rounded
from kmcodec.quantization.samples import Samples

SHAPES = [(9, 7), (9, 7, 2), (9, 7, 3), (9, 7, 4)]


def samples_of(pixels):
    """The samples of an image without alpha."""
    found = histogram(pixels)
    return Samples(found.colors.astype(np.int64), found.counts, 8)


def error_of(pixels, k, **options):
    return squared_error(pixels, kmcodec.quantize(pixels, k, **options).to_array())


@pytest.mark.parametrize("shape", SHAPES)
def test_the_histogram_counts_every_pixel(rng, shape):
    pixels = rng.integers(0, 3, shape, dtype=np.uint8)
    found = histogram(pixels)
    colors, counts = np.unique(pixels.reshape(63, -1), axis=0, return_counts=True)
    np.testing.assert_array_equal(found.colors, colors)
    np.testing.assert_array_equal(found.counts, counts)


@pytest.mark.parametrize("shape", SHAPES)
def test_each_pixel_keeps_its_colour(rng, shape):
    pixels = rng.integers(0, 3, shape, dtype=np.uint8)
    found, places = index_colors(pixels)
    ranks = places.replace(np.arange(len(found.counts)))
    np.testing.assert_array_equal(found.colors[ranks].reshape(shape), pixels)
    same = index_colors(np.asfortranarray(pixels)[::-1])[1].replace(np.arange(len(found.counts)))
    np.testing.assert_array_equal(same, ranks[::-1])


@given(
    channels=st.integers(1, 4),
    pixels=st.lists(st.integers(1, 50), min_size=2, max_size=4),
    values=st.integers(1, 256),
    seed=st.integers(0, 999),
)
def test_a_sum_of_histograms_is_that_of_the_images_together(channels, pixels, values, seed):
    rng = np.random.default_rng(seed)
    images = [rng.integers(0, values, (1, n, channels)).astype(np.uint8) for n in pixels]
    found, *others = map(histogram, images)
    for other in others:
        found = found + other
    together = histogram(np.concatenate(images, axis=1))
    np.testing.assert_array_equal(found.colors, together.colors, strict=True)
    np.testing.assert_array_equal(found.counts, together.counts, strict=True)


@given(n=st.integers(1, 60), k=st.integers(1, 40), dims=st.integers(1, 4), seed=st.integers(0, 999))
def test_nearest_is_exact_with_ties_to_the_lower_index(n, k, dims, seed):
    rng = np.random.default_rng(seed)
    # Few values, so that there are many ties.
    points, centers = rng.integers(0, 6, (n, dims)), rng.integers(0, 6, (k, dims))
    table = ((points[:, None] - centers[None]) ** 2).sum(axis=2)
    np.testing.assert_array_equal(nearest_centroids(points, centers), table.argmin(axis=1))
    if dims % 2:
        entries = nearest_entries(points.astype(np.uint8), centers.astype(np.uint8))
        np.testing.assert_array_equal(entries, table.argmin(axis=1))


def test_nearest_is_exact_at_the_ends_of_the_grid(rng):
    points = rng.integers(2**24 - 50, 2**24, (500, 4))
    centers = rng.integers(2**24 - 50, 2**24, (300, 4))
    table = ((points[:, None] - centers[None]) ** 2).sum(axis=2)
    np.testing.assert_array_equal(nearest_centroids(points, centers), table.argmin(axis=1))


@given(n=st.integers(1, 40), share=st.floats(0, 1), seed=st.integers(0, 999))
def test_a_random_start_is_of_distinct_points(n, share, seed):
    rng = np.random.default_rng(seed)
    points = rng.permutation(256)[:n, np.newaxis]
    samples = Samples(points, rng.integers(1, 10**9, n), 8)
    k = max(1, round(share * n))
    start = INITS["random"](samples, k, random.Random(seed))
    assert len(set(start.ravel().tolist())) == k
    assert set((start >> 16).ravel().tolist()) <= set(points.ravel().tolist())
    assert (start & 0xFFFF == 0).all()


def test_a_random_start_draws_each_pixel_alike():
    samples = Samples(np.array([[3], [5]]), np.array([1, 3]), 8)
    draw = random.Random(7)
    drawn = [int(INITS["random"](samples, 1, draw)[0, 0]) >> 16 for _ in range(2000)]
    assert 0.7 < drawn.count(5) / 2000 < 0.8


@pytest.mark.parametrize("rounds", [1, 3])
@pytest.mark.parametrize("init", sorted(INITS))
def test_level_0_is_lloyd_as_in_the_textbook(bird, init, rounds):
    part, k, seed = bird[:48, :48], 12, 3
    samples = samples_of(part)
    centers = INITS[init](samples, k, random.Random(seed)) / 2**16
    for _ in range(rounds):
        squares = ((samples.points[:, None] - centers[None]) ** 2).sum(axis=2)
        own = np.eye(k)[squares.argmin(axis=1)] * samples.weights[:, np.newaxis]
        centers = own.T @ samples.points / own.sum(axis=0)[:, np.newaxis]
    expected = np.unique(np.floor(centers + 0.5).astype(np.uint8), axis=0)
    image = kmcodec.quantize(part, k, init=init, seed=seed, iterations=rounds, search=0)
    np.testing.assert_array_equal(np.unique(image.palette, axis=0), expected)


@pytest.mark.parametrize(("k", "levels"), [(16, 8), (64, 5)])
def test_a_higher_level_is_no_worse(bird, k, levels):
    errors = [error_of(bird, k, search=level) for level in range(levels)]
    for level, error in enumerate(errors):
        assert error <= 1.005 * min(errors[: level + 1])
    assert errors[3] < 0.98 * errors[0]


@pytest.mark.parametrize("search", range(len(LEVELS)))
@pytest.mark.parametrize("shape", SHAPES)
def test_every_level_runs_on_a_small_image(rng, shape, search):
    pixels = rng.integers(0, 256, shape, dtype=np.uint8)
    image = kmcodec.quantize(pixels, 5, search=search)
    assert len(image.palette) == 5
    assert squared_error(pixels, image.to_array()) < error_of(pixels, 1)


@pytest.mark.parametrize("search", [1, 3, 9])
@pytest.mark.parametrize("k", [1, 2, 6, 30, 99])
def test_grey_images_get_the_best_palette(rng, search, k):
    grey = np.clip(rng.normal(120, 40, (30, 40)), 0, 255).astype(np.uint8)
    found = histogram(grey)
    best = best_grey_palette(found.colors[:, 0], found.counts, k)
    image = kmcodec.quantize(grey, k, search=search)
    np.testing.assert_array_equal(image.palette, best[:, np.newaxis])
    in_color = kmcodec.quantize(np.repeat(grey[:, :, np.newaxis], 3, axis=2), k, search=search)
    np.testing.assert_array_equal(in_color.palette, np.repeat(image.palette, 3, axis=1))
    np.testing.assert_array_equal(in_color.indices, image.indices)


@pytest.mark.parametrize("dims", [1, 3])
@given(seed=st.integers(0, 999), k=st.integers(2, 5))
def test_no_other_grey_levels_are_better(dims, seed, k):
    levels = np.random.default_rng(seed).integers(40, 52, 30).astype(np.uint8)
    pixels = np.repeat(levels[np.newaxis, :, np.newaxis], dims, axis=2)
    entries = np.array(list(combinations(range(40, 52), k)))
    squares = (levels.astype(int)[:, None, None] - entries) ** 2
    assert error_of(pixels, k) == dims * squares.min(axis=2).sum(axis=0).min()


@given(
    dims=st.sampled_from([1, 3]),
    k=st.integers(1, 20),
    momentum=st.integers(0, 15),
    rounds=st.integers(1, 30),
    seed=st.integers(0, 10**6),
)
def test_lloyd_never_ends_above_its_start(dims, k, momentum, rounds, seed):
    rng = np.random.default_rng(seed)
    points = np.unique(rng.integers(0, 256, (60, dims)), axis=0)
    samples = Samples(points, rng.integers(1, 1000, len(points)), 8)
    start = INITS["random"](samples, k, random.Random(seed))
    at_start = samples.inertia(*samples.moments(start))
    for centroids, inertia in (
        heavy_lloyd(samples, start, rounds, momentum),
        lloyd(samples, start, rounds, 0),
    ):
        assert -1e-3 < inertia <= at_start
        # The centroids are what the inertia says; to 1/2**16 of a level.
        assert samples.inertia(*samples.moments(centroids)) <= inertia * (1 + 1e-6) + 1e-3


def rounding_error(samples, entries):
    squares = ((samples.points[:, np.newaxis] - entries) ** 2).sum(axis=2)
    return int(samples.weights @ squares.min(axis=1))


@pytest.mark.parametrize("dims", [1, 3])
@given(k=st.integers(1, 30), sweeps=st.integers(1, 40), seed=st.integers(0, 10**6))
def test_rounding_well_is_no_worse_than_rounding(dims, k, sweeps, seed):
    rng = np.random.default_rng(seed)
    points = np.unique(rng.integers(0, rng.choice([9, 256]), (80, dims)), axis=0)
    samples = Samples(points, rng.integers(1, 1000, len(points)), 8)
    # Anywhere on the grid: not even means.
    centroids = rng.integers(0, int(points.max() + 1) << 16, (k, dims))
    plain, well = (rounded(samples, centroids, n) for n in (0, sweeps))
    np.testing.assert_array_equal(plain, np.clip((centroids + 2**15) >> 16, 0, 255))
    assert well.min() >= 0
    assert well.max() <= 255
    assert rounding_error(samples, well) <= rounding_error(samples, plain)


def test_rounding_well_pays_on_the_photo(bird):
    samples = samples_of(bird)
    start = INITS["pca"](samples, 64, random.Random(0))
    centroids, _ = heavy_lloyd(samples, start, 20, 12)
    plain, well = (rounding_error(samples, rounded(samples, centroids, n)) for n in (0, 10))
    assert well < 0.999 * plain


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("search", [0, 1, 3])
def test_two_colours(shape, search):
    pixels = np.full(shape, 255, np.uint8)
    pixels[:3, :, ...] = 255 if len(shape) == 3 and shape[2] % 2 == 0 else 10
    pixels[:3, :, ...][..., :1] = 10
    assert (kmcodec.quantize(pixels, 2, search=search).to_array() == pixels).all()
    one = kmcodec.quantize(pixels, 1, search=search)
    # (21 * 10 + 42 * 255) / 63 = 173.3.
    assert one.palette.ravel()[0] == 173


@pytest.mark.parametrize("init", sorted(INITS))
@pytest.mark.parametrize("search", [1, 3])
def test_with_an_entry_too_few_the_closest_colours_are_made_one(rng, init, search):
    colors = rng.integers(0, 256, (40, 3), dtype=np.uint8)
    image = kmcodec.quantize(colors[np.newaxis], 39, init=init, search=search)
    assert len(image.palette) == 39
    costs = [((a - b) ** 2).sum() / 2 for a, b in combinations(colors.astype(float), 2)]
    # Rounding moves a mean of two by half a level at the most in each channel.
    assert squared_error(colors[np.newaxis], image.to_array()) <= min(costs) + 2 * 3 / 4


@pytest.mark.parametrize("search", [0, 1, 3])
@pytest.mark.parametrize("shape", SHAPES)
def test_nearly_as_many_entries_as_colours(rng, shape, search):
    pixels = rng.integers(0, 256, shape, dtype=np.uint8)
    channels = 1 if len(shape) == 2 else shape[2]
    colors = len(np.unique(pixels.reshape(-1, channels), axis=0))
    for missing in (1, 2, 3, 5):
        image = kmcodec.quantize(pixels, colors - missing, search=search)
        assert colors - missing - 2 <= len(image.palette) <= colors - missing
        assert error_of(pixels, colors // 2) > squared_error(pixels, image.to_array()) > 0


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
        ({"k": 0}, "k is 0, must be an integer from 1 to 65,536"),
        ({"k": 65537}, "k is"),
        ({"k": 2.5}, "k is"),
        ({"k": "many"}, "k is"),
        ({"init": "best"}, "init is 'best', must be one of pca, k-means\\+\\+, random"),
        ({"seed": -1}, "seed is"),
        ({"iterations": 0}, "iterations is"),
        ({"restarts": 0}, "restarts is"),
        ({"search": -1}, "search is -1, must be an integer from 0 to 9"),
        ({"search": 10}, "search is 10, must be an integer from 0 to 9"),
        ({"search": 1.5}, "search is"),
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


def test_a_labelled_image_is_opened_once(monkeypatch):
    """To compare its labels with what became of it takes no second look into the file."""
    opened = []

    def counted(image):
        opened.append(image)
        return from_pillow(image)

    monkeypatch.setattr(quantizer, "from_pillow", counted)
    labels = label_image(np.arange(1000, 1012).reshape(3, 4))
    request = QuantizeRequest.of("quantize()", None, reorder=True)
    made = quantizer.quantized(to_pillow(labels), request, labels.metadata)
    assert made.metadata.labels is not None
    assert len(opened) == 1
