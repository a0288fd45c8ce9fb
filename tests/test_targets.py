"""Files out: what each format keeps, and what is said about what it cannot."""

import io
import os
import sys
import warnings
from types import SimpleNamespace

import numpy as np
import PIL
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image

from kmcodec.animation.value import Animation
from kmcodec.errors import KmcInputError, KmcWarning
from kmcodec.formats.matlab import read_mat
from kmcodec.formats.pillow_images import from_pillow, metadata_from_pillow
from kmcodec.model.image import IndexedImage, Metadata
from kmcodec.storage.door import write_output
from kmcodec.targets.animations import encode_animation
from kmcodec.targets.images import encode_image

EXIF = Image.Exif()
EXIF[0x010E] = "a bird"
META = Metadata(
    icc=b"an ICC profile",
    exif=EXIF.tobytes().removeprefix(b"Exif\0\0"),
    xmp=b"<x:xmpmeta/>",
    text={"Title": "Bird", "Ort": "Zürich", "Name": "鳥"},
)
RNG = np.random.default_rng(5)


def image_of(channels, entries=6, metadata=None, alpha=None):
    palette = RNG.integers(0, 256, (entries, channels), np.uint8)
    if alpha is not None:
        palette[:, -1] = np.resize(np.array(alpha, np.uint8), entries)
    indices = np.resize(np.arange(entries), (20, 24))
    return IndexedImage(palette, indices, metadata)


def opened(data):
    return Image.open(io.BytesIO(data))


@st.composite
def indexed_images(draw):
    channels, entries = draw(st.integers(1, 4)), draw(st.integers(1, 9))
    palette = draw(hnp.arrays(np.uint8, (entries, channels)))
    size = draw(st.tuples(st.integers(1, 5), st.integers(1, 5)))
    return IndexedImage(
        palette, draw(hnp.arrays(np.uint8, size, elements=st.integers(0, entries - 1)))
    )


@given(indexed_images())
def test_npy_npz_and_mat_hold_the_pixels(image):
    assert np.array_equal(np.load(io.BytesIO(encode_image(image, ".npy"))), image.to_array())
    archive = encode_image(image, ".npz")
    with np.load(io.BytesIO(archive)) as arrays:
        assert arrays.files == ["A"]
        assert np.array_equal(arrays["A"], image.to_array())
    assert archive == encode_image(image, ".npz")
    if image.channels != 2:
        assert np.array_equal(read_mat(encode_image(image, ".MAT"), "a"), image.to_array())


@given(indexed_images())
@settings(max_examples=50)
def test_png_keeps_palette_and_pixels(image):
    read = from_pillow(opened(encode_image(image, ".png")))
    if image.channels >= 3:
        assert read == image
    else:
        assert np.array_equal(read, image.to_array())


@pytest.mark.parametrize("extension", [".png", ".tiff", ".webp"])
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
@pytest.mark.parametrize("entries", [6, 300])
def test_lossless_formats_keep_the_pixels(extension, channels, entries):
    image = image_of(channels, entries)
    mode = "RGBA" if channels in (2, 4) else "RGB"
    read = np.array(opened(encode_image(image, extension)).convert(mode))
    pixels = image.to_array()
    if channels <= 2:
        color = pixels if channels == 1 else pixels[:, :, 0]
        assert np.array_equal(read[:, :, :3], np.dstack([color] * 3))
    else:
        assert np.array_equal(read[:, :, :3], pixels[:, :, :3])
    if channels in (2, 4):
        assert np.array_equal(read[:, :, 3], pixels[:, :, -1])


@pytest.mark.parametrize("bits", [1, 2, 4, 8])
def test_png_uses_no_more_bits_than_the_palette_needs(bits):
    assert encode_image(image_of(3, 2**bits), ".png")[24] == bits


@pytest.mark.parametrize("extension", [".bmp", ".gif", ".tif", ".png"])
def test_formats_with_palettes_get_the_palette(extension):
    assert opened(encode_image(image_of(3), extension)).mode == "P"


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
@pytest.mark.parametrize("extension", [".jpg", ".bmp", ".ppm", ".pcx"])
def test_transparency_is_dropped_late_and_with_a_warning(channels, extension):
    image = image_of(channels, alpha=[0, 128, 255] if channels in (2, 4) else None)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        data = encode_image(image, extension)
    assert opened(data).size == (24, 20)
    # PPM's newer kin and BMP of 32 bits may come to keep it.
    lost = channels in (2, 4) and not opened(data).has_transparency_data
    assert any("dropped transparency" in str(w.message) for w in caught) == lost
    assert all(issubclass(w.category, KmcWarning) for w in caught)


