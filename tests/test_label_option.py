"""`--labels`: every id of every file that holds integers is kept, and comes back as a number."""

from __future__ import annotations

import io
import json
import re
import sys
import warnings

import numpy as np
import pytest
import tifffile
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image
from scipy.io import loadmat, savemat

import kmcodec
from kmcodec.batch.decoding import decode_file
from kmcodec.batch.encoding import encode_file
from kmcodec.batch.planning import Job
from kmcodec.cli.app import kmc
from kmcodec.model.label_array import LabelArray
from kmcodec.sources.labels import read_labels

DTYPES = ["|b1", "|i1", "|u1", *(f"{o}{k}{n}" for o in "<>" for k in "iu" for n in (2, 4, 8))]
SHAPES = hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=5)


def run(*words, code=0):
    made = CliRunner().invoke(kmc, [str(word) for word in words])
    assert made.exit_code == code, made.output
    return made.output


def refusal(*words):
    lines = run(*words, code=2 if "-k" in words else 1).strip().splitlines()
    assert len(lines) == 1
    return lines[0]


def through(folder, source, target):
    """Encode and decode on the command line; return what is printed in decoding."""
    run("encode", source, "--labels", "-f", "-q", "-o", folder / "x.kmc")
    return run("decode", folder / "x.kmc", "-f", "-q", "-o", target)


def arrays(dtypes=DTYPES, shapes=SHAPES):
    """Arrays of few values, and of any."""
    return st.sampled_from(dtypes).flatmap(
        lambda dtype: st.one_of(
            hnp.arrays(dtype, shapes),
            hnp.arrays(dtype, shapes, fill=st.nothing()),
        )
    )


@given(labels=arrays(), in_columns=st.booleans())
def test_every_array_comes_back_through_the_command_line(tmp_path_factory, labels, in_columns):
    folder = tmp_path_factory.mktemp("npy")
    np.save(folder / "in.npy", np.asarray(labels, order="F" if in_columns else "C"))
    assert through(folder, folder / "in.npy", folder / "out.npy") == ""
    found = np.load(folder / "out.npy")
    assert (found.dtype.str, found.shape) == (labels.dtype.str, labels.shape)
    np.testing.assert_array_equal(found, labels)


@given(labels=arrays(shapes=hnp.array_shapes(min_dims=2, max_dims=4, max_side=5)))
def test_every_array_comes_back_through_tiff(tmp_path_factory, labels):
    folder = tmp_path_factory.mktemp("tiff")
    np.save(folder / "in.npy", labels)
    assert through(folder, folder / "in.npy", folder / "out.tif") == ""
    assert through(folder, folder / "out.tif", folder / "again.npy") == ""
    found = np.load(folder / "again.npy")
    assert (found.dtype, found.shape) == (labels.dtype.newbyteorder("="), labels.shape)
    np.testing.assert_array_equal(found, labels)


@pytest.mark.parametrize("compression", [None, "zlib"])
@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("axes", [2, 3])
@pytest.mark.parametrize("dtype", ["u1", "i1", "u2", "i2", "u4", "i4", "u8", "i8"])
def test_tiff_files_of_others_are_read(tmp_path, rng, dtype, axes, order, compression):
    limits = np.iinfo(dtype)
    labels = rng.integers(limits.min, limits.max, (3, 5, 7)[-axes:], dtype, endpoint=True)
    tifffile.imwrite(
        tmp_path / "in.tif",
        labels,
        photometric="minisblack",
        byteorder=order,
        compression=compression,
        bigtiff=axes == 3,
    )
    assert through(tmp_path, tmp_path / "in.tif", tmp_path / "out.tif") == ""
    found = tifffile.imread(tmp_path / "out.tif")
    assert found.dtype == labels.dtype
    np.testing.assert_array_equal(found, labels)


@pytest.mark.parametrize("dtype", ["?", "u1", "i1", "u2", "i2", "u4", "i4", "u8", "i8"])
def test_matlab_files_keep_the_type(tmp_path, rng, dtype):
    labels = rng.integers(0, 2, (3, 4, 5)).astype(dtype)
    if dtype[-1] == "8":
        labels[0, 0, 0] = 2**53 + 1
    savemat(tmp_path / "in.mat", {"L": labels})
    assert through(tmp_path, tmp_path / "in.mat", tmp_path / "out.mat") == ""
    found = loadmat(tmp_path / "out.mat", mat_dtype=True)["A"]
    np.testing.assert_array_equal(found, labels)
    assert found.dtype == dtype or dtype == "?"  # scipy has no bool


