"""Palettes: every format by its description, every refusal by its message."""

import io
import os
import struct
import warnings

import numpy as np
import pytest
from conftest import OPAQUE_PALETTES, PALETTES
from hypothesis import example, given
from hypothesis import strategies as st
from PIL import Image

import kmcodec
from kmcodec.errors import KmcError, KmcFormatError, KmcInputError, KmcWarning
from kmcodec.formats.matlab import write_mat
from kmcodec.formats.pillow_images import to_pillow
from kmcodec.model.image import IndexedImage
from kmcodec.sources.palettes import read_palette

RED, GREEN, BLUE = [255, 0, 0], [0, 255, 0], [0, 0, 255]
NO_PALETTE = (
    "neither an image, a .kmc file, nor a .gpl, .hex, .act, .aco, .ase, .pal or .txt palette"
)
EXTENSIONS = [".gpl", ".hex", ".act", ".aco", ".ase", ".pal", ".png", ".txt"]


def png(pixels, **options):
    stream = io.BytesIO()
    picture = pixels if isinstance(pixels, Image.Image) else Image.fromarray(pixels)
    picture.save(stream, "PNG", **options)
    return stream.getvalue()


def act(colors, *end):
    table = b"".join(map(bytes, colors)).ljust(768, b"\0")
    return table + struct.pack(">HH", *end) if end else table


# Lists of colours.


@pytest.mark.parametrize(
    ("text", "colors"),
    [
        ("#ff0000", [RED]),
        ("#F00", [RED]),
        ("#1d3557,#e63946 #f1faee", [[0x1D, 0x35, 0x57], [0xE6, 0x39, 0x46], [0xF1, 0xFA, 0xEE]]),
        (" #f00 ,, #0f0\n#F00,", [RED, GREEN, RED]),
        ("#f00,#00ff0080", [[*RED, 255], [0, 255, 0, 128]]),
        ("#f008", [[255, 0, 0, 0x88]]),
    ],
)
def test_colors_are_listed_as_on_the_web(text, colors):
    palette = read_palette(text)
    assert palette.dtype == np.uint8
    assert palette.tolist() == colors


@pytest.mark.parametrize("wrong", ["#12345", "#ggg", "#", "red", "#1234567", "#٣٣٣", "ff0000"])
def test_a_slip_in_a_list_is_named(wrong):
    with pytest.raises(KmcInputError) as caught:
        read_palette(f"#ff0000, {wrong}")
    assert str(caught.value) == f"'{wrong}' is not a colour such as #rgb, #rrggbb or #rrggbbaa"


@pytest.mark.parametrize("text", ["", " , ,", "\n"])
def test_an_empty_list_is_refused(text):
    with pytest.raises(KmcInputError, match="at least one colour"):
        read_palette(text)


def test_a_list_has_as_many_colors_as_a_palette():
    assert len(read_palette("#123 " * 65536)) == 65536
    with pytest.raises(KmcInputError, match=r"^more than 65,536 colours"):
        read_palette("#123 " * 65537)


def test_a_file_may_begin_with_a_hash(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("#theme.hex", "#fff"):
        (tmp_path / name).write_text("ff0000\n")
    assert read_palette("#theme.hex").tolist() == [RED]
    assert read_palette("#fff").tolist() == [[255, 255, 255]]
    assert read_palette("./#fff").tolist() == [RED]
    assert read_palette(tmp_path / "#fff").tolist() == [RED]


def test_colors_without_a_hash_get_a_hint(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(
        KmcInputError, match=r"^ff0000,00ff00: no such file; write colours with a #$"
    ):
        read_palette("ff0000,00ff00")
    with pytest.raises(KmcInputError, match=r"^theme\.gpl: no such file$"):
        read_palette("theme.gpl")


# Adobe colour tables.


def test_an_act_file_has_256_entries_or_tells_how_many(palette_of):
    assert palette_of(act([RED, GREEN]), "theme.act").tolist() == [RED, GREEN, *[[0, 0, 0]] * 254]
    assert palette_of(act([RED, GREEN], 2, 0xFFFF), "theme.ACT").tolist() == [RED, GREEN]
    assert palette_of(act([RED], 256, 0xFFFF), "theme.act").shape == (256, 3)


def test_an_act_file_can_have_a_transparent_entry(palette_of):
    palette = palette_of(act([RED, GREEN, BLUE], 3, 1), "theme.act")
    assert palette.tolist() == [[*RED, 255], [*GREEN, 0], [*BLUE, 255]]


@pytest.mark.parametrize("clear", [3, 255, 256, 0xFFFE])
def test_an_act_file_may_name_a_transparent_entry_that_it_has_not(palette_of, clear):
    assert palette_of(act([RED, GREEN, BLUE], 3, clear), "a.act").tolist() == [RED, GREEN, BLUE]


def test_an_act_file_may_begin_like_an_image(palette_of):
    icon = act([[0, 0, 1], [0, 1, 0], [16, 16, 0]])
    assert palette_of(icon, "theme.act")[:3].tolist() == [[0, 0, 1], [0, 1, 0], [16, 16, 0]]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (act([], 0, 0xFFFF), "byte 768: 0 colours, must be 1 to 256"),
        (act([], 257, 0xFFFF), "byte 768: 257 colours, must be 1 to 256"),
        (act([])[:-1], "not a palette: an .act file has 768 or 772 bytes"),
        (act([]) + b"\1\2\3", "not a palette: an .act file has 768 or 772 bytes"),
        (b"", "the file is empty"),
    ],
)
def test_faults_of_act_files_are_told(palette_refused, data, message):
    assert palette_refused(data, "theme.act") == message


