"""Image files of labels: every id is kept, and comes back as a number."""

from __future__ import annotations

import io
import warnings

import numpy as np
import pytest
from PIL import Image
from scipy.io import loadmat, savemat

import kmcodec
from kmcodec.batch.decoding import decode_file
from kmcodec.batch.encoding import encode_file
from kmcodec.batch.planning import Job
from kmcodec.sources.images import read_source


def written(path, labels):
    """Labels in a file of the format that its name tells."""
    if path.suffix == ".npy":
        np.save(path, labels)
    elif path.suffix == ".mat":
        savemat(path, {"L": labels})
    elif path.suffix == ".pgm":
        size = f"P5 {labels.shape[1]} {labels.shape[0]} 65535\n".encode()
        path.write_bytes(size + labels.astype(">u2").tobytes())
    else:
        Image.fromarray(labels).save(path)
    return path


def encoded(path, **options):
    target = path.with_suffix(".kmc")
    report = encode_file(Job(str(path), str(target), replace=True), coding="context", **options)
    return report, target


def decoded(path, extension, **options):
    target = path.with_name("back" + extension)
    decode_file(Job(str(path), str(target), replace=True), **options)
    return target


@pytest.mark.parametrize("extension", [".png", ".tif", ".npy", ".mat", ".pgm"])
@pytest.mark.parametrize("most", [9, 255, 256, 60_000])
def test_every_id_of_16_bits_is_kept_in_every_format(tmp_path, rng, extension, most):
    ids = np.unique(np.linspace(1, most, 9).astype(np.uint16))
    labels = rng.choice(ids, (20, 30))
    report, file = encoded(written(tmp_path / f"land{extension}", labels))
    assert report.to_dict()["lossless"]
    found = kmcodec.decode_labels(file.read_bytes())
    assert found.dtype == np.uint16
    np.testing.assert_array_equal(found, labels)


def test_segments_are_labels_however_many(tmp_path):
    labels = np.kron(np.arange(2000, dtype=np.uint16).reshape(20, 100), np.ones((1, 4), np.uint16))
    _, file = encoded(written(tmp_path / "parcels.png", labels))
    np.testing.assert_array_equal(kmcodec.decode_labels(file.read_bytes()), labels)


@pytest.mark.parametrize("extension", [".png", ".tif", ".npy", ".pgm"])
@pytest.mark.parametrize("most", [600, 60_000])
def test_photographs_of_16_bits_are_scaled_by_their_type_and_told(tmp_path, rng, extension, most):
    photo = rng.integers(0, most, (40, 50), np.uint16)
    path = written(tmp_path / f"photo{extension}", photo)
    with pytest.warns(kmcodec.KmcWarning, match="16-bit samples reduced to 8 bits"):
        source = read_source(path)
    np.testing.assert_array_equal(source.image, np.floor(photo / 257 + 0.5))


@pytest.mark.filterwarnings("ignore:.*16-bit samples")
@pytest.mark.parametrize("large", [10, 10_000])
def test_photographs_of_16_bits_are_not_called_lossless(tmp_path, large):
    photo = np.arange(0, 60_000, 100, np.uint16).reshape(20, 30)
    report, _ = encoded(written(tmp_path / "photo.npy", photo), large=large)
    assert report.losses == ("16-bit samples reduced to 8 bits",)
    assert report.to_dict()["lossless"] is False
    assert report.to_dict()["psnr"] is None


@pytest.mark.parametrize(
    ("dtype", "extension"),
    [("i4", ".tif"), ("<i8", ".npy"), (">i2", ".npy"), ("i1", ".npy"), ("<u4", ".npy")],
)
def test_negative_and_large_ids_are_kept(tmp_path, rng, dtype, extension):
    limits = np.iinfo(dtype)
    labels = rng.choice(np.array([limits.min, 0, 3, limits.max], dtype), (8, 9))
    _, file = encoded(written(tmp_path / f"ids{extension}", labels))
    found = kmcodec.decode_labels(file.read_bytes())
    assert found.dtype == np.dtype(dtype)
    np.testing.assert_array_equal(found, labels)


def signed_tiff(samples):
    """A TIFF of signed samples of 8 or 16 bits, which Pillow does not write."""
    bits = 8 * samples.itemsize
    stream = io.BytesIO()
    plain = samples.view(f"u{samples.itemsize}")
    Image.fromarray(plain).save(stream, "TIFF", tiffinfo={339: 2})
    with Image.open(io.BytesIO(stream.getvalue())) as opened:
        assert opened.tag_v2[258] == (bits,)
    return stream.getvalue()


@pytest.mark.parametrize("dtype", [np.int8, np.int16])
def test_signed_tiff_files_keep_negative_ids(tmp_path, dtype):
    labels = np.array([[-3, 5, 7], [-100, 0, 1]], dtype)
    path = tmp_path / "signed.tif"
    path.write_bytes(signed_tiff(labels))
    _, file = encoded(path)
    found = kmcodec.decode_labels(file.read_bytes())
    assert found.dtype == dtype
    np.testing.assert_array_equal(found, labels)


def test_plain_integers_of_8_bits_look_as_before(tmp_path, rng):
    photo = rng.integers(0, 256, (20, 20))
    source = read_source(written(tmp_path / "photo.npy", photo))
    np.testing.assert_array_equal(source.pixels, photo)


