"""`kmc optimize` in processes: interrupted, watching, and started by pre-commit."""

from __future__ import annotations

import os
import shlex
import shutil
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from conftest import ROOT, SAMPLES
from PIL import Image

HOOKS = ROOT / ".pre-commit-hooks.yaml"


@contextmanager
def started(folder: Path, *args: str):
    """A `kmc optimize` that runs on, and is interrupted at the end at the latest."""
    command = [sys.executable, "-m", "kmcodec", "optimize", *args]
    with subprocess.Popen(command, cwd=folder, stderr=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGINT)


def until(what, process, seconds=60.0):
    """Wait until something holds, as long as the process runs."""
    end = time.monotonic() + seconds
    while not what():
        assert process.poll() is None, process.stderr.read()
        assert time.monotonic() < end, "it never came"
        time.sleep(0.02)


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_an_interrupt_leaves_whole_files_only(tmp_path, rng, jobs):
    shutil.copy(SAMPLES / "pixelart.png", tmp_path / "a.png")
    for name in "bcd":
        pixels = rng.integers(0, 256, (900, 900, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(tmp_path / f"{name}.png")
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    args = (".", "-t", "png", "--replace", "--quality", "1-99", "--jobs", jobs)
    small = (tmp_path / "a.png").stat().st_size
    with started(tmp_path, *args) as process:
        until(lambda: (tmp_path / "a.png").stat().st_size < small, process)
        process.send_signal(signal.SIGINT)
        told = process.communicate(timeout=60)[1]
    assert process.returncode == 130
    assert told.splitlines()[-1] == "kmc: interrupted"
    after = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert sorted(after) == sorted(before)
    assert {name: after[name] for name in ["b.png", "c.png", "d.png"]} == {
        name: before[name] for name in ["b.png", "c.png", "d.png"]
    }


def test_watching_makes_results_again(tmp_path):
    pytest.importorskip("watchfiles", reason="no watchfiles (pip install 'kmcodec[watch]')")
    shutil.copy(SAMPLES / "pixelart.png", tmp_path / "a.png")
    first, second = tmp_path / "a.kmc", tmp_path / "b.kmc"
    with started(tmp_path, ".", "--watch") as process:
        assert process.stderr.readline().startswith("a.kmc: ")
        assert "watching" in process.stderr.readline()
        was = first.read_bytes()
        shutil.copy(SAMPLES / "pixelart.png", tmp_path / "b.png")
        until(second.exists, process)
        # As editors save: a new file takes the place of the old one.
        shutil.copy(SAMPLES / "grey.png", tmp_path / "new.tmp")
        os.replace(tmp_path / "new.tmp", tmp_path / "a.png")
        until(lambda: first.read_bytes() != was, process)
        (tmp_path / "c.png").write_bytes(b"no image")
        for line in process.stderr:
            if "c.png: " in line:
                break
        process.send_signal(signal.SIGINT)
        told = process.communicate(timeout=60)[1]
    assert process.returncode == 130
    assert "Traceback" not in told
    with Image.open(SAMPLES / "grey.png") as grey, Image.open(first) as made:
        assert np.array_equal(np.asarray(made), np.asarray(grey))
    assert not list(tmp_path.glob("*.tmp"))


def test_watching_replaces_each_change_once(tmp_path):
    pytest.importorskip("watchfiles", reason="no watchfiles (pip install 'kmcodec[watch]')")
    shutil.copy(SAMPLES / "pixelart.png", tmp_path / "a.png")
    with started(tmp_path, "a.png", "-t", "png", "--replace", "--watch") as process:
        assert process.stderr.readline().startswith("a.png: 15 colours")
        assert "watching" in process.stderr.readline()
        shutil.copy(SAMPLES / "screenshot.png", tmp_path / "new.tmp")
        os.replace(tmp_path / "new.tmp", tmp_path / "a.png")
        assert process.stderr.readline().startswith("a.png: ")
        time.sleep(1)  # its own result is a change too, but no news
        process.send_signal(signal.SIGINT)
        told = process.communicate(timeout=60)[1]
    assert told.strip() == "kmc: interrupted"
    assert (tmp_path / "a.png").stat().st_size < (SAMPLES / "screenshot.png").stat().st_size


def test_watching_needs_its_extra(kmc, tmp_path):
    (tmp_path / "watchfiles.py").write_text("raise ImportError")
    run = kmc("optimize", ".", "--watch", env={**os.environ, "PYTHONPATH": f"{tmp_path}:{ROOT}"})
    assert run.returncode == 1
    assert run.stderr == b"kmc: --watch needs watchfiles: pip install 'kmcodec[watch]'\n"


def the_hook() -> dict[str, str]:
    """The fields of the hook, as text: a parser of YAML is not needed for them."""
    lines = [line for line in HOOKS.read_text().splitlines() if line and line.strip()[0] != "#"]
    pairs = (line.removeprefix("- ").strip().partition(": ") for line in lines)
    return {key: value for key, _, value in pairs}


def test_the_entry_of_the_hook_makes_files_smaller(kmc, tmp_path):
    hook = the_hook()
    program, *entry = shlex.split(hook["entry"])
    args = hook["args"].strip("[]").split(", ")
    assert (program, hook["language"], hook["types"]) == ("kmc", "python", "[png]")
    for name in ("pixelart.png", "screenshot.png"):
        shutil.copy(SAMPLES / name, tmp_path / name)
    for _ in range(2):  # pre-commit runs it again, and it must then pass
        assert kmc(*entry, *args, "pixelart.png", "screenshot.png").returncode == 0
    sizes = {path.name: path.stat().st_size for path in tmp_path.iterdir()}
    assert sizes["pixelart.png"] < (SAMPLES / "pixelart.png").stat().st_size
    assert sizes["screenshot.png"] == (SAMPLES / "screenshot.png").stat().st_size


def test_pre_commit_takes_the_hook():
    pytest.importorskip("pre_commit", reason="no pre-commit (pip install 'kmcodec[test]')")
    command = [sys.executable, "-m", "pre_commit", "validate-manifest", str(HOOKS)]
    subprocess.run(command, check=True, timeout=60)
