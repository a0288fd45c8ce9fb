"""Several frames in one file: what is written is read back, and what cannot be is refused."""

from __future__ import annotations

import numpy as np
import pytest

import kmcodec
from kmcodec import Animation
from kmcodec.container.frame_table import FrameTable

PALETTE = np.array([[0, 0, 0], [255, 255, 255], [200, 30, 30], [30, 30, 200]], np.uint8)


def frames_of(count, height=6, width=9, seed=0):
    """Frames of which each has one square more than the one before."""
    rng = np.random.default_rng(seed)
    indices = np.zeros((count, height, width), np.uint8)
    for frame in range(count):
        y, x = rng.integers(0, height - 2), rng.integers(0, width - 2)
        indices[frame:, y : y + 2, x : x + 2] = rng.integers(1, 4)
    return indices


def images_of(indices):
    return [kmcodec.IndexedImage(PALETTE, frame) for frame in indices]


@pytest.mark.parametrize("coding", ["packed", "deflate", "context"])
@pytest.mark.parametrize("strip_rows", [None, 4])
def test_frames_are_read_back(coding, strip_rows):
    indices = frames_of(5)
    data = kmcodec.encode_frames(
        images_of(indices), durations=[1, 2, 3, 4, 2**32 - 1], loop=7, coding=coding,
        strip_rows=strip_rows,
    )  # fmt: skip
    found = kmcodec.decode_frames(data)
    np.testing.assert_array_equal(found.indices, indices)
    np.testing.assert_array_equal(found.palette, PALETTE)
    assert (found.durations, found.loop) == ((1, 2, 3, 4, 2**32 - 1), 7)
    np.testing.assert_array_equal(found.to_array(), PALETTE[indices])


def test_an_animation_that_was_read_is_written_as_it_was():
    metadata = kmcodec.Metadata(text={"Title": "x"})
    data = kmcodec.encode_frames(images_of(frames_of(4)), durations=40, loop=2, metadata=metadata)
    assert kmcodec.encode_frames(kmcodec.decode_frames(data)) == data
    assert kmcodec.decode_frames(data).metadata == metadata


def test_all_that_knows_one_image_takes_the_first_frame(tmp_path):
    indices = frames_of(3)
    path = tmp_path / "a.kmc"
    path.write_bytes(kmcodec.encode_frames(images_of(indices), strip_rows=4))
    data, first = path.read_bytes(), PALETTE[indices[0]]
    np.testing.assert_array_equal(kmcodec.decode(data), first)
    np.testing.assert_array_equal(kmcodec.decode(data, salvage=True), first)
    np.testing.assert_array_equal(kmcodec.read(path, rows=(1, 5)), first[1:5])
    np.testing.assert_array_equal(np.vstack(list(kmcodec.decode_rows(path))), first)


def test_rows_of_a_damaged_strip_are_lost_in_the_first_frame_and_the_rest_is_right():
    indices = frames_of(3)
    data = bytearray(kmcodec.encode_frames(images_of(indices), strip_rows=4))
    data[-1] ^= 1
    with pytest.warns(kmcodec.KmcWarning, match="strip 1"):
        left = kmcodec.decode(bytes(data), salvage=True)
    np.testing.assert_array_equal(left[:4], PALETTE[indices[0, :4]])
    assert (left[4:] == (255, 0, 255)).all()
    with pytest.raises(kmcodec.KmcFormatError, match="strip 1"):
        kmcodec.decode_frames(bytes(data))


def test_a_file_of_one_image_is_one_frame():
    image = images_of(frames_of(1))[0]
    found = kmcodec.decode_frames(kmcodec.encode(image))
    assert len(found) == 1
    assert found[0] == image


def test_a_still_scene_costs_little_more_than_one_frame():
    still = kmcodec.IndexedImage(PALETTE, np.random.default_rng(1).integers(0, 4, (30, 40)))
    one, many = (len(kmcodec.encode_frames([still] * count)) for count in (1, 10))
    assert many < 1.5 * one


