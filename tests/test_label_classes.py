"""Names, colours and TIFF tags of labels (spec/classes.md): kept in files and given back."""

from __future__ import annotations

import copy
import json
import pickle

import numpy as np
import pytest
import tifffile
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

import kmcodec
from kmcodec import LabelClasses, Metadata, TiffTag
from kmcodec.batch.decoding import decode_file
from kmcodec.batch.encoding import encode_file
from kmcodec.batch.planning import Job
from kmcodec.cli.app import kmc
from kmcodec.container.class_sections import (
    TAGS,
    classes_from_data,
    data_from_classes,
    data_from_tags,
    tags_from_data,
)
from kmcodec.formats.category_names import category_names
from kmcodec.formats.tiff_tags import tiff_pages
from kmcodec.sources.labels import read_labels

LABELS = np.kron(np.arange(6).reshape(2, 3), np.ones((4, 5), int)).astype(np.uint8)
CLASSES = LabelClasses({0: "none", 2: "Wald, Böden"}, {0: (0, 0, 0), 2: (0, 99, 0)}, nodata=0)

IDS = st.integers(-(2**63), 2**64 - 1)
NAMES = st.text(st.characters(exclude_categories=("Cc", "Cs")), min_size=1, max_size=60)
COLORS = st.lists(st.integers(0, 255), min_size=3, max_size=4).map(tuple)


@given(
    names=st.dictionaries(IDS, NAMES, max_size=5),
    colors=st.dictionaries(IDS, COLORS, max_size=5),
    nodata=st.none() | IDS,
)
def test_classes_come_back_from_files(names, colors, nodata):
    classes = LabelClasses(names, colors, nodata)
    data = kmcodec.encode_labels(LABELS, classes=classes)
    np.testing.assert_array_equal(kmcodec.decode_labels(data), LABELS)
    assert kmcodec.inspect(data).metadata.classes == (classes or None)
    assert kmcodec.decode_indexed(data).metadata.classes == (classes or None)
    if classes:
        assert classes_from_data(data_from_classes(classes)) == classes


def test_classes_are_values():
    assert pickle.loads(pickle.dumps(CLASSES)) == copy.deepcopy(CLASSES) == CLASSES
    with pytest.raises(TypeError):
        CLASSES.names[1] = "x"
    assert list(LabelClasses({5: "b", -1: "a"}).names) == [-1, 5]
    assert LabelClasses({np.uint8(3): "a"}, {np.int64(3): np.array([1, 2, 3])}).colors == {
        3: (1, 2, 3)
    }


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (({1.5: "a"},), "id of a class is 1.5"),
        (({2**64: "a"},), "must fit 64 bits"),
        (({1: ""},), "not a class name"),
        (({1: "a\nb"},), "not a class name"),
        (({1: "ä" * 128},), "not a class name"),
        (({1: b"a"},), "not a class name"),
        (({}, {1: (1, 2)}), "colour of a class is"),
        (({}, {1: (1, 2, 256)}), "colour of a class is"),
        (({}, {1: (1, 2, 0.5)}), "colour of a class is"),
        (({}, {}, -(2**63) - 1), "must fit 64 bits"),
        (({}, dict.fromkeys(range(65_537), (0, 0, 0))), "more than 65,536 ids"),
    ],
)
def test_wrong_classes_are_refused(arguments, words):
    with pytest.raises(kmcodec.KmcInputError, match=words):
        LabelClasses(*arguments)


def test_as_many_classes_as_there_may_be_are_kept():
    classes = LabelClasses(colors={i: (i >> 8, i & 255, 0) for i in range(65_536)})
    assert classes_from_data(data_from_classes(classes)) == classes


@given(
    data=st.binary(min_size=1, max_size=60) | st.text("0123 #-naodt\n", min_size=1).map(str.encode)
)
def test_any_data_of_a_section_are_classes_or_refused(data):
    for read, write in (
        (classes_from_data, data_from_classes),
        (tags_from_data, data_from_tags),
    ):
        try:
            found = read(data)
        except ValueError:
            continue
        assert write(found) == data


TAGS_OF_FILES = st.dictionaries(st.sampled_from(sorted(TAGS)), st.binary(min_size=1, max_size=9))


