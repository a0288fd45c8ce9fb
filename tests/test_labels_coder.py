"""The label coder: kernel and twin, the second and the third reader, slices, damage."""

from __future__ import annotations

import os
import shutil
import struct
import subprocess
import zlib

import numpy as np
import pytest
from conftest import ROOT, VECTORS
from hypothesis import given, settings
from hypothesis import strategies as st
from test_context import drawn, needs_kernels
from test_second_reader import reader

import kmcodec
from kmcodec.coding import METHODS
from kmcodec.coding.labels import Labels, method
from kmcodec.coding.packed import Packed

KINDS = ["noise", "flat", "ramp", "tiles", "blocks", "areas", "volume"]
ENTRIES = [2, 3, 4, 5, 16, 17, 255, 256, 257, 1000, 4096, 65536]
READ = """
import { readFileSync } from 'node:fs';
import { read } from './kmc.js';
const data = new Uint8Array(readFileSync(0));
for (let at = 0; at < data.length;) {
  const size = new DataView(data.buffer, at).getUint32(0, true);
  let found = 'refused';
  try {
    found = read(data.subarray(at + 4, at + 4 + size)).indices.join(' ');
  } catch (error) {
    if (error.constructor.name !== 'KmcError') throw error;
  }
  console.log(found);
  at += 4 + size;
}
"""


class Twin:
    """The coder as it is without compiled kernels."""

    def __init__(self, coder):
        self.coder = coder

    def __getattr__(self, name):
        def without_kernels(*arguments):
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(method, "MAP", None)
                return getattr(self.coder, name)(*arguments)

        return without_kernels


def areas(rng, slices, rows, width, few):
    """A stack of slices in which areas grow and shrink, with some wrong pixels."""
    z, y, x = np.mgrid[:slices, :rows, :width]
    points = rng.integers(0, [slices, rows, width], (6, 3))
    near = zip((z, y, x), points.T, strict=True)
    far = sum((axis[..., np.newaxis] - at) ** 2 for axis, at in near)
    found = few[far.argmin(-1) % len(few)].reshape(slices * rows, width)
    wrong = rng.random(found.shape) < 0.02
    return np.where(wrong, rng.choice(few, found.shape), found)


