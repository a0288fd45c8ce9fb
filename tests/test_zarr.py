"""The codecs for numcodecs and Zarr, on real stores, found by their entry points."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import numpy as np
import pytest
from conftest import missing_codecs
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import kmcodec
from kmcodec.arrays.codec_options import decode_chunk, encode_chunk

REQUIRED = os.environ.get("KMC_REQUIRE_ARRAYS") == "1"


WHY = missing_codecs()
if WHY and not REQUIRED:
    pytest.skip(WHY, allow_module_level=True)

import numcodecs  # noqa: E402
import zarr  # noqa: E402

from kmcodec.arrays.zarr_codec import KmcCodec  # noqa: E402

# Zarr says so of any codec, data type or store key that its specification does not have.
pytestmark = pytest.mark.filterwarnings("ignore::zarr.errors.ZarrUserWarning")

LABELS = st.one_of(hnp.boolean_dtypes(), hnp.integer_dtypes(), hnp.unsigned_integer_dtypes())
FAST = {"id": "kmcodec", "effort": "fast"}


def fresh(code, *arguments):
    """Run code in a new process, which knows of kmcodec only what is installed."""
    # In isolation: neither this folder nor PYTHONPATH may be what makes it known.
    options = ["-I", "-W", "error", "-W", "ignore::UserWarning"]
    command = [sys.executable, *options, "-c", code, *map(str, arguments)]
    run = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert run.returncode == 0, run.stderr
    return run.stdout


def field():
    """Labels in three dimensions that do not fill their chunks; one chunk has but zeros."""
    rows, columns = np.mgrid[:50, :70]
    field = (rows // 7 * 100 + columns // 9).astype(np.int32) - 3
    return np.stack([field, field + 1, np.zeros_like(field)])


OPEN = """
import sys
import numpy as np
import zarr
array = zarr.open_array(sys.argv[1], mode="r")
assert np.array_equal(array[:], np.load(sys.argv[2])), "other labels"
assert array.dtype == np.load(sys.argv[2]).dtype
codecs = sorted(name for name in sys.modules if name.startswith("kmcodec.") and "_codec" in name)
print(array.metadata.zarr_format, *codecs)
"""


@pytest.mark.parametrize("order", ["C", "F"])
def test_a_zarr_2_store_is_read_by_a_fresh_process(tmp_path, order):
    labels = field()
    np.save(tmp_path / "labels.npy", labels)
    array = zarr.create_array(
        tmp_path / "map.zarr",
        shape=labels.shape,
        chunks=(1, 32, 32),
        dtype=labels.dtype,
        zarr_format=2,
        order=order,
        filters=None,
        compressors=numcodecs.get_codec(FAST),
    )
    array[:] = labels
    described = json.loads((tmp_path / "map.zarr" / ".zarray").read_text())["compressor"]
    assert described == {"id": "kmcodec", "coding": "context", "effort": "fast"}
    chunk = decode_chunk((tmp_path / "map.zarr" / "1.0.1").read_bytes())
    expected = labels[1:2, :32, 32:64]
    assert np.array_equal(chunk, expected if order == "C" else expected.T)
    shown = fresh(OPEN, tmp_path / "map.zarr", tmp_path / "labels.npy")
    assert shown.split() == ["2", "kmcodec.arrays.numcodecs_codec"]


@pytest.mark.parametrize("shards", [None, (3, 64, 64)], ids=["chunks", "shards"])
def test_a_zarr_3_store_is_read_by_a_fresh_process(tmp_path, shards):
    labels = field()
    np.save(tmp_path / "labels.npy", labels)
    array = zarr.create_array(
        tmp_path / "map.zarr",
        shape=labels.shape,
        chunks=(1, 32, 32),
        shards=shards,
        dtype=labels.dtype,
        serializer={"name": "kmcodec", "configuration": {"effort": "fast"}},
        compressors=None,
    )
    array[:] = labels
    assert np.array_equal(array[1, 5:40, 7], labels[1, 5:40, 7])
    if not shards:
        chunk = (tmp_path / "map.zarr" / "c" / "1" / "0" / "1").read_bytes()
        assert np.array_equal(decode_chunk(chunk), labels[1:2, :32, 32:64])
    shown = fresh(OPEN, tmp_path / "map.zarr", tmp_path / "labels.npy")
    assert shown.split() == ["3", "kmcodec.arrays.zarr_codec"]


@pytest.mark.parametrize("zarr_format", [2, 3])
@pytest.mark.parametrize("dtype", ["<i4", "<u8", ">i8"])
def test_a_chunk_of_more_values_than_a_palette_holds_is_written(rng, zarr_format, dtype):
    labels = rng.permutation(300 * 257).reshape(300, 257).astype(dtype)
    codec = numcodecs.get_codec(FAST)
    how = {"filters": None, "compressors": codec}
    if zarr_format == 3:
        how = {"serializer": {"name": "kmcodec"}, "compressors": None}
    chunks = (300, 257)
    array = zarr.create_array(
        {}, shape=(600, 257), chunks=chunks, dtype=dtype, zarr_format=zarr_format, **how
    )
    array[:300] = labels
    array[300:] = 7
    assert np.array_equal(array[:300], labels)
    assert (array[300:] == 7).all()


def test_numcodecs_finds_the_codec_by_its_entry_point():
    code = "import numcodecs; print(numcodecs.get_codec({'id': 'kmcodec', 'effort': 'max'}))"
    assert fresh(code).strip() == "KmcCodec(coding='context', effort='max')"


@settings(max_examples=25)
@given(hnp.arrays(LABELS, hnp.array_shapes(max_dims=4, max_side=6)), st.booleans())
def test_what_numcodecs_encodes_has_the_same_bytes_in_memory(array, fortran):
    codec = numcodecs.get_codec(FAST)
    array = np.asfortranarray(array) if fortran else array
    data = codec.encode(array)
    assert codec.decode(data).tobytes() == array.tobytes(order="A")
    out = np.empty_like(array)
    codec.decode(data, out=out)
    assert out.tobytes(order="A") == array.tobytes(order="A")


def test_numcodecs_encodes_bytes_too():
    codec = numcodecs.get_codec(FAST)
    assert codec.decode(codec.encode(b"abracadabra")).tobytes() == b"abracadabra"


@settings(max_examples=15)
@given(hnp.arrays(LABELS, hnp.array_shapes(max_dims=4, max_side=6)))
def test_zarr_keeps_arrays_of_every_integer_dtype(array):
    for zarr_format in (2, 3):
        chosen = (
            {"compressors": numcodecs.get_codec(FAST)}
            if zarr_format == 2
            else {"serializer": {"name": "kmcodec"}, "compressors": None}
        )
        stored = zarr.create_array(
            zarr.storage.MemoryStore(),
            shape=array.shape,
            chunks=tuple(min(4, side) for side in array.shape),
            dtype=array.dtype,
            zarr_format=zarr_format,
            filters=None,
            **chosen,
        )
        stored[...] = array
        assert np.array_equal(stored[...], array)
        assert stored[...].dtype == array.dtype


def test_big_endian_labels_are_kept_by_both_formats(tmp_path):
    labels = np.arange(12, dtype=">u2").reshape(3, 4)
    version2 = zarr.create_array(
        tmp_path / "2.zarr",
        data=labels,
        zarr_format=2,
        filters=None,
        compressors=numcodecs.get_codec(FAST),
    )
    version3 = zarr.create_array(
        tmp_path / "3.zarr", data=labels, serializer={"name": "kmcodec"}, compressors=None
    )
    assert np.array_equal(version2[:], labels)
    assert np.array_equal(version3[:], labels)


@pytest.mark.parametrize("dtype", ["f4", "c8", "M8[s]", "U3"])
@pytest.mark.parametrize("shards", [None, (4, 4)], ids=["chunks", "shards"])
@pytest.mark.filterwarnings("ignore::zarr.errors.UnstableSpecificationWarning")
def test_zarr_3_refuses_what_is_no_label_before_it_makes_an_array(tmp_path, dtype, shards):
    with pytest.raises(kmcodec.KmcInputError, match=r"integers or bool, not .*: create"):
        zarr.create_array(
            tmp_path / "map.zarr",
            shape=(4, 4),
            chunks=(2, 2),
            shards=shards,
            dtype=dtype,
            serializer={"name": "kmcodec"},
            compressors=None,
        )
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def test_validate_alone_refuses_floats():
    codec = KmcCodec()
    codec.validate(shape=(4, 4), dtype=zarr.dtype.UInt8(), chunk_grid=None)
    with pytest.raises(kmcodec.KmcInputError, match="integers or bool, not float64"):
        codec.validate(shape=(4, 4), dtype=zarr.dtype.Float64(), chunk_grid=None)


def test_zarr_2_refuses_floats_at_the_first_write(tmp_path):
    # It shows a codec neither the dtype nor anything else of the array before.
    codec = numcodecs.get_codec(FAST)
    array = zarr.create_array(
        tmp_path / "map.zarr",
        shape=(4, 4),
        dtype="f4",
        zarr_format=2,
        filters=None,
        compressors=codec,
    )
    with pytest.raises(kmcodec.KmcInputError, match="integers or bool, not float32") as caught:
        array[:] = np.ones((4, 4))
    assert "\n" not in str(caught.value)
    names = {path.name for path in (tmp_path / "map.zarr").iterdir()}
    assert names == {".zarray", ".zattrs"}


def test_numcodecs_refuses_floats():
    with pytest.raises(kmcodec.KmcInputError, match="integers or bool, not float64"):
        numcodecs.get_codec(FAST).encode(np.zeros((2, 2)))


def test_numcodecs_refuses_a_buffer_of_another_size():
    codec = numcodecs.get_codec(FAST)
    data = codec.encode(np.zeros((2, 2), np.int32))
    with pytest.raises(kmcodec.KmcInputError, match="16 bytes, but the buffer 12"):
        codec.decode(data, out=np.empty(3, np.int32))


@pytest.mark.parametrize(
    "configuration", [{"effort": "utmost"}, {"coding": "gif"}, {"level": 9}], ids=str
)
def test_an_option_that_is_not_there_is_refused(configuration):
    with pytest.raises(kmcodec.KmcInputError):
        zarr.create_array(
            zarr.storage.MemoryStore(),
            shape=(4, 4),
            dtype="u1",
            serializer={"name": "kmcodec", "configuration": configuration},
            compressors=None,
        )


def test_a_chunk_of_another_shape_or_dtype_is_refused(tmp_path):
    array = zarr.create_array(
        tmp_path / "map.zarr",
        data=np.ones((4, 4), np.uint8),
        serializer={"name": "kmcodec"},
        compressors=None,
    )
    (chunk,) = (path for path in tmp_path.rglob("c/**/*") if path.is_file())
    for other in (np.ones((2, 8), np.uint8), np.ones((4, 4), np.int8)):
        chunk.write_bytes(kmcodec.encode_labels(other))
        with pytest.raises(kmcodec.KmcFormatError, match="the chunk holds"):
            array[:]
    chunk.write_bytes(kmcodec.encode_labels(np.ones((100, 100), np.uint8)))
    with pytest.raises(kmcodec.KmcLimitError):
        array[:]


def test_numcodecs_is_told_of_an_option_that_is_not_known():
    with pytest.raises(kmcodec.KmcInputError, match="has no option level, only coding and effort"):
        numcodecs.get_codec({"id": "kmcodec", "level": 3})


def test_the_default_effort_is_the_quick_one_that_metadata_tell():
    codec = numcodecs.get_codec({"id": "kmcodec"})
    assert codec.get_config() == {"id": "kmcodec", "coding": "context", "effort": "auto"}
    labels = field()[0]
    assert codec.encode(labels) == encode_chunk(labels, "context", "auto")
    assert kmcodec.encode_labels(labels) == kmcodec.encode_labels(labels, effort="auto")
    store = zarr.storage.MemoryStore()
    serializer = {"name": "kmcodec"}
    array = zarr.create_array(store, data=labels, serializer=serializer, compressors=None)
    described = array.metadata.to_dict()["codecs"][0]
    assert described["configuration"] == {"coding": "context", "effort": "auto"}


@pytest.mark.parametrize("configuration", [None, {"coding": "context"}, {"effort": "max"}], ids=str)
def test_chunks_are_decoded_whatever_effort_the_metadata_tell(tmp_path, configuration):
    labels = field()[0]
    path = tmp_path / "map.zarr"
    serializer = {"name": "kmcodec", "configuration": {"effort": "auto"}}
    zarr.create_array(path, data=labels, chunks=(32, 32), serializer=serializer, compressors=None)
    described = json.loads((path / "zarr.json").read_text())
    del described["codecs"][0]["configuration"]
    if configuration is not None:
        described["codecs"][0]["configuration"] = configuration
    (path / "zarr.json").write_text(json.dumps(described))
    assert np.array_equal(zarr.open_array(path, mode="r")[:], labels)
