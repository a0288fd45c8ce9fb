"""`kmc optimize`: what it writes, what it leaves alone, and its exit codes."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys

import numpy as np
import pytest
from animation_files import frame, gif
from click.testing import CliRunner
from conftest import SAMPLES
from PIL import Image

import kmcodec
from kmcodec.cli.optimize import optimize

NOISE = (64, 64, 3)


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Run the command in this process, in an empty folder."""
    monkeypatch.chdir(tmp_path)

    def run_here(*args):
        return CliRunner().invoke(optimize, [*map(str, args)], standalone_mode=False)

    def code_of(*args):
        result = run_here(*args)
        if result.exception is not None:
            raise result.exception
        run_here.text = result.output
        return result.return_value or 0

    run_here.code = code_of
    return run_here


@pytest.fixture
def noise(rng, tmp_path):
    """A PNG that no palette of few colours shows well."""
    Image.fromarray(rng.integers(0, 256, NOISE, dtype=np.uint8)).save(tmp_path / "noise.png")
    return tmp_path / "noise.png"


def take(folder, *names):
    folder.mkdir(exist_ok=True, parents=True)
    for name in names or ("icon.png", "pixelart.png"):
        shutil.copy(SAMPLES / name, folder / name)
    return folder


def states(folder):
    return {
        str(path.relative_to(folder)): (path.read_bytes(), path.stat().st_mtime_ns)
        for path in folder.rglob("*")
        if path.is_file()
    }


def animation():
    return gif((4, 2), [frame(["KRGB", "BGRK"]), frame(["RRRR", "GGGG"])], loop=0)


def test_a_folder_gets_kmc_files_beside_its_sources(run, tmp_path):
    take(tmp_path / "a"), take(tmp_path / "a" / "b")
    before = states(tmp_path)
    assert run.code("a", "-r") == 0
    after = states(tmp_path)
    made = {f"a/{name}" for name in ("icon.kmc", "pixelart.kmc", "b/icon.kmc", "b/pixelart.kmc")}
    assert set(after) - set(before) == made
    assert all(after[name] == before[name] for name in before)
    assert "4 of 4 images written" in run.text
    exact = np.asarray(Image.open(tmp_path / "a/pixelart.png").convert("RGBA"))
    found = np.asarray(Image.open(tmp_path / "a/pixelart.kmc").convert("RGBA"))
    clear = exact[..., 3] == 0
    assert np.array_equal(found[~clear], exact[~clear])
    assert np.array_equal(found[..., 3], exact[..., 3])


def test_without_r_subfolders_stay(run, tmp_path):
    take(tmp_path / "a"), take(tmp_path / "a" / "b")
    assert run.code("a") == 0
    assert not list((tmp_path / "a" / "b").glob("*.kmc"))


def test_another_folder_gets_the_same_subfolders(run, tmp_path):
    take(tmp_path / "a" / "b")
    assert run.code("a", "-r", "-o", "out", "-t", "png") == 0
    assert sorted(states(tmp_path / "out")) == ["b/icon.png", "b/pixelart.png"]
    for name in ("icon.png", "pixelart.png"):
        made = tmp_path / "out" / "b" / name
        assert made.stat().st_size < (SAMPLES / name).stat().st_size
        with Image.open(made) as picture:
            assert picture.mode == "P"


def test_a_result_is_up_to_date_until_its_source_changes(run, tmp_path):
    take(tmp_path, "pixelart.png")
    assert run.code(".") == 0
    before = states(tmp_path)
    assert run.code(".") == 0
    assert "up to date" in run.text
    assert states(tmp_path) == before
    later = (tmp_path / "pixelart.kmc").stat().st_mtime_ns + 10**9
    os.utime(tmp_path / "pixelart.png", ns=(later, later))
    assert run.code(".") == 1
    assert "--update makes it again" in run.text
    assert run.code(".", "--update") == 0
    assert "pixelart.kmc: 15 colours" in run.text


def test_force_makes_all_again(run, tmp_path):
    take(tmp_path, "pixelart.png")
    (tmp_path / "pixelart.kmc").write_bytes(b"old")
    assert run.code("pixelart.png", "-f") == 0
    assert kmcodec.read(tmp_path / "pixelart.kmc").width > 0


def test_replace_replaces_and_keeps_the_mode(run, tmp_path):
    take(tmp_path)
    os.chmod(tmp_path / "icon.png", 0o640)
    size = (tmp_path / "icon.png").stat().st_size
    assert run.code(".", "-t", "png", "--replace") == 0
    status = (tmp_path / "icon.png").stat()
    assert status.st_size < size
    assert status.st_mode & 0o777 == 0o640
    assert sorted(states(tmp_path)) == ["icon.png", "pixelart.png"]


