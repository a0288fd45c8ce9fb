"""Animations on the command line, through real processes."""

from __future__ import annotations

import json
import os

import animation_files
import numpy as np
import pytest
from conftest import SAMPLES
from PIL import ExifTags, Image

import kmcodec

ORIENTATION, SOFTWARE = ExifTags.Base.Orientation, ExifTags.Base.Software
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


@pytest.mark.parametrize("extension", ["gif", "png", "webp"])
def test_all_frames_go_into_a_kmc_and_back(kmc, tmp_path, gif, extension):
    assert kmc("encode", "a.gif").returncode == 0
    found = kmcodec.decode_frames((tmp_path / "a.kmc").read_bytes())
    np.testing.assert_array_equal(found.to_array(), gif)
    assert (found.durations, found.loop) == (DURATIONS, 0)
    assert kmc("decode", "a.kmc", "-o", f"b.{extension}").returncode == 0
    assert kmc("encode", f"b.{extension}").returncode == 0
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
    assert "3 frames, used the first" in run.stderr.decode()
    with Image.open(tmp_path / "a.bmp") as image:
        np.testing.assert_array_equal(image.convert("RGB"), gif[0])


@pytest.mark.parametrize(
    "words", [["-t", "npy"], ["--rows", "2:9"], ["--salvage"]], ids=["npy", "rows", "salvage"]
)
def test_where_a_part_is_decoded_it_is_said_that_it_is_of_the_first_frame(kmc, gif, words):
    kmc("encode", "a.gif", "-o", "a.kmc")
    run = kmc("decode", "a.kmc", *words)
    assert run.returncode == 0
    notes = [line for line in run.stderr.decode().splitlines() if "frames" in line]
    assert notes == ["kmc: note: a.kmc: 3 frames, used the first"]


def test_a_comparison_is_of_the_first_frame_and_it_is_said(kmc, gif):
    pytest.importorskip("matplotlib")
    kmc("encode", "a.gif", "-o", "a.kmc")
    run = kmc("compare", "a.gif", "a.kmc", "-o", "a.png")
    assert run.returncode == 0
    notes = [line for line in run.stderr.decode().splitlines() if "used the first" in line]
    assert notes == [f"kmc: note: a.{kind}: 3 frames, used the first" for kind in ("gif", "kmc")]


def test_of_one_frame_no_first_is_spoken_of(kmc):
    kmc("encode", SAMPLES / "icon.png", "-o", "a.kmc")
    assert b"frame" not in kmc("decode", "a.kmc", "--rows", "0:4").stderr


@pytest.mark.parametrize(("extension", "orientation"), [("png", 1), ("png", 5), ("webp", 6)])
def test_all_frames_are_turned_upright(kmc, tmp_path, gif, extension, orientation):
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    exif[SOFTWARE] = "kmc"
    frames = [Image.fromarray(frame) for frame in gif]
    options = {"save_all": True, "append_images": frames[1:], "lossless": True, "exif": exif}
    frames[0].save(tmp_path / f"b.{extension}", **options)
    assert kmc("encode", f"b.{extension}").returncode == 0
    found = kmcodec.decode_frames((tmp_path / "b.kmc").read_bytes())
    upright = {
        1: gif,
        5: gif.transpose(0, 2, 1, 3),
        6: np.rot90(gif, -1, axes=(1, 2)),
    }
    np.testing.assert_array_equal(found.to_array(), upright[orientation])
    kept = Image.Exif()
    kept.load(found.metadata.exif)
    assert kept[SOFTWARE] == "kmc"
    assert kept.get(ORIENTATION, 1) == 1


def test_pages_of_a_tiff_are_no_animation(kmc, tmp_path):
    pages = [Image.new("L", (4, 3), level) for level in (0, 9)]
    pages[0].save(tmp_path / "a.tiff", save_all=True, append_images=pages[1:])
    run = kmc("encode", "a.tiff")
    assert "2 frames, used the first" in run.stderr.decode()
    assert not kmcodec.inspect((tmp_path / "a.kmc").read_bytes()).header.has_frames


def test_too_many_pixels_in_all_frames_are_one_line(kmc, tmp_path, gif):
    kmc("encode", "a.gif")
    run = kmc("decode", "a.kmc", "--max-pixels", "479", "-o", "b.gif")
    (line,) = run.stderr.decode().splitlines()
    assert run.returncode == 1
    assert "a.kmc: 3 x 16 x 10 pixels exceed the limit of 479" in line
    assert not os.path.exists(tmp_path / "b.gif")


def test_of_an_animation_that_is_cut_off_nothing_is_taken_and_the_frame_is_told(kmc, tmp_path, gif):
    data = (tmp_path / "a.gif").read_bytes()
    (tmp_path / "b.gif").write_bytes(data[:-10])
    run = kmc("encode", "b.gif")
    (line,) = run.stderr.decode().splitlines()
    assert run.returncode == 1
    assert "b.gif: damaged or truncated image (frame 2: cut off)" in line
    assert not (tmp_path / "b.kmc").exists()


@pytest.mark.parametrize("extension", ["png", "webp"])
def test_other_animations_that_are_cut_off_are_refused_too(kmc, tmp_path, gif, extension):
    kmc("encode", "a.gif")
    kmc("decode", "a.kmc", "-o", f"b.{extension}")
    data = (tmp_path / f"b.{extension}").read_bytes()
    (tmp_path / f"b.{extension}").write_bytes(data[:-30])
    run = kmc("encode", f"b.{extension}")
    (line,) = run.stderr.decode().splitlines()
    assert run.returncode == 1
    assert f"b.{extension}: damaged or truncated image (" in line
    assert not (tmp_path / "b.kmc").exists()


