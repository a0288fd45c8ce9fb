"""Label streams: what they hold, what they refuse, and that they are small (spec/labels.md, 10)."""

import sys
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import kmcodec
from kmcodec.arrays.codec_options import decode_chunk, encode_chunk
from kmcodec.arrays.label_stream import decode_stream, encode_stream
from tests.test_labels import DTYPES, SHAPES, assert_same

sys.path.append(str(Path(__file__).resolve().parent.parent / "spec"))
import read_input
import read_stream

EFFORTS = ["auto", "fastest", "fast", "default", "max"]


def with_crc(stream):
    return stream + zlib.crc32(stream).to_bytes(4, "little")


def blobs(shape, count, dtype=np.uint32, seed=0):
    """Boxes of labels over each other."""
    rng = np.random.default_rng(seed)
    labels = np.zeros(shape, dtype)
    for label in range(1, count):
        start = [rng.integers(0, length) for length in shape]
        box = tuple(
            slice(at, at + 2 + length // 6) for at, length in zip(start, shape, strict=True)
        )
        labels[box] = label * 7
    return labels


@given(hnp.arrays(DTYPES, SHAPES), st.sampled_from(["context", "labels", "deflate", "packed"]))
def test_any_chunk_comes_back_as_it_was(array, coding):
    assert_same(decode_chunk(encode_chunk(array, coding, "auto")), array)


@pytest.mark.parametrize("effort", EFFORTS)
@pytest.mark.parametrize("shape", [(40, 50), (9, 20, 30), (20, 30, 9), (2, 3, 14, 15)], ids=str)
@pytest.mark.parametrize("count", [2, 9, 300])
def test_maps_and_volumes_come_back_with_each_effort(shape, count, effort):
    labels = blobs(shape, count)
    stream = encode_stream(labels, "context", effort)
    assert_same(decode_stream(stream, None), labels)


@pytest.mark.parametrize("dtype", ["<i2", ">i4", "<i8", ">u8", "<u8"])
def test_values_from_one_end_of_a_dtype_to_the_other_come_back(dtype):
    limits = np.iinfo(dtype)
    values = [limits.min, limits.min + 1, limits.max - 300, limits.max - 1, limits.max]
    labels = np.repeat(np.array(values, dtype), 16).reshape(5, 16)
    assert_same(decode_stream(encode_stream(labels, "context", "auto"), None), labels)


@pytest.mark.parametrize("effort", ["default", "max"])
@pytest.mark.parametrize("shape", [(9, 9), (64, 70), (16, 40, 40), (60, 3, 40)], ids=str)
@pytest.mark.parametrize("count", [2, 40])
def test_the_slow_coder_never_takes_more_bytes_than_the_quick_one(shape, count, effort):
    labels = blobs(shape, count)
    quick, slow = (encode_stream(labels, "context", name) for name in ("auto", effort))
    assert len(slow) <= len(quick)
    quick, slow = (kmcodec.encode_labels(labels, effort=name) for name in ("auto", effort))
    assert len(slow) <= len(quick)


def test_a_stream_of_a_small_chunk_is_much_smaller_than_a_file():
    labels = blobs((64, 64), 6)
    stream = encode_stream(labels, "context", "auto")
    assert len(stream) < len(kmcodec.encode_labels(labels)) - 50


def test_a_slice_that_is_like_the_one_before_takes_next_to_nothing():
    one = blobs((1, 64, 64), 40)
    many = np.repeat(one, 16, axis=0)
    size, sizes = (len(encode_stream(a, "context", "auto")) for a in (one, many))
    assert sizes < 2 * size
    assert sizes < len(encode_stream(many.reshape(-1, 64), "context", "auto")) // 2


def test_the_axis_along_which_labels_change_most_comes_first():
    volume = blobs((64, 64, 12), 40)[:, :, ::3]
    turned = np.ascontiguousarray(np.moveaxis(volume, 2, 0))
    streams = [encode_stream(a, "context", "auto") for a in (volume, turned)]
    assert abs(len(streams[0]) - len(streams[1])) <= 1
    assert_same(decode_stream(streams[0], None), volume)


def test_noise_of_many_values_is_stored_as_a_file():
    noise = np.random.default_rng(0).integers(0, 60_000, (100, 100), np.uint16)
    chunk = encode_chunk(noise, "context", "auto")
    assert chunk[:4] == b"\x8bKMC"
    assert_same(decode_chunk(chunk), noise)


def test_floats_are_refused():
    with pytest.raises(kmcodec.KmcInputError, match="labels must be integers or bool, not float32"):
        encode_chunk(np.zeros((4, 4), np.float32), "context", "auto")


def test_each_bit_of_a_stream_is_covered_by_its_crc():
    stream = encode_stream(blobs((12, 12), 5), "context", "auto")
    for at in range(1, 8 * len(stream)):
        damaged = bytearray(stream)
        damaged[at >> 3] ^= 1 << (at & 7)
        with pytest.raises(kmcodec.KmcError):
            decode_chunk(bytes(damaged))


def test_each_truncated_stream_is_refused():
    stream = encode_stream(blobs((12, 12), 5), "context", "auto")
    for size in range(1, len(stream)):
        with pytest.raises(kmcodec.KmcFormatError):
            decode_chunk(stream[:size])


MALFORMED = [
    ("02 06 02 00 00 00 00 00", "version"),
    ("01 07 02 00 00 00 00 00", "coding method"),
    ("01 06 0F 00 00 00 00 00", "dtype"),
    ("01 06 02 21 00 00 00 00", "dtype"),
    ("01 06 02 01 00 00 00 00", "no labels"),
    ("01 06 02 03 01 01 01 03 00 00 00", "first axis"),
    ("01 06 02 01 80 00 00 00 00", "number is malformed"),
    ("01 06 02 01 FF FF FF FF FF FF FF FF FF 7F 00 00 00", "number is malformed"),
    ("01 06 02 00 80 80 04 00 00", "table of values"),
    ("01 06 02 00 00 00 09", "table of values"),
    ("01 06 02 00 00 00 20", "table of values"),
    ("01 06 02 00 01 FF 01 00", "outside uint8"),
    ("01 06 00 00 00 02 00", "outside bool"),
    ("01 06 02 00 01 00 02 00", "truncated"),
    ("01 06 02 00 01 00 11 02 FF FF", "zlib"),
    ("01 06 02 00 01 00 11 08 78 9C 03 00 00 00 00 01", "another size"),
    ("01 06 02 00 00 00 00 00", "only one palette entry"),
]


@pytest.mark.parametrize(("body", "message"), MALFORMED)
def test_a_malformed_stream_is_refused(body, message):
    with pytest.raises(kmcodec.KmcFormatError, match=message):
        decode_stream(with_crc(bytes.fromhex(body)), None)


def test_a_stream_of_too_many_labels_is_refused_before_anything_is_allocated():
    body = bytes.fromhex("01 06 02 02 FF FF FF FF 07 FF FF FF FF 07 00 00 00")
    with pytest.raises(kmcodec.KmcLimitError, match="exceed the limit of 1,000"):
        decode_stream(with_crc(body), 1000)


@pytest.mark.parametrize("shape", [(40, 50), (12, 10, 20), (4, 3, 10, 20)], ids=str)
@pytest.mark.parametrize("strip_rows", [None, 10])
def test_rows_of_labels_are_those_of_the_array(shape, strip_rows):
    labels = blobs(shape, 9)
    data = kmcodec.encode_labels(labels, strip_rows=strip_rows)
    for first, end in [(0, 1), (1, 3), (shape[0] - 1, shape[0]), (0, shape[0])]:
        assert_same(kmcodec.decode_labels(data, rows=(first, end)), labels[first:end])


def test_rows_of_labels_in_bytes_are_those_of_the_array():
    labels = np.random.default_rng(0).integers(-(2**40), 2**40, (60, 90))
    data = kmcodec.encode_labels(labels)
    assert_same(kmcodec.decode_labels(data, rows=(7, 20)), labels[7:20])


@pytest.mark.parametrize("rows", [(0, 0), (3, 2), (-1, 2), (0, 41)])
def test_rows_that_the_array_does_not_have_are_refused(rows):
    data = kmcodec.encode_labels(blobs((40, 50), 9))
    with pytest.raises(kmcodec.KmcInputError, match="lie outside the array"):
        kmcodec.decode_labels(data, rows=rows)


def assert_read(stream, labels):
    """The second reader gives these labels."""
    found = read_stream.read_stream(stream, 10**6)
    assert found.dtype == labels.dtype.str
    assert tuple(found.shape) == labels.shape
    assert found.labels == labels.ravel().tolist()


@given(hnp.arrays(DTYPES, SHAPES), st.sampled_from(["context", "labels", "deflate", "packed"]))
def test_the_second_reader_reads_any_stream(array, coding):
    stream = encode_stream(array, coding, "auto")
    if stream is not None:
        assert_read(stream, array)


@pytest.mark.parametrize("effort", EFFORTS)
@pytest.mark.parametrize("shape", [(12, 20), (5, 9, 16), (16, 9, 3)], ids=str)
@pytest.mark.parametrize("count", [9, 300])
def test_the_second_reader_reads_the_streams_of_each_effort(shape, count, effort):
    labels = blobs(shape, count)
    assert_read(encode_stream(labels, "context", effort), labels)


def test_the_second_reader_knows_the_palette_of_many_values():
    labels = np.arange(300 * 2).reshape(20, 30) // 2
    assert_read(encode_stream(labels, "context", "default"), labels)


@pytest.mark.parametrize("body", [body for body, _ in MALFORMED])
def test_the_second_reader_refuses_malformed_streams(body):
    with pytest.raises(read_input.Refused):
        read_stream.read_stream(with_crc(bytes.fromhex(body)), 10**6)


def test_the_strips_of_a_large_volume_are_whole_slices():
    volume = np.zeros((48, 300, 400), np.uint8)
    volume[:, 100:200, 100:300] = 1
    rows = kmcodec.inspect(kmcodec.encode_labels(volume)).header.rows_per_strip
    assert 0 < rows < 48 * 300
    assert rows % 300 == 0