@given(values=TAGS_OF_FILES)
def test_tags_come_back_from_files(values):
    tags = tuple(TiffTag(number, TAGS[number][0], data * 8) for number, data in values.items())
    data = kmcodec.encode_labels(LABELS, metadata=Metadata(tiff=tags))
    assert sorted(kmcodec.inspect(data).metadata.tiff, key=str) == sorted(tags, key=str)


@pytest.mark.parametrize(
    "tags",
    [
        (TiffTag(273, 3, b"\0\0"),),
        (TiffTag(42113, 3, b"\0\0"),),
        (TiffTag(33550, 12, b"\0" * 7),),
        (TiffTag(42113, 2, b""),),
        (TiffTag(42113, 2, b"0"), TiffTag(42113, 2, b"1")),
    ],
)
def test_tags_that_files_do_not_keep_are_refused(tags):
    with pytest.raises(kmcodec.KmcInputError, match="TIFF tag"):
        kmcodec.encode_labels(LABELS, metadata=Metadata(tiff=tags))


def test_metadata_are_kept_beside_labels():
    metadata = Metadata(icc=b"p", text={"Title": "x"}, classes=CLASSES)
    data = kmcodec.encode_labels(LABELS, metadata=metadata)
    found = kmcodec.inspect(data).metadata
    assert (found.icc, found.text["Title"], found.classes) == (b"p", "x", CLASSES)


def test_classes_go_where_the_labels_go():
    data = kmcodec.encode_labels(LABELS, classes=CLASSES)
    image = kmcodec.decode_indexed(data)
    assert kmcodec.inspect(kmcodec.encode(image)).metadata.classes == CLASSES
    with pytest.warns(kmcodec.KmcWarning, match="dropped the labels"):
        fewer = kmcodec.encode(image.to_array(), 3, metadata=image.metadata)
    assert kmcodec.inspect(fewer).metadata.classes is None


def encoded(source, **options):
    target = source.with_suffix(".kmc")
    encode_file(Job(str(source), str(target), replace=True), **options)
    return target


def decoded(source, extension=".tif", **options):
    target = source.with_name("out" + extension)
    decode_file(Job(str(source), str(target), replace=True), **options)
    return target


def color_map(bits, factor, seed=0):
    table = np.zeros((3, 1 << bits), np.uint16)
    table[:, :6] = np.random.default_rng(seed).integers(0, 256, (3, 6)) * factor
    return table


GEO = [
    (33550, 12, 3, (30.0, 0.1, 0.0), True),
    (33922, 12, 6, (0.0, 0.0, 0.0, 5e5, 5.4e6, 1e-300), True),
    (34264, 12, 16, tuple(np.linspace(-1, 1, 16)), True),
    (34735, 3, 8, (1, 1, 0, 1, 1024, 0, 1, 1), True),
    (34736, 12, 1, 6378137.0, True),
    (34737, 2, 0, b"WGS 84 / UTM|\0", True),
    (42112, 2, 0, "<GDALMetadata>ü</GDALMetadata>".encode() + b"\0", True),
]


@pytest.mark.parametrize("byteorder", ["<", ">"])
@pytest.mark.parametrize("nodata", [b"255\0", b"-9999\0", b"255.0\0", b"nan\0", b"2.5\0", None])
@pytest.mark.parametrize(("bits", "factor"), [(8, 257), (8, 256), (8, 250), (16, 257), (0, 0)])
def test_tags_of_tiff_come_back_byte_for_byte(tmp_path, bits, factor, nodata, byteorder):
    labels = LABELS.astype(np.uint16 if bits == 16 else np.uint8)
    options = {"photometric": "minisblack"}
    if bits:
        options = {"photometric": "palette", "colormap": color_map(bits, factor)}
    extra = [*GEO, *([(42113, 2, 0, nodata, True)] if nodata else [])]
    source = tmp_path / "in.tif"
    tifffile.imwrite(source, labels, metadata=None, extratags=extra, byteorder=byteorder, **options)
    data = decoded(encoded(source, labels=True)).read_bytes()
    before, after = (tiff_pages(each)[0] for each in (source.read_bytes(), data))
    assert len(before.tags) == 7 + bool(bits) + bool(nodata)
    assert after.tags == before.tags
    assert after.photometric == before.photometric
    np.testing.assert_array_equal(tifffile.imread(tmp_path / "out.tif"), labels)


