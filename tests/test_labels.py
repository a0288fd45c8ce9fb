"""Arrays of labels: what goes in comes out, and what cannot is told in a line."""

from __future__ import annotations

import dataclasses
import warnings
from io import BytesIO

import numpy as np
import pytest
from conftest import VECTORS
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image

import kmcodec
from kmcodec import IndexedImage, Metadata, decode_labels, encode_labels
from kmcodec.batch.encoding import encode_file
from kmcodec.batch.planning import Job
from kmcodec.coding import decode_palette
from kmcodec.model.label_array import LabelArray
from kmcodec.reading import strip_reader

DTYPES = st.one_of(
    hnp.boolean_dtypes(),
    hnp.integer_dtypes(endianness="<"),
    hnp.integer_dtypes(endianness=">"),
    hnp.unsigned_integer_dtypes(endianness="<"),
    hnp.unsigned_integer_dtypes(endianness=">"),
)
SHAPES = hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=6)


def assert_same(found, array):
    assert found.dtype.str == array.dtype.str
    assert found.shape == array.shape
    assert np.array_equal(found, array)


@given(hnp.arrays(DTYPES, SHAPES), st.sampled_from(["context", "deflate", "packed"]))
def test_any_integer_array_comes_back_as_it_was(array, coding):
    assert_same(decode_labels(encode_labels(array, coding=coding, effort="fast")), array)


@given(DTYPES, st.integers(0, 2**32 - 1))
def test_few_values_from_all_over_a_dtype_come_back(dtype, seed):
    rng = np.random.default_rng(seed)
    values = np.frombuffer(rng.bytes(8 * dtype.itemsize), np.uint8)
    values = values > 127 if dtype.kind == "b" else values.view(dtype)
    array = values[rng.integers(0, len(values), (2, 9, 7))]
    assert_same(decode_labels(encode_labels(array, effort="fast")), array)


@pytest.mark.parametrize(
    "values",
    [
        [-(2**63), 2**63 - 1, 0],
        range(256),
        range(257),
        range(-70_000, 70_000, 1_000),
        range(0, 2**62, 2**53),
        range(65_536),
    ],
    ids=str,
)
def test_values_at_the_limits_come_back(values):
    array = np.array(list(values), np.int64)
    array = np.concatenate([array, array[::-1]]).reshape(2, -1)
    # Not by the context coder, which takes minutes for this where it is not compiled.
    assert_same(decode_labels(encode_labels(array, coding="deflate")), array)


@pytest.mark.parametrize("dtype", ["<i4", ">i4", "<u4", ">u4", "<i8", ">i8", "<u8", ">u8"])
@pytest.mark.parametrize("shape", [(257, 300), (77_100,), (3, 5, 257, 20), (77_100, 1)], ids=str)
def test_more_values_than_a_palette_has_entries_come_back(rng, dtype, shape):
    limits = np.iinfo(dtype)
    array = rng.integers(limits.min, limits.max, shape, dtype[1:], endpoint=True).astype(dtype)
    array.flat[:2] = limits.min, limits.max
    data = encode_labels(array)
    assert_same(decode_labels(data), array)
    assert len(data) < 1.01 * array.nbytes + 1000


def test_noise_of_many_values_is_not_left_to_the_slow_coder(rng):
    array = rng.integers(0, 60_000, (128, 128), np.uint16)
    data = encode_labels(array)
    assert kmcodec.inspect(data).coding == "deflate"
    assert_same(decode_labels(data), array)
    assert len(data) < 1.02 * array.nbytes


def test_many_segments_are_coded_by_the_context_coder():
    array = np.kron(np.arange(66_000).reshape(50, -1), np.ones((1, 4), int))
    data = encode_labels(array, effort="fast")
    assert kmcodec.inspect(data).coding.startswith("context")
    assert_same(decode_labels(data), array)


def test_the_limit_on_pixels_counts_labels_not_their_bytes():
    array = np.arange(70_000).reshape(70, 1000)
    data = encode_labels(array)
    assert_same(decode_labels(data, max_pixels=70_000), array)
    with pytest.raises(kmcodec.KmcLimitError):
        decode_labels(data, max_pixels=69_999)


