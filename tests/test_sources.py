"""Files in: recognised by what they hold, refused in one plain sentence."""

import io
import struct
import sys
import threading
import warnings
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image, PngImagePlugin

import kmcodec
from kmcodec.errors import KmcFormatError, KmcInputError, KmcLimitError, KmcWarning
from kmcodec.formats.matlab import write_mat
from kmcodec.model.image import IndexedImage, Metadata
from kmcodec.sources.images import Source, is_image_name, named_warnings, read_source

BIRD = np.random.default_rng(3).integers(0, 256, (6, 5, 3), np.uint8)
INDEXED = IndexedImage([[1, 2, 3], [4, 5, 6], [4, 5, 6]], [[0, 1], [1, 0]])


def npy(array, **options):
    stream = io.BytesIO()
    np.save(stream, array, **options)
    return stream.getvalue()


def saved(picture, format_="PNG", **options):
    stream = io.BytesIO()
    picture.save(stream, format_, **options)
    return stream.getvalue()


def picture_of(indexed):
    picture = Image.frombytes("P", (indexed.width, indexed.height), indexed.indices.tobytes())
    picture.putpalette(indexed.palette.tobytes())
    return picture


@pytest.fixture
def read(tmp_path):
    """Read bytes from a file of an extension that tells nothing."""

    def read_bytes(data, variable=None, name="bird.xyz"):
        path = tmp_path / name
        path.write_bytes(data)
        return read_source(path, variable)

    return read_bytes


def refused(read, data, error=KmcInputError, **options):
    with pytest.raises(error) as caught:
        read(data, **options)
    assert "\n" not in str(caught.value)
    path, _, told = str(caught.value).partition("bird.xyz: ")
    assert Path(path).is_dir()
    return told


@pytest.mark.parametrize(
    "data",
    [
        npy(BIRD),
        npy(np.asfortranarray(BIRD)),
        write_mat(BIRD),
        saved(Image.fromarray(BIRD)),
        saved(Image.fromarray(BIRD), "TIFF"),
        saved(Image.fromarray(BIRD), "BMP"),
        kmcodec.encode(BIRD),
    ],
    ids=["npy", "npy-fortran", "mat", "png", "tiff", "bmp", "kmc"],
)
def test_files_are_recognised_by_content(read, tmp_path, data):
    source = read(data)
    assert np.array_equal(source.pixels, BIRD)
    assert (source.name, source.size) == (str(tmp_path / "bird.xyz"), len(data))
    assert source.path == tmp_path / "bird.xyz"
    assert not source.metadata


def test_the_path_is_told_as_it_was_given(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("bird.npy").write_bytes(npy(BIRD))
    assert read_source("./bird.npy").name == "./bird.npy"
    with pytest.raises(KmcInputError, match=r"^\./fish\.npy: no such file$"):
        read_source("./fish.npy")


def test_a_dash_is_standard_input(monkeypatch):
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(npy(BIRD))))
    source = read_source("-")
    assert (source.name, source.path, source.size) == ("standard input", None, len(npy(BIRD)))
    assert np.array_equal(source.image, BIRD)


def test_standard_input_that_is_no_image(monkeypatch):
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(b"text")))
    with pytest.raises(KmcInputError, match=r"^standard input: not an image in a known format"):
        read_source("-")


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (PermissionError(13, "Permission denied"), "permission denied"),
        (OSError(5, "Input/output error"), "input/output error"),
    ],
)
def test_files_that_cannot_be_read_are_told(monkeypatch, error, told):
    def fail(*_):
        raise error

    monkeypatch.setattr("kmcodec.storage.door.open", fail, raising=False)
    with pytest.raises(KmcInputError, match=f"^bird.png: {told}$"):
        read_source("bird.png")


