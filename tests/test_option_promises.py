"""What options promise, in the cases that a path forgets first."""

from __future__ import annotations

import io
import itertools
import math
import os
import stat

import numpy as np
import pytest
from PIL import Image
from test_option_paths import SOURCES, pixels

import kmcodec
from kmcodec.batch.encoding import encode_file
from kmcodec.batch.planning import Job
from kmcodec.coding.budget import Survey, affordable_effort
from kmcodec.container.frame_table import FrameTable, Scene
from kmcodec.container.header import Header
from kmcodec.errors import KmcGoalError, KmcInputError, KmcWarning
from kmcodec.model.checks import checked_integer, checked_number
from kmcodec.model.image import MAX_SIDE
from kmcodec.model.label_array import LabelArray
from kmcodec.model.metrics import psnr
from kmcodec.model.stale_labels import without_stale_labels
from kmcodec.quantization.grey import best_grey_palette
from kmcodec.sources.frames import ANIMATED
from kmcodec.sources.images import warn_of_frames
from kmcodec.storage.atomic import replace_file
from kmcodec.writing.strips import BusySample, rows_of_strips

# What must be right whatever the path.


def test_errors_are_measured_with_premultiplied_alpha():
    clear = np.zeros((1, 2, 4), np.uint8)
    hidden = np.array([[[255, 255, 255, 0], [9, 9, 9, 0]]], np.uint8)
    assert psnr(clear, hidden) == np.inf
    one, other = (np.array([[[level, 0, 0, 51]]], np.uint8) for level in (0, 100))
    # 100 levels, seen at a fifth, of four channels.
    assert psnr(one, other) == pytest.approx(10 * np.log10(255**2 / (20**2 / 4)))


@pytest.mark.parametrize("cuts", [[1], [5], [1, 2, 3], [4, 4, 9]])
def test_a_survey_counts_pairs_across_blocks(cuts):
    indices = np.random.default_rng(3).integers(0, 2, (12, 30))
    together, parts = Survey(30, 12), Survey(30, 12)
    together.add(indices)
    for block in np.split(indices, cuts):
        if len(block):
            parts.add(block)
    assert vars(parts)["_busy"] == vars(together)["_busy"]


def test_a_survey_counts_pixels_that_are_not_as_left_and_above():
    survey = Survey(4, 3)
    survey.add(np.array([[1, 1, 1, 1], [1, 1, 2, 2], [1, 1, 2, 2]]))
    # As left and above: (1, 1), (2, 1) and (2, 3).
    assert vars(survey)["_busy"] == 12 - 3


def best_groups(levels, counts, k):
    """By trying all: the least error, and of its groupings the one whose starts are least."""
    found = []
    for cuts in itertools.combinations(range(1, len(levels)), k - 1):
        error, entries = 0, []
        for start, end in itertools.pairwise([0, *cuts, len(levels)]):
            group, weight = levels[start:end], counts[start:end]
            errors = [(int((weight * (group - e) ** 2).sum()), e) for e in range(256)]
            least, entry = min(errors)
            error, entries = error + least, [*entries, entry]
        found.append((error, cuts[::-1], entries))
    return min(found)[2]


@pytest.mark.parametrize("seed", range(12))
def test_ties_of_grey_palettes_go_where_they_are_promised_to(seed):
    rng = np.random.default_rng(seed)
    # Even steps and equal counts: many groupings are as good.
    levels = np.arange(7, dtype=np.int64) * int(rng.integers(1, 9)) + int(rng.integers(0, 99))
    counts = np.full(7, int(rng.integers(1, 5)), np.int64)
    for k in (2, 3, 4):
        found = best_grey_palette(levels.astype(np.uint8), counts, k)
        assert found.tolist() == best_groups(levels, counts, k)


@pytest.mark.parametrize("kind", ["MPO", "PSD"])
def test_layers_and_previews_are_no_frames(kind):
    class Picture(Image.Image):
        format, n_frames = kind, 3

    assert kind not in ANIMATED
    warn_of_frames(Picture())  # every warning is an error here
    Picture.format = "TIFF"
    with pytest.warns(KmcWarning, match="3 frames, used the first"):
        warn_of_frames(Picture())