def test_palettes_are_united():
    first, second = frames_of(2)
    other = PALETTE[::-1] // 2
    images = [kmcodec.IndexedImage(PALETTE, first), kmcodec.IndexedImage(other, second)]
    found = kmcodec.decode_frames(kmcodec.encode_frames(images))
    np.testing.assert_array_equal(found.to_array(), [PALETTE[first], other[second]])


def test_more_colours_than_256_of_palette_images_are_kept_together():
    rng = np.random.default_rng(2)
    images = [
        kmcodec.IndexedImage(rng.integers(0, 256, (200, 3)), rng.integers(0, 200, (20, 20)))
        for _ in range(3)
    ]
    found = kmcodec.decode_frames(kmcodec.encode_frames(images))
    np.testing.assert_array_equal(found.to_array(), [image.to_array() for image in images])


def test_frames_of_different_channels_are_brought_together():
    grey = np.full((4, 5), 7, np.uint8)
    clear = np.zeros((4, 5, 4), np.uint8)
    found = kmcodec.decode_frames(kmcodec.encode_frames([grey, clear]))
    np.testing.assert_array_equal(found.to_array()[0], np.full((4, 5, 4), (7, 7, 7, 255)))
    np.testing.assert_array_equal(found.to_array()[1], clear)


def test_the_shared_palette_is_that_of_all_pixels_together():
    rng = np.random.default_rng(3)
    frames = [rng.integers(0, 256, (16, 16, 3), dtype=np.uint8) for _ in range(3)]
    found = kmcodec.decode_frames(kmcodec.encode_frames(frames, 8))
    together = kmcodec.quantize(np.hstack(frames), 8)
    np.testing.assert_array_equal(found.palette, together.palette)
    np.testing.assert_array_equal(np.hstack(list(found.indices)), together.indices)


def test_dithering_spreads_no_error_into_another_frame():
    ramp = np.tile(np.arange(0, 256, 16, dtype=np.uint8), (8, 1))
    found = kmcodec.decode_frames(
        kmcodec.encode_frames([ramp] * 3, 3, dither="floyd-steinberg", dither_amount=1)
    ).indices
    np.testing.assert_array_equal(found[0], found[1])
    np.testing.assert_array_equal(found[0], found[2])
    assert len(np.unique(found[0, :, 5])) > 1  # it was dithered


@pytest.mark.parametrize("dither", ["floyd-steinberg", "blue-noise"])
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_dithered_frames_do_not_flicker(dither, channels):
    ramp = np.tile(np.linspace(0, 200, 90).astype(np.uint8), (60, 1))
    frames = np.repeat(np.repeat(ramp[None, ..., None], 5, axis=0), channels, axis=3)
    if channels == 4:
        frames[..., 3] = 255
    for number, frame in enumerate(frames):
        # Something moves from frame to frame, and noise of its own with it.
        frame[20:40, 15 * number : 15 * number + 20, 0] = 90 + number
    found = kmcodec.decode_frames(
        kmcodec.encode_frames(list(frames), 6, dither=dither, dither_amount=1)
    ).indices
    assert len(np.unique(found[0, 50:, 40:50])) > 1  # it was dithered
    same = (frames[1:] == frames[:-1]).all(axis=3)
    np.testing.assert_array_equal(found[1:][same], found[:-1][same])


@pytest.mark.parametrize(
    ("frames", "options", "message"),
    [
        ([], {}, "no frames to encode"),
        (
            [np.zeros((3, 4)), np.zeros((4, 3))],
            {},
            "frame 1 is 3 x 4 pixels, but the first is 4 x 3",
        ),
        (
            [np.zeros((3, 4))] * 2,
            {"durations": [1]},
            "1 durations for 2 frames, must be one for each",
        ),
        ([np.zeros((3, 4))], {"durations": -1}, "durations"),
        ([np.zeros((3, 4))], {"durations": 2.5}, "durations"),
        ([np.zeros((3, 4))], {"loop": 2**32}, "loop"),
    ],
)
def test_what_is_wrong_is_told_in_one_line(frames, options, message):
    with pytest.raises(kmcodec.KmcInputError, match=message) as caught:
        kmcodec.encode_frames(frames, **options)
    assert "\n" not in str(caught.value)


