"""What may be written where: extensions, existing files, special files, names on terminals."""

from __future__ import annotations

import os

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

import kmcodec
from kmcodec.batch.planning import plan
from kmcodec.cli.app import kmc as kmc_command
from kmcodec.cli.goals import Steps
from kmcodec.cli.printable import printable
from kmcodec.errors import KmcInputError
from kmcodec.storage import streams
from kmcodec.storage.door import read_input

PIXELS = np.arange(12, dtype=np.uint8).reshape(3, 4)


@pytest.fixture
def memory():
    """A file system in memory, empty."""
    system = pytest.importorskip("fsspec").filesystem("memory")
    system.store.clear()
    yield system
    system.store.clear()


@pytest.fixture
def picture(tmp_path):
    Image.fromarray(PIXELS).save(tmp_path / "a.png")
    kmcodec.write(tmp_path / "a.kmc", PIXELS)
    return tmp_path


def test_no_kmc_file_gets_the_name_of_another_kind(kmc, picture):
    run = kmc("encode", "a.png", "-o", "b.png")
    assert run.returncode == 1
    assert b"b.png" in run.stderr
    assert b"name it b.kmc" in run.stderr
    assert not (picture / "b.png").exists()
    with pytest.raises(KmcInputError, match=r"name it b\.kmc"):
        kmcodec.write(picture / "b.png", PIXELS)
    with pytest.raises(KmcInputError, match=r"name it b\.kmc"):
        kmcodec.encode_rows(PIXELS, output=picture / "b.png")
    assert kmcodec.write(picture / "plain", PIXELS)
    assert kmcodec.write(picture / "B.KMC", PIXELS)


def test_an_extension_and_a_format_that_differ_are_refused(kmc, picture):
    run = kmc("decode", "a.kmc", "-t", "png", "-o", "b.jpg")
    assert run.returncode == 2
    assert b"contradicts the extension" in run.stderr
    assert kmc("decode", "a.kmc", "-t", "tif", "-o", "b.tiff").returncode == 0


@pytest.mark.parametrize(
    "command",
    [
        ["encode", "a.png", "-o", "there.kmc"],
        ["decode", "a.kmc", "-o", "there.png"],
        ["palette", "a.png", "-o", "there.hex"],
        ["sweep", "a.png", "-k", "2", "--csv", "there.csv"],
        ["view", "a.kmc", "--no-browser", "-o", "there.html"],
    ],
)
def test_a_file_that_is_there_is_replaced_by_force_alone(kmc, picture, command):
    there = picture / command[-1]
    there.write_bytes(b"mine")
    run = kmc(*command)
    assert run.returncode == 1
    assert b"already exists; use --force to replace it" in run.stderr
    assert there.read_bytes() == b"mine"
    assert kmc(*command, "--force").returncode == 0
    assert there.read_bytes() != b"mine"


@pytest.mark.parametrize(
    "command",
    [
        ["compare", "a.png", "a.kmc", "-o"],
        ["plot", "clusters", "a.png", "-k", "2", "-o"],
        ["sweep", "a.png", "-k", "2", "-o"],
    ],
    ids=lambda command: command[0],
)
def test_a_figure_that_is_there_is_replaced_by_force_alone(kmc, picture, command):
    pytest.importorskip("matplotlib")
    there = picture / "there.png"
    there.write_bytes(b"mine")
    run = kmc(*command, "there.png")
    assert run.returncode == 1
    assert b"already exists; use --force to replace it" in run.stderr
    assert there.read_bytes() == b"mine"
    run = kmc(*command, "there.png", "-f")
    assert run.returncode == 0, run.stderr
    with Image.open(there) as figure:
        figure.load()


@pytest.mark.parametrize("root", ["memory://", "file://"])
@pytest.mark.parametrize(
    "command",
    [
        ["encode", "a.png", "-o", "there.kmc"],
        ["decode", "a.kmc", "-o", "there.png"],
        ["palette", "a.png", "-o", "there.hex"],
        ["sweep", "a.png", "-k", "2", "--csv", "there.csv"],
        ["view", "a.kmc", "--no-browser", "-o", "there.html"],
        ["compare", "a.png", "a.kmc", "-o", "there.png"],
        ["plot", "clusters", "a.png", "-k", "2", "-o", "there.png"],
    ],
    ids=lambda command: command[0],
)
def test_the_same_holds_for_urls(memory, picture, monkeypatch, command, root):
    if command[0] in ("compare", "plot"):
        pytest.importorskip("matplotlib")
    monkeypatch.chdir(picture)
    *words, name = command
    url = f"memory://{name}" if root == "memory://" else (picture / name).as_uri()
    system = memory if root == "memory://" else fsspec_files()
    place = f"/{name}" if root == "memory://" else str(picture / name)
    system.pipe(place, b"mine")
    run = CliRunner().invoke(kmc_command, [*words, url])
    assert run.exit_code == 1
    assert "already exists; use --force to replace it" in run.output + str(run.exception)
    assert system.cat(place) == b"mine"
    run = CliRunner().invoke(kmc_command, [*words, url, "-f"])
    assert run.exit_code == 0, run.output
    assert system.cat(place) != b"mine"


