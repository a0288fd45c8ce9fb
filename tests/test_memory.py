"""Memory: what spec/security.md promises, measured on files made to break it."""

import io
import struct
import subprocess
import sys
import tempfile
import tracemalloc
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import kmcodec
from kmcodec.container.layout import strip_crc
from kmcodec.decoder import read_indexed
from kmcodec.model.limits import Limits

A_PIXEL = 18
OF_FILE = 6
BESIDE = 1 << 19


def with_crc(data):
    return data + struct.pack("<I", zlib.crc32(data))


def head(width, height, *, rows_per_strip=0, flags=0):
    fields = struct.pack("<IIHH", width, height, 0, rows_per_strip)
    start = b"\x8bKMC\r\n\x1a\n" + bytes([1, 0, 1, flags]) + fields
    return with_crc(start) + with_crc(b"\x80")


def many_strips(count):
    """A file of one column and one colour, with a strip for each row."""
    strips = (struct.pack("<II", 0, strip_crc(number, b"")) for number in range(count))
    return head(1, count, rows_per_strip=1) + b"".join(strips)


def peak_of(work):
    """The most memory that Python and NumPy had allocated during a call."""
    tracemalloc.start()
    try:
        kept = work()
        peak = tracemalloc.get_traced_memory()[1]
        del kept
    finally:
        tracemalloc.stop()
    return peak


READERS = {
    "decode": kmcodec.decode,
    "decode_indexed": kmcodec.decode_indexed,
    "salvage": lambda data: kmcodec.decode_indexed(data, salvage=True),
    "decode_frames": kmcodec.decode_frames,
    "rows": lambda data: read_indexed(io.BytesIO(data), Limits(), rows=(0, 4_000)),
    "inspect": kmcodec.inspect,
}


@pytest.mark.parametrize("reader", READERS)
def test_strips_take_no_more_memory_than_is_promised(reader):
    count = 5_000
    data = many_strips(count)
    READERS[reader](data)  # what is imported or made once does not count
    peak = peak_of(lambda: READERS[reader](data))
    assert peak <= A_PIXEL * count + OF_FILE * len(data) + BESIDE


def test_the_table_of_strips_takes_16_bytes_a_strip_and_is_a_sequence_of_them():
    count = 5_000
    found = kmcodec.inspect(many_strips(count))
    assert len(found.strips) == count
    assert found.strips[-1].number == count - 1
    assert found.strips[-1].rows == (count - 1, count)
    assert [strip.offset for strip in found.strips[1:3]] == [33 + 16, 33 + 24]
    assert found.index_size == 0
    with pytest.raises(IndexError):
        found.strips[count]


def many_frames(count):
    """A file of frames of one pixel each, of one colour."""
    table = with_crc(struct.pack("<IBII", count, 0, 0, 80))
    return head(1, 1, flags=4) + table + struct.pack("<II", 0, strip_crc(0, b""))


def test_as_many_frames_as_the_format_allows_are_decoded_and_one_more_is_refused():
    assert len(kmcodec.decode_frames(many_frames(65_536))) == 65_536
    with pytest.raises(kmcodec.KmcFormatError, match="65,537 frames are more than 65,536"):
        kmcodec.inspect(many_frames(65_537))


def test_more_frames_than_the_format_allows_are_not_encoded():
    frame = kmcodec.IndexedImage(np.zeros((1, 1), np.uint8), np.zeros((1, 1), np.uint8))
    with pytest.raises(kmcodec.KmcInputError, match="65,537 frames, must be at most"):
        kmcodec.encode_frames([frame] * 65_537)


def test_more_texts_than_a_file_may_have_sections_are_not_encoded():
    pixels = np.zeros((1, 1), np.uint8)

    def encoded(texts):
        text = {f"key {number}": "x" for number in range(texts)}
        image = kmcodec.IndexedImage(
            np.zeros((1, 1), np.uint8), pixels, kmcodec.Metadata(text=text)
        )
        return kmcodec.encode(image)

    assert len(kmcodec.decode_indexed(encoded(1024)).metadata.text) == 1024
    with pytest.raises(kmcodec.KmcInputError, match="1,025 texts exceed the limit"):
        encoded(1025)


def test_frames_at_the_limit_take_little_more_than_a_kilobyte_each():
    data = many_frames(65_536)
    kmcodec.decode_frames(data)
    assert peak_of(lambda: kmcodec.decode_frames(data)) <= 65_536 * 1024


def test_scenes_take_little_more_than_a_kilobyte_each():
    rng = np.random.default_rng(8)
    places = np.arange(4, dtype=np.uint8).reshape(2, 2)
    palettes = rng.integers(0, 256, (100, 4, 3), dtype=np.uint8)
    frames = [kmcodec.IndexedImage(palette, places) for palette in palettes]
    # The context coder has tables of its own.
    data = kmcodec.encode_frames(frames, palettes="frame", coding="packed")
    assert len(kmcodec.inspect(data).scenes) == 100
    kmcodec.decode_frames(data)
    peak = peak_of(lambda: kmcodec.decode_frames(data))
    assert peak <= A_PIXEL * 4 * 100 + OF_FILE * len(data) + BESIDE + 1024 * 100
    peak = peak_of(lambda: kmcodec.inspect(data))
    assert peak <= OF_FILE * len(data) + BESIDE + 1024 * 100


def test_pillow_takes_no_more_memory_than_is_promised():
    count = 5_000
    data = many_strips(count)

    def opened():
        with Image.open(io.BytesIO(data)) as image:
            image.load()
            return image.copy()

    opened()
    assert peak_of(opened) <= A_PIXEL * count + OF_FILE * len(data) + BESIDE


@pytest.mark.skipif(sys.platform != "linux", reason="told otherwise, or not at all")
def test_the_process_grows_no_more_than_is_promised():
    # As the system sees it: what tracemalloc does not know of counts, too.
    count = 40_000
    program = (
        "import resource, sys, kmcodec;"
        "size = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss << 10;"
        "small, large = (open(name, 'rb').read() for name in sys.argv[1:]);"
        "kmcodec.decode_indexed(small); before = size();"
        "kmcodec.decode_indexed(large); print(size() - before)"
    )
    with tempfile.TemporaryDirectory() as folder:
        files = [Path(folder, name) for name in ("small.kmc", "large.kmc")]
        for file, strips in zip(files, (600, count), strict=True):
            file.write_bytes(many_strips(strips))
        run = subprocess.run(
            [sys.executable, "-c", program, *files], capture_output=True, text=True, check=True
        )
        # The allocator rounds up, and threads have stacks.
        assert int(run.stdout) <= A_PIXEL * count + OF_FILE * 8 * count + BESIDE + (2 << 20)
