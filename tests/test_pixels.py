"""What arrays are taken for pixels, and what is said about those that are not."""

import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from kmcodec.errors import KmcInputError, KmcLossWarning, KmcWarning
from kmcodec.model.image import MAX_SIDE, IndexedImage
from kmcodec.model.keys import colors_of, keys_of
from kmcodec.model.pixels import as_pixels, common_channels_for, from_16_bits, to_channels

IMAGE_SHAPES = st.tuples(st.integers(1, 6), st.integers(1, 6)) | st.tuples(
    st.integers(1, 6), st.integers(1, 6), st.integers(2, 4)
)
PALETTE_SHAPES = st.tuples(st.integers(1, 300), st.integers(1, 4))


@given(hnp.arrays(np.uint8, IMAGE_SHAPES))
def test_uint8_is_taken_as_it_is(array):
    pixels = as_pixels(array)
    assert pixels.dtype == np.uint8
    assert np.array_equal(pixels, array)


@given(
    hnp.arrays(np.uint8, IMAGE_SHAPES),
    st.sampled_from([np.int16, ">i2", np.int32, np.uint64, np.int64]),
)
def test_other_integers_within_8_bits_keep_their_values(array, dtype):
    assert np.array_equal(as_pixels(array.astype(dtype)), array)


@given(
    hnp.arrays(np.uint8, IMAGE_SHAPES),
    st.sampled_from([np.float16, np.float32, np.float64, np.longdouble]),
)
def test_floats_that_came_from_8_bits_come_back_exactly(array, dtype):
    assert np.array_equal(as_pixels(array.astype(dtype) / dtype(255)), array)


@pytest.mark.parametrize("dtype", ["<u2", ">u2"])
def test_16_bits_are_scaled_by_their_type_not_by_what_is_in_them(dtype):
    with pytest.warns(KmcWarning, match="16-bit"):
        assert as_pixels(np.array([[0, 200, 255]], dtype)).tolist() == [[0, 1, 1]]


def test_what_rounding_leaves_above_1_is_white():
    assert as_pixels(np.array([[-1e-9, 1.0000001]])).tolist() == [[0, 255]]


@pytest.mark.parametrize(
    ("high", "advice"),
    [
        (1.5, "scale or clip them"),
        (200.0, "divide by 255"),
        (510.0, "divide by 1023"),
        (4000.0, "divide by 4095"),
        (60_000.0, "divide by 65535"),
        (1e6, "by their largest possible value"),
    ],
)
def test_advice_on_floats_makes_no_picture_black(high, advice):
    with pytest.raises(KmcInputError, match=advice):
        as_pixels(np.array([[0, high]]))


def test_halves_are_rounded_up():
    # 0.1 * 255 = 25.5 exactly, 0.5 * 255 = 127.5: rounding to even would make 26 and 128 too,
    # but 0.3 * 255 = 76.5 would become 76.
    with pytest.warns(KmcLossWarning, match="float samples rounded to 8 bits"):
        assert as_pixels([[0.1, 0.3, 0.5]]).tolist() == [[26, 77, 128]]


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_floats_that_were_8_bits_lose_nothing(dtype):
    levels = np.arange(256, dtype=np.uint8).reshape(16, 16)
    scaled = (levels / 255).astype(dtype)
    np.testing.assert_array_equal(as_pixels(scaled), levels)  # a warning would be an error
    np.testing.assert_array_equal(as_pixels(levels.astype(dtype) / dtype(255)), levels)
    scaled[3, 4] += dtype(0.4 / 255)
    with pytest.warns(KmcLossWarning, match="rounded"):
        as_pixels(scaled)


def test_bool_becomes_black_and_white():
    assert as_pixels([[True, False]]).tolist() == [[255, 0]]


def test_a_single_channel_axis_is_dropped():
    assert as_pixels(np.zeros((2, 3, 1), np.uint8)).shape == (2, 3)


def test_the_result_is_contiguous_and_lists_are_welcome():
    assert as_pixels(np.zeros((4, 6), np.uint8)[:, ::2]).flags.c_contiguous
    assert as_pixels([[[1, 2, 3]]]).tolist() == [[[1, 2, 3]]]


def test_an_indexed_image_is_taken_for_its_pixels():
    assert as_pixels(IndexedImage([[7, 8, 9]], [[0, 0]])).tolist() == [[[7, 8, 9], [7, 8, 9]]]


def test_16_bits_are_reduced_to_the_nearest_of_8_bits_with_a_warning():
    values = np.arange(65536, dtype=np.uint16).reshape(256, 256)
    with pytest.warns(KmcWarning, match="16-bit"):
        pixels = as_pixels(values)
    exact = np.array([round(v * 255 / 65535) for v in range(65536)]).reshape(256, 256)
    assert np.array_equal(pixels, exact)


def test_16_bits_are_reduced_whatever_their_byte_order():
    with pytest.warns(KmcWarning):
        assert from_16_bits(np.array([[0, 257, 65535]], ">u2")).tolist() == [[0, 1, 255]]


@pytest.mark.parametrize("dtype", [np.int32, np.int64, np.uint32])
def test_integers_out_of_range_are_told_with_their_range(dtype):
    with pytest.raises(KmcInputError, match="3 to 256"):
        as_pixels(np.array([[3, 256]], dtype))