def test_doubles_of_matlab_are_whole_numbers_or_no_labels(tmp_path):
    savemat(tmp_path / "in.mat", {"L": np.array([[-7.0, 2.0**60], [0.0, 1.0]])})
    found = read_labels(tmp_path / "in.mat").labels
    assert found.dtype == np.int64
    assert found.tolist() == [[-7, 2**60], [0, 1]]
    savemat(tmp_path / "in.mat", {"L": np.array([[0.5, 1]])})
    with pytest.raises(kmcodec.KmcInputError, match="no whole numbers"):
        read_labels(tmp_path / "in.mat")


@pytest.mark.parametrize(("dtype", "base"), [(np.uint8, 0), (np.uint16, 0), (np.float64, 1)])
def test_the_map_of_matlab_gives_colours_to_ids(tmp_path, dtype, base):
    labels = (np.array([[0, 1], [2, 0]]) + base).astype(dtype)
    colors = np.array([[0, 0, 0], [1, 0, 0], [0, 0, 1.0]])
    savemat(tmp_path / "in.mat", {"X": labels, "map": colors})
    found = read_labels(tmp_path / "in.mat")
    np.testing.assert_array_equal(found.labels, labels)
    assert found.metadata.classes.colors == {
        base: (0, 0, 0),
        base + 1: (255, 0, 0),
        base + 2: (0, 0, 255),
    }


def test_var_chooses_an_array_of_an_archive(tmp_path, rng):
    first, second = rng.integers(0, 9, (2, 3, 4, 5))
    np.savez_compressed(tmp_path / "in.npz", a=first, b=second, title="x")
    source = tmp_path / "in.npz"
    words = refusal("encode", source, "--labels", "-o", tmp_path / "x.kmc")
    assert "several arrays, choose one with --var NAME: a (3 x 4 x 5 int64), b (3" in words
    words = refusal("encode", source, "--labels", "--var", "c", "-o", tmp_path / "x.kmc")
    assert "array 'c' is not in it; arrays in it: a (3 x 4 x 5 int64), b " in words
    for name, labels in (("a", first), ("b", second)):
        np.testing.assert_array_equal(read_labels(source, name).labels, labels)
    with pytest.raises(kmcodec.KmcLimitError, match="60 pixels exceed the limit of 59"):
        read_labels(source, "a", max_pixels=59)
    assert read_labels(source, "a", max_pixels=60).labels.size == 60


def test_pictures_in_archives_are_read_too(tmp_path, rng):
    pixels = rng.integers(0, 256, (9, 8, 3), np.uint8)
    np.savez(tmp_path / "in.npz", photo=pixels, gamma=2.2)
    run("encode", tmp_path / "in.npz", "-q", "-o", tmp_path / "x.kmc")
    np.testing.assert_array_equal(kmcodec.read(tmp_path / "x.kmc").to_array(), pixels)


@pytest.mark.parametrize("cut", [3, 30, 100, -1])
def test_damaged_archives_are_refused_in_a_line(tmp_path, cut):
    stream = io.BytesIO()
    np.savez(stream, a=np.zeros((3, 4), np.uint8))
    data = bytearray(stream.getvalue())
    if cut == -1:
        data[data.index(b"NUMPY") + 130] ^= 1  # a sample: the CRC notices
    else:
        del data[-cut:]
    (tmp_path / "in.npz").write_bytes(data)
    assert "npz" in refusal("encode", tmp_path / "in.npz", "--labels", "-o", tmp_path / "x.kmc")


def test_objects_in_archives_are_not_unpickled(tmp_path):
    np.savez(tmp_path / "in.npz", a=np.array([[print]], object), allow_pickle=True)
    assert "Python objects" in refusal("encode", tmp_path / "in.npz", "-o", tmp_path / "x.kmc")


@pytest.mark.parametrize("bits", [1, 2, 4, 8])
def test_greys_of_few_bits_are_the_numbers_in_the_file(tmp_path, rng, bits):
    labels = rng.integers(0, 1 << bits, (5, 9), np.uint8)
    rows = b"".join(
        b"\0" + np.packbits(np.unpackbits(row[:, None], axis=1)[:, -bits:]).tobytes()
        for row in labels
    )
    (tmp_path / "in.png").write_bytes(png(9, 5, bits, 0, rows))
    found = read_labels(tmp_path / "in.png").labels
    assert found.dtype == (bool if bits == 1 else np.uint8)
    np.testing.assert_array_equal(found, labels)


def png(width, height, bits, color, rows):
    import struct
    import zlib

    def chunk(kind, data):
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    head = struct.pack(">IIBBBBB", width, height, bits, color, 0, 0, 0)
    parts = chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + parts