def test_jpeg_says_that_it_has_no_transparency():
    with pytest.warns(KmcWarning, match=r"^\.jpg file: dropped transparency: JPEG has none$"):
        encode_image(image_of(4, alpha=[7]), ".jpg")


@pytest.mark.parametrize("channels", [2, 4])
def test_an_alpha_that_is_opaque_throughout_is_dropped_without_a_word(channels):
    image = image_of(channels, alpha=[255])
    assert opened(encode_image(image, ".jpg")).size == (24, 20)


@pytest.mark.parametrize("extension", [".jp2", ".sgi", ".webp"])
def test_opaque_palettes_get_no_alpha_where_there_are_no_palettes(extension):
    assert opened(encode_image(image_of(3), extension)).mode == "RGB"


# GIF


@pytest.mark.parametrize("channels", [2, 4])
def test_gif_keeps_entries_that_are_clear(channels):
    image = image_of(channels, alpha=[255, 0, 255, 0])
    read = np.array(opened(encode_image(image, ".gif")).convert("RGBA"))
    pixels = image.to_array()
    assert np.array_equal(read[:, :, 3], pixels[:, :, -1])
    solid = read[:, :, 3] == 255
    assert np.array_equal(read[solid][:, 0], pixels[solid][:, 0])


def test_gif_tells_of_partial_transparency():
    with pytest.warns(KmcWarning, match="partial transparency"):
        data = encode_image(image_of(4, alpha=[255, 100, 0]), ".gif")
    read = np.array(opened(data).convert("RGBA"))
    assert set(read[:, :, 3].ravel().tolist()) == {0, 255}


def test_gif_tells_of_transparency_that_is_partial_throughout():
    with pytest.warns(KmcWarning, match="partial transparency") as caught:
        data = encode_image(image_of(4, alpha=[100]), ".gif")
    assert len(caught) == 1
    assert not opened(data).has_transparency_data


@pytest.mark.parametrize("channels", [3, 4])
def test_gif_tells_that_it_holds_256_colours(channels):
    with pytest.warns(KmcWarning, match="256 colours"):
        data = encode_image(
            image_of(channels, 300, alpha=[0, 255] * (channels == 4) or None), ".gif"
        )
    assert opened(data).size == (24, 20)


# Metadata


def test_png_holds_all_metadata():
    data = encode_image(image_of(3, metadata=META), ".png")
    assert metadata_from_pillow(opened(data)) == META


@pytest.mark.parametrize("extension", [".jpg", ".webp", ".tiff"])
def test_other_formats_hold_profile_exif_and_xmp(extension):
    with pytest.warns(KmcWarning, match="cannot hold: .*texts"):
        data = encode_image(image_of(3, metadata=META), extension)
    read = metadata_from_pillow(opened(data))
    assert read.icc == META.icc
    # Older releases of Pillow do not know XMP in JPEG and TIFF.
    assert read.xmp == META.xmp or PIL.__version__ < "12"
    exif = Image.Exif()
    exif.load(read.exif)
    assert exif[0x010E] == "a bird"


@pytest.mark.parametrize("extension", [".bmp", ".gif", ".ppm"])
def test_formats_without_metadata_are_written_all_the_same(extension):
    # Texts must not pass for options of Pillow's writers.
    text = {"duration": "long", "transparency": "none", "version": "x"}
    metadata = Metadata(META.icc, META.exif, META.xmp, text)
    with pytest.warns(KmcWarning) as notes:
        data = encode_image(image_of(3, metadata=metadata), extension)
    (note,) = notes
    assert str(note.message).endswith(" cannot hold: ICC profile, EXIF, XMP, texts")
    assert opened(data).size == (24, 20)


