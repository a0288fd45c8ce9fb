"""Animations on the command line, through real processes."""

from __future__ import annotations

import json
import os

import moving
import numpy as np
import pytest
from PIL import Image

import kmcodec

PALETTE = np.array([[0, 0, 0], [255, 255, 255], [200, 30, 30], [30, 30, 200]], np.uint8)
DURATIONS = (40, 60, 80)


@pytest.fixture
def gif(tmp_path):
    """A GIF of three frames in the working folder, its frames as RGB."""
    frames = []
    for number in range(3):
        indices = np.zeros((10, 16), np.uint8)
        indices[2:6, 3 * number : 3 * number + 4] = 1 + number
        frames.append(Image.fromarray(PALETTE[indices]))
    options = {"duration": list(DURATIONS), "loop": 0, "save_all": True}
    frames[0].save(tmp_path / "a.gif", append_images=frames[1:], **options)
    return np.stack([np.asarray(frame) for frame in frames])


@pytest.mark.parametrize("ending", ["gif", "png", "webp"])
def test_all_frames_go_into_a_kmc_and_back(kmc, tmp_path, gif, ending):
    assert kmc("encode", "a.gif").returncode == 0
    found = kmcodec.decode_frames((tmp_path / "a.kmc").read_bytes())
    np.testing.assert_array_equal(found.to_array(), gif)
    assert (found.durations, found.loop) == (DURATIONS, 0)
    assert kmc("decode", "a.kmc", "-o", f"b.{ending}").returncode == 0
    assert kmc("encode", f"b.{ending}").returncode == 0
    again = kmcodec.decode_frames((tmp_path / "b.kmc").read_bytes())
    np.testing.assert_array_equal(again.to_array(), gif)
    assert (again.durations, again.loop) == (DURATIONS, 0)


def test_what_is_said_of_frames(kmc, gif):
    line = kmc("encode", "a.gif", "-k", "3").stderr.decode()
    assert "16 x 10, 3 frames, 3 colours, PSNR" in line
    lines = kmc("info", "a.kmc").stdout.decode().splitlines()
    assert any(line.startswith("frames     3, 40 to 80 ms each, forever") for line in lines)
    told = json.loads(kmc("info", "a.kmc", "--json").stdout)
    assert (told["frames"], told["durations"], told["loop"]) == (3, list(DURATIONS), 0)
    assert kmc("verify", "--deep", "a.kmc").returncode == 0


def test_formats_without_animations_get_the_first_frame_and_it_is_said(kmc, tmp_path, gif):
    kmc("encode", "a.gif")
    run = kmc("decode", "a.kmc", "-o", "a.bmp")
    assert run.returncode == 0
    assert "3 frames, the first is taken" in run.stderr.decode()
    with Image.open(tmp_path / "a.bmp") as image:
        np.testing.assert_array_equal(image.convert("RGB"), gif[0])


def test_a_goal_takes_the_first_frame_and_it_is_said(kmc, tmp_path, gif):
    run = kmc("encode", "a.gif", "--rdo")
    assert run.returncode == 0
    assert "3 frames, the first is taken" in run.stderr.decode()
    assert len(kmcodec.decode_frames((tmp_path / "a.kmc").read_bytes())) == 1


def test_pages_of_a_tiff_are_no_animation(kmc, tmp_path):
    pages = [Image.new("L", (4, 3), level) for level in (0, 9)]
    pages[0].save(tmp_path / "a.tiff", save_all=True, append_images=pages[1:])
    run = kmc("encode", "a.tiff")
    assert "2 frames, the first is taken" in run.stderr.decode()
    assert not kmcodec.inspect((tmp_path / "a.kmc").read_bytes()).header.has_frames


def test_too_many_pixels_in_all_frames_are_one_line(kmc, tmp_path, gif):
    kmc("encode", "a.gif")
    run = kmc("decode", "a.kmc", "--max-pixels", "479", "-o", "b.gif")
    (line,) = run.stderr.decode().splitlines()
    assert run.returncode == 1
    assert "a.kmc: 3 x 16 x 10 pixels are more than the limit of 479" in line
    assert not os.path.exists(tmp_path / "b.gif")


def test_of_an_animation_that_is_cut_off_nothing_is_taken_and_the_frame_is_told(kmc, tmp_path, gif):
    data = (tmp_path / "a.gif").read_bytes()
    (tmp_path / "b.gif").write_bytes(data[:-10])
    run = kmc("encode", "b.gif")
    (line,) = run.stderr.decode().splitlines()
    assert run.returncode == 1
    assert "b.gif: damaged or truncated image (frame 2: cut off)" in line
    assert not (tmp_path / "b.kmc").exists()


@pytest.mark.parametrize("ending", ["png", "webp"])
def test_other_animations_that_are_cut_off_are_refused_too(kmc, tmp_path, gif, ending):
    kmc("encode", "a.gif")
    kmc("decode", "a.kmc", "-o", f"b.{ending}")
    data = (tmp_path / f"b.{ending}").read_bytes()
    (tmp_path / f"b.{ending}").write_bytes(data[:-30])
    run = kmc("encode", f"b.{ending}")
    (line,) = run.stderr.decode().splitlines()
    assert run.returncode == 1
    assert f"b.{ending}: damaged or truncated image (" in line
    assert not (tmp_path / "b.kmc").exists()


def test_animations_of_too_many_pixels_are_one_line(kmc, tmp_path):
    frames = [moving.frame(["R"]), moving.frame(["G"])]
    (tmp_path / "a.gif").write_bytes(moving.gif((30_000, 30_000), frames))
    run = kmc("encode", "a.gif")
    (line,) = run.stderr.decode().splitlines()
    assert run.returncode == 1
    assert "a.gif: 2 frames of 30,000 x 30,000 pixels are more than the limit of 268," in line


def test_what_another_format_cannot_hold_is_said_with_the_name(kmc, tmp_path):
    frames = np.eye(3, dtype=np.uint8)[:, None]
    for name, duration in (("a", 7), ("b", 700_000)):
        data = kmcodec.encode_frames(list(frames), durations=duration)
        (tmp_path / f"{name}.kmc").write_bytes(data)
    run = kmc("decode", "a.kmc", "-o", "a.gif")
    assert run.returncode == 0
    assert run.stderr.decode().count("durations rounded") == 1
    run = kmc("decode", "b.kmc", "-o", "b.gif")
    (line,) = run.stderr.decode().splitlines()
    assert run.returncode == 1
    assert "b.kmc: frame 0 is shown 700,000 ms; a GIF's frames 655,350 at most" in line
    assert not (tmp_path / "b.gif").exists()


def test_frames_are_not_turned_and_the_request_for_it_stays(kmc, tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    frames = [Image.fromarray(PALETTE[[[0, 1, number]]]) for number in (2, 3)]
    options = {"save_all": True, "append_images": frames[1:], "exif": exif}
    frames[0].save(tmp_path / "a.png", **options)
    assert kmc("encode", "a.png").returncode == 0
    found = kmcodec.decode_frames((tmp_path / "a.kmc").read_bytes())
    np.testing.assert_array_equal(found.to_array(), np.stack(list(map(np.asarray, frames))))
    kept = Image.Exif()
    kept.load(b"Exif\0\0" + found.metadata.exif)
    assert kept[0x0112] == 6
