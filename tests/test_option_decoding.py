"""Which option of decoding holds on which path: every cell is tried at its bound."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image
from test_option_paths import PLUMBING, names_of, pixels

import kmcodec
from kmcodec.batch.decoding import decode_file
from kmcodec.batch.planning import Job
from kmcodec.cli.decode import decode as decode_command
from kmcodec.cli.verify import verify as verify_command
from kmcodec.container.reader import ContainerReader
from kmcodec.errors import KmcError, KmcLimitError, KmcWarning

# Reading .kmc files: limits, parts and what is left.


@pytest.fixture
def made(tmp_path):
    """A file of 33 x 40 pixels with metadata, as bytes and under a path."""
    metadata = kmcodec.Metadata(text={"Title": "t"})
    data = kmcodec.encode_labels(pixels()[..., 0] // 32, strip_rows=8, metadata=metadata)
    (tmp_path / "made.kmc").write_bytes(data)
    return data, tmp_path / "made.kmc"


def decoded(path, **options):
    job = Job(str(path), str(path.with_suffix(".png")), replace=True)
    return decode_file(job, **options)


DECODERS = {
    "whole": lambda data, path, **o: kmcodec.decode(data, **o),
    "whole, salvaged": lambda data, path, **o: kmcodec.decode(data, salvage=True, **o),
    "indexed": lambda data, path, **o: kmcodec.decode_indexed(data, **o),
    "indexed, salvaged": lambda data, path, **o: kmcodec.decode_indexed(data, salvage=True, **o),
    "read": lambda data, path, **o: kmcodec.read(path, **o),
    "frames": lambda data, path, **o: kmcodec.decode_frames(data, **o),
    "labels": lambda data, path, **o: kmcodec.decode_labels(data, **o),
    "batch": lambda data, path, **o: decoded(path, **o),
    "batch, salvaged": lambda data, path, **o: decoded(path, salvage=True, **o),
    "batch, rows": lambda data, path, **o: decoded(path, rows=(0, 33), **o),
    "blocks": lambda data, path, **o: list(kmcodec.decode_rows(path, **o)),
    "batch, .npy": lambda data, path, **o: decode_file(
        Job(str(path), str(path.with_suffix(".npy")), replace=True), **o
    ),
}
COMMANDS = {
    "decode": ("decode", "-f", "-o", "out.png"),
    "decode --salvage": ("decode", "--salvage", "-f", "-o", "out.png"),
    "decode --rows": ("decode", "--rows", "0:33", "-f", "-o", "out.png"),
    "verify --deep": ("verify", "--deep"),
}


@pytest.mark.parametrize("name", DECODERS)
def test_max_pixels_holds_at_its_bound(made, name):
    # Decoded block by block, each strip by itself counts.
    most = 8 * 40 if name == "blocks" else 33 * 40
    DECODERS[name](*made, max_pixels=most)
    DECODERS[name](*made, max_pixels=None)
    with pytest.raises(KmcLimitError, match="max_pixels"):
        DECODERS[name](*made, max_pixels=most - 1)


@pytest.mark.parametrize("name", COMMANDS)
def test_max_pixels_of_commands_holds_at_its_bound(kmc, made, name):
    words = COMMANDS[name]
    most = 33 * 40
    for limit, code in ((most, 0), (0, 0), (most - 1, 1)):
        run = kmc(*words, made[1], "--max-pixels", limit)
        assert run.returncode == code, run.stderr
        assert (b"max_pixels" in run.stderr) == bool(code)


def test_plain_verify_decodes_nothing_that_max_pixels_could_limit(kmc, made):
    assert kmc("verify", made[1], "--max-pixels", 1).returncode == 0


TAKE_METADATA = ["whole", "whole, salvaged", "indexed", "indexed, salvaged", "read"]


@pytest.mark.parametrize("name", [*TAKE_METADATA, "frames", "labels", "inspect"])
def test_max_metadata_holds(made, name):
    reading = {**DECODERS, "inspect": lambda data, path, **o: kmcodec.inspect(data, **o)}[name]
    reading(*made, max_metadata=None)
    with pytest.raises(KmcLimitError, match="max_metadata"):
        reading(*made, max_metadata=1)


@pytest.mark.parametrize("name", ["whole", "indexed", "batch", "cli"])
def test_salvage_marks_what_is_lost(kmc, made, name):
    data, path = bytearray(made[0]), made[1]
    # In the last strip, before the sections.
    strip = list(ContainerReader(io.BytesIO(made[0])).strips())[1]
    data[strip.offset] ^= 255
    path.write_bytes(data)
    if name == "cli":
        run = kmc("decode", "--salvage", path, "-o", "out.png")
        assert (run.returncode, b"rows 8 to 15" in run.stderr) == (1, True)
        return
    if name == "batch":
        assert "rows 8 to 15" in decoded(path, salvage=True).lost[0]
        return
    with pytest.raises(KmcError):
        DECODERS[name](bytes(data), path)
    with pytest.warns(KmcWarning, match="rows 8 to 15"):
        DECODERS[name](bytes(data), path, salvage=True)


@pytest.mark.parametrize("extension", [".png", ".npy"])
def test_strip_and_rows_of_decoding(made, tmp_path, extension):
    target = tmp_path / f"out{extension}"
    job = Job(str(made[1]), str(target), replace=True)
    assert decode_file(job, rows=(3, 20)).height == 17
    with pytest.raises(KmcError, match="rows and salvage exclude each other"):
        decode_file(job, rows=(3, 20), salvage=True)
    decode_file(job, strip=True, picture=True)
    whole = kmcodec.decode(made[0])
    if extension == ".npy":
        np.testing.assert_array_equal(np.load(target), whole)
        return
    with Image.open(target) as image:
        assert "Title" not in image.info
    decode_file(job, picture=True)
    with Image.open(target) as image:
        assert image.info["Title"] == "t"


@pytest.mark.parametrize("extension", [".png", ".npy"])
def test_labels_come_back_unless_a_picture_is_wanted(made, tmp_path, extension):
    labels = pixels()[..., 0] // 32
    for picture, expected in ((False, labels), (True, kmcodec.decode(made[0]))):
        target = tmp_path / f"{picture}{extension}"
        decode_file(Job(str(made[1]), str(target), replace=False), picture=picture)
        if extension == ".npy":
            found = np.load(target)
        else:
            with Image.open(target) as image:
                found = np.array(image.convert("L") if picture else image)
        np.testing.assert_array_equal(found, expected)


# The table is whole.


DECODING = {"max_pixels", "max_metadata", "salvage", "rows", "strip", "picture"}
READ_FROM = {"data", "path", "job", "extension", "deep", "output"} | PLUMBING


@pytest.mark.parametrize(
    "taken",
    [
        *(names_of(getattr(kmcodec, f"decode{s}")) for s in ("", "_indexed", "_frames", "_labels")),
        *(names_of(f) for f in (kmcodec.decode_rows, kmcodec.read, kmcodec.inspect, decode_file)),
        *({p.name for p in each.params} for each in (decode_command, verify_command)),
    ],
)
def test_every_option_of_decoding_is_tried(taken):
    assert taken <= DECODING | READ_FROM, "a row of DECODING, and a test of it, is missing"
