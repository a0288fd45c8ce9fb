"""`kmc encode` on whole folders: real processes, real trees."""

from __future__ import annotations

import contextlib
import json
import os
import pickle
import shutil
import signal
import subprocess
import sys
from contextlib import ExitStack

import numpy as np
import pytest
from conftest import SAMPLES
from PIL import Image

import kmcodec
from kmcodec.batch import encode_files
from kmcodec.batch.finding import JobError
from kmcodec.batch.planning import Job, plan

posix = pytest.mark.skipif(os.name == "nt", reason="links, FIFOs and signals are POSIX's")


def save(path, value=0, size=(8, 8)):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, (value, 5, 250)).save(path)


def names_in(folder):
    return sorted(str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file())


@pytest.fixture
def tree(tmp_path):
    for number, name in enumerate(["b.png", "a.png", "sub/a.png", "sub/deep/c.gif", "z/z.bmp"]):
        save(tmp_path / "in" / name, number)
    (tmp_path / "in" / "sub" / "notes.txt").write_text("no image")
    save(tmp_path / "in" / ".hidden" / "x.png")
    save(tmp_path / "in" / ".x.png")
    return tmp_path / "in"


MADE = ["a.kmc", "b.kmc", "sub/a.kmc", "sub/deep/c.kmc", "z/z.kmc"]


def test_a_tree_is_mirrored_with_the_same_bytes_for_any_number_of_processes(kmc, tmp_path, tree):
    runs = [
        kmc("encode", "in", "-r", "-o", f"out{jobs}", "--jobs", jobs, "--json") for jobs in (1, 2)
    ]
    for run in runs:
        assert run.returncode == 0
        assert b"5 of 5 files encoded" in run.stderr
        reports = [json.loads(line) for line in run.stdout.splitlines()]
        paths = ["a.png", "b.png", "sub/a.png", "sub/deep/c.gif", "z/z.bmp"]
        assert [r["source"] for r in reports] == [os.path.join("in", p) for p in paths]
    assert names_in(tmp_path / "out1") == names_in(tmp_path / "out2") == MADE
    for name in MADE:
        same = (tmp_path / "out1" / name).read_bytes()
        assert (tmp_path / "out2" / name).read_bytes() == same
    back = kmc("decode", "out2", "-r", "-o", "back")
    assert back.returncode == 0
    for name in MADE:
        kmcodec.decode((tmp_path / "out1" / name).read_bytes())
        with Image.open(tmp_path / "back" / name.replace(".kmc", ".png")) as image:
            pixels = np.asarray(image.convert("RGB"))
        np.testing.assert_array_equal(pixels, kmcodec.read(tmp_path / "out1" / name).to_array())


def test_files_are_decoded_in_several_processes_as_in_one(kmc, tmp_path, rng):
    noise = rng.integers(0, 256, (64, 32), dtype=np.uint8)
    (tmp_path / "in").mkdir()
    for name in "abc":
        kmcodec.write(tmp_path / "in" / f"{name}.kmc", noise, coding="packed", strip_rows=16)
    data = bytearray((tmp_path / "in" / "b.kmc").read_bytes())
    data[-40] ^= 1
    (tmp_path / "in" / "b.kmc").write_bytes(data)
    (tmp_path / "in" / "bad.kmc").write_bytes(b"no more")
    runs = [
        kmc("decode", "in", "-o", f"out{n}", "-t", "npy", "--json", "--salvage", "--jobs", n)
        for n in (1, 2)
    ]
    for number, run in enumerate(runs, 1):
        assert run.returncode == 1
        lines = [json.loads(line) for line in run.stdout.splitlines()]
        names = [os.path.basename(line["source"]) for line in lines]
        assert names == ["a.kmc", "b.kmc", "bad.kmc", "c.kmc"]
        assert [len(line.get("lost", ())) for line in lines] == [0, 1, 0, 0]
        assert ["error" in line for line in lines] == [False, True, True, False]
        assert lines[0]["output"] == os.path.join(f"out{number}", "a.npy")
        assert (lines[0]["width"], lines[0]["size"]) == (32, 64 * 32 + 128)
        assert names_in(tmp_path / f"out{number}") == ["a.npy", "b.npy", "c.npy"]
        told = run.stderr.decode().splitlines()
        assert len(told) == 3
        assert told[0].startswith(f"kmc: {os.path.join('in', 'b.kmc')}: damaged, wrote what")
        assert told[-1] == "kmc: 2 of 4 files failed"
        for name in "ac":
            np.testing.assert_array_equal(np.load(tmp_path / f"out{number}" / f"{name}.npy"), noise)
    assert (tmp_path / "out1" / "b.npy").read_bytes() == (tmp_path / "out2" / "b.npy").read_bytes()