def test_fewer_entries_than_labels_make_a_picture_of_them(tmp_path, rng):
    labels = rng.choice(np.array([1, 300, 20_000, 60_000], np.uint16), (20, 30))
    path = written(tmp_path / "land.png", labels)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        _, file = encoded(path, k=3)
    assert [str(w.message) for w in caught] == [
        f"{path}: 16-bit samples reduced to 8 bits",
        f"{path}: more labels than 3 entries hold, encoded as a picture",
    ]
    assert kmcodec.read(file).metadata.labels is None


@pytest.mark.parametrize("extension", [".npy", ".npz", ".mat", ".png", ".tif"])
def test_labels_come_back_as_numbers(tmp_path, rng, extension):
    labels = rng.choice(np.array([1, 300, 20_000], np.uint16), (20, 30))
    file = tmp_path / "land.kmc"
    file.write_bytes(kmcodec.encode_labels(labels))
    back = decoded(file, extension)
    if extension == ".npy":
        found = np.load(back)
    elif extension == ".npz":
        found = np.load(back)["A"]
    elif extension == ".mat":
        found = loadmat(back)["A"]
    else:
        with Image.open(back) as opened:
            found = np.asarray(opened)
    assert found.dtype == np.uint16
    np.testing.assert_array_equal(found, labels)
    again, file = encoded(back)
    assert again.to_dict()["lossless"]
    np.testing.assert_array_equal(kmcodec.decode_labels(file.read_bytes()), labels)


def test_the_picture_of_labels_is_written_where_it_is_asked_for(tmp_path):
    file = tmp_path / "land.kmc"
    file.write_bytes(kmcodec.encode_labels(np.array([[1, 300]])))
    assert np.load(decoded(file, ".npy", picture=True)).tolist() == [[0, 255]]


def test_labels_that_a_format_does_not_hold_become_a_picture_with_a_note(tmp_path):
    file = tmp_path / "land.kmc"
    file.write_bytes(kmcodec.encode_labels(np.array([[-1, 300]])))
    with pytest.warns(kmcodec.KmcWarning, match="png does not hold labels of int64"):
        back = decoded(file, ".png")
    with Image.open(back) as opened:
        assert np.asarray(opened.convert("L")).tolist() == [[0, 255]]


COLORS = np.array([[0, 0, 0], [1, 0, 0], [0, 0.5, 1]])


@pytest.mark.parametrize("variable", [None, "X"])
@pytest.mark.parametrize(("dtype", "base"), [(np.float64, 1), (np.uint8, 0), (np.uint16, 0)])
def test_indexed_images_of_matlab_keep_their_map(tmp_path, variable, dtype, base):
    indices = np.array([[0, 1], [2, 0]])
    path = tmp_path / "x.mat"
    savemat(path, {"X": (indices + base).astype(dtype), "map": COLORS})
    with pytest.warns(kmcodec.KmcLossWarning, match="float samples rounded"):  # of the map
        image = read_source(path, variable).image
    assert image.palette.tolist() == [[0, 0, 0], [255, 0, 0], [0, 128, 255]]
    np.testing.assert_array_equal(image.indices, indices)


def test_a_map_that_indices_do_not_fit_is_left_out_with_a_note(tmp_path):
    path = tmp_path / "x.mat"
    savemat(path, {"X": np.array([[1, 4], [2, 3]], np.uint8), "map": COLORS})
    with pytest.warns(kmcodec.KmcWarning, match="dropped the map"):
        assert read_source(path).image.tolist() == [[1, 4], [2, 3]]


def test_labels_in_doubles_of_matlab_are_kept(tmp_path):
    labels = np.kron([[1.0, 300.0], [-7.0, 70_000.0]], np.ones((5, 5)))
    _, file = encoded(written(tmp_path / "bw.mat", labels))
    np.testing.assert_array_equal(kmcodec.decode_labels(file.read_bytes()), labels)


@pytest.mark.parametrize("ids", [[1, 255], [1, 300], [-7, 2**40]], ids=str)
def test_labels_in_files_that_are_read_by_rows_are_kept(tmp_path, rng, ids):
    labels = rng.choice(np.array(ids, np.int64 if ids[0] < 0 else np.uint16), (20, 30))
    _, file = encoded(written(tmp_path / "land.npy", labels), large=10)
    np.testing.assert_array_equal(kmcodec.decode_labels(file.read_bytes()), labels)


@pytest.mark.filterwarnings("ignore:.*16-bit samples")
def test_photographs_that_are_read_by_rows_are_those_that_are_read_as_a_whole(tmp_path, rng):
    path = written(tmp_path / "photo.npy", rng.integers(0, 600, (20, 30), np.uint16))
    _, file = encoded(path)
    whole = file.read_bytes()
    _, file = encoded(path, large=10)
    np.testing.assert_array_equal(kmcodec.decode(file.read_bytes()), kmcodec.decode(whole))


@pytest.mark.filterwarnings("ignore:16-bit samples")
def test_frames_of_16_bits_are_scaled_alike():
    frames = [np.full((4, 4), value, np.uint16) for value in (200, 300, 60_000)]
    animation = kmcodec.decode_frames(kmcodec.encode_frames(frames))
    assert [int(frame.to_array()[0, 0]) for frame in animation] == [1, 1, 233]
    assert kmcodec.shared_palette(frames).ravel().tolist() == [1, 233]