@pytest.mark.parametrize("dtype", [bool, np.uint8])
def test_tiff_where_zero_is_white_keeps_the_numbers_in_the_file(tmp_path, rng, dtype):
    labels = rng.integers(0, 2, (5, 16)).astype(dtype)
    tifffile.imwrite(tmp_path / "in.tif", labels, photometric="miniswhite")
    np.testing.assert_array_equal(read_labels(tmp_path / "in.tif").labels, labels)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_labels_are_turned_upright_as_pictures_are(tmp_path, rng, orientation):
    image = Image.fromarray(rng.integers(0, 4, (3, 5), np.uint8) * 85)
    exif = Image.Exif()
    exif[0x0112] = orientation
    image.save(tmp_path / "in.png", exif=exif)
    run("encode", tmp_path / "in.png", "-q", "-o", tmp_path / "picture.kmc")
    picture = kmcodec.read(tmp_path / "picture.kmc").to_array()
    np.testing.assert_array_equal(read_labels(tmp_path / "in.png").labels, picture)


def test_of_palette_images_the_indices_are_the_labels(tmp_path, rng):
    labels = rng.integers(0, 3, (9, 8), np.uint8)
    image = Image.frombytes("P", (8, 9), labels.tobytes())
    image.putpalette([9, 9, 9, 255, 0, 0, 9, 9, 9])  # two entries look the same
    image.save(tmp_path / "in.png", transparency=b"\x00")
    assert through(tmp_path, tmp_path / "in.png", tmp_path / "out.png") == ""
    with Image.open(tmp_path / "out.png") as opened:
        np.testing.assert_array_equal(np.asarray(opened), labels)
        assert opened.getpalette()[:9] == [9, 9, 9, 255, 0, 0, 9, 9, 9]
        assert opened.info["transparency"] == 0
    colors = kmcodec.read(tmp_path / "x.kmc").metadata.classes.colors
    assert colors == {0: (9, 9, 9, 0), 1: (255, 0, 0, 255), 2: (9, 9, 9, 255)}


def test_smaller_copies_in_a_tiff_are_no_pages(tmp_path, rng):
    labels = rng.integers(0, 9, (8, 8), np.uint8)
    with tifffile.TiffWriter(tmp_path / "in.tif") as file:
        for page, kind in ((labels, 0), (labels[::2, ::2], 1)):
            file.write(page, subfiletype=kind, photometric="minisblack")
    np.testing.assert_array_equal(read_labels(tmp_path / "in.tif").labels, labels)
    with tifffile.TiffWriter(tmp_path / "in.tif") as file:
        for page in (labels, labels[1:]):
            file.write(page, photometric="minisblack")
    with pytest.raises(kmcodec.KmcInputError, match="pages of the TIFF differ"):
        read_labels(tmp_path / "in.tif")


def test_a_tiff_whose_directories_form_a_circle_is_refused(tmp_path):
    stream = io.BytesIO()
    tifffile.imwrite(stream, np.zeros((2, 2), np.uint8), metadata=None)
    data = bytearray(stream.getvalue())
    entries = int.from_bytes(data[8:10], "little")
    data[10 + 12 * entries : 14 + 12 * entries] = (8).to_bytes(4, "little")
    (tmp_path / "in.tif").write_bytes(data)
    with pytest.raises(kmcodec.KmcInputError, match=r"in\.tif: "):
        read_labels(tmp_path / "in.tif")


@pytest.mark.filterwarnings("ignore::kmcodec.KmcWarning")
@given(at=st.integers(0, 400), value=st.integers(0, 255), is_big=st.booleans())
def test_damaged_tiff_files_end_as_documented(tmp_path_factory, at, value, is_big):
    stream = io.BytesIO()
    tags = [(33550, 12, 3, (30.0, 30.0, 0.0), True), (42113, 2, 3, b"-9", True)]
    labels = np.arange(12, dtype=np.uint64).reshape(3, 4)
    tifffile.imwrite(stream, labels, metadata=None, bigtiff=is_big, extratags=tags)
    data = bytearray(stream.getvalue())
    data[at % len(data)] = value
    path = tmp_path_factory.mktemp("tiff") / "in.tif"
    path.write_bytes(data)
    try:
        assert read_labels(path, max_pixels=1000).labels.dtype.kind in "iub"
    except (kmcodec.KmcInputError, kmcodec.KmcLimitError) as error:
        fault = str(error)
    else:
        fault = ""
    assert not fault or "in.tif" in fault


PHOTO = np.zeros((4, 5, 3), np.uint8)