def labl(image):
    """The data of the section, which is plain."""
    (section,) = [each for each in kmcodec.inspect(image).sections if each.type == "labl"]
    assert section.payload[:1] == b"\0"
    return section.payload[1:].hex(" ").upper()


def test_the_section_of_values_in_bytes_is_what_the_specification_says():
    image = IndexedImage([0, 1, 9], [[0, 1], [0, 2]], Metadata(labels=TWO_BYTES))
    data = kmcodec.encode(image)
    assert labl(data) == "07 02 01 02 02 FD FF FF FF 07"
    assert f"`{labl(data)}`" in SPECIFICATION
    assert decode_labels(data).tolist() == [[-3, 262]]


SPECIFICATION = (VECTORS.parent / "kmc-1.md").read_text("utf-8")
TWO_BYTES = LabelArray(np.dtype("<i4"), (1, 2), (-3,), 2)


@pytest.mark.parametrize(
    "change",
    [
        {"planes": 3},
        {"shape": (2, 1)},
        {"planes": 0},
        {"values": (2_147_483_600,)},
        {"dtype": np.dtype("|u1"), "values": (0,)},
        {"dtype": np.dtype("|b1"), "values": (0,)},
    ],
)
def test_bytes_that_do_not_fit_their_image_are_refused(change):
    told = dataclasses.replace(TWO_BYTES, **change)
    image = IndexedImage([0, 1, 9], [[0, 1], [0, 2]], Metadata(labels=told))
    with pytest.raises(kmcodec.KmcFormatError, match="section labl"):
        decode_labels(kmcodec.encode(image))


def test_bytes_in_colors_are_refused():
    metadata = Metadata(labels=TWO_BYTES)
    image = IndexedImage([[0, 0, 0], [9, 9, 9]], [[0, 1], [0, 1]], metadata)
    with pytest.raises(kmcodec.KmcFormatError, match="must be grey"):
        decode_labels(kmcodec.encode(image))


def test_arrays_in_any_order_of_memory_and_views_come_back(rng):
    array = rng.integers(0, 9, (5, 6, 7))
    for view in (array.T, array[::-1, ::2], array[:, 1], np.asfortranarray(array)):
        assert_same(decode_labels(encode_labels(view)), view)


def test_lists_are_labels_too():
    assert decode_labels(encode_labels([[1, 2], [2, 1]])).tolist() == [[1, 2], [2, 1]]


def test_the_file_is_a_picture_whose_greys_rise_with_the_labels():
    labels = np.array([[-7, 5], [300, 5]])
    picture = Image.open(BytesIO(encode_labels(labels)))
    assert np.asarray(picture.convert("L")).tolist() == [[0, 127], [255, 127]]


def test_more_than_256_labels_are_a_picture_in_distinct_colors():
    image = kmcodec.decode_indexed(encode_labels(np.arange(1000).reshape(20, 50), effort="fast"))
    assert len(np.unique(image.to_array().reshape(-1, 3), axis=0)) == 1000


def test_slices_lie_below_each_other():
    image = kmcodec.decode_indexed(encode_labels(np.zeros((3, 4, 5, 6), np.uint8)))
    assert (image.height, image.width) == (60, 6)


def test_the_section_is_what_the_specification_says():
    data = encode_labels(np.array([[3, 4, 5], [9, 3, 3]], "<u2"))
    assert labl(data) == "04 02 02 03 00 03 03 01 00 00 03"
    assert f"`{labl(data)}`" in SPECIFICATION


def test_labels_without_neighbours_take_few_bytes(rng):
    parcels = rng.choice(10**9, 3000, replace=False).astype(np.uint32).reshape(50, 60)
    info = kmcodec.inspect(encode_labels(parcels))
    # A gap of 20 bits takes less than its three bytes.
    assert info.metadata_size < 3 * 3000


def test_labels_survive_another_order_of_the_palette():
    labels = np.array([[-7, 5], [300, 5]])
    image = kmcodec.decode_indexed(encode_labels(labels))
    turned = IndexedImage(
        image.palette[::-1], len(image.palette) - 1 - image.indices, image.metadata
    )
    assert_same(decode_labels(kmcodec.encode(turned)), labels)
    assert_same(decode_labels(kmcodec.encode(turned, reorder=True)), labels)


