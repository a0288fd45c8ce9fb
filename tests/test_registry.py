"""The registry of spec/stability.md against what readers do with values that it does not assign."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import zlib

import numpy as np
import pytest
from conftest import ROOT, VECTORS

import kmcodec
from kmcodec.coding import METHODS
from kmcodec.container import metadata

sys.path.append(str(ROOT / "spec"))
import read_kmc

TEXT = (ROOT / "spec" / "stability.md").read_text("utf-8")
EXAMPLE = (VECTORS / "good" / "example.kmc").read_bytes()
FRAMES = (VECTORS / "good" / "frames-example.kmc").read_bytes()
SCENES = (VECTORS / "good" / "scenes-example.kmc").read_bytes()
ASSIGNED = {int(number) for number in re.findall(r"^\| (\d+) \| \w", TEXT, re.M)} - {255}
BITS = {
    place: {int(bit) for bit in re.findall(rf"^\| {place} \| (\d) \|", TEXT, re.M)}
    for place in ("header", "frame", "scene")
}
# Of each: a file, the byte with the flags, and the bytes that the CRC after them covers.
FLAGGED = {
    "header": (EXAMPLE, 11, slice(0, 24)),
    "frame": (FRAMES, 0x2D, slice(0x29, 0x36)),
    "scene": (SCENES, 0x42, slice(0x29, 0x45)),
}
OPTIONAL = (b"zzzz", b"xAbc", b"aBCD", b"kend")
REQUIRED = (b"ZZZZ", b"Xabc", b"Text", b"TEXT")
SCRIPT = """
import { readFileSync } from 'node:fs';
import { read } from './decoder/kmc.js';
for (const path of process.argv.slice(1)) {
  try {
    read(new Uint8Array(readFileSync(path)));
    console.log('read');
  } catch (error) {
    console.log(error.message);
  }
}
"""


def changed(data, at, value, covered):
    """A file with another byte, and the CRC that it needs."""
    data = bytearray(data)
    data[at] = value
    data[covered.stop : covered.stop + 4] = zlib.crc32(data[covered]).to_bytes(4, "little")
    return bytes(data)


def with_section(kind):
    sections = b""
    for type_, payload in ((kind, b"example.org\0data"), (b"KEND", b"")):
        section = type_ + len(payload).to_bytes(4, "little") + payload
        sections += section + zlib.crc32(section).to_bytes(4, "little")
    return changed(EXAMPLE, 11, 1, slice(0, 24)) + sections


def unassigned():
    """Files that readers of this version must refuse, each with what they should name."""
    for version in {*range(256)} - {1}:
        yield f"version {version}", changed(EXAMPLE, 8, version, slice(0, 24))
    for method in {*range(256)} - ASSIGNED:
        yield f"coding {method}", changed(EXAMPLE, 9, method, slice(0, 24))
    for place, (data, at, covered) in FLAGGED.items():
        for bit in {*range(8)} - BITS[place]:
            yield f"{place} flags", changed(data, at, data[at] | 1 << bit, covered)
    for kind in REQUIRED:
        yield kind.decode(), with_section(kind)


def test_the_registry_has_what_the_package_reads():
    assert {method.number for method in METHODS} == ASSIGNED
    assert {"header": {0, 1, 2, 3}, "frame": {0, 1, 2}, "scene": {0, 1}} == BITS
    known = {*metadata._FIELD_OF_TYPE, "text"}
    assert set(re.findall(r"^\| `(\w{4})` \|", TEXT, re.M)) == {*known, "KEND"}
    assert all(kind.islower() for kind in known)


def test_python_readers_refuse_what_is_unassigned():
    readers = {kmcodec.decode_frames: kmcodec.KmcFormatError, read_kmc.read: read_kmc.Refused}
    for name, data in unassigned():
        for read, refused in readers.items():
            with pytest.raises(refused) as caught:
                read(data)
            assert name.split()[-1] in str(caught.value)
            assert "CRC" not in str(caught.value), name


def test_python_readers_skip_optional_sections():
    expected = kmcodec.decode_indexed(EXAMPLE)
    for kind in OPTIONAL:
        found = kmcodec.decode_indexed(with_section(kind))
        np.testing.assert_array_equal(found.indices, expected.indices)
        assert read_kmc.read(with_section(kind)).metadata == read_kmc.read(EXAMPLE).metadata


@pytest.mark.skipif(
    shutil.which("node") is None and os.environ.get("KMC_REQUIRE_BROWSER") != "1", reason="no Node"
)
def test_the_reader_in_javascript_does_so_too(tmp_path):
    files = [*unassigned(), *((kind.decode(), with_section(kind)) for kind in OPTIONAL)]
    for number, (_, data) in enumerate(files):
        (tmp_path / f"{number}.kmc").write_bytes(data)
    command = ["node", "--input-type=module", "-e", SCRIPT]
    run = subprocess.run(
        [*command, *(str(tmp_path / f"{number}.kmc") for number in range(len(files)))],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
        cwd=ROOT / "web",
    )
    for (name, _), line in zip(files, run.stdout.splitlines(), strict=True):
        assert (line == "read") == (name.encode() in OPTIONAL), (name, line)
        assert "CRC" not in line