def test_an_animated_gif_without_its_metadata_is_told():
    indices = np.array([[[0, 1]], [[1, 0]]], np.uint8)
    frames = Animation((np.array([[0], [9]], np.uint8),), indices, (50, 50), metadata=META)
    with pytest.warns(KmcWarning, match="GIF cannot hold: ICC profile, EXIF, XMP, texts"):
        assert opened(encode_animation(frames, ".gif")).n_frames == 2


def test_metadata_too_long_for_the_format_are_left_out_with_a_warning():
    metadata = Metadata(exif=b"MM\0*" + bytes(70_000))
    with pytest.warns(KmcWarning, match="that JPEG cannot hold: EXIF$"):
        data = encode_image(image_of(3, metadata=metadata), ".jpg")
    assert opened(data).size == (24, 20)


@pytest.mark.parametrize("extension", [".gif", ".jpg"])
@pytest.mark.parametrize("text", ["a bird", "Vögel, 鳥"])
def test_gif_and_jpeg_hold_a_comment(extension, text):
    image = image_of(3, metadata=Metadata(text={"Comment": text, "Title": "none of theirs"}))
    with pytest.warns(KmcWarning, match="cannot hold: texts"):
        data = encode_image(image, extension)
    with opened(data) as read:
        assert dict(metadata_from_pillow(read).text) == {"Comment": text}


def test_a_comment_that_is_not_utf_8_is_latin_1():
    image = Image.new("P", (2, 2))
    stream = io.BytesIO()
    image.save(stream, "GIF", comment=b"V\xf6gel\0")
    assert dict(metadata_from_pillow(opened(stream.getvalue())).text) == {"Comment": "Vögel"}


def test_keywords_that_png_cannot_hold_are_told():
    metadata = Metadata(text={"鳥": "bird", "Title": "Bird"})
    with pytest.warns(KmcWarning, match="Latin-1"):
        data = encode_image(image_of(3, metadata=metadata), ".png")
    assert metadata_from_pillow(opened(data)).text == {"Title": "Bird"}


# Extensions


@pytest.mark.parametrize("extension", [".xyz", "", ".kmc", ".psd", "png"])
def test_unwritable_extensions_are_refused_and_others_suggested(extension):
    with pytest.raises(KmcInputError, match=r"\.png, \.gif, \.tiff") as caught:
        encode_image(image_of(3), extension)
    assert repr(extension) in str(caught.value)


@pytest.mark.parametrize("extension", [".ico", ".xbm", ".h5"])
def test_formats_that_cannot_hold_the_image_are_told(extension):
    with pytest.raises(KmcInputError, match=r"cannot write an image of 24 x 20 pixels as"):
        encode_image(image_of(3), extension)


@pytest.mark.parametrize("extension", sorted(e for e, f in Image.registered_extensions().items()))
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_every_extension_of_pillow_makes_a_file_or_one_plain_sentence(extension, channels):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", KmcWarning)
        try:
            data = encode_image(image_of(channels), extension)
        except KmcInputError as error:
            data = str(error)
    assert data
    assert isinstance(data, bytes) or "\n" not in data


# Writing


def test_files_are_written_at_once(tmp_path):
    write_output(tmp_path / "bird.png", b"data")
    assert (tmp_path / "bird.png").read_bytes() == b"data"
    with pytest.raises(KmcInputError, match="already exists"):
        write_output(str(tmp_path / "bird.png"), b"new", create_only=True)


def test_a_dash_is_standard_output(monkeypatch):
    stream = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", SimpleNamespace(buffer=stream))
    write_output("-", b"\r\n\x1a")
    assert stream.getvalue() == b"\r\n\x1a"


def test_a_reader_that_has_gone_is_left_to_the_caller(monkeypatch):
    reader, writer = os.pipe()
    os.close(reader)
    stream = os.fdopen(writer, "wb", buffering=0)
    monkeypatch.setattr(sys, "stdout", SimpleNamespace(buffer=stream))
    with stream, pytest.raises(BrokenPipeError):
        write_output("-", b"data")


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="only Linux has /dev/full")
def test_standard_output_that_is_full_is_told(monkeypatch):
    with open("/dev/full", "wb", buffering=0) as stream:
        monkeypatch.setattr(sys, "stdout", SimpleNamespace(buffer=stream))
        with pytest.raises(KmcInputError, match=r"^standard output: no space left on device$"):
            write_output("-", b"data")
