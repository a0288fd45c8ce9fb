"""MATLAB's files: which variable is the image, and what damaged files end in."""

import contextlib
import io
import subprocess
import sys
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from kmcodec.errors import KmcInputError
from kmcodec.formats.matlab import is_mat, read_mat, write_mat

BIRD = np.random.default_rng(1).integers(0, 256, (6, 5, 3), np.uint8)
VERSIONS = {
    "4": {"format": "4"},
    "5": {"format": "5"},
    "7": {"format": "5", "do_compression": True},
}


def mat(version="7", **variables):
    from scipy.io import savemat

    stream = io.BytesIO()
    savemat(stream, variables, oned_as="row", **VERSIONS[version])
    return stream.getvalue()


def deflated(data):
    """Compress the one variable of a file of version 5."""
    packed = zlib.compress(data[128:])
    return data[:128] + np.array([15, len(packed)], "<u4").tobytes() + packed


@given(
    hnp.arrays(
        st.sampled_from([np.uint8, np.uint16, np.int32, np.int64]),
        st.tuples(st.integers(1, 5), st.integers(1, 5))
        | st.tuples(st.integers(1, 5), st.integers(1, 5), st.integers(3, 4)),
    )
)
@settings(max_examples=50)
def test_what_was_written_is_read(array):
    read = read_mat(write_mat(array), "a.mat")
    assert read.dtype == array.dtype
    assert np.array_equal(read, array)


def test_the_same_array_makes_the_same_bytes():
    assert write_mat(BIRD) == write_mat(BIRD)
    assert write_mat(BIRD).startswith(b"MATLAB 5.0 MAT-file, written by kmcodec")


@pytest.mark.parametrize("version", ["5", "7"])
def test_the_only_image_is_taken_whatever_its_name(version):
    data = mat(version, bird_small=BIRD, note="a bird", more={"x": BIRD}, K=16)
    assert is_mat(data)
    assert np.array_equal(read_mat(data, "a.mat"), BIRD)


def test_version_4_holds_grey_images():
    data = mat("4", grey=BIRD[:, :, 0])
    assert is_mat(data)
    assert np.array_equal(read_mat(data, "a.mat"), BIRD[:, :, 0])


def test_version_4_of_either_byte_order_is_known():
    header = np.array([1050, 2, 2, 0, 2], ">i4").tobytes()
    data = header + b"a\0" + bytes([0, 2, 1, 3])
    assert is_mat(data)
    assert read_mat(data, "a.mat").tolist() == [[0, 1], [2, 3]]


@pytest.mark.parametrize("version", ["5", "7"])
def test_logical_comes_out_as_bool(version):
    read = read_mat(mat(version, mask=np.eye(3, dtype=bool)), "a.mat")
    assert read.dtype == bool


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_floats_stay_floats(dtype):
    array = np.array([[0, 0.5], [0.25, 1]], dtype)
    assert read_mat(mat(a=array), "a.mat").tolist() == array.tolist()


@pytest.mark.parametrize("version", ["4", "5", "7"])
def test_doubles_that_are_whole_numbers_above_1_are_8_bit_samples(version):
    read = read_mat(mat(version, a=np.array([[0.0, 255], [7, 9]])), "a.mat")
    assert read.dtype == np.uint8
    assert read.tolist() == [[0, 255], [7, 9]]


@pytest.mark.parametrize("version", ["4", "5", "7"])
def test_doubles_of_0_and_1_are_black_and_white(version):
    assert read_mat(mat(version, a=np.eye(3)), "a.mat").dtype == np.float64


def test_doubles_that_matlab_stored_as_bytes_are_doubles():
    # As MATLAB does, and savemat does not: the class of the array is double, its data are uint8.
    data = bytearray(mat("5", a=np.eye(4, dtype=np.uint8)))
    flags = data.index(np.array([6, 8, 9], "<u4").tobytes())
    data[flags + 8] = 6
    assert read_mat(bytes(data), "a.mat").dtype == np.float64


def test_a_vector_counts_only_where_there_is_nothing_larger():
    assert read_mat(mat(v=np.arange(4), A=BIRD), "a.mat").shape == BIRD.shape
    assert read_mat(mat(v=np.arange(4)), "a.mat").tolist() == [[0, 1, 2, 3]]


def test_a_vector_can_be_chosen():
    read = read_mat(mat(v=np.arange(4), A=BIRD), "a.mat", "v")
    assert read.tolist() == [[0, 1, 2, 3]]


def test_of_several_images_one_must_be_chosen():
    data = mat(A=BIRD, mask=np.eye(3, dtype=bool))
    with pytest.raises(KmcInputError) as caught:
        read_mat(data, "a.mat")
    assert str(caught.value) == (
        "a.mat: several images, choose one with --var NAME: "
        "A (6 x 5 x 3 uint8), mask (3 x 3 logical)"
    )
    assert np.array_equal(read_mat(data, "a.mat", "A"), BIRD)