def test_replacing_twice_changes_nothing_more(run, tmp_path):
    take(tmp_path, "pixelart.png", "screenshot.png")
    run.code(".", "-t", "png", "--replace")
    before = states(tmp_path)
    assert run.code(".", "-t", "png", "--replace") == 0
    assert "would not be smaller" in run.text
    assert states(tmp_path) == before


def test_lossless_changes_no_pixel(run, tmp_path, noise):
    take(tmp_path, "pixelart.png")
    exact = [
        np.asarray(Image.open(tmp_path / name).convert("RGB"))
        for name in ("pixelart.png", "noise.png")
    ]
    assert run.code(".", "-t", "png", "--replace", "--lossless") == 0
    assert "noise.png: left alone, more than 256 colours" in run.text
    found = [
        np.asarray(Image.open(tmp_path / name).convert("RGB"))
        for name in ("pixelart.png", "noise.png")
    ]
    assert all(map(np.array_equal, exact, found))
    assert (tmp_path / "pixelart.png").stat().st_size < (SAMPLES / "pixelart.png").stat().st_size


def test_nothing_is_written_that_is_not_smaller(run, tmp_path):
    Image.fromarray(np.zeros((1, 1), np.uint8)).save(tmp_path / "dot.png")
    assert run.code("dot.png", "-t", "png", "--replace") == 0
    assert "left alone, the result would not be smaller" in run.text
    assert run.code("dot.png", "-t", "png", "--replace", "--skip-if-larger") == 98
    assert sorted(states(tmp_path)) == ["dot.png"]


def test_below_the_quality_nothing_is_written(run, tmp_path, noise):
    before = states(tmp_path)
    assert run.code("noise.png", "-k", "2", "--quality", "60-80") == 99
    assert run.code("noise.png", "-k", "2", "--quality", "60-80", "-t", "png", "--replace") == 99
    assert states(tmp_path) == before


def test_the_worst_of_several_files_decides(run, tmp_path, noise):
    Image.fromarray(np.zeros((1, 1), np.uint8)).save(tmp_path / "dot.png")
    options = ("-k", "2", "--quality", "60-80", "--skip-if-larger", "-t", "png", "--replace")
    assert run.code("dot.png", "noise.png", *options) == 99
    (tmp_path / "bad.png").write_bytes(b"\x89PNG\r\n\x1a\n and no more")
    assert run.code("dot.png", "noise.png", "bad.png", *options) == 1
    assert "1 would not be smaller; 1 below the quality; 1 failed" in run.text


def test_quality_is_told_and_held(run, tmp_path):
    take(tmp_path, "screenshot.png")
    assert run.code("screenshot.png", "--quality", "60-75", "--json") == 0
    told = json.loads(next(line for line in run.text.splitlines() if line.startswith("{")))
    assert told["quality"] >= 74
    assert told["size"] == (tmp_path / "screenshot.kmc").stat().st_size
    found = np.asarray(Image.open(tmp_path / "screenshot.kmc").convert("RGB"))
    original = np.asarray(Image.open(tmp_path / "screenshot.png").convert("RGB"))
    assert kmcodec.ssimulacra2(original, found) == pytest.approx(told["quality"], abs=0.01)


def test_k_bounds_the_colours(run, tmp_path, noise):
    assert run.code("noise.png", "-k", "9", "-t", "png", "-o", "out") == 0
    assert len(Image.open(tmp_path / "out/noise.png").getcolors()) == 9


@pytest.mark.parametrize("dither", ["floyd-steinberg", "blue-noise"])
def test_dither_reaches_both_formats(run, tmp_path, dither):
    take(tmp_path, "icon.png")
    for kind in ("kmc", "png"):
        for folder, options in (("plain", []), ("dithered", ["--dither", dither])):
            assert run.code("icon.png", "-k", "6", "-t", kind, "-o", folder, *options) == 0
        made = [tmp_path / folder / f"icon.{kind}" for folder in ("plain", "dithered")]
        assert made[0].read_bytes() != made[1].read_bytes()


def test_an_animation_becomes_an_animated_kmc(run, tmp_path):
    (tmp_path / "a.gif").write_bytes(animation() + b"\0" * 900)
    assert run.code("a.gif") == 0
    with Image.open(tmp_path / "a.gif") as one, Image.open(tmp_path / "a.kmc") as other:
        assert (one.n_frames, other.n_frames) == (2, 2)
        for number in range(2):
            one.seek(number), other.seek(number)
            assert np.array_equal(np.asarray(one.convert("RGB")), np.asarray(other.convert("RGB")))


