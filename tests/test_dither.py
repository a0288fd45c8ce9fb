"""Dithering: exact where it can be, right on average, and the same from both twins."""

from __future__ import annotations

import os
import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kmcodec import KmcInputError, KmcWarning
from kmcodec.quantization import diffusion, kernels, row_groups
from kmcodec.quantization.assign import nearest_entries
from kmcodec.quantization.blue_noise import blue_noise_mask
from kmcodec.quantization.dither import DITHERS, Ditherer
from kmcodec.quantization.dither import dither as dither_by

BLACK_AND_WHITE = np.array([[0], [255]], np.uint8)

# The twin is slow, and says so.
pytestmark = pytest.mark.filterwarnings("ignore:no compiled kernels")

every_method = pytest.mark.parametrize("method", DITHERS)


def dither(pixels, palette, method, amount=1.0, kept=None):
    """Dither with the whole error unless told otherwise."""
    return dither_by(pixels, palette, method, amount, kept)


@pytest.fixture(scope="module")
def compiled():
    """The compiled kernel; a test that needs it is skipped where it is missing."""
    if kernels.Entries is None:
        reason = "no compiled kernels"
        if os.environ.get("KMC_REQUIRE_COMPILED") == "1":
            pytest.fail(f"{reason}, and KMC_REQUIRE_COMPILED=1")
        pytest.skip(reason)
    return kernels.Entries