@pytest.mark.parametrize(
    ("variable", "told"), [("B", "'B' is not in it"), ("note", "'note' is no image")]
)
def test_a_wrong_choice_is_told_with_the_candidates(variable, told):
    with pytest.raises(KmcInputError) as caught:
        read_mat(mat(A=BIRD, note="a bird"), "a.mat", variable)
    assert told in str(caught.value)
    assert "A (6 x 5 x 3 uint8)" in str(caught.value)


def test_a_file_without_images_is_told_with_what_is_in_it():
    import scipy.sparse

    data = mat(
        note="a bird",
        z=np.full((3, 3), 1j),
        cells=np.array([[1, "a"]], object),
        sparse=scipy.sparse.csc_matrix(np.eye(3)),
        nothing=np.zeros((0, 3)),
        video=np.zeros((2, 2, 3, 4)),
        five=np.zeros((2, 2, 5)),
    )
    with pytest.raises(KmcInputError, match="no image, only") as caught:
        read_mat(data, "a.mat")
    for told in (
        "note (1 x 6 char)",
        "z (3 x 3 complex double)",
        "cells (1 x 2 cell)",
        "five (2 x 2 x 5 dou",
    ):
        assert told in str(caught.value)


def test_complex_arrays_are_not_chosen_silently():
    assert np.array_equal(read_mat(mat(z=np.full((3, 3), 1j), A=BIRD), "a.mat"), BIRD)


def test_an_empty_file_of_version_5_holds_no_image():
    with pytest.raises(KmcInputError, match="no image, only nothing"):
        read_mat(mat("5"), "a.mat")


@pytest.mark.parametrize(
    "data",
    [
        b"MATLAB 7.3 MAT-file, Platform: GLNXA64".ljust(512) + b"\x89HDF\r\n\x1a\n",
        b"MATLAB 7.3 MAT-file",
        b"\x89HDF\r\n\x1a\n" + bytes(100),
        bytes(512) + b"\x89HDF\r\n\x1a\n",
    ],
)
def test_version_7_3_is_told_how_to_be_converted(data):
    assert is_mat(data)
    with pytest.raises(KmcInputError, match=r"save\('file.mat', '-v7'\).*h5py"):
        read_mat(data, "a.mat")


@pytest.mark.parametrize(
    "data",
    [b"", b"\x93NUMPY", b"\x89PNG\r\n\x1a\n" + bytes(200), bytes(19), bytes(400), b"text" * 99],
)
def test_other_files_are_no_mat_files(data):
    assert not is_mat(data)


@pytest.mark.parametrize("version", ["4", "5", "7"])
def test_every_prefix_ends_in_one_plain_sentence(version):
    data = mat(version, a=BIRD[:, :, 0], b="text")
    first = len(mat(version, a=BIRD[:, :, 0]))
    for length in set(range(len(data))) - {first}:
        with pytest.raises(KmcInputError) as caught:
            read_mat(data[:length], "a.mat")
        assert str(caught.value).startswith("a.mat: ")
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize("version", ["4", "5", "7"])
@given(st.data())
@settings(max_examples=150, deadline=None)
def test_flipped_bytes_end_in_an_array_or_one_plain_sentence(version, data):
    damaged = bytearray(mat(version, a=BIRD[:, :, 0]))
    for _ in range(data.draw(st.integers(1, 3))):
        place = data.draw(st.integers(0, len(damaged) - 1))
        damaged[place] = data.draw(st.integers(0, 255))
    with contextlib.suppress(KmcInputError):
        read_mat(bytes(damaged), "a.mat")


@pytest.mark.parametrize("version", ["5", "7"])
@pytest.mark.parametrize("sides", [(2**31 - 1, 2**31 - 1), (-6, -5), (6, 6), (3, 5)])
def test_a_shape_that_does_not_fit_the_data_is_refused_before_allocation(version, sides):
    plain = bytearray(mat("5", a=np.zeros((6, 5), np.uint8)))
    shape = plain.index(np.array([6, 5], "<i4").tobytes())
    plain[shape : shape + 8] = np.array(sides, "<i4").tobytes()
    data = deflated(bytes(plain)) if version == "7" else bytes(plain)
    with pytest.raises(KmcInputError, match="damaged or truncated"):
        read_mat(data, "a.mat")


@pytest.mark.parametrize("tag", [b"\xff\x01", b"\x00\x00\x00\x00\x00\x00\x00\x00", b"\x0e\x00"])
def test_samples_of_unknown_type_are_refused(tag):
    # scipy.io.loadmat ends Python with a segmentation fault here.
    data = bytearray(mat("5", a=np.zeros((6, 5), np.uint8)))
    data[176 : 176 + len(tag)] = tag
    with pytest.raises(KmcInputError, match="damaged or truncated"):
        read_mat(bytes(data), "a.mat")