def test_the_previews_of_a_camera_are_no_animation(tmp_path):
    stream = io.BytesIO()
    Image.fromarray(pixels()).save(
        stream, "MPO", save_all=True, append_images=[Image.fromarray(pixels(1))]
    )
    (tmp_path / "in.mpo").write_bytes(stream.getvalue())
    job = Job(str(tmp_path / "in.mpo"), str(tmp_path / "out.kmc"), replace=True)
    assert encode_file(job, 8, coding="context").frames == 1


@pytest.mark.parametrize(("given", "kept"), [(66.7, 67), (66.4, 66), (0.6, 1)])
def test_a_float_duration_is_rounded_as_pillow_does(given, kept):
    stream = io.BytesIO()
    first, second = map(Image.fromarray, SOURCES["frames"]())
    first.save(stream, "KMC", save_all=True, append_images=[second], duration=given, colors=4)
    assert kmcodec.decode_frames(stream.getvalue()).durations == (kept, kept)


def test_max_bytes_counts_every_byte():
    image = pixels()
    size = len(kmcodec.encode(image, max_bytes=700))
    assert size <= 700
    assert len(kmcodec.encode(image, max_bytes=size)) <= size
    least = len(kmcodec.encode(image, 1))
    assert len(kmcodec.encode(image, max_bytes=least, strict=True)) == least
    with pytest.raises(KmcGoalError):
        kmcodec.encode(image, max_bytes=least - 1, strict=True)


def test_bounds_of_numbers_belong_to_them():
    assert [checked_number("n", value, 0, 1) for value in (0, 1)] == [0.0, 1.0]
    assert [checked_integer("n", value, 2, 3) for value in (2, 3)] == [2, 3]
    for wrong in (-1e-9, 1 + 1e-9, float("nan"), "x", None):
        with pytest.raises(KmcInputError, match="must be a number from 0 to 1"):
            checked_number("n", wrong, 0, 1)
    for wrong in (1, 4, 2.0, "2"):
        with pytest.raises(KmcInputError, match="must be an integer from 2 to 3"):
            checked_integer("n", wrong, 2, 3)


def test_replace_file_replaces_unless_it_is_to_create(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"old")
    replace_file(path, b"new")
    assert path.read_bytes() == b"new"
    with pytest.raises(FileExistsError):
        replace_file(path, b"newer", create_only=True)


@pytest.mark.skipif(os.name == "nt", reason="no such permissions")
def test_a_new_file_is_not_executable(tmp_path):
    before = os.umask(0)
    try:
        replace_file(tmp_path / "file", b"new")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "file").stat().st_mode) == 0o666


@pytest.mark.parametrize("effort", [None, "fast"])
def test_four_megapixels_are_one_strip_and_one_row_more_are_several(effort):
    assert rows_of_strips(2048, 2048, effort, None) == 0
    assert 0 < rows_of_strips(2048, 2049, effort, None) < 2049


def test_the_price_of_an_image_depends_on_its_palette():
    busy = np.arange(700 * 700).reshape(700, 700) % 251
    # 490,000 busy pixels: 20 ns, and 1,000 ns for each bit of an index, of half a second.
    assert affordable_effort(busy % 2, 2) == "max"
    assert affordable_effort(busy, 256) == "fast"
    assert affordable_effort(busy[:600, :600], 256) == "default"
    assert affordable_effort(np.zeros((700, 700), int), 256) == "max"


TWO = LabelArray(np.dtype("u1"), (1, 2), (3, 4))


def test_labels_are_stale_where_the_palette_has_another_entry():
    metadata = kmcodec.Metadata(text={"Title": "t"}, labels=TWO)
    before = kmcodec.IndexedImage([[1, 2, 3], [4, 5, 6]], [[0, 1]], metadata)
    swapped = kmcodec.IndexedImage([[4, 5, 6], [1, 2, 3]], [[1, 0]])
    assert without_stale_labels(metadata, before, swapped) is metadata
    more = kmcodec.IndexedImage([[4, 5, 6], [1, 2, 3], [9, 9, 9]], [[1, 0]])
    with pytest.warns(KmcWarning, match="dropped the labels"):
        left = without_stale_labels(metadata, before, more)
    assert (left.labels, left.text) == (None, {"Title": "t"})


