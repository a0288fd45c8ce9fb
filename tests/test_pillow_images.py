"""Pillow's images in and out, palette by palette and mode by mode."""

import io
import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image, PngImagePlugin

from kmcodec.errors import KmcInputError, KmcWarning
from kmcodec.formats.pillow_images import (
    attach_metadata,
    from_pillow,
    metadata_from_pillow,
    mode_of,
    to_pillow,
    transparency_of,
)
from kmcodec.model.image import IndexedImage, Metadata

EXIF = Image.Exif()
EXIF[0x010E] = "a bird"
EXIF_BYTES = EXIF.tobytes().removeprefix(b"Exif\0\0")
META = Metadata(
    icc=b"an ICC profile", exif=EXIF_BYTES, xmp=b"<x:xmpmeta/>", text={"Title": "Bird", "ä": "ö"}
)


@st.composite
def indexed_images(draw, channels):
    entries = draw(st.integers(1, 12) | st.sampled_from([255, 256]))
    # Few values, so that entries repeat and alphas of 0 and 255 are common.
    samples = st.sampled_from([0, 1, 127, 255])
    palette = draw(hnp.arrays(np.uint8, (entries, channels), elements=samples))
    size = draw(st.tuples(st.integers(1, 5), st.integers(1, 5)))
    indices = draw(hnp.arrays(np.uint8, size, elements=st.integers(0, entries - 1)))
    return IndexedImage(palette, indices)


@given(indexed_images(3) | indexed_images(4))
def test_a_palette_image_comes_back_entry_by_entry(image):
    assert from_pillow(to_pillow(image)) == image


@given(indexed_images(3) | indexed_images(4))
def test_a_palette_image_survives_png(image):
    stream = io.BytesIO()
    to_pillow(image).save(stream, "PNG")
    assert from_pillow(Image.open(stream)) == image


@given(indexed_images(4))
def test_pillow_shows_the_same_colours(image):
    assert np.array_equal(np.array(to_pillow(image).convert("RGBA")), image.to_array())


@given(indexed_images(1) | indexed_images(2))
def test_grey_images_become_grey_pixels(image):
    made = to_pillow(image)
    assert made.mode == mode_of(len(image.palette), image.channels)
    assert np.array_equal(from_pillow(made), image.to_array())


@pytest.mark.parametrize(("channels", "mode"), [(1, "L"), (2, "LA"), (3, "RGB"), (4, "RGBA")])
def test_more_than_256_entries_become_plain_pixels(channels, mode):
    palette = np.random.default_rng(1).integers(0, 256, (300, channels), np.uint8)
    image = IndexedImage(palette, np.arange(300).reshape(20, 15))
    made = to_pillow(image)
    assert made.mode == mode_of(300, channels) == mode
    assert np.array_equal(from_pillow(made), image.to_array())


@pytest.mark.parametrize(
    ("alpha", "told"),
    [
        ([255, 0, 255], 1),
        ([0], 0),
        ([255, 255], b"\xff\xff"),
        ([0, 0, 255], b"\0\0\xff"),
        ([255, 9], b"\xff\x09"),
    ],
)
def test_transparency_is_told_as_by_the_png_reader(alpha, told):
    assert transparency_of(np.array(alpha, np.uint8)) == told


def palette_picture(indices, palette, rawmode="RGB"):
    picture = Image.frombytes("P", (len(indices), 1), bytes(indices))
    picture.putpalette(palette, rawmode)
    return picture


def test_indices_beyond_the_palette_are_black():
    image = from_pillow(palette_picture([0, 1, 4], [9, 8, 7, 6, 5, 4]))
    assert image.palette.tolist() == [[9, 8, 7], [6, 5, 4], [0, 0, 0], [0, 0, 0], [0, 0, 0]]
    assert image.indices.tolist() == [[0, 1, 4]]


def test_an_rgba_palette_has_four_channels():
    image = from_pillow(palette_picture([0, 1], [1, 2, 3, 4, 5, 6, 7, 8], "RGBA"))
    assert image.palette.tolist() == [[1, 2, 3, 4], [5, 6, 7, 8]]


@pytest.mark.parametrize(
    ("transparency", "alpha"),
    [
        (1, [255, 0]),
        (200, [255, 255]),
        (b"\x07", [7, 255]),
        (b"\x07\x08\x09", [7, 8]),
    ],
)
def test_transparency_of_a_palette_becomes_its_alpha(transparency, alpha):
    picture = palette_picture([0, 1], [1, 2, 3, 4, 5, 6])
    picture.info["transparency"] = transparency
    assert from_pillow(picture).palette[:, 3].tolist() == alpha
    # What was asked about is left as it was.
    assert picture.info["transparency"] == transparency
    assert picture.tobytes() == b"\0\1"


