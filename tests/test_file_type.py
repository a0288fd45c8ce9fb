"""The file type as `file` and desktops see it: what spec/media-type.md describes."""

from __future__ import annotations

import importlib.resources
import re
import shutil
import subprocess

import numpy as np
import pytest
from conftest import ROOT, VECTORS
from desktop_tools import need
from PIL import Image

import kmcodec
from kmcodec.container.reader import ContainerReader
from kmcodec.model.palette_order import dark_to_bright

MAGIC = ROOT / "spec" / "magic"
DESCRIPTION = importlib.resources.files("kmcodec.desktop") / "kmcodec-image.xml"
TYPE = "image/x-kmc"
CHANNELS = {1: "grey", 2: "grey with alpha", 3: "RGB", 4: "RGBA"}


def told(*paths, options=()):
    need("file")
    run = subprocess.run(
        ["file", "--brief", *options, "--magic-file", MAGIC, *paths],
        capture_output=True,
        text=True,
        check=True,
    )
    assert run.stderr == ""
    return run.stdout.splitlines()


def test_file_knows_size_colours_and_frames_of_every_vector():
    paths = sorted([*VECTORS.glob("good/*.kmc"), *VECTORS.glob("large/*.kmc")])
    animations = 0
    for path, line in zip(paths, told(*paths), strict=True):
        with path.open("rb") as stream:
            container = ContainerReader(stream)
        header, frames = container.header, container.frames.count
        entries = f"{header.entries} colour" + "s" * (header.entries > 1)
        start = f"KMC palette image, version 1, {header.width} x {header.height}, {entries}, "
        assert line.startswith(f"{start}{CHANNELS[header.channels]}, "), path.name
        assert ("frame" in line) == header.has_frames, path.name
        if header.has_frames:
            assert line.endswith(f", {frames} frame" + "s" * (frames > 1)), path.name
            animations += 1
    assert animations > 50
    assert set(told(*paths, options=["--mime-type"])) == {TYPE}
    assert set(told(*paths, options=["--extension"])) == {"kmc"}


# On both sides of lengths at which the length of a coded palette takes another byte.
SMALL = [(1, 255), (1, 256), (2, 127), (2, 129), (3, 84), (3, 86), (4, 63), (4, 65)]
LARGE = [(3, 21845), (3, 21846), (4, 16385)]


@pytest.mark.parametrize(
    ("coding", "sizes"), [("packed", [*SMALL, (3, 32768)]), ("context", [*SMALL, *LARGE])]
)
def test_file_finds_the_frames_behind_palettes_of_any_length(tmp_path, coding, sizes):
    paths = []
    for channels, entries in sizes:
        # An odd factor: no entry repeats.
        numbers = np.arange(entries) * 10_007 % 256**channels
        palette = numbers.astype("<u4").view(np.uint8).reshape(-1, 4)[:, :channels]
        palette = palette[dark_to_bright(palette)]
        indices = np.zeros((3, 1, 2), np.uint16)
        indices[1, 0, 0] = entries - 1
        animation = kmcodec.Animation((palette,), indices, (10, 10, 10), 0)
        path = tmp_path / f"{channels}-{entries}.kmc"
        data = kmcodec.encode_frames(animation, coding=coding, effort="fast")
        path.write_bytes(data)
        paths.append(path)
    for path, line in zip(paths, told(*paths), strict=True):
        assert line.endswith(", 3 frames"), (path.name, line)


def test_file_tells_a_transfer_in_text_mode_from_other_damage(tmp_path):
    whole = (VECTORS / "good" / "example.kmc").read_bytes()
    cases = {
        "unix": (whole.replace(b"\r\n", b"\n"), "damaged by a transfer in text mode"),
        "dos": (whole.replace(b"\n", b"\r\n"), "damaged by a transfer in text mode"),
        "newer": (whole[:8] + b"\x02" + whole[9:], "KMC palette image, version 2"),
        "short": (whole[:8], "KMC palette image"),
        "other": (b"\x8bPNG" + whole[4:], "data"),
    }
    for name, (data, _) in cases.items():
        (tmp_path / name).write_bytes(data)
    lines = told(*(tmp_path / name for name in cases))
    for line, (name, (_, words)) in zip(lines, cases.items(), strict=True):
        assert line.endswith(words), name


def type_by_gio(desktop, path):
    out = desktop.run("gio", "info", "--attributes", "standard::content-type", path)
    return re.search(r"standard::content-type: (\S+)", out)[1]


def test_desktops_know_the_type_by_name_and_by_content(desktop, tmp_path):
    need("gio", "xdg-mime", "update-mime-database")
    named, unnamed, empty = (tmp_path / name for name in ("bird.kmc", "bird", "empty.kmc"))
    for path in (named, unnamed):
        shutil.copy(VECTORS / "good" / "example.kmc", path)
    empty.touch()
    assert type_by_gio(desktop, unnamed) != TYPE
    desktop.run("xdg-mime", "install", "--mode", "user", DESCRIPTION)
    for path in (named, unnamed):
        assert type_by_gio(desktop, path) == TYPE
        assert desktop.run("xdg-mime", "query", "filetype", path) == f"{TYPE}\n"
    # Other files do not change.
    png = tmp_path / "bird.png"
    Image.new("L", (2, 2)).save(png)
    assert type_by_gio(desktop, png) == "image/png"
    desktop.run("xdg-mime", "uninstall", "--mode", "user", DESCRIPTION)
    assert type_by_gio(desktop, unnamed) != TYPE


def test_what_describes_the_type_agrees():
    text = (ROOT / "spec" / "media-type.md").read_text("utf-8")
    example = (VECTORS / "good" / "example.kmc").read_bytes()
    signature = example[:8].hex(" ").upper()
    assert text.count(signature) == 2
    assert text.count(TYPE) >= 2
    assert r'value="\x8bKMC\r\n\x1a\n"' in DESCRIPTION.read_text("utf-8")
    assert example.startswith(b"\x8bKMC\r\n\x1a\n")
    assert Image.MIME["KMC"] == TYPE


def test_the_index_of_the_specification_names_files_that_are_there():
    index = (ROOT / "spec" / "README.md").read_text("utf-8")
    table = index[index.index("## For systems") :]
    names = re.findall(r"^\| `([^`]+)` \|", table, re.MULTILINE)
    assert len(names) == 3
    assert all((ROOT / "spec" / name).is_file() for name in names)