def test_an_animation_is_no_png(run, tmp_path):
    (tmp_path / "a.gif").write_bytes(animation())
    pictures = [Image.new("RGB", (9, 9), color) for color in ("red", "blue")]
    pictures[0].save(tmp_path / "b.png", save_all=True, append_images=pictures[1:])
    before = states(tmp_path)
    assert run.code(".", "-t", "png", "--replace") == 0
    assert "a.gif: left alone, a GIF: --replace writes PNG files only" in run.text
    assert "b.png: left alone, animated: -t png writes single images" in run.text
    assert run.code("a.gif", "-t", "png", "-o", "out") == 0
    assert "a.gif: left alone, animated" in run.text
    assert states(tmp_path) == before


def test_other_formats_are_counted_and_left_alone(run, tmp_path, bird):
    take(tmp_path, "pixelart.png")
    Image.fromarray(bird).save(tmp_path / "bird.jpg")
    assert run.code(".") == 0
    assert "1 file of other formats left alone" in run.text
    assert not (tmp_path / "bird.kmc").exists()


def test_a_dry_run_writes_nothing(run, tmp_path):
    take(tmp_path)
    before = states(tmp_path)
    assert run.code(".", "-o", "out/deep", "-n") == 0
    assert "2 of 2 images would be written" in run.text
    assert states(tmp_path) == before
    assert not (tmp_path / "out").exists()


def test_jobs_change_no_byte(kmc, tmp_path):
    take(tmp_path / "a", "icon.png", "pixelart.png", "screenshot.png")
    for jobs in ("1", "2", "99999999999999999999"):
        assert kmc("optimize", "a", "-o", f"out{jobs}", "--jobs", jobs).returncode == 0
    made = [
        {path.name: path.read_bytes() for path in folder.iterdir()}
        for folder in tmp_path.glob("out*")
    ]
    assert len(made) == 3
    assert made[0] == made[1] == made[2]
    assert len(made[0]) == 3


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (["--replace"], "--replace needs -t png"),
        (["-t", "png"], "-t png needs -o FOLDER, or --replace"),
        (["-t", "png", "--replace", "-o", "x"], "--replace and -o exclude each other"),
        (["-t", "png", "--replace", "-f"], "--replace excludes --force and --update"),
        (["-t", "png", "--replace", "-u"], "--replace excludes --force and --update"),
        (["--lossless", "-k", "3"], "--lossless and -k exclude each other"),
        (["--lossless", "--quality", "50"], "--lossless and --quality exclude each other"),
        (["--lossless", "--dither", "blue-noise"], "--lossless and --dither exclude each other"),
        (["-t", "png", "--replace", "--effort", "max"], "--effort is for .kmc files"),
        (["-t", "png", "--replace", "-k", "257"], "a PNG holds at most 256"),
        (["-n", "--watch"], "--dry-run and --watch exclude each other"),
        (["-k", "9" * 40], "is not in the range"),
        (["--quality", "1e999"], "quality must be"),
        (["--quality", "9" * 5000], "quality"),
        (["--quality", "90-20"], "the lowest to accept exceeds"),
    ],
)
def test_wrong_options_are_refused(run, tmp_path, args, words):
    take(tmp_path, "pixelart.png")
    with pytest.raises(Exception, match=words) as caught:
        run.code("pixelart.png", *args)
    assert type(caught.value).__module__.startswith("click")
    assert sorted(states(tmp_path)) == ["pixelart.png"]


@pytest.mark.parametrize("source", ["-", "http://example.org/a.png"])
def test_streams_and_urls_are_refused(run, source):
    with pytest.raises(kmcodec.KmcError, match="takes local files and folders"):
        run.code(source)


def test_two_sources_of_one_result_are_refused(run, tmp_path):
    take(tmp_path, "pixelart.png")
    (tmp_path / "pixelart.gif").write_bytes(animation())
    with pytest.raises(kmcodec.KmcError, match=r"would both become \S*pixelart\.kmc"):
        run.code(".")
    assert not list(tmp_path.glob("*.kmc"))


def test_links_lead_nowhere(run, tmp_path):
    take(tmp_path / "outside", "icon.png")
    inside = take(tmp_path / "inside", "pixelart.png")
    (inside / "folder").symlink_to(tmp_path / "outside")
    (inside / "icon.png").symlink_to(tmp_path / "outside" / "icon.png")
    (inside / "pixelart.kmc").symlink_to(tmp_path / "outside" / "new.kmc")
    before = states(tmp_path / "outside")
    assert run.code("inside", "-r", "-t", "png", "--replace") == 0
    assert "icon.png: left alone, a symbolic link" in run.text
    assert run.code("inside/pixelart.png", "-f") == 1
    assert "pixelart.kmc: a symbolic link, not written to" in run.text
    assert states(tmp_path / "outside") == before