def test_transparency_of_no_known_kind_is_ignored():
    picture = palette_picture([0, 1], [1, 2, 3, 4, 5, 6])
    picture.info["transparency"] = "a text chunk of that name"
    assert from_pillow(picture).channels == 3


def test_bilevel_images_have_a_palette_of_black_and_white():
    picture = Image.new("1", (2, 1))
    picture.putpixel((1, 0), 1)
    image = from_pillow(picture)
    assert image == IndexedImage([0, 255], [[0, 1]])


@pytest.mark.parametrize(("key", "alpha"), [(0, [0, 255]), (1, [255, 0]), (255, [255, 0])])
def test_bilevel_images_may_have_a_colour_key(key, alpha):
    picture = Image.new("1", (2, 1))
    picture.info["transparency"] = key
    assert from_pillow(picture).palette[:, 1].tolist() == alpha


@pytest.mark.parametrize(
    ("mode", "shape"), [("L", ()), ("LA", (2,)), ("RGB", (3,)), ("RGBA", (4,))]
)
def test_plain_modes_are_taken_as_they_are(mode, shape):
    array = np.random.default_rng(2).integers(0, 256, (4, 5, *shape), np.uint8)
    pixels = from_pillow(Image.fromarray(array))
    assert np.array_equal(pixels, array)
    assert pixels.flags.writeable


def test_colour_keys_become_alpha():
    grey = Image.frombytes("L", (2, 1), b"\x05\x06")
    grey.info["transparency"] = 5
    assert from_pillow(grey).tolist() == [[[5, 0], [6, 255]]]
    color = Image.frombytes("RGB", (2, 1), bytes([1, 2, 3, 1, 2, 4]))
    color.info["transparency"] = (1, 2, 3)
    assert from_pillow(color).tolist() == [[[1, 2, 3, 0], [1, 2, 4, 255]]]


@pytest.mark.parametrize(
    ("mode", "channels"),
    [
        ("PA", 4),
        ("La", 2),
        ("RGBa", 4),
        ("RGBX", 3),
        ("CMYK", 3),
        ("YCbCr", 3),
        ("HSV", 3),
        ("LAB", 3),
    ],
)
def test_other_modes_are_converted(mode, channels):
    with warnings.catch_warnings(record=True) as notes:
        warnings.simplefilter("always")
        assert from_pillow(Image.new(mode, (3, 2))).shape == (2, 3, channels)
    converted = mode in ("CMYK", "YCbCr", "HSV", "LAB")
    assert [str(w.message) for w in notes] == [f"{mode} samples converted to RGB"] * converted


@pytest.mark.parametrize("mode", ["I;16", "I;16L", "I;16B"])
def test_16_bit_modes_are_reduced_even_where_they_are_dark(mode):
    raw = np.array([[0, 255, 65535]], ">u2" if mode.endswith("B") else "<u2")
    with pytest.warns(KmcWarning, match="16-bit"):
        assert from_pillow(Image.frombytes(mode, (3, 1), raw.tobytes())).tolist() == [[0, 1, 255]]


def test_a_16_bit_colour_key_is_compared_at_16_bits():
    raw = np.array([[256, 257, 258]], "<u2")
    picture = Image.frombytes("I;16", (3, 1), raw.tobytes())
    picture.info["transparency"] = 257
    with pytest.warns(KmcWarning):
        assert from_pillow(picture).tolist() == [[[1, 255], [1, 0], [1, 255]]]


@pytest.mark.parametrize("highest", [300, 65_535, 65_536])
def test_mode_i_is_of_8_bits_whatever_is_in_it(highest):
    def picture(*values):
        return Image.fromarray(np.array([values], np.int32))

    assert from_pillow(picture(0, 255)).tolist() == [[0, 255]]
    with pytest.raises(KmcInputError, match=f"-1 to {highest}"):
        from_pillow(picture(-1, highest))
    with pytest.raises(KmcInputError, match=f"0 to {highest}.*I;16"):
        from_pillow(picture(0, highest))


def test_16_bits_of_a_pgm_are_scaled_by_their_type():
    data = b"P5 2 1 65535\n" + bytes([0, 200, 1, 44])
    with Image.open(io.BytesIO(data)) as opened, pytest.warns(KmcWarning, match="16-bit"):
        assert from_pillow(opened).tolist() == [[1, 1]]