def test_animations_of_too_many_pixels_are_one_line(kmc, tmp_path):
    frames = [animation_files.frame(["R"]), animation_files.frame(["G"])]
    (tmp_path / "a.gif").write_bytes(animation_files.gif((30_000, 30_000), frames))
    run = kmc("encode", "a.gif")
    (line,) = run.stderr.decode().splitlines()
    assert run.returncode == 1
    assert "a.gif: 2 frames of 30,000 x 30,000 pixels exceed the limit of 268," in line


def test_what_another_format_cannot_hold_is_said_with_the_name(kmc, tmp_path):
    frames = np.eye(3, dtype=np.uint8)[:, None]
    for name, duration in (("a", 7), ("b", 700_000)):
        data = kmcodec.encode_frames(list(frames), durations=duration)
        (tmp_path / f"{name}.kmc").write_bytes(data)
    run = kmc("decode", "a.kmc", "-o", "a.gif")
    assert run.returncode == 0
    assert run.stderr.decode().count("rounded durations") == 1
    run = kmc("decode", "b.kmc", "-o", "b.gif")
    (line,) = run.stderr.decode().splitlines()
    assert run.returncode == 1
    assert "b.kmc: frame 0 lasts 700,000 ms, but GIF allows at most 655,350 ms" in line
    assert not (tmp_path / "b.gif").exists()


@pytest.fixture
def patched_gif(tmp_path):
    """A GIF of which each frame but the first is a patch with colours of its own: its pixels."""
    rng = np.random.default_rng(1)
    shown, frames = [], []
    for number in range(4):
        palette = rng.integers(0, 256, (200, 3), dtype=np.uint8)
        picture = shown[-1].copy() if shown else np.zeros((60, 80, 3), np.uint8)
        place = np.s_[:, number:] if shown else np.s_[:, :]
        picture[place] = palette[rng.integers(0, 200, picture[place].shape[:2])]
        shown.append(picture)
        frames.append(Image.fromarray(picture))
    # Pillow makes patches of them.
    first, *others = (frame.quantize(256, dither=Image.Dither.NONE) for frame in frames)
    first.save(tmp_path / "a.gif", save_all=True, append_images=others, duration=50, loop=0)
    with Image.open(tmp_path / "a.gif") as image:
        found = []
        for number in range(image.n_frames):
            image.seek(number)
            found.append(np.asarray(image.convert("RGB")))
    return np.stack(found)


def test_a_gif_with_palettes_of_its_frames_keeps_every_pixel(kmc, tmp_path, patched_gif):
    line = kmc("encode", "a.gif").stderr.decode()
    data = (tmp_path / "a.kmc").read_bytes()
    scenes = kmcodec.inspect(data).scenes
    assert len(scenes) == 4
    assert f"4 frames, up to {max(s.entries for s in scenes)} colours in each of 4 palettes" in line
    assert "lossless" in line
    np.testing.assert_array_equal(kmcodec.decode_frames(data).to_array(), patched_gif)
    assert kmc("verify", "--deep", "a.kmc").returncode == 0
    for extension in ("gif", "png"):
        assert kmc("decode", "a.kmc", "-o", f"b.{extension}").returncode == 0
        assert (
            kmc("encode", f"b.{extension}", "-k", "65536", "--effort", "fast", "-f").returncode == 0
        )
        again = kmcodec.decode_frames((tmp_path / "b.kmc").read_bytes())
        np.testing.assert_array_equal(again.to_array(), patched_gif)


def test_what_is_said_of_scenes(kmc, tmp_path, patched_gif):
    kmc("encode", "a.gif")
    lines = kmc("info", "a.kmc").stdout.decode().splitlines()
    assert any(line.startswith("palette    4 of 2") for line in lines)
    assert any("forever, 4 scenes, 0 with rows interleaved" in line for line in lines)
    told = json.loads(kmc("info", "a.kmc", "--json").stdout)
    assert [scene["frames"] for scene in told["scenes"]] == [1] * 4
    assert [strip["scene"] for strip in told["strips"]] == [0, 1, 2, 3]
    dump = kmc("info", "a.kmc", "--hexdump").stdout.decode()
    assert "scenes: 4" in dump
    assert "palette of scene 3 CRC" in dump
    assert "of scene 3)" in dump
    assert "!!" not in dump


def test_a_palette_for_each_frame_is_asked_for(kmc, tmp_path, gif):
    assert kmc("encode", "a.gif", "-k", "2", "--frame-palettes").returncode == 0
    found = kmcodec.decode_frames((tmp_path / "a.kmc").read_bytes())
    assert len(found.palettes) == 3
    np.testing.assert_array_equal(found.to_array(), gif)


@pytest.mark.parametrize(
    "others", [["--palette", "#fff"], ["--shared-palette"], ["--psnr", "30"], ["--rdo"]]
)
def test_a_palette_for_each_frame_excludes_others(kmc, gif, others):
    run = kmc("encode", "a.gif", "--frame-palettes", *others)
    assert run.returncode == 2
    assert b"--frame-palettes excludes" in run.stderr


@pytest.mark.parametrize(("loop", "words"), [(1, b"shown once"), (2, b"shown 2 times")])
def test_it_is_told_how_often_frames_are_shown(kmc, tmp_path, loop, words):
    frames = [np.eye(3, dtype=np.uint8), np.ones((3, 3), np.uint8)]
    metadata = kmcodec.Metadata(text={"Title": "eye"})
    data = kmcodec.encode_frames(frames, loop=loop, metadata=metadata)
    (tmp_path / "a.kmc").write_bytes(data)
    told = kmc("info", "a.kmc").stdout
    assert words in told
    assert b" in 1 section\n" in told
    assert words in kmc("info", "--hexdump", "a.kmc").stdout