@pytest.mark.parametrize(
    ("array", "words"),
    [
        (np.zeros((2, 2)), "not float64"),
        (np.zeros((2, 2), complex), "not complex128"),
        (np.array([["a", "b"]]), "not <U1"),
        (np.array([[None, 1]]), "not object"),
        (np.array(["2020-01-01"], "M8[D]"), "not datetime64"),
    ],
    ids=["float", "complex", "text", "object", "dates"],
)
def test_what_is_no_label_array_is_refused_in_a_line(array, words):
    with pytest.raises(kmcodec.KmcInputError, match=words) as caught:
        encode_labels(array)
    assert "\n" not in str(caught.value)


def test_an_image_without_labels_is_refused(bird):
    with pytest.raises(kmcodec.KmcFormatError, match="holds no labels"):
        decode_labels(kmcodec.encode(bird, 4, coding="deflate"))


@pytest.fixture
def land(rng):
    return rng.choice(np.array([3, 7, 40, 1000], np.int16), (12, 15))


@pytest.mark.parametrize(
    ("options", "kept"),
    [
        ({}, True),
        ({"reorder": True}, True),
        ({"k": 4}, True),
        ({"k": 3}, False),
        ({"palette": [255, 170, 85, 0]}, True),
        ({"palette": [255, 170, 85, 0, 1]}, False),
        ({"palette": [[0, 0, 0], [255, 0, 0], [0, 255, 0], [0, 0, 255]]}, False),
        ({"rdo": 0.1}, False),
    ],
)
def test_labels_are_right_or_gone_in_a_file_made_of_theirs(tmp_path, land, options, kept):
    source, again = tmp_path / "land.kmc", tmp_path / "again.kmc"
    source.write_bytes(encode_labels(land))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        encode_file(Job(str(source), str(again), replace=True), coding="context", **options)
    told = ["dropped the labels" in str(warning.message) for warning in caught]
    assert sum(told) == (not kept)
    if kept:
        np.testing.assert_array_equal(decode_labels(again.read_bytes()), land)
    else:
        assert kmcodec.read(again).metadata.labels is None


def test_labels_are_right_or_gone_through_pillow(land):
    data = encode_labels(land)
    with Image.open(BytesIO(data)) as opened:
        stream = BytesIO()
        opened.save(stream, "KMC")
        np.testing.assert_array_equal(decode_labels(stream.getvalue()), land)
        with pytest.warns(kmcodec.KmcWarning, match="dropped the labels"):
            opened.save(BytesIO(), "KMC", colors=2)


THREE = LabelArray(np.dtype("<u2"), (2, 2), (0, 1, 2))


@pytest.mark.parametrize(
    "change",
    [
        {"values": (0, 1)},
        {"values": (0, 1, 2, 3)},
        {"shape": (4,)},
        {"shape": (2, 3)},
        {"shape": ()},
        {"shape": (0, 2)},
        {"values": (0,), "planes": 2},
    ],
)
def test_labels_that_do_not_fit_their_image_are_refused(change):
    metadata = Metadata(labels=dataclasses.replace(THREE, **change))
    image = IndexedImage([0, 1, 2], [[0, 1], [2, 0]], metadata)
    with pytest.raises(kmcodec.KmcFormatError, match="section labl"):
        decode_labels(kmcodec.encode(image))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"dtype": np.dtype("f4")}, "integers or bool, not float32"),
        ({"shape": (1,) * 33}, "33 axes, at most 32"),
        ({"shape": (2**62, 2**62, 0)}, "no array has the shape"),
        ({"planes": 9}, "1 to 8 bytes, not 9"),
        ({"values": ()}, "0 values"),
        ({"planes": 1}, "3 values"),
        ({"values": range(70_000), "dtype": np.dtype("u4")}, "70,000 values"),
        ({"values": (1, 0)}, "do not ascend"),
        ({"values": (1, 1)}, "do not ascend"),
        ({"values": (-1, 1)}, "outside uint16"),
        ({"values": (1, 65_536)}, "outside uint16"),
        ({"dtype": np.dtype(bool)}, "outside bool"),
    ],
)
def test_what_describes_no_array_is_refused(change, words):
    with pytest.raises(kmcodec.KmcInputError, match=words):
        dataclasses.replace(THREE, **change)