@pytest.mark.parametrize(
    ("name", "pixels", "words"),
    [
        ("in.png", PHOTO, "an image of mode RGB holds no labels"),
        ("in.tif", PHOTO, "a TIFF of 3 channels holds no labels"),
        ("in.tif", PHOTO[..., 0].astype("f4"), "a TIFF of 32-bit floats holds no labels"),
        ("in.npy", np.zeros((4, 5)), "float64 samples are no labels"),
    ],
)
def test_files_without_labels_are_refused_in_a_line(tmp_path, name, pixels, words):
    path = tmp_path / name
    np.save(path, pixels) if path.suffix == ".npy" else Image.fromarray(pixels).save(path)
    assert words in refusal("encode", path, "--labels", "-o", tmp_path / "x.kmc")


def test_kmc_files_without_labels_are_refused_in_a_line(tmp_path):
    kmcodec.write(tmp_path / "in.kmc", PHOTO)
    words = refusal("encode", tmp_path / "in.kmc", "--labels", "-o", tmp_path / "x.kmc")
    assert "in.kmc: the image holds no labels" in words


def test_labels_in_kmc_files_are_coded_anew(tmp_path, rng):
    labels = rng.integers(-3, 4, (4, 5, 6))
    classes = kmcodec.LabelClasses({-3: "low"})
    (tmp_path / "in.kmc").write_bytes(kmcodec.encode_labels(labels, classes=classes))
    run("encode", tmp_path / "in.kmc", "--labels", "-q", "-o", tmp_path / "x.kmc")
    data = (tmp_path / "x.kmc").read_bytes()
    np.testing.assert_array_equal(kmcodec.decode_labels(data), labels)
    assert kmcodec.inspect(data).metadata.classes == classes


def test_animations_hold_no_labels(tmp_path):
    frames = [Image.new("L", (3, 3), grey) for grey in (0, 255)]
    frames[0].save(tmp_path / "in.gif", save_all=True, append_images=frames[1:])
    words = refusal("encode", tmp_path / "in.gif", "--labels", "-o", tmp_path / "x.kmc")
    assert "animation holds no labels" in words


OPTIONS = {
    "k": ["-k", "4"],
    "palette": ["--palette", "#000000,#ffffff"],
    "dither": ["--dither", "blue-noise"],
    "keep": ["--keep", "#ff0000"],
    "reorder": ["--reorder"],
    "space": ["--space", "oklab"],
    "rdo": ["--rdo", "0.1"],
    "psnr": ["--psnr", "30"],
    "max_bytes": ["--max-bytes", "900"],
    "quality": ["--quality", "70"],
    "palettes": ["--frame-palettes"],
    "shared-palette": ["--shared-palette"],
}


@pytest.mark.parametrize("name", OPTIONS)
def test_options_that_change_labels_are_refused_by_name(tmp_path, name):
    np.save(tmp_path / "in.npy", PHOTO[..., 0])
    output = run("encode", tmp_path / "in.npy", "--labels", *OPTIONS[name], code=2)
    line = output.splitlines()[-1]
    assert name in line
    assert "labels" in line
    assert not list(tmp_path.glob("*.kmc"))


def test_automatic_labels_of_more_values_than_a_palette_holds_are_kept(tmp_path):
    labels = np.repeat(np.arange(70_000, dtype=np.uint32), 2).reshape(200, 700)
    np.save(tmp_path / "in.npy", labels)
    run("encode", tmp_path / "in.npy", "-q", "-o", tmp_path / "x.kmc")
    found = kmcodec.decode_labels((tmp_path / "x.kmc").read_bytes())
    assert found.dtype == np.uint32
    np.testing.assert_array_equal(found, labels)


@pytest.mark.parametrize("words", [[], ["--labels"]])
def test_strip_does_not_drop_labels(tmp_path, words):
    labels = np.kron([[1, 300], [7, 5]], np.ones((4, 4), int)).astype(np.uint16)
    Image.fromarray(labels).save(tmp_path / "in.png", icc_profile=b"x" * 200)
    run("encode", tmp_path / "in.png", "--strip", "-q", *words, "-o", tmp_path / "x.kmc")
    data = (tmp_path / "x.kmc").read_bytes()
    assert kmcodec.inspect(data).metadata.icc is None
    np.testing.assert_array_equal(kmcodec.decode_labels(data), labels)