@st.composite
def maps(draw, most_rows=14, most_width=44):
    """An index map, the number of entries, and the rows of a slice, or 0."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    rows, width = draw(st.integers(1, most_rows)), draw(st.integers(1, most_width))
    entries, kind = draw(st.sampled_from(ENTRIES)), draw(st.sampled_from(KINDS))
    few = rng.integers(0, entries, 5)
    slices = draw(st.integers(2, 4)) if kind == "volume" else 1
    if kind in ("areas", "volume"):
        indices = areas(rng, slices, rows, width, few)[: max(1, slices * rows - 1)]
    else:
        indices = drawn(rng, kind, rows, width, entries)
    slice_rows = draw(st.sampled_from([0, 2, rows])) if len(indices) > 2 else 0
    dtype = np.uint8 if entries <= 256 else np.uint16
    return indices.astype(dtype), entries, slice_rows


def greys(entries):
    return (np.arange(entries) % 256).astype(np.uint8)[:, np.newaxis]


def found_by(decode, *arguments):
    """Return the indices that are decoded, or None where they are refused."""
    try:
        return np.asarray(decode(*arguments)).tolist()
    except (kmcodec.KmcFormatError, reader.read_context.BadPayload, reader.Refused):
        return None


def by_second_reader(payload, rows, width, entries):
    return reader.decode_strip(payload, rows, width, 6, [(0,)] * entries, "strip", 0)


def test_the_number_is_that_of_the_label_coder():
    assert METHODS[6].name == "labels"


@settings(max_examples=150)
@given(maps(60, 60), st.data())
def test_a_strip_survives_coding(strip, data):
    indices, entries, slice_rows = strip
    coder, palette = Labels(slice_rows), greys(entries)
    payload = coder.encode(indices, palette)
    decoded = coder.decode(payload, *indices.shape, palette)
    np.testing.assert_array_equal(decoded, indices, strict=True)
    stop = data.draw(st.integers(1, len(indices)))
    first = coder.decode(payload, *indices.shape, palette, stop)
    np.testing.assert_array_equal(first, indices[:stop], strict=True)


@needs_kernels
@settings(max_examples=int(os.environ.get("KMC_TWIN_EXAMPLES", "60")))
@given(maps())
def test_twins_and_the_second_reader_write_the_same_bytes(strip):
    indices, entries, slice_rows = strip
    coder, palette = Labels(slice_rows), greys(entries)
    payload = coder.encode(indices, palette)
    assert Twin(coder).encode(indices, palette) == payload
    np.testing.assert_array_equal(
        Twin(coder).decode(payload, *indices.shape, palette), indices, strict=True
    )
    h = slice_rows if 2 <= slice_rows < len(indices) else 0
    coded = reader.read_labels.encode(indices.tolist(), [(0,)] * entries, h=h)
    packed = b"\xff" + Packed().encode(indices, palette)
    assert payload == (coded if len(coded) <= len(packed) else packed)
    assert by_second_reader(payload, *indices.shape, entries) == indices.tolist()


def damaged(payload, damage):
    """Change bits, cut, or append, as the numbers say."""
    data = bytearray(payload)
    for number in damage:
        kind, place = number % 4, number // 4
        if kind < 2 and data:
            data[place // 8 % len(data)] ^= 1 << place % 8
        elif kind == 2:
            del data[place % (len(data) + 1) :]
        else:
            data += bytes([place % 256])
    return bytes(data)


@needs_kernels
@settings(max_examples=int(os.environ.get("KMC_TWIN_EXAMPLES", "80")))
@given(maps(8, 24), st.lists(st.integers(0, 2**16), min_size=1, max_size=3))
def test_twins_and_the_second_reader_agree_on_damaged_payloads(strip, damage):
    indices, entries, slice_rows = strip
    coder, palette = Labels(slice_rows), greys(entries)
    payload = damaged(coder.encode(indices, palette), damage)
    found = found_by(coder.decode, payload, *indices.shape, palette)
    assert found_by(Twin(coder).decode, payload, *indices.shape, palette) == found
    assert found_by(by_second_reader, payload, *indices.shape, entries) == found


@needs_kernels
@given(maps(6, 20), st.binary(max_size=60), st.sampled_from([b"\0", b"\1\2\0", b"\1\3\0", b""]))
def test_twins_and_the_second_reader_agree_on_bytes_that_nobody_has_encoded(strip, noise, head):
    indices, entries, _ = strip
    arguments = head + noise, *indices.shape
    found = found_by(Labels().decode, *arguments, greys(entries))
    assert found_by(Twin(Labels()).decode, *arguments, greys(entries)) == found
    assert found_by(by_second_reader, *arguments, entries) == found


@needs_kernels
def test_runs_of_all_lengths():
    """Longer than a run can be, up to both ends of a row, denied, and given up half-way."""
    rng = np.random.default_rng(7)
    indices = np.zeros((12, 2600), np.uint8)
    for row in indices[3:]:
        row[rng.integers(0, 2600, 4)] = rng.integers(0, 3, 4)
    indices[6:, 1030:] = 2
    for slice_rows in (0, 4):
        coder = Labels(slice_rows)
        payload = coder.encode(indices, greys(3))
        assert Twin(coder).encode(indices, greys(3)) == payload
        assert by_second_reader(payload, *indices.shape, 3) == indices.tolist()


@pytest.mark.parametrize("entries", [2, 3, 16, 200, 256, 257, 5000])
def test_noise_takes_a_byte_more_than_packed(entries, rng):
    indices = rng.integers(0, entries, (70, 90)).astype(np.uint16 if entries > 256 else np.uint8)
    packed = Packed().encode(indices, greys(entries))
    payload = Labels().encode(indices, greys(entries))
    assert len(payload) <= 1 + len(packed)
    decoded = Labels().decode(payload, 70, 90, greys(entries))
    np.testing.assert_array_equal(decoded, indices, strict=True)


def test_slices_that_cannot_be_are_refused():
    rows = np.tile(np.arange(8, dtype=np.uint8), (6, 3))
    payload = Labels(3).encode(rows, greys(8))
    assert payload[:3] == b"\1\3\0"
    for h in (0, 1, 6, 7, 4097, 65535):
        wrong = b"\1" + struct.pack("<H", h) + payload[3:]
        for coder in (Labels(), Twin(Labels())):
            with pytest.raises(kmcodec.KmcFormatError, match="slices of"):
                coder.decode(wrong, 6, 24, greys(8))
    for wrong in (b"", b"\1", b"\1\3", b"\2" + payload[3:], payload[3:]):
        with pytest.raises(kmcodec.KmcFormatError):
            Labels().decode(wrong, 6, 24, greys(8))


def test_slices_that_do_not_fit_are_no_slices():
    rows = np.tile(np.arange(8, dtype=np.uint8), (6, 3))
    flat = Labels().encode(rows, greys(8))
    assert flat[:1] == b"\0"
    for h in (1, 6, 7, 5000):
        assert Labels(h).encode(rows, greys(8)) == flat


def test_a_slice_before_saves_bytes():
    volume = areas(np.random.default_rng(3), 6, 40, 60, np.arange(1, 9)).astype(np.uint8)
    coded = {h: len(Labels(h).encode(volume, greys(9))) for h in (0, 39, 40)}
    assert coded[40] < min(coded[0], coded[39])


@needs_kernels
@settings(max_examples=400)
@given(maps(20, 40), st.lists(st.integers(0, 2**16), min_size=1, max_size=3), st.booleans())
def test_the_kernel_survives_damage(strip, damage, is_long):
    """Also where enough bytes follow, so that all pixels are decoded."""
    indices, entries, slice_rows = strip
    payload = damaged(Labels(slice_rows).encode(indices, greys(entries)), damage)
    if is_long:
        payload += bytes(range(256)) * 8
    found = found_by(Labels().decode, payload, *indices.shape, greys(entries))
    assert found is None or np.max(found) < entries


@needs_kernels
def test_every_vector_is_read_by_the_twin_too():
    paths = [
        path
        for path in sorted((VECTORS / "good").glob("*labels*.kmc"))
        if path.stat().st_size < 2000
    ]
    assert len(paths) > 50
    for path in paths:
        data = path.read_bytes()
        if struct.unpack("<II", data[12:20]) > (700, 0):
            continue
        expected = kmcodec.decode_indexed(data)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(method, "MAP", None)
            assert kmcodec.decode_indexed(data) == expected


def file_of(payload, rows, width, entries):
    """Make a file of one strip, with a palette of greys, by hand."""
    head = b"\x8bKMC\r\n\x1a\n" + bytes([1, 6, 1, 0])
    head += struct.pack("<IIHH", width, rows, entries - 1, 0)
    parts = [head, greys(entries).tobytes()]
    strip = struct.pack("<II", 0, len(payload)) + payload
    framed = b"".join(part + struct.pack("<I", zlib.crc32(part)) for part in parts)
    return framed + struct.pack("<II", len(payload), zlib.crc32(strip)) + payload


@pytest.mark.skipif(
    shutil.which("node") is None and os.environ.get("KMC_REQUIRE_BROWSER") != "1",
    reason="there is no Node",
)
def test_the_third_reader_agrees(rng):
    """On good and damaged payloads of random maps."""
    files, expected = [], []
    for number in range(300):
        kind = KINDS[number % len(KINDS)]
        entries = int(rng.choice(ENTRIES))
        rows, width = (int(side) for side in rng.integers(1, 40, 2))
        slice_rows = 0
        if kind in ("areas", "volume"):
            few = rng.integers(0, entries, 9)
            indices = areas(rng, 3 if kind == "volume" else 1, rows, width, few)
            slice_rows = rows if kind == "volume" else 2
        else:
            indices = drawn(rng, kind, rows, width, entries)
        dtype = np.uint8 if entries <= 256 else np.uint16
        payload = Labels(slice_rows).encode(indices.astype(dtype), greys(entries))
        if number % 2:
            payload = damaged(payload, rng.integers(0, 2**16, 2).tolist())
        files.append(file_of(payload, *indices.shape, entries))
        found = found_by(Labels().decode, payload, *indices.shape, greys(entries))
        flat = None if found is None else np.ravel(found)
        expected.append("refused" if flat is None else " ".join(map(str, flat)))
    stream = b"".join(struct.pack("<I", len(file)) + file for file in files)
    result = subprocess.run(
        ["node", "--input-type=module", "-e", READ],
        input=stream,
        capture_output=True,
        timeout=120,
        check=True,
        cwd=ROOT / "web" / "decoder",
    )
    lines = result.stdout.decode().splitlines()
    assert lines == expected
    assert 40 < lines.count("refused") < 150