def test_automatic_labels_keep_their_tags_too(tmp_path):
    source = tmp_path / "in.tif"
    extra = [*GEO, (42113, 2, 0, b"7\0", True)]
    options = {"metadata": None, "extratags": extra, "photometric": "minisblack"}
    tifffile.imwrite(source, LABELS.astype(np.int16), **options)
    file = encoded(source)
    assert kmcodec.read(file).metadata.classes == LabelClasses(nodata=7)
    assert tiff_pages(decoded(file).read_bytes())[0].tags == tiff_pages(source.read_bytes())[0].tags


def test_changed_classes_count_where_tags_say_otherwise(tmp_path):
    source = tmp_path / "in.tif"
    table = color_map(8, 256)
    extra = [(42113, 2, 0, b"1.0\0", True)]
    tifffile.imwrite(source, LABELS, photometric="palette", colormap=table, extratags=extra)
    found = read_labels(source)
    assert {tag.number for tag in found.metadata.tiff} == {320, 42113}
    file = tmp_path / "x.kmc"
    other = LabelClasses(colors={1: (1, 2, 3)}, nodata=9)
    file.write_bytes(kmcodec.encode_labels(LABELS, classes=other, metadata=found.metadata))
    tags = tiff_pages(decoded(file).read_bytes())[0].tags
    assert tags[42113].data == b"9\0"
    made = np.frombuffer(tags[320].data, "<u2").reshape(3, 256)
    assert made[:, 1].tolist() == [257, 514, 771]
    assert not made[:, 2:].any()


def test_strip_drops_classes_and_tags(tmp_path):
    source = tmp_path / "in.tif"
    tifffile.imwrite(source, LABELS, photometric="palette", colormap=color_map(8, 257))
    assert not kmcodec.read(encoded(source, labels=True, strip=True)).metadata.classes
    file = encoded(source, labels=True)
    assert kmcodec.read(file).metadata.classes
    assert not tiff_pages(decoded(file, strip=True).read_bytes())[0].tags


def test_what_tiff_and_png_cannot_hold_is_told(tmp_path):
    file = tmp_path / "x.kmc"
    metadata = Metadata(classes=CLASSES, tiff=(TiffTag(33550, 12, bytes(24)),))
    file.write_bytes(kmcodec.encode_labels(LABELS, metadata=metadata))
    with pytest.warns(kmcodec.KmcWarning, match="what TIFF cannot hold: names$"):
        decoded(file)
    with pytest.warns(kmcodec.KmcWarning) as told:
        decoded(file, ".png")
    words = " ".join(str(each.message) for each in told)
    assert "what PNG cannot hold: names, no-data value" in words
    assert "dropped the TIFF tags" in words
    with Image.open(tmp_path / "out.png") as opened:
        assert opened.convert("RGB").getpixel((12, 0)) == (0, 99, 0)
    file.write_bytes(kmcodec.encode_labels(LABELS.astype(np.int32), classes=CLASSES))
    with pytest.warns(kmcodec.KmcWarning, match="names, colours$"):
        decoded(file)


def test_the_place_is_dropped_if_the_image_is_turned(tmp_path):
    tifffile.imwrite(
        tmp_path / "in.tif",
        LABELS,
        photometric="minisblack",
        metadata=None,
        extratags=[*GEO, (274, 3, 1, 6, True)],
    )
    with pytest.warns(kmcodec.KmcWarning, match="turned upright"):
        found = read_labels(tmp_path / "in.tif")
    np.testing.assert_array_equal(found.labels, np.rot90(LABELS, -1))
    assert {tag.number for tag in found.metadata.tiff} == {34735, 34736, 34737, 42112}


NAMES_FILE = b"""<PAMDataset><PAMRasterBand band="1"><CategoryNames>
<Category>none</Category><Category></Category><Category>B\xc3\xb6den &amp; Fels</Category>
</CategoryNames></PAMRasterBand></PAMDataset>"""