def test_mode_f_runs_from_0_to_1():
    assert from_pillow(Image.fromarray(np.array([[0, 1]], np.float32))).tolist() == [[0, 255]]
    with pytest.raises(KmcInputError, match="divide by 255"):
        from_pillow(Image.fromarray(np.array([[0, 200]], np.float32)))


def test_an_image_without_pixels_is_refused():
    with pytest.raises(KmcInputError, match="the image is empty"):
        from_pillow(Image.new("RGB", (0, 4)))


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_metadata_go_to_pillow_and_come_back(channels):
    image = IndexedImage(np.zeros((2, channels), np.uint8), [[0, 1]], META)
    made = to_pillow(image)
    assert made.info["exif"].startswith(b"Exif\0\0")
    assert made.getexif()[0x010E] == "a bird"
    assert made.info["Title"] == made.text["Title"] == "Bird"
    assert metadata_from_pillow(made) == META


def test_texts_do_not_pass_for_what_pillow_acts_on():
    picture = Image.new("L", (1, 1))
    attach_metadata(picture, Metadata(text={"transparency": "none", "exif": "yes"}))
    assert not {"transparency", "exif"} & set(picture.info)
    assert metadata_from_pillow(picture).text == {"transparency": "none", "exif": "yes"}
    attach_metadata(picture, None)
    assert not metadata_from_pillow(picture)


def test_overrides_replace_parts_of_the_metadata():
    made = to_pillow(IndexedImage([[0]], [[0]], META))
    given_ = {"icc_profile": None, "exif": EXIF, "xmp": "<x/>", "text": {}}
    assert metadata_from_pillow(made, given_) == Metadata(exif=EXIF_BYTES, xmp=b"<x/>")


@pytest.mark.parametrize("value", ["", b"", None, 7, [1]])
def test_values_of_a_wrong_type_are_no_metadata(value):
    picture = Image.new("L", (1, 1))
    picture.info.update(icc_profile=value, exif=value, xmp=value)
    picture.text = value
    assert metadata_from_pillow(picture) == Metadata()
    assert metadata_from_pillow(picture, {"exif": Image.Exif()}) == Metadata()


@pytest.mark.parametrize("keyword", ["", "a\nb", "\x7f", "\x9f", "ä" * 40, "\ud800"])
def test_keywords_that_the_format_cannot_hold_are_left_out_with_a_warning(keyword):
    picture = Image.new("L", (1, 1))
    picture.text = {keyword: "text", "Title": "Bird", "Empty": "", 3: "x", "Bytes": b"x"}
    with pytest.warns(KmcWarning, match="dropped"):
        assert metadata_from_pillow(picture).text == {"Title": "Bird"}


def test_a_text_that_is_not_unicode_is_left_out():
    picture = Image.new("L", (1, 1))
    picture.text = {"Title": "\udc80"}
    with pytest.warns(KmcWarning, match="Title"):
        assert not metadata_from_pillow(picture).text


def test_international_texts_of_png_become_plain_ones():
    chunks = PngImagePlugin.PngInfo()
    chunks.add_itxt("Title", "鳥", lang="ja", tkey="題")
    chunks.add_itxt("XML:com.adobe.xmp", "<x/>")
    stream = io.BytesIO()
    Image.new("L", (1, 1)).save(stream, "PNG", pnginfo=chunks)
    metadata = metadata_from_pillow(Image.open(stream))
    assert metadata == Metadata(xmp=b"<x/>", text={"Title": "鳥"})
    assert type(metadata.text["Title"]) is str


def test_the_profile_of_inks_is_not_put_on_rgb_pixels():
    picture = Image.new("CMYK", (1, 1))
    picture.info["icc_profile"] = b"of inks"
    with pytest.warns(KmcWarning, match="CMYK colour profile"):
        assert metadata_from_pillow(picture).icc is None


@pytest.mark.parametrize("format_", ["TIFF", "WEBP", "PNG", "JPEG"])
def test_exif_is_found_in_other_formats(format_):
    stream = io.BytesIO()
    Image.new("RGB", (8, 8)).save(stream, format_, exif=EXIF.tobytes())
    found = Image.Exif()
    found.load(metadata_from_pillow(Image.open(stream)).exif)
    # Of TIFF's own tags, only what describes the picture.
    assert dict(found) == {0x010E: "a bird"}
