"""Some rows of files of labels: they stay labels."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

import kmcodec
from kmcodec import LabelClasses
from kmcodec.batch.decoding import decode_file
from kmcodec.batch.encoding import encode_file
from kmcodec.batch.planning import Job
from kmcodec.model.label_array import LabelArray
from kmcodec.model.label_images import labels_of

IDS = (-5, 7, 70_000, 2**40)


@pytest.fixture
def file(tmp_path):
    return tmp_path / "labels.kmc"


def labels_in(rng, shape, dtype=np.int64):
    return np.repeat(rng.choice(np.array(IDS, dtype), shape), 7, axis=-1)


def test_rows_of_a_map_are_those_of_its_labels(rng, file):
    labels = labels_in(rng, (40, 6))
    classes = LabelClasses(names={7: "water"})
    data = kmcodec.encode_labels(labels, strip_rows=10, classes=classes)
    file.write_bytes(data)
    part = kmcodec.read(file, rows=(12, 25))
    np.testing.assert_array_equal(labels_of(part), labels[12:25])
    assert labels_of(part).dtype == labels.dtype
    assert part.metadata.classes == classes


@pytest.mark.parametrize(
    ("rows", "expected"),
    [((8, 24), np.s_[1:3]), ((0, 40), np.s_[:]), ((9, 11), None), ((0, 12), None)],
)
def test_rows_of_a_volume_are_slices_where_they_hold_whole_ones(rng, file, rows, expected):
    volume = labels_in(rng, (5, 8, 6), ">i8")
    file.write_bytes(kmcodec.encode_labels(volume))
    found = labels_of(kmcodec.read(file, rows=rows))
    flat = volume.reshape(-1, volume.shape[-1])
    np.testing.assert_array_equal(
        found, flat[slice(*rows)] if expected is None else volume[expected]
    )
    assert found.dtype == volume.dtype


def test_rows_of_labels_that_are_their_own_greys_are_kept(tmp_path, file):
    labels = np.kron(np.int32([[0, 3], [9, 3]]), np.ones((10, 20), np.int32))
    np.save(tmp_path / "own.npy", labels)
    encode_file(Job(str(tmp_path / "own.npy"), str(file), replace=True))
    found = labels_of(kmcodec.read(file, rows=(5, 15)))
    np.testing.assert_array_equal(found, labels[5:15])
    assert found.dtype == np.int32


@pytest.mark.parametrize("shape", [(), (9,), (0, 3)])
def test_all_rows_are_the_whole_array(file, shape):
    labels = np.full(shape, 70_000)
    file.write_bytes(kmcodec.encode_labels(labels))
    part = kmcodec.read(file, rows=(0, 1))
    np.testing.assert_array_equal(labels_of(part), labels)
    assert labels_of(part).shape == shape


def test_rows_of_bytes_of_labels_are_a_picture(rng, file):
    labels = rng.integers(0, 2**60, (300, 300))
    file.write_bytes(kmcodec.encode_labels(labels))
    assert kmcodec.read(file, rows=(0, 20)).metadata.labels is None
    height = kmcodec.inspect(file.read_bytes()).header.height
    np.testing.assert_array_equal(labels_of(kmcodec.read(file, rows=(0, height))), labels)


def test_labels_that_do_not_fit_leave_a_picture(file):
    grey = np.array([[0], [255]], np.uint8)
    metadata = kmcodec.Metadata(labels=LabelArray(np.dtype("u1"), (4, 5), (3, 4, 5)))
    image = kmcodec.IndexedImage(grey, np.zeros((4, 5), np.uint8), metadata)
    file.write_bytes(kmcodec.encode(image))
    assert kmcodec.read(file, rows=(1, 3)) == replace(
        image, indices=image.indices[1:3], metadata=kmcodec.Metadata()
    )


@pytest.mark.parametrize("at", [-30, -1])
def test_damage_to_the_sections_leaves_a_picture(rng, file, at):
    data = bytearray(kmcodec.encode_labels(labels_in(rng, (40, 6)), strip_rows=10))
    data[at] ^= 1
    file.write_bytes(data)
    part = kmcodec.read(file, rows=(3, 9))
    assert (part.indices.shape, part.metadata) == ((6, 42), kmcodec.Metadata())


@pytest.mark.parametrize("extension", [".npy", ".npz", ".tif", ".png"])
@pytest.mark.parametrize("picture", [False, True])
def test_files_of_rows_hold_the_labels(rng, file, extension, picture):
    labels = labels_in(rng, (40, 6)).astype(np.uint16)
    file.write_bytes(kmcodec.encode_labels(labels))
    target = file.with_suffix(extension)
    decode_file(Job(str(file), str(target), replace=False), rows=(12, 25), picture=picture)
    if extension.startswith(".np"):
        found = np.load(target)
        found = found["A"] if extension == ".npz" else found
    else:
        with Image.open(target) as image:
            found = np.array(image.convert("L") if picture else image)
    part = kmcodec.read(file, rows=(12, 25))
    np.testing.assert_array_equal(found, part.to_array() if picture else labels[12:25])
