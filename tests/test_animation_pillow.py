"""Animations through Pillow: save_all, seek, durations and loop counts."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

import kmcodec


def picture(frame, colors=6):
    """A palette image with a square that moves."""
    made = Image.new("P", (20, 12), 0)
    made.putpalette(np.arange(3 * colors, dtype=np.uint8).tobytes())
    made.paste(1 + frame % (colors - 1), (frame, 2, frame + 4, 6))
    return made


def saved(frames, format_="KMC", **options):
    stream = io.BytesIO()
    frames[0].save(stream, format_, save_all=True, append_images=frames[1:], **options)
    return stream.getvalue()


def to_kmc_and_back(image):
    return Image.open(io.BytesIO(saved([image])))


def pixels_of(image):
    return np.asarray(image.convert("RGBA"))


def test_frames_are_saved_and_found_in_any_order():
    frames = [picture(frame) for frame in range(5)]
    with Image.open(io.BytesIO(saved(frames, duration=[10, 20, 30, 40, 50], loop=3))) as image:
        assert (image.n_frames, image.is_animated, image.mode) == (5, True, "P")
        assert image.info["loop"] == 3
        for number in (0, 4, 2, 2, 0):
            image.seek(number)
            assert (image.tell(), image.info["duration"]) == (number, 10 * (number + 1))
            np.testing.assert_array_equal(pixels_of(image), pixels_of(frames[number]))
        with pytest.raises(EOFError):
            image.seek(5)


def test_a_path_is_closed_after_the_first_frame(tmp_path, recwarn):
    frames = [picture(frame) for frame in range(3)]
    frames[0].save(tmp_path / "a.kmc", save_all=True, append_images=frames[1:])
    image = Image.open(tmp_path / "a.kmc")
    image.load()
    (tmp_path / "a.kmc").unlink()
    image.seek(2)
    np.testing.assert_array_equal(pixels_of(image), pixels_of(frames[2]))
    assert not list(recwarn)


def test_a_gif_keeps_its_pixels_durations_and_loop_count():
    gif = saved([picture(frame) for frame in range(4)], "GIF", duration=[10, 20, 30, 40], loop=2)
    with Image.open(io.BytesIO(gif)) as source, to_kmc_and_back(source) as image:
        assert (image.n_frames, image.info["loop"]) == (4, 3)
        for number in range(4):
            source.seek(number)
            image.seek(number)
            assert image.info["duration"] == source.info["duration"]
            np.testing.assert_array_equal(pixels_of(image), pixels_of(source))


def test_transparency_and_grey_and_many_colours_are_kept():
    rng = np.random.default_rng(0)
    for shape in ((9, 8), (9, 8, 2), (20, 20, 3), (9, 8, 4)):
        arrays = rng.integers(0, 256, (2, *shape), dtype=np.uint8)
        data = saved([Image.fromarray(array) for array in arrays], colors=1000)
        with Image.open(io.BytesIO(data)) as image:
            image.seek(1)
            np.testing.assert_array_equal(pixels_of(image), pixels_of(Image.fromarray(arrays[1])))


def test_a_file_of_one_frame_is_not_animated():
    data = saved([picture(0)])
    assert not kmcodec.inspect(data).header.has_frames
    with Image.open(io.BytesIO(data)) as image:
        assert (image.n_frames, image.is_animated) == (1, False)


def test_an_animation_can_be_saved_in_other_formats():
    frames = [picture(frame) for frame in range(3)]
    with Image.open(io.BytesIO(saved(frames, duration=40))) as image:
        gif = saved([image], "GIF")
    with Image.open(io.BytesIO(gif)) as image:
        for number in range(3):
            image.seek(number)
            np.testing.assert_array_equal(pixels_of(image), pixels_of(frames[number]))


@pytest.mark.parametrize(("loop", "in_all"), [(None, 1), (0, 0), (1, 2), (5, 6), (65_535, 65_536)])
def test_the_loop_count_of_a_gif_stays_from_trip_to_trip(tmp_path, loop, in_all):
    options = {} if loop is None else {"loop": loop}
    data = saved([picture(0), picture(1)], "GIF", **options)
    for _ in range(2):
        with Image.open(io.BytesIO(data)) as source, to_kmc_and_back(source) as image:
            assert source.info.get("loop") == loop
            assert image.info["loop"] == in_all
            data = saved([image], "GIF")
            image.seek(0)
            image.save(tmp_path / "a.gif", save_all=True)  # known by its name
    assert (tmp_path / "a.gif").read_bytes() == data


def test_a_loop_count_that_is_asked_for_is_taken_as_it_is():
    with Image.open(io.BytesIO(saved([picture(0), picture(1)], loop=4))) as image:
        with Image.open(io.BytesIO(saved([image], "GIF", loop=7))) as gif:
            assert gif.info["loop"] == 7
        with Image.open(io.BytesIO(saved([image], "PNG"))) as png:
            assert png.info["loop"] == 4


def test_frames_of_different_sizes_are_refused():
    with pytest.raises(kmcodec.KmcInputError, match="frame 1 is 3 x 2"):
        saved([picture(0), Image.new("L", (3, 2))])


def test_damage_is_an_os_error_when_a_frame_is_loaded():
    data = bytearray(saved([picture(0), picture(1)]))
    data[-1] ^= 1
    with Image.open(io.BytesIO(bytes(data))) as image, pytest.raises(OSError, match="strip 0"):
        image.load()


def test_frames_that_are_too_many_pixels_together_are_a_bomb(monkeypatch):
    data = saved([picture(frame) for frame in range(3)])
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 20 * 12)
    with pytest.raises(Image.DecompressionBombError):
        Image.open(io.BytesIO(data))