def test_json_and_an_image_do_not_share_standard_output(kmc):
    run = kmc("decode", "a.kmc", "-o", "-", "--json")
    assert run.returncode == 2
    assert b"both write to standard output" in run.stderr


def test_without_r_only_the_folder_itself(tree):
    jobs = plan([str(tree)], None, ".kmc", force=False)
    assert [os.path.basename(job.source) for job in jobs] == ["a.png", "b.png"]


def test_results_go_beside_their_sources_without_o(tree):
    jobs = plan([str(tree)], None, ".kmc", force=False, recursive=True)
    assert [job.target for job in jobs] == [str(tree / name) for name in MADE]


@posix
def test_links_that_go_round_are_not_followed_and_dead_ones_are_told(tmp_path, tree):
    (tree / "sub" / "loop").symlink_to("..")
    (tree / "z" / "dead.png").symlink_to("nowhere.png")
    (tree / "z" / "linked.png").symlink_to("../a.png")
    os.mkfifo(tree / "z" / "pipe.png")
    jobs = plan([str(tree)], str(tmp_path / "out"), ".kmc", force=False, recursive=True)
    made = [os.path.relpath(job.target, tmp_path / "out") for job in jobs]
    assert made == [*MADE[:4], "z/dead.kmc", "z/linked.kmc", "z/z.kmc"]


def test_the_folder_of_results_is_not_taken_for_a_source(tmp_path, tree):
    out = tree / "out"
    save(out / "earlier.png")
    jobs = plan([str(tree)], str(out), ".kmc", force=False, recursive=True)
    assert [os.path.relpath(job.target, out) for job in jobs] == MADE


def test_a_folder_that_cannot_be_read_is_told_and_stops_nothing(tmp_path, tree, monkeypatch):
    scandir = os.scandir

    def forbidding(path):
        if os.path.basename(path) == "deep":
            raise PermissionError(13, "Permission denied", path)
        return scandir(path)

    monkeypatch.setattr("os.scandir", forbidding)
    found = plan([str(tree)], str(tmp_path / "out"), ".kmc", force=False, recursive=True)
    assert [type(each) for each in found] == [Job] * 4 + [JobError]
    # Workers of other processes get it too.
    assert pickle.loads(pickle.dumps(found[-1])).source == found[-1].source != ""
    assert str(found[-1]) == f"{tree / 'sub' / 'deep'}: permission denied"


def test_of_two_that_would_make_the_same_file_the_first_by_name_is_done(kmc, tmp_path, tree):
    save(tree / "sub" / "a.bmp")
    run = kmc("encode", "in", "-r", "-o", "out", "-q", "--json")
    assert run.returncode == 1
    told = "sub/a.png: skipped, in/sub/a.bmp has the same output file"
    assert told in run.stderr.decode().replace(os.sep, "/")
    assert names_in(tmp_path / "out") == MADE
    failed = [line for line in map(json.loads, run.stdout.splitlines()) if "error" in line]
    assert [line["source"] for line in failed] == [os.path.join("in", "sub", "a.png")]