def by_twin(*args):
    """What `dither` returns where there is no compiled kernel."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(kernels, "Entries", None)
        return dither(*args)


def distinct_rows(colors):
    return np.unique(colors.reshape(-1, colors.shape[-1]), axis=0)


@st.composite
def jobs(draw):
    """Small images and palettes; some of few values, so that ties and exact pixels abound."""
    height, width = draw(st.integers(1, 9)), draw(st.integers(1, 9))
    channels, entries = draw(st.integers(1, 4)), draw(st.integers(1, 40))
    values = draw(st.sampled_from([[0, 255], [0, 100, 101, 255], [0, 1, 2, 3], list(range(256))]))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    palette = rng.choice(np.array(values, np.uint8), (entries, channels))
    return rng.choice(np.array(values, np.uint8), (height, width, channels)), palette


@st.composite
def textures(draw):
    """Slight differences, flat parts and edges; of one to four channels."""
    channels = draw(st.integers(1, 4))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    coarse = rng.integers(0, 256, (3, 3, channels)).repeat(5, axis=0).repeat(6, axis=1)
    noise = rng.integers(-draw(st.integers(0, 9)), 10, coarse.shape)
    noise[:, ::4] = 0
    pixels = np.clip(coarse + noise, 0, 255).astype(np.uint8)
    return pixels, rng.integers(0, 256, (draw(st.integers(2, 40)), channels), dtype=np.uint8)


# --- twins ------------------------------------------------------------------------------------


@every_method
@given(job=jobs(), amount=st.sampled_from([1.0, 0.5, 0.003]))
def test_both_twins_give_the_same_indices(compiled, method, job, amount):
    np.testing.assert_array_equal(by_twin(*job, method, amount), dither(*job, method, amount))


@every_method
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_both_twins_give_the_same_indices_for_large_errors(compiled, rng, method, channels):
    # Only the extremes: errors are as large as they get, and are clamped.
    pixels = rng.choice(np.array([0, 127, 255], np.uint8), (20, 30, channels))
    palette = np.full((3, channels), 128, np.uint8)
    palette[:, 0] = 0, 1, 255
    np.testing.assert_array_equal(by_twin(pixels, palette, method), dither(pixels, palette, method))


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_the_compiled_search_is_exact_with_ties_to_the_lower_index(compiled, rng, channels):
    palette = rng.integers(0, 256, (500, channels), dtype=np.uint8)
    palette[rng.integers(0, 500, 100)] = palette[rng.integers(0, 500, 100)]
    coordinates = diffusion.coordinates_of(palette)
    points = rng.integers(0, 4081, (3000, channels))
    points[:500] = coordinates
    points[500:1000] = (coordinates + coordinates[::-1]) // 2
    found = compiled(palette, coordinates).nearest(points)
    table = ((points[:, None] - coordinates[None]) ** 2).sum(axis=2)
    np.testing.assert_array_equal(found, table.argmin(axis=1))
    np.testing.assert_array_equal(
        found, diffusion.PythonEntries(palette, coordinates).nearest(points)
    )


def test_a_missing_kernel_is_told_once(rng):
    pixels = rng.integers(0, 256, (3, 3), dtype=np.uint8)
    diffusion.warn_of_slowness.cache_clear()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        by_twin(pixels, BLACK_AND_WHITE, "floyd-steinberg")
        by_twin(pixels, BLACK_AND_WHITE, "floyd-steinberg")
    assert [w.category for w in caught] == [KmcWarning]
    assert caught[0].filename == __file__


# --- what stays as it is ----------------------------------------------------------------------


@every_method
@given(job=jobs(), amount=st.sampled_from([1.0, 0.5, 0.003]))
def test_an_image_of_palette_colours_is_unchanged(method, job, amount):
    pixels, _ = job
    palette = distinct_rows(pixels)[::-1]
    found = dither(pixels, palette, method, amount)
    np.testing.assert_array_equal(palette[found], pixels)


@every_method
@given(job=jobs())
def test_exact_pixels_take_the_first_entry_of_their_colour(method, job):
    pixels, palette = job
    found = dither(pixels, palette, method)
    equal = (pixels[:, :, None] == palette).all(axis=3)
    exact = equal.any(axis=2)
    np.testing.assert_array_equal(found[exact], equal.argmax(axis=2)[exact])


@every_method
@given(job=jobs(), amount=st.sampled_from([0, 0.0, 0.001]))
def test_no_amount_is_the_nearest_entry(method, job, amount):
    pixels, palette = job
    nearest = nearest_entries(pixels.reshape(-1, pixels.shape[2]), palette)
    found = dither(pixels, palette, method, amount)
    np.testing.assert_array_equal(found.ravel(), nearest)


@every_method
@given(job=jobs())
def test_transparent_pixels_take_the_transparent_entry(method, job):
    pixels, palette = (np.concatenate([a, a[..., :1]], axis=-1)[..., -2:] for a in job)
    pixels[::2, :, -1] = 0
    found = dither(pixels, palette, method)
    hidden = pixels[..., -1] == 0
    # The pixel's very colour if that is an entry, else the nearest as it is seen.
    equal = (pixels[:, :, None] == palette).all(axis=3)
    nearest = nearest_entries(np.zeros((1, 2), np.uint8), palette)[0]
    expected = np.where(equal.any(axis=2), equal.argmax(axis=2), nearest)
    np.testing.assert_array_equal(found[hidden], expected[hidden])


def test_settled_pixels_neither_receive_nor_pass_error():
    palette = np.array([[0, 0], [0, 255], [255, 255]], np.uint8)
    pixels = np.full((20, 21, 2), 255, np.uint8)
    pixels[..., 0] = 128
    for barrier in ([77, 0], [255, 255]):
        pixels[:, 10] = barrier
        found = dither(pixels, palette, "floyd-steinberg")
        pixels[:, 11:, 0] = 90
        other = dither(pixels, palette, "floyd-steinberg")
        # Rows alternate in direction, so that a leak would show on either side.
        np.testing.assert_array_equal(found[:, :10], other[:, :10])
        assert (found[:, 10] == (0 if barrier[1] == 0 else 2)).all()
        assert len(np.unique(found[:, :10])) == 2
        pixels[:, 11:, 0] = 128


@every_method
def test_alpha_is_not_dithered(method):
    pixels = np.full((16, 16, 2), 100, np.uint8)
    palette = np.array([[100, 0], [0, 120], [255, 120], [100, 255]], np.uint8)
    found = dither(pixels, palette, method)
    assert set(np.unique(found)) == {1, 2}
    assert abs(palette[found, 0].mean() - 100) < 6


# --- what comes out on average ----------------------------------------------------------------


@every_method
@pytest.mark.parametrize("shape", [(64, 64), (64, 64, 1), (64, 64, 3)])
def test_mid_grey_from_black_and_white_is_right_on_average(method, shape):
    channels = 1 if len(shape) == 2 else shape[2]
    palette = np.repeat(BLACK_AND_WHITE, channels, axis=1)
    found = dither(np.full(shape, 127, np.uint8), palette, method)
    assert abs(palette[found].mean() - 127) < 2.55


@pytest.mark.parametrize("value", [3, 40, 90, 200, 250])
def test_any_grey_from_black_and_white_is_right_on_average(value):
    pixels = np.full((128, 128), value, np.uint8)
    # Not flat: flat areas keep the nearest entry if it is near.
    pixels[::2, ::2] += 1
    pixels[1::2, 1::2] -= 1
    by_diffusion = BLACK_AND_WHITE[dither(pixels, BLACK_AND_WHITE, "floyd-steinberg")]
    assert abs(by_diffusion.mean() - value) < 2.55
    # 16 candidates make 17 levels, and 3/4 of the error has to suffice to reach the next.
    by_mask = BLACK_AND_WHITE[dither(pixels, BLACK_AND_WHITE, "blue-noise")]
    assert abs(by_mask.mean() - value) <= 255 / 24


@every_method
def test_dither_brings_the_local_mean_nearer(bird, method):
    palette = np.array([[r, g, b] for r in (40, 210) for g in (40, 210) for b in (40, 210)])
    palette = palette.astype(np.uint8)

    def error(indices):
        difference = palette[indices].astype(float) - bird
        return np.square(difference.reshape(16, 8, 16, 8, 3).mean(axis=(1, 3))).mean()

    assert error(dither(bird, palette, method)) < error(dither(bird, palette, method, 0)) / 4


def test_errors_do_not_run_away_beyond_what_the_palette_can_mix():
    # A field of red that this palette cannot mix, then grey: its first columns are as any others.
    palette = np.array([[0, 0, 0], [60, 60, 60], [120, 120, 120]], np.uint8)
    pixels = np.full((40, 80, 3), 60, np.uint8)
    pixels[:, :40] = 255, 0, 0
    pixels[:, 40:] = 61
    found = dither(pixels, palette, "floyd-steinberg")
    assert abs(palette[found[:, 42:], 0].mean() - 61) < 5


# --- parts and frames -------------------------------------------------------------------------


@every_method
@pytest.mark.parametrize("rows", [1, 2, 7])
def test_rows_get_the_entries_of_the_whole_image(bird, method, rows):
    palette = bird[::40, ::40].reshape(-1, 3)
    ditherer = Ditherer(palette, method)
    parts = [ditherer.place(bird[start : start + rows]) for start in range(0, len(bird), rows)]
    np.testing.assert_array_equal(np.concatenate(parts), dither_by(bird, palette, method))


@every_method
def test_kept_entries_are_kept_and_their_error_is_passed_on(bird, method):
    palette = bird[::40, ::40].reshape(-1, 3)
    whole = dither(bird, palette, method)
    kept = np.where(np.arange(128) < 64, whole, -1)
    np.testing.assert_array_equal(dither(bird, palette, method, kept=kept), whole)


@given(job=jobs(), amount=st.sampled_from([1.0, 0.5]), seed=st.integers(0, 99))
def test_both_twins_keep_entries_alike(compiled, job, amount, seed):
    pixels, palette = job
    kept = np.random.default_rng(seed).integers(-1, len(palette), pixels.shape[:2])
    args = (pixels, palette, "floyd-steinberg", amount, kept)
    np.testing.assert_array_equal(by_twin(*args), dither(*args))


@given(job=textures(), amount=st.sampled_from([1.0, 0.5]))
def test_both_twins_give_the_same_indices_for_similar_pixels(compiled, job, amount):
    args = (*job, "floyd-steinberg", amount)
    np.testing.assert_array_equal(by_twin(*args), dither(*args))


# --- shapes and edges -------------------------------------------------------------------------


@every_method
@pytest.mark.parametrize("shape", [(1, 1), (1, 1, 4), (1, 300, 3), (300, 1, 3), (2, 70000, 2)])
def test_images_of_any_proportions_and_a_single_entry(rng, method, shape):
    pixels = rng.integers(0, 256, shape, dtype=np.uint8)
    channels = 1 if len(shape) == 2 else shape[2]
    palette = rng.integers(0, 256, (1, channels), dtype=np.uint8)
    found = dither(pixels, palette, method)
    assert found.dtype == np.intp
    np.testing.assert_array_equal(found, np.zeros(shape[:2], np.intp))


@every_method
def test_the_largest_palette(rng, method):
    pixels = rng.integers(0, 256, (8, 9, 3), dtype=np.uint8)
    palette = rng.integers(0, 256, (65536, 3), dtype=np.uint8)
    found = dither(pixels, palette, method)
    assert found.min() >= 0
    assert np.abs(palette[found].astype(int) - pixels).max() < 40


@every_method
def test_ties_go_to_the_lower_index(method):
    palette = np.array([[20, 9], [10, 9], [20, 9], [10, 9]], np.uint8)
    pixels = np.full((30, 30, 2), 15, np.uint8)
    assert set(np.unique(dither(pixels, palette, method))) <= {0, 1}


@every_method
def test_groups_of_rows_do_not_show(rng, monkeypatch, method):
    pixels = rng.integers(0, 256, (70, 70, 4), dtype=np.uint8)
    palette = rng.integers(0, 256, (20, 4), dtype=np.uint8)
    whole = dither(pixels, palette, method)
    monkeypatch.setattr(row_groups, "GROUP", 70)
    np.testing.assert_array_equal(dither(pixels, palette, method), whole)


@every_method
def test_layout_in_memory_does_not_matter_and_nothing_is_written_to(rng, method):
    pixels = rng.integers(0, 256, (12, 14, 3), dtype=np.uint8)
    palette = rng.integers(0, 256, (9, 3), dtype=np.uint8)
    expected = dither(pixels, palette, method)
    for array in (pixels, palette):
        array.flags.writeable = False
    np.testing.assert_array_equal(dither(pixels, palette, method), expected)
    strided = np.asfortranarray(pixels)[::1], np.repeat(palette, 2, axis=0)[::2]
    np.testing.assert_array_equal(dither(*strided, method), expected)


@pytest.mark.parametrize("change", [{"pixels": 1.0}, {"palette": 1.0}])
@every_method
def test_wrong_types_are_refused(method, change):
    good = {"pixels": np.zeros((2, 2), np.uint8), "palette": BLACK_AND_WHITE, "method": method}
    with pytest.raises(KmcInputError):
        dither(**{**good, **change})


@pytest.mark.parametrize(
    ("pixels", "palette"),
    [
        ((2,), (2, 1)),
        ((0, 2), (2, 1)),
        ((2, 2, 5), (2, 5)),
        ((2, 2, 0), (2, 0)),
        ((2, 2, 3), (2, 4)),
        ((2, 2), (2,)),
        ((2, 2), (0, 1)),
    ],
)
def test_wrong_shapes_are_refused(pixels, palette):
    with pytest.raises(KmcInputError):
        dither(np.zeros(pixels, np.uint8), np.zeros(palette, np.uint8), "floyd-steinberg")


# --- the same for ever ------------------------------------------------------------------------


def test_the_mask_holds_each_rank_once_and_spreads_each_threshold():
    mask = blue_noise_mask()
    np.testing.assert_array_equal(np.sort(mask, axis=None), np.arange(4096))
    for share in (8, 4, 2):
        ones = (mask < 4096 // share).astype(float)
        counts = ones.reshape(8, 8, 8, 8).sum(axis=(1, 3))
        assert counts.min() > 0.7 * 64 / share
        spectrum = np.abs(np.fft.fft2(ones - ones.mean())) ** 2
        frequency = np.hypot(*np.meshgrid(np.fft.fftfreq(64), np.fft.fftfreq(64)))
        # Blue: next to nothing at low frequencies.
        assert spectrum[frequency < 0.1].mean() < 0.05 * spectrum.mean()


@every_method
def test_the_result_is_the_same_every_time_and_everywhere(method):
    # Written down once from this code: a difference means that files come out differently.
    y, x = np.mgrid[:4, :12]
    pixels = np.stack([x * 23, y * 80, 255 - x * 20], axis=2).astype(np.uint8)
    palette = np.array([[r, g, b] for r in (0, 255) for g in (0, 255) for b in (0, 255)], np.uint8)
    found = dither(pixels, palette, method)
    assert ["".join(map(str, row)) for row in found.tolist()] == EXPECTED[method]


EXPECTED = {
    "floyd-steinberg": ["111150505444", "131107054644", "313712725676", "333327363666"],
    "blue-noise": ["115111045444", "111516304466", "313234656564", "333067266267"],
}