def test_paths_that_are_no_files_are_told(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("file").write_bytes(b"")
    Path("folder").mkdir()
    for path, told in {
        "folder": "folder: is a folder",
        "file/bird.png": "file/bird.png: no such file",
        "a\0b": "'a\\x00b' is not a path",
    }.items():
        with pytest.raises(KmcInputError) as caught:
            read_source(path)
        assert str(caught.value) == told


@pytest.mark.parametrize("data", [b"", b"text", b"\x89PNG", bytes(300), b"\x8bKM"])
def test_what_is_no_image_is_told(read, data):
    assert refused(read, data) == "not an image in a known format"


def test_a_variable_can_be_chosen_from_a_mat_file(read):
    assert np.array_equal(read(write_mat(BIRD, "X"), "X").image, BIRD)
    assert "'A' is not in it" in refused(read, write_mat(BIRD, "X"), variable="A")


@pytest.mark.parametrize("data", [npy(BIRD), saved(Image.fromarray(BIRD)), b"text"])
def test_only_mat_files_have_variables(read, data):
    assert (
        refused(read, data, variable="A")
        == "only .mat and .npz files have variables to choose from"
    )


def test_pixels_out_of_range_are_told_with_the_name(read):
    assert refused(read, npy(np.full((2, 2), 7.5))).endswith("divide by 255")
    assert "shape (4,)" not in refused(read, npy(np.zeros(4, np.uint8)))
    assert "(2, 2, 7)" in refused(read, npy(np.zeros((2, 2, 7), np.uint8)))
    wide = np.arange(-1, 70_000 - 1, dtype=np.int32).reshape(100, -1)
    assert "-1 to 69998" in refused(read, saved(Image.fromarray(wide), "TIFF"))


# .npy


@given(
    array=hnp.arrays(
        st.sampled_from([np.uint8, bool, ">u2", "<i8"]),
        st.tuples(st.integers(1, 5), st.integers(1, 5)),
        elements=st.integers(0, 1),
    )
)
def test_npy_files_of_several_dtypes(tmp_path_factory, array):
    path = tmp_path_factory.mktemp("npy") / "a"
    path.write_bytes(npy(array))
    expected = array.astype(np.uint8) * (255 if array.dtype == bool else 1)
    assert np.array_equal(read_source(path).image, expected)


def npy_with(header, data=b"", version=1):
    text = header.encode()
    size = struct.pack("<H" if version == 1 else "<I", len(text))
    return b"\x93NUMPY" + bytes([version, 0]) + size + text + data


@pytest.mark.parametrize(
    "data",
    [
        npy(BIRD) + b"\0",
        npy(BIRD)[:-1],
        npy_with("{'descr': '|u1', 'fortran_order': False, 'shape': (1000000000, 1000000000)}"),
        npy_with("{'descr': '|u1', 'fortran_order': False, 'shape': (-1, -4)}", bytes(4)),
        npy_with("{'descr': 'no', 'fortran_order': False, 'shape': (1, 1)}", bytes(8)),
        npy_with("{'descr': '|u1'}", bytes(4)),
        npy_with("(" * 5000),
        npy_with("[" * 90_000, version=2),
        npy_with("__import__('os').getcwd()"),
        npy_with("{}", version=9),
        b"\x93NUMPY",
    ],
)
def test_damaged_and_hostile_npy_files_are_refused(read, data):
    assert refused(read, data) == "damaged or truncated .npy file"


@pytest.mark.parametrize(
    "data",
    [
        npy(np.array([[None]]), allow_pickle=True),
        npy_with("{'descr': '|O', 'fortran_order': False, 'shape': (1, 1)}", bytes(8)),
    ],
)
def test_python_objects_in_npy_are_named(read, data):
    assert refused(read, data) == "the .npy file holds Python objects, must hold numbers"


def test_a_scalar_in_npy_is_no_image(read):
    assert "pixels must have shape" in refused(read, npy(np.uint8(4)))


# Pillow


def test_palette_images_keep_their_palette(read):
    source = read(saved(picture_of(INDEXED)))
    assert source.image == INDEXED
    assert source.pixels.tolist() == INDEXED.to_array().tolist()


def test_metadata_are_kept_and_travel_with_the_palette(read):
    exif = Image.Exif()
    exif[0x010E] = "a bird"
    chunks = PngImagePlugin.PngInfo()
    chunks.add_text("Title", "Bird")
    data = saved(picture_of(INDEXED), icc_profile=b"icc", exif=exif, pnginfo=chunks)
    source = read(data)
    assert source.metadata == Metadata(
        icc=b"icc", exif=exif.tobytes().removeprefix(b"Exif\0\0"), text={"Title": "Bird"}
    )
    assert source.image.metadata == source.metadata


def test_metadata_of_kmc_files_are_told(read):
    metadata = Metadata(text={"Title": "Bird"})
    data = kmcodec.encode(IndexedImage(INDEXED.palette, INDEXED.indices, metadata))
    assert read(data).metadata == metadata


@pytest.mark.parametrize("picture", [Image.fromarray(BIRD), picture_of(INDEXED)])
def test_images_are_turned_upright_and_say_so_no_more(read, picture):
    exif = Image.Exif()
    exif[0x0112] = 6
    exif[0x010E] = "a bird"
    source = read(saved(picture, exif=exif))
    upright = picture.transpose(Image.Transpose.ROTATE_270).convert("RGB")
    assert np.array_equal(source.pixels, np.array(upright))
    assert isinstance(source.image, IndexedImage) == (picture.mode == "P")
    kept = Image.Exif()
    kept.load(source.metadata.exif)
    assert dict(kept) == {0x010E: "a bird"}


def test_damaged_exif_is_no_reason_to_refuse_the_pixels(read):
    data = saved(Image.fromarray(BIRD), exif=b"Exif\0\0MM\0*\0\0\xff")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", KmcWarning)
        assert np.array_equal(read(data).image, BIRD)


@pytest.mark.parametrize("format_", ["GIF", "PNG", "WEBP", "TIFF"])
def test_of_several_frames_the_first_is_taken_with_a_warning(read, format_):
    frames = [Image.new("RGB", (4, 4), color) for color in ("red", "lime", "blue")]
    data = saved(frames[0], format_, save_all=True, append_images=frames[1:])
    with pytest.warns(KmcWarning, match=r"bird\.xyz: 3 frames, used the first") as caught:
        source = read(data)
    assert len(caught) == 1
    assert (abs(source.pixels.astype(int) - [255, 0, 0]) < 4).all()


def test_16_bit_samples_are_told_with_the_name(read):
    deep = np.arange(300, dtype=np.uint16).reshape(15, 20) * 200
    with pytest.warns(KmcWarning, match=r"bird\.xyz: 16-bit samples reduced"):
        found = read(saved(Image.fromarray(deep))).image
    assert np.array_equal(found, np.round(deep / 257))


def png_of_16_bits():
    def chunk(kind, content):
        import zlib

        crc = zlib.crc32(kind + content)
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", crc)

    import zlib

    header = struct.pack(">2I5B", 1, 1, 16, 2, 0, 0, 0)
    row = zlib.compress(b"\0" + struct.pack(">3H", 0x1234, 0x5678, 0xFFFF))
    body = chunk(b"IHDR", header) + chunk(b"IDAT", row) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


def test_colours_of_16_bits_that_pillow_reduces_are_told(read):
    with pytest.warns(KmcWarning, match="16-bit samples reduced"):
        assert read(png_of_16_bits()).image.tolist() == [[[0x12, 0x56, 0xFF]]]


def test_decompression_bombs_are_refused(read, monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 14)
    told = refused(read, saved(Image.fromarray(BIRD)), KmcLimitError)
    assert told.startswith("more than 28 pixels, over the limit")


def test_large_images_are_told_with_the_name(read, monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 20)
    with pytest.warns(KmcWarning, match=r"bird\.xyz: Image size \(30 pixels\)"):
        assert np.array_equal(read(saved(Image.fromarray(BIRD))).image, BIRD)


def test_what_does_not_fit_into_memory_is_refused(read, monkeypatch):
    def fail(_image):
        raise MemoryError

    monkeypatch.setattr("kmcodec.sources.images.from_pillow", fail)
    told = refused(read, saved(Image.fromarray(BIRD)), KmcLimitError)
    assert told == "not enough memory"


PREFIXES = {
    "png": saved(Image.fromarray(BIRD)),
    "palette-png": saved(picture_of(INDEXED)),
    "jpeg": saved(Image.fromarray(BIRD), "JPEG"),
    "gif": saved(picture_of(INDEXED), "GIF"),
    "tiff": saved(Image.fromarray(BIRD), "TIFF", compression="tiff_lzw"),
    "webp": saved(Image.fromarray(BIRD), "WEBP", lossless=True),
    "bmp": saved(Image.fromarray(BIRD), "BMP"),
    "npy": npy(BIRD),
    "mat": write_mat(BIRD),
    "kmc": kmcodec.encode(BIRD, 4),
}


@pytest.mark.parametrize("kind", PREFIXES)
def test_every_prefix_is_refused_with_the_name_unless_its_pixels_are_all_there(read, kind):
    data = PREFIXES[kind]
    whole = read(data).pixels
    for length in range(len(data)):
        try:
            # Only what comes after the pixels may be missing: checksums, padding, end marks.
            assert np.array_equal(read(data[:length]).pixels, whole)
            assert kind not in ("npy", "mat", "kmc")
        except kmcodec.KmcError:
            error = KmcFormatError if kind == "kmc" and length >= 4 else KmcInputError
            refused(read, data[:length], error)


@pytest.mark.parametrize("kind", PREFIXES)
@given(data=st.data())
@settings(max_examples=60, deadline=None)
def test_flipped_bytes_end_in_an_image_or_in_one_of_our_errors(tmp_path_factory, kind, data):
    damaged = bytearray(PREFIXES[kind])
    for _ in range(data.draw(st.integers(1, 3))):
        damaged[data.draw(st.integers(0, len(damaged) - 1))] = data.draw(st.integers(0, 255))
    path = tmp_path_factory.getbasetemp() / f"damaged-{kind}"
    path.write_bytes(damaged)
    with warnings.catch_warnings():
        # Only ours: any other warning is an error.
        warnings.simplefilter("ignore", KmcWarning)
        try:
            source = read_source(path)
        except kmcodec.KmcError as error:
            told = str(error)
        else:
            assert isinstance(source, Source)
            return
    assert told.startswith(f"{path}: ")
    assert "\n" not in told


# Warnings


def warn_of_oddities():
    with named_warnings("bird.png"):
        for _ in range(2):
            warnings.warn("odd\nvery odd", UserWarning, stacklevel=1)
        warnings.warn("old", DeprecationWarning, stacklevel=1)
        warnings.warn("open", ResourceWarning, stacklevel=1)


def test_warnings_of_others_become_ours_once_and_those_for_programmers_are_dropped():
    with pytest.warns(KmcWarning) as caught:
        warn_of_oddities()
    assert [str(w.message) for w in caught] == ["bird.png: odd"]


def warn_and_fail():
    with named_warnings("bird.png"):
        warnings.warn("odd", UserWarning, stacklevel=1)
        raise ZeroDivisionError


def test_warnings_of_what_fails_are_dropped():
    with pytest.raises(ZeroDivisionError):
        warn_and_fail()


def test_threads_leave_the_warning_filters_as_they_were(tmp_path):
    path = tmp_path / "bird.png"
    path.write_bytes(saved(Image.fromarray(BIRD)))
    before, show = warnings.filters[:], warnings.showwarning

    def work():
        for _ in range(20):
            read_source(path)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert warnings.filters == before
    assert warnings.showwarning is show


# Names


@pytest.mark.parametrize(
    "name", ["a.png", "A.PNG", "folder/b.jpeg", "c.mat", "d.npy", "e.tif", "f.webp", Path("g.gif")]
)
def test_names_of_images(name):
    assert is_image_name(name)


@pytest.mark.parametrize(
    "name",
    ["a.kmc", "b.txt", "png", ".png", ".hidden.png", "folder/.c.mat", "d.pdf", "e.h5", "f.mpg", ""],
)
def test_names_of_other_files(name):
    assert not is_image_name(name)