def test_bad_files_stop_nothing_and_give_the_exit_code(kmc, tmp_path, tree):
    (tree / "sub" / "bad.png").write_bytes(b"\x89PNG\r\n\x1a\nno more")
    (tree / "bad.mat").write_bytes(b"MATLAB")
    run = kmc("encode", "in", "-r", "-o", "out", "--jobs", "2", "--json")
    assert run.returncode == 1
    assert names_in(tmp_path / "out") == MADE
    lines = [json.loads(line) for line in run.stdout.splitlines()]
    bad = [line["source"] for line in lines if "error" in line]
    assert bad == [os.path.join("in", "bad.mat"), os.path.join("in", "sub", "bad.png")]
    told = run.stderr.decode().splitlines()
    assert len(told) == 3
    assert "5 of 7 files encoded" in told[-1]
    assert told[-1].endswith("; 2 failed")


def test_empty_folders_and_names_are_told_and_stop_nothing(kmc, tmp_path, tree):
    (tmp_path / "empty").mkdir()
    run = kmc("encode", "empty", "", "in", "-o", "out")
    assert run.returncode == 1
    assert names_in(tmp_path / "out") == ["a.kmc", "b.kmc"]
    told = run.stderr.decode().splitlines()
    assert told[:2] == ["kmc: empty: no images in the folder", "kmc: '' is not a path"]
    assert "2 of 4 files encoded" in told[-1]
    assert kmc("info", "").stderr.startswith(b"kmc: '' is not a path")
    with pytest.raises(kmcodec.KmcInputError, match="'' is not a path"):
        plan([str(tree / "a.png")], "", ".kmc", force=False)


def test_what_is_reached_twice_is_done_once(tmp_path, tree):
    sources = [str(tree), str(tree / "sub" / ".." / "a.png"), str(tree / "sub")]
    with pytest.warns(
        kmcodec.KmcWarning, match="^3 files are given more than once, processed once$"
    ):
        jobs = plan(sources, str(tmp_path / "out"), ".kmc", force=False, recursive=True)
    assert [os.path.relpath(job.target, tmp_path / "out") for job in jobs] == [
        os.path.normpath(name) for name in MADE
    ]


def test_what_is_there_is_skipped_and_what_would_be_larger_not_written(kmc, tmp_path, tree, rng):
    (tmp_path / "out" / "sub").mkdir(parents=True)
    for name in ("a.kmc", "sub/a.kmc"):
        (tmp_path / "out" / name).write_bytes(b"precious")
    noise = rng.integers(0, 256, (40, 40), dtype=np.uint8)
    Image.fromarray(noise).save(tree / "noise.jpg", quality=5)
    run = kmc("encode", "in", "-r", "-o", "out", "--skip-existing", "--skip-if-larger")
    assert run.returncode == 0
    assert names_in(tmp_path / "out") == MADE
    for name in ("a.kmc", "sub/a.kmc"):
        assert (tmp_path / "out" / name).read_bytes() == b"precious"
    told = run.stderr.decode().splitlines()
    assert told[-1].endswith("; 2 skipped; 1 would not be smaller")
    assert "3 of 6 files encoded" in told[-1]
    assert any("noise.jpg: not written, " in line for line in told)


def test_json_has_a_line_for_each_source(kmc, tmp_path, tree):
    (tmp_path / "empty").mkdir()
    (tree / "bad.png").write_bytes(b"no image")
    save(tree / "a.bmp")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "b.kmc").write_bytes(b"precious")
    skipping = kmc("encode", "in", "empty", "-o", "out", "--json", "--skip-existing")
    refusing = kmc("encode", "in/b.png", "in/a.bmp", "-o", "out", "--json")
    undone = kmc("decode", "empty", "out/b.kmc", "-o", "back", "--json")
    shown = [
        [
            (line["source"].replace(os.sep, "/"), line.get("skipped", "error" in line and "error"))
            for line in map(json.loads, run.stdout.splitlines())
        ]
        for run in (skipping, refusing, undone)
    ]
    assert shown == [
        [
            ("in/a.bmp", False),
            ("in/a.png", "error"),
            ("in/b.png", True),
            ("in/bad.png", "error"),
            ("empty", "error"),
        ],
        [("in/b.png", "error"), ("in/a.bmp", "error")],
        [("empty", "error"), ("out/b.kmc", "error")],
    ]