def test_labels_of_a_sheet_taller_than_wide_are_compared_pixel_by_pixel():
    for shape in ((6, 2), (2, 6), (4, 1)):
        values = tuple(range(math.prod(shape)))
        metadata = kmcodec.Metadata(labels=kmcodec.LabelArray("u1", shape, values))
        grey = np.arange(np.prod(shape), dtype=np.uint8).reshape(shape)
        after = kmcodec.quantize(grey)
        assert without_stale_labels(metadata, grey, after) is metadata
        turned = kmcodec.quantize(grey[::-1])
        with pytest.warns(KmcWarning, match="dropped"):
            assert without_stale_labels(metadata, grey, turned).labels is None


def table_of_two(entries, room=1 << 20, frames=(1, 1), side=(2, 2)):
    """A frame table of two scenes, the second with so many entries, parsed."""
    header = Header(coding=0, channels=3, width=side[0], height=side[1], entries=2)
    table = FrameTable(sum(frames), (5,), 0, False, (Scene(frames[1], entries, False),))
    return FrameTable.parse(table.build(), header, room)


def test_a_scene_has_as_many_entries_as_pixels_and_no_more():
    assert table_of_two(4).further[0].entries == 4
    with pytest.raises(ValueError, match="scene 1 has 5 entries for 4 pixels"):
        table_of_two(5)
    assert table_of_two(8, frames=(1, 2)).further[0].entries == 8
    with pytest.raises(ValueError, match="scene 1 has 9 entries for 8 pixels"):
        table_of_two(9, frames=(1, 2))


def test_scenes_need_the_room_that_palettes_and_strips_take_at_least():
    # A palette of one entry of three channels and its CRC, and the frames of two strips.
    assert len(table_of_two(4, room=3 + 4 + 2 * 8).further) == 1
    with pytest.raises(ValueError, match="too few for 2 scenes"):
        table_of_two(4, room=3 + 4 + 2 * 8 - 1)


def test_frames_in_a_row_may_be_as_wide_as_an_image_and_no_wider():
    for side in ((MAX_SIDE, 1), (1, MAX_SIDE)):
        header = Header(coding=0, channels=1, width=side[0], height=side[1], entries=2)
        assert FrameTable.parse(FrameTable(1, (5,), 0).build(), header, 0).count == 1
        with pytest.raises(ValueError, match="2 frames in a row have sides of more than"):
            FrameTable.parse(FrameTable(2, (5,), 0).build(), header, 0)


def test_a_table_without_scenes_is_of_one_scene():
    header = Header(coding=0, channels=1, width=1, height=1, entries=2)
    (only,) = FrameTable(3, (5,), 0, interleaved=True).scenes(header)
    assert (only.frames, only.entries, only.interleaved) == (3, 2, True)


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_frames_have_the_palettes_that_they_were_given(channels):
    palettes = [np.full((2, channels), level, np.uint8) for level in (1, 2)]
    indices = np.array([[[0, 1]], [[1, 1]]])
    pixels_of_all = kmcodec.Animation(palettes, indices, (5, 5)).to_array()
    assert pixels_of_all.shape == (2, 1, 2) + (() if channels == 1 else (channels,))
    assert [int(frame.min()) for frame in pixels_of_all] == [1, 2]
    same = kmcodec.Animation(palettes[1:], indices, (5, 5))
    np.testing.assert_array_equal(same.palette_of(1), palettes[1])


@pytest.mark.parametrize(("effort", "rows"), [("fast", 256), ("default", 512), ("max", 512)])
def test_strips_of_busy_images_have_two_or_four_megapixels(effort, rows):
    side = 8192
    sample = BusySample(side, side)
    sample.add(np.stack([np.arange(side), np.arange(side) + 1]))
    assert rows_of_strips(side, side, effort, sample) == rows
