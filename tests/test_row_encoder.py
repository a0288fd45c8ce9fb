"""Encoding of images larger than memory: the same bytes, little memory, clear errors."""

from __future__ import annotations

import dataclasses
import inspect
import io
import os
import subprocess
import sys

import numpy as np
import pytest
from conftest import ROOT
from hypothesis import given
from hypothesis import strategies as st

import kmcodec
from kmcodec.quantization import Placing, Search

# The twin of the kernel says that it is slow.
pytestmark = pytest.mark.filterwarnings("ignore:no compiled kernels")


def encoded(rows, *args, **options):
    file = io.BytesIO()
    assert kmcodec.encode_rows(rows, *args, output=file, **options) == len(file.getvalue())
    return file.getvalue()


def blocks_of(pixels, cuts):
    """A callable that gives the pixels in blocks, cut at some rows."""
    return lambda: np.split(pixels, cuts)


@st.composite
def cases(draw):
    """Pixels of any channels and several dtypes, and options that go with them."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    height, width = draw(st.integers(1, 40)), draw(st.integers(1, 20))
    shape = (height, width, *draw(st.sampled_from([(), (1,), (2,), (3,), (4,)])))
    levels = draw(st.sampled_from([2, 9, 256]))
    pixels = rng.integers(0, levels, shape, dtype=np.uint8) * np.uint8(255 // (levels - 1))
    if len(shape) == 3 and shape[2] in (2, 4):
        pixels[..., -1] = rng.choice([0, 77, 255, 255], shape[:2])
    dtype = draw(st.sampled_from(["u1", "i4", "f4"]))
    if dtype == "f4":
        pixels = pixels / np.float32(255)
    options = {"k": draw(st.sampled_from([1, 2, 5, 16, 300, None]))}
    options["dither"] = draw(st.sampled_from(["none", "none", "floyd-steinberg", "blue-noise"]))
    options["space"] = draw(st.sampled_from(["srgb", "oklab"]))
    options["search"] = draw(st.sampled_from([0, 1, 3]))
    options["coding"] = draw(st.sampled_from(["packed", "deflate", "context"]))
    options["strip_rows"] = draw(st.sampled_from([None, 0, 1, 7, 16]))
    if options["k"] is None and draw(st.booleans()):
        channels = draw(st.integers(1, 4))
        options["palette"] = rng.integers(0, 256, (draw(st.integers(1, 9)), channels))
        if channels in (2, 4):
            options["palette"][0, -1] = 9
        elif len(shape) == 3 and shape[2] in (2, 4):
            pixels[..., -1] = 1 if dtype == "f4" else 255
    cuts = sorted(draw(st.sets(st.integers(1, height), max_size=4)))
    return pixels.astype(dtype), cuts, options


@given(cases())
def test_the_file_is_that_of_the_whole_image(case):
    pixels, cuts, options = case
    whole = kmcodec.encode(pixels, **options)
    height, width = pixels.shape[:2]
    assert encoded(blocks_of(pixels, cuts), width, height, **options) == whole
    assert encoded(pixels, **options) == whole


@pytest.mark.parametrize("dither", ["none", "floyd-steinberg"])
def test_strips_are_chosen_as_for_the_whole_image(rng, dither):
    # Busy in the middle: strips as high as if it were so throughout, or not at all, would show.
    pixels = np.full((3000, 2000), 50, np.uint8)
    pixels[:, 600:1500] = rng.choice([0, 40, 80, 90, 200], (3000, 900))
    options = {"k": 4, "search": 0, "effort": "fast", "dither": dither}
    data = encoded(blocks_of(pixels, [1, 2, 1000, 1357]), 2000, 3000, **options)
    assert data == kmcodec.encode(pixels, **options)
    assert len(kmcodec.inspect(data).strips) == 2


def test_16_bits_are_scaled_by_their_type_in_all_rows(rng):
    pixels = rng.integers(0, 200, (40, 9, 3), dtype=np.uint16)
    pixels[-1, -1] = 60_000
    with pytest.warns(kmcodec.KmcWarning, match="16-bit samples") as told:
        data = encoded(blocks_of(pixels, [10, 30]), 9, 40)
    assert len(told) == 1
    with pytest.warns(kmcodec.KmcWarning, match="16-bit samples"):
        assert data == kmcodec.encode(pixels)


def test_alpha_that_a_palette_cannot_show_is_told(rng):
    pixels = rng.integers(0, 255, (9, 9, 4), dtype=np.uint8)
    with pytest.warns(kmcodec.KmcWarning, match="no transparent entry"):
        data = encoded(pixels, palette=[[0, 0, 0], [255, 255, 255]])
    with pytest.warns(kmcodec.KmcWarning, match="no transparent entry"):
        assert data == kmcodec.encode(pixels, palette=[[0, 0, 0], [255, 255, 255]])


def test_metadata_and_progress(rng, tmp_path):
    pixels, shares = rng.integers(0, 255, (40, 9, 3), dtype=np.uint8), []
    metadata = kmcodec.Metadata(text={"Title": "Rows"})
    path = tmp_path / "rows.kmc"
    size = kmcodec.encode_rows(
        pixels, k=4, output=path, metadata=metadata, strip_rows=4, progress=shares.append
    )
    assert path.read_bytes() == kmcodec.encode(pixels, 4, metadata=metadata, strip_rows=4)
    assert size == path.stat().st_size
    assert shares == sorted(shares)
    assert shares[0] < 0.5
    assert shares[-1] == 1


def test_the_defaults_are_those_of_quantize():
    of_quantize = inspect.signature(kmcodec.quantize).parameters
    for field in (*dataclasses.fields(Search), *dataclasses.fields(Placing)):
        assert of_quantize[field.name].default == field.default


def test_any_number_of_threads_writes_the_same_bytes(tmp_path, rng):
    np.save(tmp_path / "image.npy", rng.integers(0, 255, (300, 50, 3), dtype=np.uint8))
    code = (
        "import sys, kmcodec, numpy; pixels = numpy.load('image.npy', mmap_mode='r');"
        "kmcodec.encode_rows(pixels, k=16, strip_rows=20, output=sys.argv[1])"
    )
    files = []
    for threads in ("1", "4"):
        environment = {**os.environ, "KMC_THREADS": threads, "PYTHONPATH": str(ROOT)}
        subprocess.run(
            [sys.executable, "-c", code, threads], cwd=tmp_path, env=environment, check=True
        )
        files.append((tmp_path / threads).read_bytes())
    assert files[0] == files[1]


MEMORY_CODE = """
import resource, sys
import numpy as np
import kmcodec