@pytest.mark.parametrize("options", [{}, {"labels": True}])
def test_names_come_from_the_file_that_gdal_keeps_beside(tmp_path, options):
    tifffile.imwrite(tmp_path / "in.tif", LABELS.astype(np.int16), photometric="minisblack")
    (tmp_path / "in.tif.aux.xml").write_bytes(NAMES_FILE)
    classes = kmcodec.read(encoded(tmp_path / "in.tif", **options)).metadata.classes
    assert classes.names == {0: "none", 2: "Böden & Fels"}


@pytest.mark.parametrize(
    "data",
    [b"", b"<a>", b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>', b"<a>" * 100_000, b"\xff\xfe<"],
)
def test_names_in_a_damaged_file_are_ignored_with_a_note(tmp_path, data):
    tifffile.imwrite(tmp_path / "in.tif", LABELS, photometric="minisblack")
    (tmp_path / "in.tif.aux.xml").write_bytes(data)
    with pytest.warns(kmcodec.KmcWarning, match=r"in\.tif: ignored in\.tif\.aux\.xml"):
        assert read_labels(tmp_path / "in.tif").metadata.classes is None


def test_files_without_categories_have_no_names():
    assert category_names(b"<PAMDataset><PAMRasterBand/></PAMDataset>") == {}


def test_info_shows_classes_and_tags(tmp_path):
    metadata = Metadata(classes=CLASSES, tiff=(TiffTag(42113, 2, b"0.0\0"),))
    (tmp_path / "x.kmc").write_bytes(kmcodec.encode_labels(LABELS, metadata=metadata))
    lines = CliRunner().invoke(kmc, ["info", str(tmp_path / "x.kmc")]).output.splitlines()
    assert "no data    0" in lines
    assert "class      0: #000000 none" in lines
    assert "class      2: #006300 Wald, Böden" in lines
    assert "tags       GDAL_NODATA" in lines
    output = CliRunner().invoke(kmc, ["info", "--json", str(tmp_path / "x.kmc")]).output
    told = json.loads(output)
    assert told["classes"]["colors"] == {"0": "#000000", "2": "#006300"}
    assert told["tiff"] == {"GDAL_NODATA": b"0.0\0".hex()}
    output = CliRunner().invoke(kmc, ["info", "--hexdump", str(tmp_path / "x.kmc")]).output
    assert "names and colours of 2 classes, stored" in output
    assert "TIFF tags 42113, stored" in output


@pytest.mark.filterwarnings("ignore::PendingDeprecationWarning")  # rasterio's own
@pytest.mark.parametrize(
    ("dtype", "nodata", "compress"),
    [("uint8", 0, "lzw"), ("uint16", 65535, "deflate"), ("int16", -9999, None)],
)
def test_gdal_finds_place_and_colours_again(tmp_path, dtype, nodata, compress):
    rasterio = pytest.importorskip("rasterio")
    colors = {0: (0, 0, 0, 255), 1: (0, 100, 200, 255), 5: (7, 8, 9, 255)}
    profile = {"driver": "GTiff", "height": 8, "width": 15, "count": 1, "dtype": dtype}
    place = rasterio.transform.from_origin(5e5, 5.4e6, 30, 10)
    if compress:
        profile["compress"] = compress
    source = tmp_path / "in.tif"
    with rasterio.open(
        source, "w", crs="EPSG:32633", transform=place, nodata=nodata, **profile
    ) as file:
        if dtype != "int16":
            file.write_colormap(1, colors)
        file.write(LABELS.astype(dtype), 1)
        file.update_tags(1, layer="land")
    target = decoded(encoded(source, labels=True))
    with rasterio.open(source) as before, rasterio.open(target) as after:
        assert after.crs == before.crs == rasterio.crs.CRS.from_epsg(32633)
        assert after.transform == before.transform == place
        assert after.nodata == nodata
        assert after.tags(1) == before.tags(1)
        assert after.dtypes == (dtype,)
        np.testing.assert_array_equal(after.read(1), LABELS)
        if dtype != "int16":
            assert after.colormap(1) == before.colormap(1)
