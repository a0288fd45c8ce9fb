"""The commands of the README and of the guides in docs/, as they stand there."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys

import numpy as np
import pytest
from conftest import ROOT, SAMPLES
from PIL import Image

import kmcodec

needs_bash = pytest.mark.skipif(shutil.which("bash") is None, reason="no bash")

README = ROOT / "README.md"
# docs/learn.md has a test of its own: it quotes what its commands print.
PAGES = [README, *sorted(p for p in (ROOT / "docs").glob("*.md") if p.stem != "learn")]
# Those with a marker before them are run by .ci/run, in clones of their own.
BLOCKS = [
    pytest.param(block, id=f"{page.stem}: {block.split(chr(10))[0][:40]}")
    for page in PAGES
    for block in re.findall(r"(?<!-->)\n```sh\n(.*?)```", page.read_text("utf-8"), re.S)
]
MOST_LINES = 180


@pytest.fixture
def surroundings(tmp_path):
    """What a reader has at hand: files of the names that the README uses, and `kmc`."""
    y, x = np.mgrid[:40, :60]
    for name in ("photo.png", "map.png", "more.png", "photos/a.png", "photos/b/c.jpg"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        pixels = np.stack([4 * x, 6 * y, x * y % 256], axis=-1).astype(np.uint8)
        Image.fromarray(pixels).save(path)
    shutil.copy(SAMPLES / "bird_small.mat", tmp_path)
    (tmp_path / "samples").symlink_to(SAMPLES)
    shutil.copytree(SAMPLES, tmp_path / "assets", ignore=shutil.ignore_patterns("*.py"))
    (tmp_path / "sprites").mkdir()
    for name in ("icon.png", "pixelart.png"):
        shutil.copy(SAMPLES / name, tmp_path / "sprites")
    Image.fromarray((x // 10).astype(np.uint8)).save(tmp_path / "landcover.tif")
    waves = [((x + 5 * t) % 60 * 4).astype(np.uint8) for t in range(4)]
    frames = [Image.fromarray(wave).convert("P") for wave in waves]
    frames[0].save(tmp_path / "waves.gif", save_all=True, append_images=frames[1:], duration=80)
    command = tmp_path / "bin" / "kmc"
    command.parent.mkdir()
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m kmcodec "$@"\n')
    command.chmod(0o755)
    # As the browser takes "true": it opens nothing.
    path = os.pathsep.join([str(command.parent), os.environ["PATH"]])
    paths = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
    # Where kmc installs files for a user.
    own = {name: str(tmp_path / "own") for name in ("XDG_DATA_HOME", "XDG_CONFIG_HOME")}
    return {**os.environ, **own, "PATH": path, "PYTHONPATH": paths, "BROWSER": "true"}


@needs_bash
@pytest.mark.parametrize("block", BLOCKS)
def test_commands_run_one_after_another(block, tmp_path, surroundings):
    for line in block.splitlines():
        run = subprocess.run(
            ["bash", "-c", line],
            cwd=tmp_path,
            env=surroundings,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert run.returncode == 0, f"{line}\n{run.stderr}"
    if "waves.gif" in block:
        assert len(kmcodec.decode_frames((tmp_path / "waves.kmc").read_bytes())) == 4
        with Image.open(tmp_path / "bird.png") as image:
            assert image.size == (128, 128)


def test_there_are_such_commands():
    assert sum(block.values[0].count("kmc ") for block in BLOCKS) > 30


def test_the_readme_can_be_read_in_minutes():
    assert len(README.read_text("utf-8").splitlines()) <= MOST_LINES


LINKING = sorted({*PAGES, *ROOT.glob("*.md"), *ROOT.glob("spec/*.md")})


@pytest.mark.parametrize("page", LINKING, ids=lambda page: page.stem)
def test_links_lead_somewhere(page):
    for path in re.findall(r"\]\((?!https?:)([^)#\s]+)", page.read_text("utf-8")):
        assert (page.parent / path).exists(), path


def test_the_index_of_the_specification_names_what_is_there():
    """All but modules that a reader imports, and the test of the description for Kaitai."""
    text = (ROOT / "spec" / "README.md").read_text("utf-8")
    for path in (ROOT / "spec").iterdir():
        part = path.name.startswith("read_") and path.stem not in ("read_kmc", "read_stream")
        if not part and path.name not in ("README.md", "check_ksy.js", "__pycache__"):
            assert re.search(rf"[(`/]{re.escape(path.name)}[)`/ ]", text), path.name