def test_negative_integers_are_refused():
    with pytest.raises(KmcInputError, match="-1 to 4"):
        as_pixels(np.array([[-1, 4]]))


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ([0.0, 255.0], "not 0 to 255: divide by 255"),
        ([0.0, 65535.0], "divide by 65535"),
        ([-0.5, 0.5], "not -0.5 to 0.5: scale or clip"),
        ([0.0, float("nan")], "NaN or infinity"),
        ([0.0, float("inf")], "NaN or infinity"),
        ([-float("inf"), 1.0], "NaN or infinity"),
    ],
)
def test_floats_out_of_range_are_told_with_a_remedy(values, told):
    with pytest.raises(KmcInputError, match=told):
        as_pixels([values])


@pytest.mark.parametrize(
    "array",
    [
        np.zeros((2, 2), complex),
        np.array([[None, 1]], object),
        np.array([["a", "b"]]),
        np.array([[b"a", b"b"]]),
        np.zeros((2, 2), "M8[s]"),
        np.zeros((2, 2), "m8[s]"),
        np.zeros((2, 2), [("r", "u1"), ("g", "u1")]),
        [[1, 2], [3]],
        [[2**70]],
    ],
)
def test_what_holds_no_samples_is_refused(array):
    with pytest.raises(KmcInputError):
        as_pixels(array)


@pytest.mark.parametrize("shape", [(), (4,), (2, 2, 5), (2, 2, 3, 1), (0, 4), (4, 0, 3), (2, 2, 0)])
def test_shapes_that_no_image_has_are_refused_by_name(shape):
    with pytest.raises(KmcInputError) as caught:
        as_pixels(np.zeros(shape, np.uint8))
    assert str(shape) in str(caught.value)


@pytest.mark.parametrize("shape", [(1, MAX_SIDE + 1), (MAX_SIDE + 1, 1, 3)])
def test_sides_beyond_the_format_are_refused_before_anything_is_allocated(shape):
    with pytest.raises(KmcInputError, match="2,147,483,647"):
        as_pixels(np.broadcast_to(np.uint8(0), shape))


@given(
    hnp.arrays(
        hnp.scalar_dtypes(), hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=3)
    )
)
def test_any_array_becomes_pixels_or_a_plain_refusal(array):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", KmcWarning)
        try:
            pixels = as_pixels(array)
        except KmcInputError:
            return
    assert pixels.dtype == np.uint8
    assert pixels.size == array.size


# Channels.


@pytest.mark.parametrize(
    ("palette", "common"),
    [
        ([[7]], (1, 2, 3, 4)),
        ([[7, 255]], (1, 2, 3, 4)),
        ([[7, 8]], (2, 2, 4, 4)),
        ([[7, 7, 7], [9, 9, 9]], (1, 2, 3, 4)),
        ([[7, 7, 8]], (3, 4, 3, 4)),
        ([[7, 7, 7, 255]], (1, 2, 3, 4)),
        ([[7, 7, 7, 0]], (2, 2, 4, 4)),
        ([[7, 7, 8, 255]], (3, 4, 3, 4)),
        ([[7, 7, 8, 9]], (4, 4, 4, 4)),
    ],
)
def test_common_channels_hold_the_image_and_what_is_in_the_palette(palette, common):
    array = np.array(palette, np.uint8)
    assert tuple(common_channels_for(array, channels) for channels in (1, 2, 3, 4)) == common


def in_color(array):
    return to_channels(array, 4 if array.shape[-1] in (2, 4) else 3)


@given(hnp.arrays(np.uint8, PALETTE_SHAPES), st.integers(1, 4))
def test_image_and_palette_can_be_brought_to_their_common_channels(palette, channels):
    pixels = np.arange(24, dtype=np.uint8)[: 6 * channels].reshape(2, 3, channels)
    common = common_channels_for(palette, channels)
    for array in (palette, pixels):
        brought = to_channels(array, common)
        assert brought.shape == (*array.shape[:-1], common)
        assert brought.dtype == np.uint8
        assert np.array_equal(to_channels(in_color(brought), 4), to_channels(in_color(array), 4))


def test_channels_are_added_and_taken_without_change():
    grey = np.array([[[7], [9]]], np.uint8)
    assert to_channels(grey, 1) is grey
    assert to_channels(grey, 2).tolist() == [[[7, 255], [9, 255]]]
    assert to_channels(grey, 4).tolist() == [[[7, 7, 7, 255], [9, 9, 9, 255]]]
    assert to_channels(to_channels(grey, 4), 1).tolist() == grey.tolist()
    assert to_channels(np.array([[7, 8]], np.uint8), 4).tolist() == [[7, 7, 7, 8]]


@pytest.mark.parametrize(
    ("palette", "channels", "message"),
    [
        ([[7, 7, 8]], 1, "not all grey"),
        ([[7, 7, 8, 9]], 2, "not all grey"),
        ([[7, 7, 7, 9]], 3, "not all opaque"),
        ([[7, 9]], 1, "not all opaque"),
    ],
)
def test_no_color_is_lost_on_the_way_to_fewer_channels(palette, channels, message):
    with pytest.raises(KmcInputError, match=message):
        to_channels(np.array(palette, np.uint8), channels)


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_colors_and_their_numbers_have_one_order(rng, channels):
    """The order decides bytes: it is that of the colours, on each platform."""
    colors = rng.integers(0, 256, (5, 40, channels), dtype=np.uint8)
    keys = keys_of(colors)
    assert keys.dtype == np.uint32
    np.testing.assert_array_equal(colors_of(keys, channels), colors)
    expected = [int.from_bytes(color.tobytes(), "big") for color in colors.reshape(-1, channels)]
    assert keys.ravel().tolist() == expected
