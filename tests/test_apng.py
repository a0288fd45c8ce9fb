"""Animated PNGs in: what browsers show, and what is said of damage."""

from __future__ import annotations

import numpy as np
import pytest
from animation_files import apng, drawn, seen
from PIL import Image

from kmcodec.errors import KmcInputError, KmcLimitError, KmcWarning
from kmcodec.model.image import IndexedImage
from kmcodec.sources.animations import animation_in

FIRST, SECOND, THIRD = drawn("RRR", "RRR", "RRR"), drawn("G.", ".G"), drawn("B")
KEEP, CLEAR, RESTORE = 0, 1, 2
SOURCE, OVER = 0, 1
SHOWN = {
    "replaced": (KEEP, SOURCE, ("RRR", "RG.", "R.G"), ("BRR", "RG.", "R.G")),
    "drawn over": (KEEP, OVER, ("RRR", "RGR", "RRG"), ("BRR", "RGR", "RRG")),
    "cleared": (CLEAR, OVER, ("RRR", "RGR", "RRG"), ("BRR", "R..", "R..")),
    "restored": (RESTORE, OVER, ("RRR", "RGR", "RRG"), ("BRR", "RRR", "RRR")),
    "replaced and restored": (RESTORE, SOURCE, ("RRR", "RG.", "R.G"), ("BRR", "RRR", "RRR")),
}


@pytest.mark.parametrize("name", SHOWN)
def test_frames_are_blended_and_disposed_of_as_in_browsers(name):
    disposal, blending, *expected = SHOWN[name]
    frames = [(SECOND, (1, 1), disposal, blending), (THIRD, (0, 0), KEEP, SOURCE)]
    found = animation_in(apng(FIRST, frames))
    for image, rows in zip(found.images, (("RRR",) * 3, *expected), strict=True):
        np.testing.assert_array_equal(seen(image), drawn(*rows))


def test_a_first_frame_that_is_to_be_restored_leaves_nothing():
    data = apng(FIRST, [(THIRD, (2, 2), KEEP, OVER)], first=(RESTORE, SOURCE))
    np.testing.assert_array_equal(seen(animation_in(data).images[1]), drawn("...", "...", "..B"))


def test_restored_frames_do_not_pile_up():
    frames = [(THIRD, (place, 0), RESTORE, OVER) for place in range(3)]
    found = animation_in(apng(drawn("KKK"), frames))
    for image, rows in zip(found.images, ("KKK", "BKK", "KBK", "KKB"), strict=True):
        np.testing.assert_array_equal(seen(image), drawn(rows))


def test_a_picture_for_those_who_show_no_animations_is_none_of_the_frames():
    frames = [(drawn("RG"), (0, 0), KEEP, SOURCE), (THIRD, (1, 0), KEEP, SOURCE)]
    found = animation_in(apng(drawn("KK"), frames, first=None))
    assert len(found.images) == 2
    np.testing.assert_array_equal(seen(found.images[0]), drawn("RG"))
    np.testing.assert_array_equal(seen(found.images[1]), drawn("RB"))


def test_colours_are_blended_by_their_alpha():
    half = np.array([[[255, 255, 255, 51]]], np.uint8)
    found = animation_in(apng(drawn("KK"), [(half, (0, 0), KEEP, OVER)]))
    assert found.images[1].tolist() == [[[51, 51, 51], [0, 0, 0]]]
    found = animation_in(apng(drawn("KK"), [(half, (0, 0), KEEP, SOURCE)]))
    assert found.images[1][0, 0].tolist() == [255, 255, 255, 51]


@pytest.mark.parametrize("mode", ["L", "LA", "RGB", "RGBA"])
def test_pixels_of_every_mode_are_kept(mode):
    levels = np.arange(12, dtype=np.uint8).reshape(3, 4) * 20
    picture = Image.fromarray(levels).convert(mode)
    for image in animation_in(apng(picture, [(picture, (0, 0), KEEP, SOURCE)])).images:
        np.testing.assert_array_equal(image.reshape(3, 4, -1)[..., 0], levels)
        assert image.reshape(3, 4, -1).shape[2] == (1 if mode in ("L", "LA") else 3)