@given(OPAQUE_PALETTES, st.data())
def test_act_files_keep_every_entry(palette_of, palette, data):
    clear = data.draw(st.integers(0, len(palette) - 1))
    count = len(palette)
    assert np.array_equal(palette_of(act(palette.tolist(), count, 0xFFFF), "theme.act"), palette)
    alpha = np.where(np.arange(count) == clear, 0, 255)
    expected = np.column_stack([palette, alpha])
    assert np.array_equal(palette_of(act(palette.tolist(), count, clear), "theme.act"), expected)


# Images.


def test_an_image_with_a_palette_gives_all_of_it(palette_of):
    image = IndexedImage([RED, GREEN, RED, BLUE], [[1, 0]])
    assert palette_of(png(to_pillow(image))).tolist() == [RED, GREEN, RED, BLUE]
    clear = IndexedImage([[*RED, 0], [*GREEN, 9], [*RED, 255]], [[1, 0]])
    assert palette_of(png(to_pillow(clear)), "theme.gpl").tolist() == clear.palette.tolist()


@given(PALETTES.filter(lambda palette: len(palette) <= 256))
@example(np.full((3, 4), 255, np.uint8))
@example(np.array([[1, 2, 3, 255], [1, 2, 3, 0]], np.uint8))
def test_png_palettes_keep_every_entry(palette_of, palette):
    picture = to_pillow(IndexedImage(palette, [range(len(palette))]))
    assert picture.mode == "P"
    assert np.array_equal(palette_of(png(picture)), palette)


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_an_image_without_a_palette_gives_its_colors_as_they_appear(palette_of, channels):
    colors = np.array([[9, 7, 5, 3], [1, 2, 3, 4], [9, 7, 5, 2], [8, 8, 8, 8]], np.uint8)
    colors = colors[: 2 if channels < 3 else 4, -channels:]
    pixels = colors[[[0, 0, 1, 0], [1, -2, -1, 0]]]
    data = png(pixels[..., 0] if channels == 1 else pixels, optimize=True)
    assert [tuple(c) for c in palette_of(data).tolist()] == list(
        dict.fromkeys(map(tuple, pixels.reshape(-1, channels).tolist()))
    )


def test_colors_of_a_large_image_are_found_in_order(palette_of, monkeypatch, rng):
    monkeypatch.setattr("kmcodec.sources.palettes._GROUP", 7)
    pixels = rng.integers(0, 3, (9, 11, 3), np.uint8)
    expected = list(dict.fromkeys(map(tuple, pixels.reshape(-1, 3).tolist())))
    assert [tuple(c) for c in palette_of(png(pixels)).tolist()] == expected


def test_an_image_may_have_65536_colors_and_no_more(palette_of, palette_refused):
    count = np.arange(65537, dtype=np.uint32)
    pixels = np.stack([count >> 16, count >> 8 & 255, count & 255], -1).astype(np.uint8)
    assert np.array_equal(palette_of(png(pixels[np.newaxis, :65536])), pixels[:65536])
    message = palette_refused(png(pixels[np.newaxis]), "photo.png")
    assert message == "more than 65,536 colours, the most that a palette has"


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
@pytest.mark.parametrize("entries", [3, 300])
def test_a_kmc_file_gives_its_palette(palette_of, rng, channels, entries):
    palette = rng.integers(0, 9, (entries, channels), np.uint8)
    data = kmcodec.encode(IndexedImage(palette, [[1, 0]]))
    assert np.array_equal(palette_of(data, "theme.hex"), palette)


def test_a_damaged_kmc_file_is_named(palette_of):
    data = kmcodec.encode(IndexedImage([RED], [[0]]))
    with pytest.raises(KmcFormatError, match=r"theme\.kmc: "):
        palette_of(data[:-3], "theme.kmc")


def test_a_text_image_is_not_taken_for_a_palette_file(palette_of):
    assert palette_of("P3\n2 1\n255\n255 0 0  0 0 255\n", "theme.txt").tolist() == [RED, BLUE]


