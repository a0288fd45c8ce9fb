"""Pixels in arrays in chunks: of Zarr, of Dask, and of whatever else tells its chunks."""

from __future__ import annotations

import io
import os
from collections import Counter

import numpy as np
import pytest

import kmcodec
from kmcodec.batch.pool import LocalPool
from kmcodec.rows.chunks import chunk_ends, spans

if os.environ.get("KMC_REQUIRE_ARRAYS") != "1":
    pytest.importorskip("zarr", reason="no zarr (pip install 'kmcodec[zarr]')")
    pytest.importorskip("distributed", reason="no distributed (pip install 'kmcodec[dask]')")

import dask.array
import zarr


class Chunked:
    """An array that keeps account of how often each of its chunks is read."""

    def __init__(self, pixels, chunks):
        self.pixels, self.chunks = pixels, chunks
        self.shape, self.dtype = pixels.shape, pixels.dtype
        self.reads = Counter()

    def __getitem__(self, key):
        key = (*np.atleast_1d(np.array(key, object)), slice(None))[:2]
        begin_end = [part.indices(side)[:2] for part, side in zip(key, self.shape, strict=False)]
        (top, bottom), (left, right) = begin_end
        for row in range(top // self.chunks[0], -(-bottom // self.chunks[0])):
            for column in range(left // self.chunks[1], -(-right // self.chunks[1])):
                self.reads[row, column] += 1
        return self.pixels[key]


@pytest.fixture
def pixels(rng):
    return rng.integers(0, 40, (130, 90, 3), np.uint8) * np.uint8(6)


@pytest.fixture
def small_pieces(monkeypatch):
    """Several pieces and bands even of a small array."""
    monkeypatch.setattr("kmcodec.batch.chunked_arrays._PIECE", 1000)
    monkeypatch.setattr("kmcodec.batch.chunked_arrays._AT_A_TIME", 3)


def in_zarr(pixels, path, chunks=(32, 32, 3), **options):
    return zarr.create_array(path, data=pixels, chunks=chunks, **options)


def encoded(rows):
    stream = io.BytesIO()
    kmcodec.encode_rows(rows, k=16, output=stream, coding="packed", strip_rows=10)
    return stream.getvalue()


@pytest.mark.parametrize("most", [1, 3, 7, 8, 100])
@pytest.mark.parametrize("chunks", [(4,), ((1, 5, 0, 4, 2),), None, (50,)])
def test_an_axis_is_cut_between_chunks_only(chunks, most):
    array = Chunked(np.zeros(12), chunks)
    ends = chunk_ends(array, 0)
    parts = list(spans(ends, most))
    assert [part for part, _ in parts] == [0, *(end for _, end in parts[:-1])]
    assert parts[-1][1] == 12
    starts = [0, *ends]
    for start, stop in parts:
        assert start in starts
        assert stop in starts
        assert stop - start <= most or not any(start < end < stop for end in ends)


def test_rows_are_read_in_whole_chunks(pixels):
    array = Chunked(pixels, (32, 32, 3))
    assert encoded(array) == kmcodec.encode(pixels, 16, coding="packed", strip_rows=10)
    # Once for their colours and once for their strips; the first ones for the kind of samples too.
    assert set(array.reads.values()) == {2, 3}
    assert all((row == 0) == (times == 3) for (row, _), times in array.reads.items())
    assert len(array.reads) == 5 * 3


def test_chunks_that_are_too_high_are_read_in_parts(pixels, monkeypatch):
    monkeypatch.setattr("kmcodec.rows.source._HIGHEST_BAND", 90 * 50)
    array = Chunked(pixels, (130, 30, 3))
    assert encoded(array) == kmcodec.encode(pixels, 16, coding="packed", strip_rows=10)
    assert set(array.reads.values()) == {7}


@pytest.mark.parametrize("channels", [(), (1,), (3,), (4,)])
def test_arrays_of_zarr_and_dask_are_encoded_as_what_they_hold(tmp_path, rng, channels):
    pixels = rng.integers(0, 9, (70, 50, *channels), np.uint8) * np.uint8(28)
    chunks = (32, 20, *channels)
    expected = kmcodec.encode(pixels, 16, coding="packed", strip_rows=10)
    array = in_zarr(pixels, tmp_path / "a.zarr", chunks)
    assert encoded(array) == expected
    assert encoded(in_zarr(pixels, tmp_path / "b.zarr", chunks, zarr_format=2)) == expected
    assert encoded(dask.array.from_zarr(array)) == expected
    assert encoded(dask.array.from_array(pixels).rechunk((25, 50, *channels))) == expected
    assert kmcodec.encode(array, 16, coding="packed", strip_rows=10) == expected


@pytest.mark.usefixtures("small_pieces")
def test_colours_are_counted_chunk_by_chunk(tmp_path, pixels):
    expected = kmcodec.quantize(pixels, 9).palette
    array = Chunked(pixels, (32, 32, 3))
    np.testing.assert_array_equal(kmcodec.shared_palette([array], 9), expected)
    assert set(array.reads.values()) == {1}
    stored = in_zarr(pixels, tmp_path / "a.zarr", (16, 16, 1), shards=(32, 32, 3))
    memory = in_zarr(pixels, zarr.storage.MemoryStore())
    with LocalPool(2) as pool:
        for given in (stored, memory, array, dask.array.from_zarr(stored), pixels):
            found = kmcodec.shared_palette([given], 9, executor=pool)
            np.testing.assert_array_equal(found, expected)
    mixed = [stored, pixels[:40, :, 0], dask.array.from_zarr(memory)]
    found = kmcodec.shared_palette(mixed, 9)
    np.testing.assert_array_equal(found, kmcodec.shared_palette([pixels, mixed[1], pixels], 9))


@pytest.mark.usefixtures("small_pieces")
def test_16_bits_are_scaled_by_their_type_in_all_chunks(tmp_path, pixels):
    grey = pixels[..., 0].astype(np.uint16)
    grey[-1, -1] = 60_000
    stored = in_zarr(grey, tmp_path / "16.zarr", (32, 32))
    for given in (stored, dask.array.from_zarr(stored)):
        with pytest.warns(kmcodec.KmcWarning, match="16-bit samples reduced") as told:
            found = kmcodec.shared_palette([given], 9)
        assert len(told) == 1
        with pytest.warns(kmcodec.KmcWarning):
            np.testing.assert_array_equal(found, kmcodec.quantize(grey, 9).palette)


def test_what_is_no_image_or_not_there_is_told(tmp_path, pixels):
    for shape, told in [((3, 3, 3, 3), "pixels must have shape"), ((5,), "pixels must have shape")]:
        array = zarr.create_array(tmp_path / f"{len(shape)}.zarr", shape=shape, dtype="u1")
        with pytest.raises(kmcodec.KmcInputError, match=told):
            kmcodec.shared_palette([array])
    unknown = dask.array.from_array(pixels[..., 0])
    unknown = unknown[unknown[:, 0] > 9]
    with pytest.raises(
        kmcodec.KmcInputError, match=r"a side of an array is .*, must be an integer"
    ):
        kmcodec.shared_palette([unknown])
    with pytest.raises(kmcodec.KmcInputError, match=r"height is .*, must be an integer"):
        encoded(unknown)
    array = in_zarr(pixels, tmp_path / "gone.zarr")
    (tmp_path / "gone.zarr").rename(tmp_path / "moved.zarr")
    # Zarr itself would read it as zeros.
    with (
        LocalPool(1) as pool,
        pytest.raises(
            kmcodec.KmcInputError, match=r"gone\.zarr: a worker cannot open this Zarr array"
        ),
    ):
        kmcodec.shared_palette([array], executor=pool)