def test_the_limit_is_on_the_pixels_of_all_frames():
    data = kmcodec.encode_frames(images_of(frames_of(3, 4, 5)))
    assert len(kmcodec.decode_frames(data, max_pixels=60)) == 3
    for decode in (kmcodec.decode_frames, kmcodec.decode):
        with pytest.raises(kmcodec.KmcLimitError, match="3 x 5 x 4 pixels"):
            decode(data, max_pixels=59)


def test_the_layout_that_is_smaller_is_taken():
    rng = np.random.default_rng(4)
    shapes = kmcodec.encode_frames(images_of(frames_of(6, 40, 60)))
    # Noise that is like that of the frame before, and like nothing beside it.
    noise = [rng.integers(0, 4, (30, 40))]
    while len(noise) < 8:
        noise.append(np.where(rng.random((30, 40)) < 0.8, noise[-1], rng.integers(0, 4, (30, 40))))
    grain = kmcodec.encode_frames(images_of(noise))
    assert not kmcodec.inspect(shapes).frames.interleaved
    assert kmcodec.inspect(grain).frames.interleaved
    np.testing.assert_array_equal(kmcodec.decode_frames(grain).indices, noise)


def test_one_duration_for_all_takes_four_bytes():
    images = images_of(frames_of(4))
    sizes = [len(kmcodec.encode_frames(images, durations=d)) for d in ([9] * 4, [9, 9, 9, 8])]
    assert sizes[1] - sizes[0] == 12
    info = kmcodec.inspect(kmcodec.encode_frames(images, durations=[9] * 4))
    assert info.frames == FrameTable(4, (9,), 0, info.frames.interleaved)
    assert info.to_dict()["frames"] == 4


def test_durations_may_be_any_iterable():
    data = kmcodec.encode_frames(images_of(frames_of(3)), durations=iter([7, 8, 9]))
    assert kmcodec.decode_frames(data).durations == (7, 8, 9)


def test_one_image_is_no_sequence_of_frames():
    (image,) = images_of(frames_of(1))
    with pytest.raises(
        kmcodec.KmcInputError, match="must be a sequence of images, not IndexedImage"
    ):
        kmcodec.encode_frames(image)


def test_a_slice_is_an_animation():
    palettes = [np.full((2, 3), value, np.uint8) for value in range(4)]
    whole = Animation(tuple(palettes), frames_of(4) % 2, (1, 2, 3, 4), 5)
    part = whole[1:3]
    assert isinstance(part, Animation)
    assert (part.durations, part.loop) == ((2, 3), 5)
    np.testing.assert_array_equal(part.to_array(), whole.to_array()[1:3])
    shared = Animation((palettes[0],), frames_of(4) % 2, (1, 2, 3, 4))
    np.testing.assert_array_equal(shared[::-2].indices, shared.indices[::-2])
    with pytest.raises(kmcodec.KmcInputError, match="frames must have shape"):
        whole[4:]


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"indices": np.full((2, 3, 4), 2)}, "indices run from 2 to 2, .* entries 0 to 1"),
        ({"indices": np.zeros((3, 4), int)}, "frames must have shape"),
        ({"indices": np.zeros((2, 3, 4))}, "indices must be integers"),
        ({"durations": (5,)}, "1 durations for 2 frames, must be one for each"),
        ({"durations": (5, -1)}, "durations is -1, must be an integer"),
        ({"loop": -1}, "loop is -1, must be an integer"),
        ({"palettes": ([1, 2], [3, 4], [5, 6])}, "3 palettes for 2 frames"),
        ({"palettes": ([1, 2], [3])}, "indices run from 0 to 1, .* entries 0 to 0"),
        ({"palettes": ([1, 2], [[3, 4, 5], [6, 7, 8]])}, "the same number of channels"),
        ({"palettes": ([1, 256],)}, "0 to 255"),
    ],
)
def test_an_animation_that_is_none_is_refused(wrong, words):
    parts = {"palettes": ([1, 2],), "indices": np.eye(2, 12, dtype=int).reshape(2, 3, 4)}
    parts |= {"durations": (5, 5)}
    assert len(Animation(**parts)) == 2
    with pytest.raises(kmcodec.KmcInputError, match=words):
        Animation(**(parts | wrong))