def test_of_an_animation_the_first_frame_is_taken(palette_of):
    stream = io.BytesIO()
    frames = [to_pillow(IndexedImage([c, BLUE], [[0, 1]])) for c in (RED, GREEN)]
    frames[0].save(stream, "GIF", save_all=True, append_images=frames[1:])
    with pytest.warns(KmcWarning, match=r"theme\.gif: 2 frames, used the first"):
        assert palette_of(stream.getvalue(), "theme.gif")[:2].tolist() == [RED, BLUE]


def test_damaged_images_are_refused(palette_refused, rng):
    data = png(rng.integers(0, 256, (40, 40, 3), np.uint8))
    assert palette_refused(data[:1000], "theme.png").startswith("damaged or truncated image")


# What is no palette.


@pytest.mark.parametrize("data", [b"\0\1\2\3", b"hello", b"\xff" * 100, b"RIFF\4\0\0\0WAVE"])
@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("a.xyz", NO_PALETTE),
        ("a", NO_PALETTE),
        ("a.gpl", "its first line is not 'GIMP Palette'"),
        ("a.pal", "it begins neither with 'JASC-PAL' nor with 'RIFF'"),
    ],
)
def test_other_files_are_refused(palette_refused, data, name, reason):
    assert palette_refused(data, name) == f"not a palette: {reason}"


def test_arrays_are_refused(palette_refused):
    stream = io.BytesIO()
    np.save(stream, np.zeros((4, 3), np.uint8))
    assert palette_refused(stream.getvalue(), "a.npy").startswith("not a palette")
    assert palette_refused(write_mat(np.zeros((4, 3), np.uint8)), "a.mat").startswith(
        "not a palette"
    )


@pytest.mark.parametrize(
    "data",
    [
        "GIMP Palette\n" + "#" * (4 << 20),
        "ff0000\n" * 700_000,
        b"\0" * (5 << 20),
        b"\xff" * (5 << 20),
    ],
)
def test_large_files_are_refused(palette_refused, data):
    reason = "not an image, and too large for a palette (over 4 MiB)"
    assert palette_refused(data, "theme.gpl") == reason


def test_large_images_are_read(palette_of, rng):
    pixels = rng.integers(0, 30, (1300, 1200, 3), np.uint8)
    data = png(pixels, compress_level=0)
    assert len(data) > 4 << 20
    assert len(palette_of(data)) == 27000


def test_folders_and_names_that_are_no_path_are_refused(tmp_path):
    with pytest.raises(KmcInputError, match=r": is a folder$"):
        read_palette(tmp_path)
    with pytest.raises(KmcInputError, match=r"^'a\\x00b' is not a path$"):
        read_palette("a\0b")
    with pytest.raises(KmcInputError, match=r"^cannot read a palette from standard input$"):
        read_palette("-")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes with names here")
@pytest.mark.parametrize("data", [b"ff0000\n", png(np.zeros((1, 1, 3), np.uint8))])
def test_a_pipe_is_read_once(data):
    reading, writing = os.pipe()
    os.write(writing, data)
    os.close(writing)
    if data.startswith(b"ff"):
        assert read_palette(f"/dev/fd/{reading}").tolist() == [RED]
    else:
        with pytest.raises(KmcInputError, match="not a palette"):
            read_palette(f"/dev/fd/{reading}")
    os.close(reading)


def test_an_unreadable_file_is_refused(tmp_path, monkeypatch):
    path = tmp_path / "theme.gpl"
    path.write_text("GIMP Palette\n255 0 0\n")

    def forbidden(*_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("builtins.open", forbidden)
    with pytest.raises(KmcInputError, match=r"theme\.gpl: permission denied$"):
        read_palette(str(path))


STARTS = [b"", b"GIMP Palette\n", b"JASC-PAL\n0100\n", b"; paint.net palette\n", b"\xef\xbb\xbf"]
STARTS += [b"RIFF....PAL data", b"ASEF\0\1\0\0\0\0\0\2", b"\0\1\0\2", b"\0\2\0\2"]
STARTS += [b"#", b"\x89PNG\r\n\x1a\n", b"\x8bKMC", b"BM", b"P6 ", b"II*\0", b"GIF89a", b"\0\0\1\0"]


@given(
    st.sampled_from(STARTS),
    st.binary(max_size=60) | st.text("0123456789abcdef #;:-\n\r\t\u2028", max_size=60),
    st.sampled_from([*EXTENSIONS, ".kmc", ".jpg", ""]),
    st.sampled_from([0, 768, 772]),
)
def test_any_bytes_are_a_palette_or_refused(palette_of, start, rest, extension, size):
    data = (start + (rest.encode() if isinstance(rest, str) else rest)).ljust(size, b"\0")
    message = ""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", KmcWarning)
        try:
            palette = palette_of(data, "theme" + extension)
        except KmcError as error:
            message = str(error)
    if message:
        assert f"theme{extension}: " in message
        assert "\n" not in message
        return
    assert palette.dtype == np.uint8
    assert 1 <= len(palette) <= 65536
    assert 1 <= palette.shape[1] <= 4