def test_one_bit_and_sixteen_bits_are_pixels_as_well():
    levels = np.array([[0, 255], [255, 0]], np.uint8)
    wide = Image.fromarray(levels.astype(np.uint16) * 257)
    with pytest.warns(KmcWarning, match="16-bit samples reduced"):
        found = animation_in(apng(wide, [(wide, (0, 0), KEEP, SOURCE)])).images
    flat = Image.fromarray(levels).convert("1")
    found += animation_in(apng(flat, [(flat, (0, 0), KEEP, SOURCE)])).images
    for image in found:
        np.testing.assert_array_equal(image[..., 0], levels)


def test_palettes_are_kept_entry_by_entry():
    picture = Image.new("P", (2, 2), 1)
    picture.putpalette([9, 9, 9, 200, 0, 0, 1, 2, 3, 4, 5, 6])
    other = picture.copy()
    other.putpixel((0, 0), 3)
    patch = other.crop((0, 0, 1, 1))
    found = animation_in(apng(picture, [(patch, (0, 0), KEEP, SOURCE)]))
    for image, indices in zip(found.images, ([[1, 1], [1, 1]], [[3, 1], [1, 1]]), strict=True):
        assert isinstance(image, IndexedImage)
        assert image.palette.tolist() == [[9, 9, 9], [200, 0, 0], [1, 2, 3], [4, 5, 6]]
        np.testing.assert_array_equal(image.indices, indices)


def test_a_palette_gets_an_entry_for_what_is_clear():
    picture = Image.new("P", (2, 1), 1)
    picture.putpalette([9, 9, 9, 200, 0, 0])
    patch = picture.crop((0, 0, 1, 1))
    frames = [(patch, (0, 0), CLEAR, SOURCE), (patch, (1, 0), KEEP, SOURCE)]
    found = animation_in(apng(picture, frames))
    assert found.images[2].palette.tolist()[2] == [0, 0, 0, 0]
    assert found.images[2].indices.tolist() == [[2, 1]]


def test_wherever_frames_are_cut_or_damaged_it_is_told():
    data = apng(FIRST, [(SECOND, (1, 1), KEEP, OVER), (THIRD, (0, 0), KEEP, SOURCE)])
    for length in range(data.index(b"fcTL"), data.index(b"IEND") - 4):
        with pytest.raises(KmcInputError, match=r"^frame [012]: "):
            animation_in(data[:length])
    for place in (b"fcTL", b"fdAT"):
        damaged = bytearray(data)
        damaged[data.rindex(place) + 12] ^= 1
        with pytest.raises(KmcInputError, match=r"^frame 2: f(cTL|dAT) is damaged"):
            animation_in(bytes(damaged))


def test_a_missing_chunk_and_a_place_outside_are_told():
    frames = [(SECOND, (1, 1), KEEP, OVER), (THIRD, (0, 0), KEEP, SOURCE)]
    data = apng(FIRST, frames)
    at, end = data.index(b"fdAT") - 4, data.rindex(b"fcTL") - 4
    with pytest.raises(KmcInputError, match="frame 2: chunk 2 is missing"):
        animation_in(data[:at] + data[end:])
    with pytest.raises(KmcInputError, match="frame 1: fcTL has values that are out of range"):
        animation_in(apng(FIRST, [(SECOND, (2, 2), KEEP, OVER)]))


def test_too_many_pixels_are_refused():
    data = apng(FIRST, [(THIRD, (0, 0), KEEP, SOURCE)])
    assert len(animation_in(data, 18).images) == 2
    with pytest.raises(KmcLimitError, match="2 frames of 3 x 3 pixels exceed the limit"):
        animation_in(data, 17)