def test_hostile_names_and_files(kmc, tmp_path):
    folder = take(tmp_path / "a", "pixelart.png")
    names = ["-k.png", "a\nb.png", "\x1b[31m.png", os.fsdecode(b"\xff.png"), "x" * 251 + ".png"]
    for name in names:
        shutil.copy(SAMPLES / "pixelart.png", folder / name)
    (folder / "folder.png").mkdir()
    (folder / "text.png").write_text("no image")
    (folder / "empty.png").touch()
    (folder / "gone.png").symlink_to("nowhere")
    if hasattr(os, "mkfifo"):
        os.mkfifo(folder / "pipe.png")
    huge = bytearray((SAMPLES / "pixelart.png").read_bytes())
    huge[16:24] = b"\x7f\xff\xff\xff" * 2
    (folder / "huge.png").write_bytes(huge)
    before = states(folder)
    run = kmc("optimize", "a")
    told = run.stderr.decode()
    assert run.returncode == 1
    assert "\x1b" not in told
    assert "Traceback" not in told
    for words in ("text.png: not a PNG or GIF file", "empty.png: ", "gone.png: ", "huge.png: "):
        assert words in told
    after = states(folder)
    assert all(after[name] == before[name] for name in before)
    assert {name for name in after if name.endswith(".kmc")} == {
        os.path.splitext(name)[0] + ".kmc" for name in [*names, "pixelart.png"]
    }
    assert not [name for name in after if ".tmp" in name]


@pytest.mark.skipif(sys.platform != "linux", reason="modes of files, and root without its rights")
def test_an_unreadable_file_fails_alone(tmp_path):
    take(tmp_path)
    os.chmod(tmp_path / "icon.png", 0)
    command = [sys.executable, "-m", "kmcodec", "optimize", "."]
    if os.geteuid() == 0:
        rights = "-dac_override,-dac_read_search"
        command = ["setpriv", f"--bounding-set={rights}", f"--inh-caps={rights}", *command]
    run = subprocess.run(command, cwd=tmp_path, capture_output=True, timeout=120, check=False)
    assert run.returncode == 1
    assert "icon.png: permission denied" in run.stderr.decode()
    assert (tmp_path / "pixelart.kmc").exists()


def test_a_source_that_changes_in_the_meantime_stays(tmp_path, monkeypatch, run):
    from kmcodec.batch import optimizing

    take(tmp_path, "icon.png")
    made = optimizing.encode_palette_png

    def meddling(image):
        shutil.copy(SAMPLES / "pixelart.png", tmp_path / "icon.png")
        return made(image)

    monkeypatch.setattr(optimizing, "encode_palette_png", meddling)
    assert run.code("icon.png", "-t", "png", "--replace") == 1
    assert "icon.png: changed in the meantime, not replaced" in run.text
    assert (tmp_path / "icon.png").read_bytes() == (SAMPLES / "pixelart.png").read_bytes()


def test_strip_drops_metadata(run, tmp_path):
    exif = Image.Exif()
    exif[0x010E] = "a bird " * 90
    with Image.open(SAMPLES / "pixelart.png") as picture:
        picture.load()
    for name, options in (("kept", []), ("bare", ["--strip"])):
        picture.save(tmp_path / f"{name}.png", exif=exif)
        assert run.code(f"{name}.png", "-t", "png", "--replace", *options) == 0
    with Image.open(tmp_path / "kept.png") as kept, Image.open(tmp_path / "bare.png") as bare:
        assert kept.getexif()[0x010E] == exif[0x010E]
        assert not bare.getexif()


def test_what_a_palette_cannot_keep_is_not_replaced(run, tmp_path):
    Image.fromarray(np.arange(0, 60000, 15, dtype=np.uint16).reshape(50, 80)).save(
        tmp_path / "deep.png"
    )
    before = states(tmp_path)
    assert run.code("deep.png", "-t", "png", "--replace") == 0
    assert "deep.png: left alone, --replace would lose more than colours: " in run.text
    assert run.code("deep.png", "--lossless") == 0
    assert "deep.png: left alone, not kept exactly: " in run.text
    assert states(tmp_path) == before


def test_effort_reaches_the_coder(run, tmp_path):
    take(tmp_path, "screenshot.png")
    for effort in ("fastest", "max"):
        args = ("screenshot.png", "-k", "32", "--effort", effort, "-o", effort)
        assert run.code(*args) == 0
    sizes = [(tmp_path / e / "screenshot.kmc").stat().st_size for e in ("fastest", "max")]
    assert sizes[1] < sizes[0]


def test_max_pixels_refuses(run, tmp_path):
    take(tmp_path, "icon.png")
    assert run.code("icon.png", "--max-pixels", "9") == 1
    assert "icon.png: " in run.text


def test_quiet_tells_errors_only(run, tmp_path):
    take(tmp_path)
    assert run.code(".", "-q") == 0
    assert run.text == ""