def test_a_single_file_that_is_skipped_is_told(kmc, tmp_path, tree):
    (tmp_path / "a.kmc").write_bytes(b"precious")
    command = ["encode", "in/a.png", "-o", "a.kmc", "--skip-existing"]
    assert kmc(*command).stderr == b"a.kmc: skipped, already exists" + os.linesep.encode()
    assert kmc(*command, "-q").stderr == b""


def test_notices_of_other_processes_are_told(kmc, tmp_path):
    for name in ("a", "b"):
        deep = np.arange(0, 60000, 100, np.uint16).reshape(20, 30)
        Image.fromarray(deep).save(tmp_path / f"{name}.png")
    run = kmc("encode", "a.png", "b.png", "-o", "out", "--jobs", "2", "-q")
    assert run.returncode == 0
    assert [line.split(":")[:3] for line in run.stderr.decode().splitlines()] == [
        ["kmc", " note", " a.png"],
        ["kmc", " note", " b.png"],
    ]


@posix
@pytest.mark.parametrize(
    ("whom", "number", "code"),
    [
        ("all", signal.SIGINT, 130),
        ("one", signal.SIGINT, 130),
        ("one", signal.SIGTERM, 143),
        ("one", signal.SIGKILL, -signal.SIGKILL),
    ],
)
def test_processes_end_with_the_one_that_started_them(tmp_path, whom, number, code):
    shutil.copy(SAMPLES / "icon.png", tmp_path / "a.png")
    os.mkfifo(tmp_path / "b.png")  # nobody writes to it: who reads it is busy as long as we like
    process = subprocess.Popen(
        [sys.executable, "-m", "kmcodec", "encode", "a.png", "b.png", "-o", "out", "--jobs", "2"],
        cwd=tmp_path,
        stderr=subprocess.PIPE,
        bufsize=0,
        start_new_session=True,
        # Who is started in the background ignores it, and so would this.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    try:
        assert b"a.kmc" in process.stderr.readline()
        (os.killpg if whom == "all" else os.kill)(process.pid, number)
        # All of them hold this pipe, so it ends with the last.
        _, told = process.communicate(timeout=60)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
    assert process.returncode == code
    if number != signal.SIGKILL:  # then multiprocessing says what it had to tidy up
        assert told.strip() == (b"kmc: interrupted" if number == signal.SIGINT else b"")
    assert os.listdir(tmp_path / "out") == ["a.kmc"]
    kmcodec.read(tmp_path / "out" / "a.kmc")


def test_where_no_processes_can_be_had_one_does_it_all(monkeypatch):
    from kmcodec.cli import many

    def impossible(workers):
        raise NotImplementedError("sem_open")

    monkeypatch.setattr(many, "LocalPool", impossible)
    jobs = [Job("a.png", "a.kmc", False), Job("b.png", "b.kmc", False)]
    with many.executor_for(jobs, 2) as executor:
        assert executor == (None, 1)


def test_processes_are_started_where_there_is_enough_to_do(tmp_path, monkeypatch):
    from kmcodec.cli import many

    monkeypatch.setattr(many, "LocalPool", lambda workers: ExitStack())
    monkeypatch.setattr(many, "thread_count", lambda: 8)
    for size, workers in ((100, 1), (3 << 20, 3)):
        jobs = []
        for number in range(3):
            (tmp_path / f"{number}").write_bytes(bytes(size))
            jobs.append(Job(str(tmp_path / f"{number}"), "", False))
        with many.executor_for(jobs, None) as executor:
            assert executor[1] == workers


def test_what_the_plan_skips_is_not_made_again(tmp_path):
    for name in ("a", "b"):
        Image.new("L", (4, 4)).save(tmp_path / f"{name}.png")
    (tmp_path / "a.kmc").write_bytes(b"there before")
    sources = [str(tmp_path / "a.png"), str(tmp_path / "b.png")]
    jobs = plan(sources, None, ".kmc", force=False, skip_existing=True)
    (done,) = encode_files(jobs)
    assert done.value.output == str(tmp_path / "b.kmc")
    assert (tmp_path / "a.kmc").read_bytes() == b"there before"