def test_limits_hold_for_every_value_of_a_volume(tmp_path):
    np.save(tmp_path / "in.npy", np.zeros((3, 4, 5), np.uint8))
    tifffile.imwrite(tmp_path / "in.tif", np.zeros((3, 4, 5), np.uint8), photometric="minisblack")
    savemat(tmp_path / "in.mat", {"A": np.zeros((3, 4, 5), np.uint8)})
    for path in tmp_path.glob("in.*"):
        assert read_labels(path, max_pixels=60).labels.shape == (3, 4, 5)
        with pytest.raises(kmcodec.KmcLimitError, match=f"{path.name}: 60 pixels"):
            read_labels(path, max_pixels=59)


@pytest.mark.parametrize(
    ("labels", "extension", "words"),
    [
        (np.array([[1, 300]]), ".png", "PNG has no int64, wrote uint16: write .npy to keep them"),
        (np.array([[-1]]), ".png", "png does not hold labels of int64, 1x1, wrote the picture"),
        (np.zeros((2, 2, 2), "u1"), ".png", "png does not hold labels of uint8, 2x2x2"),
        (np.zeros(3, "u1"), ".tif", "tif does not hold labels of uint8, 3, wrote the picture"),
        (np.zeros(3, "u1"), ".mat", r"MATLAB has no shape \(3,\), wrote \(1, 3\)"),
    ],
)
def test_what_a_format_cannot_hold_is_told_in_a_line(tmp_path, labels, extension, words):
    (tmp_path / "x.kmc").write_bytes(kmcodec.encode_labels(labels))
    job = Job(str(tmp_path / "x.kmc"), str(tmp_path / f"out{extension}"), replace=True)
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        decode_file(job)
    assert re.search(r"x\.kmc: .*" + words, str(told[0].message))


def test_without_tifffile_a_line_says_what_to_install(tmp_path, monkeypatch):
    tifffile.imwrite(tmp_path / "in.tif", np.zeros((2, 3), np.int64), metadata=None)
    (tmp_path / "x.kmc").write_bytes(kmcodec.encode_labels(np.array([[-1, 300]])))
    monkeypatch.setitem(sys.modules, "tifffile", None)
    words = refusal("encode", tmp_path / "in.tif", "--labels", "-o", tmp_path / "y.kmc")
    assert "pip install 'kmcodec[geo]'" in words
    job = Job(str(tmp_path / "x.kmc"), str(tmp_path / "out.tif"), replace=True)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        decode_file(job)
    assert "install kmcodec[geo], or write .npy" in str(told[0].message)
    (tmp_path / "x.kmc").write_bytes(kmcodec.encode_labels(np.array([[1, 300]], np.uint16)))
    assert run("decode", tmp_path / "x.kmc", "-q", "-f", "-o", tmp_path / "out.tif") == ""
    assert read_labels(tmp_path / "out.tif").labels.tolist() == [[1, 300]]


@given(labels=arrays())
def test_info_tells_dtype_shape_count_and_range(tmp_path_factory, labels):
    path = tmp_path_factory.mktemp("info") / "x.kmc"
    path.write_bytes(kmcodec.encode_labels(labels))
    told = json.loads(run("info", "--json", path))["labels"]
    distinct = np.unique(labels)
    assert (told["dtype"], tuple(told["shape"])) == (labels.dtype.str, labels.shape)
    assert told["values"] == len(distinct)
    if len(distinct):
        assert (told["least"], told["most"]) == (int(distinct[0]), int(distinct[-1]))


def test_info_counts_labels_that_are_stored_byte_by_byte(tmp_path):
    labels = np.arange(70_000).reshape(70, 1000) - 5
    (tmp_path / "x.kmc").write_bytes(kmcodec.encode_labels(labels))
    line = "labels     int64, 70 x 1,000, 70,000 distinct, -5 to 69994"
    assert line in run("info", tmp_path / "x.kmc").splitlines()


def test_info_of_labels_that_do_not_fit_notes_it_and_shows_the_rest(tmp_path):
    metadata = kmcodec.Metadata(labels=LabelArray(np.dtype("u1"), (2, 2), (3, 4, 5)))
    kmcodec.write(tmp_path / "x.kmc", kmcodec.IndexedImage([[7]], [[0, 0], [0, 0]], metadata))
    output = run("info", tmp_path / "x.kmc")
    assert "3 values do not fit 1 palette entries" in output
    assert "palette    1 entries" in output


def test_labels_are_kept_by_encode_file(tmp_path):
    np.save(tmp_path / "in.npy", PHOTO)
    job = Job(str(tmp_path / "in.npy"), str(tmp_path / "x.kmc"), replace=True)
    report = encode_file(job, labels=True)
    assert report.lossless
    assert report.raw_size == PHOTO.nbytes
    found = kmcodec.decode_labels((tmp_path / "x.kmc").read_bytes())
    np.testing.assert_array_equal(found, PHOTO)