@pytest.mark.parametrize("version", ["5", "7"])
def test_an_element_whose_name_is_said_to_be_huge_is_refused(version):
    data = mat("5", a=np.zeros((6, 5), np.uint8))
    data = data.replace(b"\x01\0\x01\0a\0\0\0", b"\x01\0\0\0\xf8\xff\xff\xff")
    assert data != mat("5", a=np.zeros((6, 5), np.uint8))
    with pytest.raises(KmcInputError, match="damaged or truncated"):
        read_mat(deflated(data) if version == "7" else data, "a.mat")


def test_of_two_variables_with_one_name_the_one_that_was_checked_is_read():
    # By its name, loadmat would take the other one.
    first, second = (mat("5", a=array) for array in (np.zeros((1, 6), np.uint8), BIRD))
    data = bytearray(first + second[128:])
    data[176:178] = b"\xff\x01"
    assert np.array_equal(read_mat(bytes(data), "a.mat"), BIRD)


def test_strings_and_tables_of_matlab_do_not_hinder():
    # Arrays of the class opaque, at which scipy.io.whosmat raises TypeError.
    def element(type_, content):
        padded = content + bytes(-len(content) % 8)
        return np.array([type_, len(content)], "<u4").tobytes() + padded

    names = b"".join(element(1, name) for name in (b"text", b"MCOS", b"string"))
    opaque = element(14, element(6, np.array([17, 0], "<u4").tobytes()) + names)
    assert np.array_equal(read_mat(mat("5", a=BIRD) + opaque, "a.mat"), BIRD)
    with pytest.raises(KmcInputError, match="no image, only text"):
        read_mat(mat("5") + opaque, "a.mat")


def test_sparse_arrays_of_logicals_are_no_images():
    import scipy.sparse

    data = mat("5", mask=scipy.sparse.csc_matrix(np.eye(3, dtype=bool)))
    with pytest.raises(KmcInputError, match=r"no image, only mask \(3 x 3 sparse"):
        read_mat(data, "a.mat")


def test_damaged_files_do_not_end_python():
    # In a process of its own: what is feared is no exception but a segmentation fault.
    run = subprocess.run([sys.executable, "-c", DAMAGE], capture_output=True, text=True)
    assert run.returncode == 0, run.stderr


DAMAGE = """
import io, random, struct, zlib
import numpy as np
from scipy.io import savemat
from kmcodec.errors import KmcInputError
from kmcodec.formats.matlab import read_mat

def mat(version, **variables):
    stream = io.BytesIO()
    savemat(stream, variables, format=version)
    return stream.getvalue()

def deflated(data):
    packed = zlib.compress(data[128:], 1)
    return data[:128] + struct.pack("<2I", 15, len(packed)) + packed

chance = random.Random(1)
images = {"a": np.arange(30, dtype=np.uint8).reshape(6, 5), "b": np.eye(3), "c": "text"}
old, new, one = mat("4", **images), mat("5", **images), mat("5", a=images["a"])
tags = [*range(20), 255, 511, 65535, 65536, 131073, 2**31 - 1, 2**31, 2**32 - 1]
results = 0
for turn in range(3000):
    # Version 4, version 5, and that compressed after or before it is damaged.
    way = turn % 4
    data = bytearray((old, new, deflated(one), one)[way])
    lowest = 128 if way else 0
    for _ in range(chance.randint(1, 3)):
        place = chance.randrange(lowest, len(data))
        data[place] = chance.randrange(256)
        place = chance.randrange(lowest, min(lowest + 80, len(data) - 4)) // 4 * 4
        if chance.random() < 0.5:
            struct.pack_into("<I", data, place, chance.choice(tags))
    if chance.random() < 0.1:
        del data[chance.randrange(len(data)) :]
    if way == 3:
        data = deflated(data)
    for variable in "ab":
        try:
            results += read_mat(bytes(data), "a.mat", variable).size > 0
        except KmcInputError:
            pass
assert results > 100, results
"""


def test_big_endian_files_are_read():
    def element(type_, content):
        padded = content + bytes(-len(content) % 8)
        return np.array([type_, len(content)], ">u4").tobytes() + padded

    flags = element(6, np.array([11, 0], ">u4").tobytes())
    shape = element(5, np.array([2, 3], ">i4").tobytes())
    name = np.array([1 << 16 | 1], ">u4").tobytes() + b"a\0\0\0"
    samples = element(4, np.array([[1, 2, 3], [4, 5, 600]], ">u2").tobytes("F"))
    header = b"MATLAB 5.0 MAT-file".ljust(124) + b"\x01\x00MI"
    read = read_mat(header + element(14, flags + shape + name + samples), "a.mat")
    assert read.dtype == np.uint16
    assert read.tolist() == [[1, 2, 3], [4, 5, 600]]


def test_the_bird_of_the_course_is_read():
    path = Path(__file__).parents[1].parent / "shared" / "data" / "bird_small.mat"
    if not path.exists():
        pytest.skip("bird_small.mat is not there")
    bird = read_mat(path.read_bytes(), path.name)
    assert bird.shape == (128, 128, 3)
    assert bird.dtype == np.uint8