def test_a_palette_that_repeats_is_refused():
    image = kmcodec.decode_indexed(encode_labels(np.array([[0, 1]])))
    palette = np.zeros_like(image.palette)
    with pytest.raises(kmcodec.KmcFormatError, match="entry twice"):
        decode_labels(kmcodec.encode(IndexedImage(palette, image.indices, image.metadata)))


def test_limits_hold_for_labels():
    data = encode_labels(np.zeros((10, 10), np.uint8))
    with pytest.raises(kmcodec.KmcLimitError):
        decode_labels(data, max_pixels=99)
    with pytest.raises(kmcodec.KmcLimitError):
        decode_labels(data, max_metadata=5)


def test_every_prefix_is_refused():
    data = encode_labels(np.array([[1, 2, 1], [1, 1, 2]]))
    for end in range(len(data)):
        with pytest.raises(kmcodec.KmcFormatError):
            decode_labels(data[:end])


@pytest.mark.parametrize(
    "make",
    [encode_labels, kmcodec.encode, lambda rows: IndexedImage(rows, [[0]])],
    ids=["labels", "pixels", "palette"],
)
def test_rows_of_different_lengths_are_refused(make):
    with pytest.raises(kmcodec.KmcInputError, match="not an array of "):
        make([[1, 2], [3]])


def test_the_palette_of_labels_is_decoded_once(monkeypatch):
    labels = np.arange(3000, dtype=np.int32).reshape(50, 60).repeat(3, axis=1)
    image = kmcodec.decode_indexed(encode_labels(labels, effort="fast"))
    # The ramp is not stored at all.
    other = IndexedImage(255 - image.palette[::-1], image.indices, image.metadata)
    data = kmcodec.encode(other, effort="fast")
    decoded = []

    def counted(*arguments):
        decoded.append(arguments)
        return decode_palette(*arguments)

    monkeypatch.setattr(strip_reader, "decode_palette", counted)
    assert np.array_equal(decode_labels(data), labels)
    assert len(decoded) == 1


@pytest.mark.parametrize(
    ("dtype", "shape", "values"),
    [
        ("object", (2,), (1,)),
        (np.float32, (2,), (1,)),
        ("i4", (2, -3), (1,)),
        ("i4", (2.5, 3), (1,)),
        ("i4", 3, (1,)),
        ("i4", (2,), (1, 1)),
        ("i1", (2,), (1, 200)),
        ("nonsense", (2,), (1,)),
    ],
)
def test_what_is_no_array_of_labels_is_refused(dtype, shape, values):
    with pytest.raises(kmcodec.KmcInputError):
        kmcodec.LabelArray(dtype, shape, values)


def test_labels_are_equal_however_they_are_given(tmp_path):
    given = kmcodec.LabelArray("i1", [2, 2], np.int8([-100, 100]))
    assert given == kmcodec.LabelArray(np.dtype("i1"), (2, 2), (-100, 100))
    image = kmcodec.IndexedImage([[0], [255]], [[0, 1], [1, 0]], kmcodec.Metadata(labels=given))
    kmcodec.write(tmp_path / "x.kmc", image)
    assert kmcodec.read(tmp_path / "x.kmc").metadata.labels == given


def test_labels_of_an_image_that_was_edited_are_dropped(tmp_path):
    labels = np.kron(np.int32([[0, 3], [9, 3]]), np.ones((10, 20), np.int32))
    (tmp_path / "a.kmc").write_bytes(kmcodec.encode_labels(labels))
    with Image.open(tmp_path / "a.kmc") as image:
        image.load()
        image.putpixel((0, 0), 1)
        with pytest.warns(kmcodec.KmcWarning, match="dropped the labels"):
            image.save(tmp_path / "b.kmc")
    assert kmcodec.read(tmp_path / "b.kmc").metadata.labels is None