def fsspec_files():
    return pytest.importorskip("fsspec").filesystem("file")


@pytest.mark.parametrize("force", [[], ["--force"]])
def test_a_palette_that_is_read_is_called_an_input(kmc, picture, force):
    before = (picture / "a.kmc").read_bytes()
    run = kmc("encode", "a.png", "--palette", "a.kmc", "-o", "a.kmc", *force)
    assert run.returncode == 1
    (line,) = run.stderr.decode().splitlines()
    assert line == "kmc: a.kmc: skipped, the output would replace the input itself"
    assert (picture / "a.kmc").read_bytes() == before


@pytest.mark.skipif(os.name == "nt", reason="such names are POSIX's")
@pytest.mark.parametrize(
    "command",
    [["info"], ["info", "--json"], ["verify"], ["decode", "-f"], ["view", "--no-browser"]],
    ids=" ".join,
)
def test_no_command_prints_a_name_or_a_text_raw(kmc, picture, command):
    name = "evil\x1b[2J\u202e\u3164.kmc"
    texts = kmcodec.Metadata(text={"key\u202eword": "text\x1b]0;mine\x07"})
    kmcodec.write(picture / name, kmcodec.IndexedImage([[0], [9]], [[0, 1]], texts))
    for data in (None, b"\x8bKMC no more"):
        if data is not None:
            (picture / name).write_bytes(data)
        run = kmc(*command, name)
        said = (run.stdout + run.stderr).decode()
        assert "evil" in said or command[-1] == "--hexdump"
        assert not set("\x1b\x07\u202e\u3164") & set(said)


def test_a_progress_bar_shows_no_name_raw():
    assert "\x1b" not in Steps("a\x1b[2J.png", hidden=True)._label


def test_the_original_survives_a_decode_onto_it(kmc, picture):
    before = (picture / "a.png").read_bytes()
    assert kmc("decode", "a.kmc", "-o", "a.png").returncode == 1
    assert (picture / "a.png").read_bytes() == before


@pytest.mark.skipif(not os.path.exists("/dev/null"), reason="there are no devices")
def test_devices_need_no_force(kmc, picture):
    assert kmc("encode", "a.png", "-o", os.devnull).returncode == 0


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no FIFOs")
def test_links_to_special_files_in_a_folder_are_passed_over(picture):
    os.mkfifo(picture / "pipe")
    os.mkfifo(picture / "f.png")
    os.symlink(picture / "pipe", picture / "g.png")
    os.symlink("/dev/zero", picture / "z.png")
    (picture / "d.png").mkdir()
    jobs = plan([str(picture)], None, ".kmc", force=True)
    assert [os.path.basename(job.source) for job in jobs] == ["a.png"]


@pytest.mark.skipif(not os.path.exists("/dev/zero"), reason="there are no devices")
def test_a_device_without_end_is_refused_at_the_bound(monkeypatch):
    monkeypatch.setattr(streams, "_MOST_STREAMED", 1000)
    with pytest.raises(kmcodec.KmcLimitError, match="more than 1,000 bytes"):
        read_input("/dev/zero")


@pytest.mark.parametrize("unseen", "\u3164\u115f\uffa0\ufe0f\u200b\u202e\u2066\u2800\U000e0041\x1b")
def test_what_cannot_be_seen_is_escaped(unseen):
    assert printable(f"a{unseen}b").isascii()


def test_the_page_of_a_long_name_can_be_made(kmc, picture):
    name = "n" * 251 + ".kmc"
    kmcodec.write(picture / name, PIXELS)
    run = kmc("view", name, "--no-browser", env={"TMPDIR": str(picture)})
    assert run.returncode == 0, run.stderr
    assert os.path.isfile(run.stdout.decode().strip())