def rows():
    block = np.random.default_rng(1).integers(0, 255, (250, 2000, 3), dtype=np.uint8) // 16 * 16
    for y in range(0, height, 250):
        yield np.roll(block, y, axis=1)

height = int(sys.argv[1])
kmcodec.encode_rows(rows, 2000, height, 16, search=1, coding="packed", output="rows.kmc")
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)
for block in kmcodec.decode_rows("rows.kmc"):
    pass
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere memory is counted in other ways")
def test_memory_does_not_grow_with_height(tmp_path):
    peaks = []
    for height in (4_500, 13_500):
        environment = {**os.environ, "KMC_THREADS": "2", "PYTHONPATH": str(ROOT)}
        run = subprocess.run(
            [sys.executable, "-c", MEMORY_CODE, str(height)],
            cwd=tmp_path,
            env=environment,
            check=True,
            capture_output=True,
        )
        peaks.append([int(line) for line in run.stdout.split()])
    # The second image has 54 MB more of pixels, and 18 MB more of indices.
    for less, more in zip(*peaks, strict=True):
        assert more - less < 12


@pytest.mark.parametrize(
    ("rows", "size", "told"),
    [
        (lambda: [np.zeros((3, 4, 3), np.uint8)], (4, 5), "got 3 rows, expected 5"),
        (lambda: [np.zeros((9, 4, 3), np.uint8)], (4, 5), "5 rows in all"),
        (list, (4, 5), "got no rows, expected 5"),
        (lambda: [np.zeros((5, 4, 3), np.uint8)], (7, 5), r"shape \(n, 7, 3\)"),
        (
            lambda: [np.zeros((2, 4, 3), np.uint8), np.zeros((3, 4, 4), np.uint8)],
            (4, 5),
            r"shape \(n, 4, 3\)",
        ),
        (
            lambda: [np.zeros((2, 4), np.uint8), np.zeros((3, 4), np.float32)],
            (4, 5),
            "changes from uint8 to float32 at row 2",
        ),
        (lambda: [np.zeros((2, 4)), np.full((3, 4), 2.0)], (4, 5), "from row 2: float pixels"),
        (lambda: [np.zeros((5, 4), np.uint8)], (), "needs width and height"),
        (np.zeros((5, 4), np.uint8), (5, 4), "are not 5 x 4"),
        (np.zeros(5, np.uint8), (), "shape"),
        (lambda: [np.zeros((5, 4), np.uint8)], (0, 5), "width"),
        (kmcodec.IndexedImage([[0]], [[0]]), (), r"encode\(\) takes images"),
    ],
)
def test_rows_that_are_not_as_agreed(tmp_path, rows, size, told):
    path = tmp_path / "rows.kmc"
    path.write_bytes(b"what was there")
    with pytest.raises(kmcodec.KmcInputError, match=told):
        kmcodec.encode_rows(rows, *size, output=path)
    assert path.read_bytes() == b"what was there"
    assert os.listdir(tmp_path) == ["rows.kmc"]


@pytest.mark.parametrize(
    "options", [{"rdo": 0.1}, {"psnr": 30}, {"max_bytes": 900}, {"quality": 50}]
)
def test_goals_need_the_whole_image(options):
    with pytest.raises(kmcodec.KmcInputError, match="whole image in memory"):
        kmcodec.encode_rows(np.zeros((5, 4), np.uint8), output=io.BytesIO(), **options)


@pytest.mark.parametrize("error", [OSError(5, "the tape broke"), KeyError("no such tile")])
@pytest.mark.parametrize("good_passes", [0, 1, 2])
def test_errors_of_the_rows_are_not_taken_for_those_of_the_file(tmp_path, error, good_passes):
    calls = []

    def rows():
        calls.append(1)
        yield np.zeros((2, 4), np.uint8)
        if len(calls) > 1 + good_passes:
            raise error
        yield np.zeros((3, 4), np.uint8)

    with pytest.raises(type(error)) as caught:
        kmcodec.encode_rows(rows, 4, 5, output=tmp_path / "rows.kmc")
    assert caught.value is error
    assert not os.listdir(tmp_path)
