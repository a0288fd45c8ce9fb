"""Animated GIFs in: what browsers show, and what is said of damage."""

from __future__ import annotations

import numpy as np
import pytest
from animation_files import drawn, frame, gif, seen

from kmcodec.errors import KmcInputError, KmcLimitError
from kmcodec.formats.gif import parse_gif
from kmcodec.sources.animations import animation_in
from kmcodec.sources.images import read_source

# What comes first, what follows and how the screen looks afterwards, after each disposal.
FIRST, SECOND = ("RRR", "RRR", "RRR"), ("GK", "KG")
SHOWN = {
    "kept": (1, 1, ("RRR", "RGR", "RRG"), ("BRR", "RGR", "RRG")),
    "not said": (0, 0, ("RRR", "RGR", "RRG"), ("BRR", "RGR", "RRG")),
    "cleared": (1, 2, ("RRR", "RGR", "RRG"), ("BRR", "R..", "R..")),
    "restored": (1, 3, ("RRR", "RGR", "RRG"), ("BRR", "RRR", "RRR")),
    "unknown is restored": (1, 4, ("RRR", "RGR", "RRG"), ("BRR", "RRR", "RRR")),
    "first cleared": (2, 1, ("...", ".G.", "..G"), ("B..", ".G.", "..G")),
    "first restored to nothing": (3, 1, ("...", ".G.", "..G"), ("B..", ".G.", "..G")),
}


@pytest.mark.parametrize("name", SHOWN)
def test_frames_are_disposed_of_as_in_browsers(name):
    first, second, *expected = SHOWN[name]
    frames = [
        frame(FIRST, disposal=first),
        frame(SECOND, (1, 1), disposal=second, clear="K"),
        frame(("B",)),
    ]
    found = animation_in(gif((3, 3), frames))
    assert len(found.images) == 3
    for image, rows in zip(found.images[1:], expected, strict=True):
        np.testing.assert_array_equal(seen(image), drawn(*rows))


PLACES = {
    "smaller than the screen": ((3, 2), ["RR"], (1, 0), ["...", "..."], [".RR", "..."]),
    "beyond a later screen": ((2, 2), ["RRRR"], (1, 1), ["KK", "KK"], ["KK", "KR"]),
    "wholly beyond": ((2, 1), ["R"], (7, 9), ["KK"], ["KK"]),
}


@pytest.mark.parametrize("name", PLACES)
def test_what_is_beyond_the_screen_is_left_out_and_what_is_not_drawn_is_clear(name):
    size, rows, at, before, after = PLACES[name]
    first = [frame(before)] if "." not in before[0] else []
    found = animation_in(gif(size, [*first, frame(rows, at), frame(rows, at)]))
    np.testing.assert_array_equal(seen(found.images[-1]), drawn(*after))


def test_a_first_frame_that_is_larger_than_the_screen_makes_it_larger():
    found = animation_in(gif((1, 1), [frame(["RG"], (1, 1)), frame(["B"])]))
    np.testing.assert_array_equal(seen(found.images[0]), drawn("...", ".RG"))
    np.testing.assert_array_equal(seen(found.images[1]), drawn("B..", ".RG"))


def test_frames_may_have_tables_of_their_own():
    frames = [frame(["KR"]), frame(["B"], (1, 0), table="BGRK", disposal=2), frame(["K"])]
    found = animation_in(gif((2, 1), frames))
    for image, rows in zip(found.images, ("KR", "KB", "K."), strict=True):
        np.testing.assert_array_equal(seen(image), drawn(rows))


def test_durations_and_loop_counts_are_what_they_are():
    frames = [frame(["R"], delay=delay) for delay in (0, 1, 65_535)]
    frames.append(frame(["R"])[8:])  # nothing is said
    found = animation_in(gif((1, 1), frames, loop=2))
    assert found.durations == (0, 10, 655_350, 100)
    assert found.loop == 3
    assert animation_in(gif((1, 1), frames, loop=0)).loop == 0
    assert animation_in(gif((1, 1), frames)).loop == 1


def test_equal_frames_stay():
    found = animation_in(gif((2, 1), [frame(["RG"])] * 3))
    assert len(found.images) == 3


def test_an_animation_may_end_without_the_mark_of_its_end():
    frames = [frame(["R"]), frame(["G"])]
    for end in (b"", b"\0\0;", b";left over"):
        assert len(animation_in(gif((1, 1), frames, end=end)).images) == 2
    # Not even that of its last frame.
    assert len(animation_in(gif((1, 1), frames, end=b"")[:-1]).images) == 2


def test_wherever_an_animation_is_cut_the_frame_is_told():
    rows = ["RGBK" * 5] * 9
    frames = [frame(rows), frame(rows, table="BRKG"), frame(rows)]
    whole = len(gif((20, 9), frames[:2], end=b""))
    for length in range(len(gif((20, 9), frames[:1], end=b"")) + 1, whole + len(frames[2]) - 1):
        data = gif((20, 9), frames)[:length]
        if length in (whole - 1, whole):  # nothing says that there are more than two
            assert len(animation_in(data).images) == 2
            continue
        with pytest.raises(KmcInputError, match=r"^frame [12]: (cut off|not enough image data)$"):
            animation_in(data)


def test_bytes_that_begin_no_block_are_told_unless_they_follow_a_still():
    frames = [frame(["R"]), frame(["G"])]
    with pytest.raises(KmcInputError, match="frame 2: no block begins with 0x55, at byte "):
        animation_in(gif((1, 1), frames, end=b"\x55"))
    assert animation_in(gif((1, 1), frames[:1], end=b"\x55")) is None


def test_too_many_pixels_are_refused_before_they_are_made():
    told = r"^2 frames of 30,000 x 30,000 pixels exceed the limit of 268,435,456 pixels$"
    with pytest.raises(KmcLimitError, match=told):
        animation_in(gif((30_000, 30_000), [frame(["R"]), frame(["G"])]))


def test_pixels_count_up_to_the_limit_also_beyond_the_screen():
    assert len(animation_in(gif((4, 2), [frame(["R"]), frame(["G"])]), 16).images) == 2
    data = gif((1, 1), [frame(["R"]), frame(["RGBK"])])
    assert len(animation_in(data, 5).images) == 2
    with pytest.raises(KmcLimitError, match="the frames have 5 pixels"):
        animation_in(data, 4)


@pytest.mark.parametrize("frames", [False, True])
def test_a_still_smaller_than_its_screen_is_clear_beside_it(tmp_path, frames):
    (tmp_path / "a.gif").write_bytes(gif((3, 1), [frame(["R"], (1, 0))]))
    image = read_source(tmp_path / "a.gif", frames=frames).image
    np.testing.assert_array_equal(seen(image), drawn(".R."))


def test_comments_are_kept_wherever_they_stand(tmp_path):
    data = gif((1, 1), [frame(["R"]), b"!\xfe\x03one\0", frame(["G"])], comment="zwei ü".encode())
    (tmp_path / "a.gif").write_bytes(data)
    source = read_source(tmp_path / "a.gif", frames=True)
    assert dict(source.metadata.text) == {"Comment": "one\nzwei ü"}
    assert parse_gif(data).comments == [b"one", "zwei ü".encode()]
