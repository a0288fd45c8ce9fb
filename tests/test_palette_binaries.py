"""Palettes in binary files, by their layouts, and round trips over all formats that are written."""

import struct
import warnings

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from kmcodec.errors import KmcInputError, KmcWarning
from kmcodec.sources.palettes import read_palette
from kmcodec.targets.palettes import EXTENSIONS, encode_palette_file, palette_extension

RED, GREEN, BLUE = [255, 0, 0], [0, 255, 0], [0, 0, 255]


def riff(colors, count=None, version=0x300, before=b"", flags=0):
    entries = b"".join(bytes([*color, flags]) for color in colors)
    count = len(colors) if count is None else count
    body = struct.pack("<HH", version, count) + entries
    body = b"PAL " + before + b"data" + struct.pack("<I", len(body)) + body
    return b"RIFF" + struct.pack("<I", len(body)) + body


def aco(colors, version=1, count=None, name="Grün ☀"):
    named = struct.pack(">I", len(name) + 1) + (name + "\0").encode("utf-16-be")
    parts = [struct.pack(">5H", *(v & 0xFFFF for v in (*c, 0, 0, 0, 0)[:5])) for c in colors]
    count = len(colors) if count is None else count
    end = named if version == 2 else b""
    return struct.pack(">HH", version, count) + b"".join(part + end for part in parts)


def block(kind, body):
    return struct.pack(">HI", kind, len(body)) + body


def ase_color(model, *values, name="Grün"):
    text = (name + "\0").encode("utf-16-be")
    head = struct.pack(">H", len(text) // 2) + text + model
    return block(1, head + struct.pack(f">{len(values)}fH", *values, 0))


def ase(*blocks, count=None, major=1):
    count = len(blocks) if count is None else count
    return b"ASEF" + struct.pack(">HHI", major, 0, count) + b"".join(blocks)


# Microsoft's.


@pytest.mark.parametrize("name", ["theme.pal", "theme"])
@pytest.mark.parametrize("flags", [0, 1, 255])
def test_microsoft_palettes_are_known_by_their_signature(palette_of, name, flags):
    assert palette_of(riff([RED, GREEN, BLUE], flags=flags), name).tolist() == [RED, GREEN, BLUE]


def test_microsoft_palettes_may_have_other_chunks(palette_of):
    data = riff([RED], before=b"offl\3\0\0\0abc\0")
    assert palette_of(data, "theme.pal").tolist() == [RED]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (riff([RED], 2), "byte 24: truncated, needs 8 bytes, has 4"),
        (riff([], 0xFFFF), "byte 24: truncated, needs 262,140 bytes, has 0"),
        (riff([]), "byte 22: no colours"),
        (riff([RED], version=0x200), "byte 20: palette version is 0x200, must be 0x300"),
        (b"RIFF\4\0\0\0PAL ", "byte 16: truncated, needs 4 bytes, has 0"),
        (b"RIFF\4\0\0\0PAL abcd\xff\xff\xff\xff", "truncated, needs 4 bytes, has 0"),
    ],
)
def test_faults_of_microsoft_palettes_are_told(palette_refused, data, message):
    assert palette_refused(data, "theme.pal").endswith(message)


# Adobe's swatches.


@pytest.mark.parametrize(
    ("color", "expected"),
    [
        ((0, 0x1234, 0xFFFF, 0xFE00), [0x12, 0xFF, 0xFE]),
        ((1, 0, 65535, 65535), RED),
        ((1, 21845, 65535, 65535), GREEN),
        ((1, 65535, 65535, 65535), RED),
        ((1, 1234, 0, 32768), [128, 128, 128]),
        ((7, 10000, 0, 0), [255, 255, 255]),
        ((7, 5000, 0, 0), [119, 119, 119]),
        ((7, 5429, 8081, 6989), RED),
        ((7, 2957, 6830, -11203), BLUE),
        ((7, 0, 0, 0), [0, 0, 0]),
        ((8, 0), [0, 0, 0]),
        ((8, 10000), [255, 255, 255]),
        ((8, 5000), [128, 128, 128]),
    ],
)
@pytest.mark.parametrize("version", [1, 2])
def test_colors_of_aco_files_are_converted(palette_of, color, expected, version):
    found = palette_of(aco([color], version), "theme.aco")
    assert np.abs(found.astype(int) - [expected]).max() <= 1


@pytest.mark.parametrize("color", [(2, 0xFFFF, 0, 0, 0xFFFF), (9, 0, 10000, 10000, 0)])
def test_cmyk_of_aco_files_is_converted_with_a_note(palette_of, color):
    with pytest.warns(KmcWarning, match=r"theme\.aco: CMYK colours are converted without"):
        assert palette_of(aco([color, color]), "theme.aco").tolist() == [RED, RED]


def test_of_two_sections_of_an_aco_file_the_one_with_names_is_read(palette_of):
    data = aco([(0, 0xFFFF, 0, 0)]) + aco([(0, 0, 0, 0xFFFF)], 2)
    assert palette_of(data, "theme.aco").tolist() == [BLUE]
    assert palette_of(data + b"more", "theme.ACO").tolist() == [BLUE]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"\0", "byte 0: truncated, needs 4 bytes, has 1"),
        (b"\0\3\0\1" + bytes(10), "byte 0: version is 3, must be 1 or 2"),
        (aco([]), "byte 2: no colours"),
        (aco([(0,)], count=2), "byte 4: truncated, needs 20 bytes, has 10"),
        (aco([(0,)], 2, count=3), "byte 4: truncated, needs 42 bytes, has 28"),
        (aco([(0,)], 2)[:-1], "byte 18: truncated, needs 14 bytes, has 13"),
        (aco([(0,), (3,)]), "byte 14: a colour of Pantone, which needs a colour book"),
        (aco([(99,)]), "byte 4: a colour of the unknown space 99, which needs"),
        (aco([(8, 10001)]), "byte 6: value is 10,001, must be 0 to 10,000"),
        (aco([(7, 10001)]), "byte 6: value is 10,001, must be 0 to 10,000"),
        (aco([(0,)], 2)[:14] + b"\xff\xff\xff\xff", "truncated, needs 8,589,934,590 bytes"),
    ],
)
def test_faults_of_aco_files_are_told(palette_refused, data, message):
    assert message in palette_refused(data, "theme.aco")


@pytest.mark.parametrize("name", ["theme.ase", "theme"])
def test_swatch_exchange_files_are_known_by_their_signature(palette_of, name):
    data = ase(
        block(0xC001, b"\0\2\0G\0\0"),
        ase_color(b"RGB ", 1.0000001, 0, 0),
        ase_color(b"Gray", 0.5),
        ase_color(b"GRAY", 1),
        block(0xC002, b""),
        ase_color(b"LAB ", 0.2957, 68.3, -112.03, name=""),
    )
    found = palette_of(data, name)
    assert np.abs(found - np.array([RED, [128] * 3, [255] * 3, BLUE])).max() <= 1


def test_cmyk_of_swatch_exchange_files_is_converted_with_a_note(palette_of):
    with pytest.warns(KmcWarning, match=r"theme\.ase: CMYK colours are converted without"):
        assert palette_of(ase(ase_color(b"CMYK", 0, 1, 1, 0)), "theme.ase").tolist() == [RED]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"ASEF", "byte 4: truncated, needs 8 bytes, has 0"),
        (ase(major=2), "byte 4: version is 2, must be 1"),
        (ase(), "no colours"),
        (ase(block(0xC001, b"\0\1\0\0")), "no colours"),
        (ase(count=0xFFFFFFFF), "byte 8: the file ends before its 4,294,967,295 blocks"),
        (ase(block(1, b"")), "byte 18: truncated, needs 2 bytes, has 0"),
        (ase(block(1, b"\0\0RGB \0")), "byte 24: truncated, needs 12 bytes, has 1"),
        (ase(struct.pack(">HI", 1, 99)), "byte 18: truncated, needs 99 bytes, has 0"),
        (ase(ase_color(b"HSB ", 0, 0, 0)), "byte 30: colour model 'HSB '; kmcodec reads RGB"),
        (ase(ase_color(b"RGB ", 1.1, 0, 0)), "byte 34: levels out of range"),
        (ase(ase_color(b"RGB ", float("nan"), 0, 0)), "byte 34: levels out of range"),
        (ase(ase_color(b"LAB ", 1, float("inf"), 0)), "byte 34: levels out of range"),
        (b"\0\1\0\0\xe0\xa5\1\0", "a sprite of Aseprite, not an Adobe swatch file: export"),
        (b"\0\1\2\3", "not a palette: it does not begin with 'ASEF'"),
    ],
)
def test_faults_of_swatch_exchange_files_are_told(palette_refused, data, message):
    assert palette_refused(data, "theme.ase").startswith(message)


@given(
    st.sampled_from(
        [riff([RED, BLUE]), aco([(0, 1), (7, 2)], 2), ase(ase_color(b"RGB ", 1, 0, 0))]
    ),
    st.integers(0, 80),
    st.integers(0, 255),
    st.sampled_from([".pal", ".aco", ".ase"]),
)
def test_changed_bytes_are_a_palette_or_refused(palette_of, data, place, value, extension):
    place %= len(data)
    for changed in (data[:place], data[:place] + bytes([value]) + data[place + 1 :]):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", KmcWarning)
            try:
                found = palette_of(changed, f"theme{extension}")
            except KmcInputError:
                continue
        assert found.dtype == np.uint8
        assert found.ndim == 2


# Round trips.

WITH_ALPHA = [".gpl", ".hex", ".kmc", ".pal", ".png", ".txt"]


def written(folder, palette, extension):
    path = folder / f"Thema grün{extension}"
    path.write_bytes(encode_palette_file(palette, palette_extension(str(path))))
    return read_palette(path)


def distinct(count, channels):
    """So many different colours, the first of them clear where there is alpha."""
    number = np.arange(count, dtype=np.uint32) * 40503 % 65536
    parts = [number & 255, number >> 8, 255 - (number & 255), np.arange(count) % 256]
    return np.stack(parts[:channels], 1).astype(np.uint8)


@pytest.mark.parametrize("extension", EXTENSIONS)
@pytest.mark.parametrize("count", [1, 2, 255, 256, 257, 65535, 65536])
def test_what_is_written_is_read_back(tmp_path, extension, count):
    palette = distinct(count, 3)
    most = {".act": 256, ".aco": 65535}.get(extension, 65536)
    if count > most:
        said = f"^{count:,} colours, but an {extension} file holds at most {most:,}$"
        with pytest.raises(KmcInputError, match=said):
            encode_palette_file(palette, extension)
        return
    np.testing.assert_array_equal(written(tmp_path, palette, extension), palette)


@pytest.mark.parametrize("extension", WITH_ALPHA)
@pytest.mark.parametrize("count", [1, 2, 255, 256, 257, 65536])
def test_alpha_that_is_written_is_read_back(tmp_path, extension, count):
    palette = distinct(count, 4)
    np.testing.assert_array_equal(written(tmp_path, palette, extension), palette)


@given(
    st.sampled_from([e for e in EXTENSIONS if e != ".png"]),
    st.integers(1, 256).flatmap(lambda n: hnp.arrays(np.uint8, (n, 3))),
)
@example(".ase", np.repeat(np.arange(256, dtype=np.uint8), 3).reshape(256, 3))
def test_repeated_entries_are_kept_in_their_order(tmp_path_factory, extension, palette):
    folder = tmp_path_factory.getbasetemp()
    np.testing.assert_array_equal(written(folder, palette, extension), palette)


@pytest.mark.parametrize("extension", sorted({*EXTENSIONS} - {*WITH_ALPHA, ".act"}))
def test_alpha_is_refused_where_there_is_no_place_for_it(extension):
    with pytest.raises(KmcInputError, match=rf"^{extension} files cannot hold alpha; use \.gpl, "):
        encode_palette_file(np.array([[1, 2, 3, 254]], np.uint8), extension)
    assert encode_palette_file(np.array([[1, 2, 3, 255]], np.uint8), extension)


def test_an_act_file_keeps_one_clear_entry(tmp_path):
    palette = np.array([[9, 9, 9, 255], [1, 2, 3, 0], [0, 0, 0, 255]], np.uint8)
    np.testing.assert_array_equal(written(tmp_path, palette, ".act"), palette)
    for alpha in ([0, 0, 255], [255, 1, 255]):
        palette[:, 3] = alpha
        with pytest.raises(KmcInputError, match="one transparent colour, no other alpha"):
            encode_palette_file(palette, ".act")


def test_the_command_names_the_file_that_cannot_hold_a_palette(kmc, tmp_path):
    np.save(tmp_path / "a.npy", distinct(300, 3)[np.newaxis])
    run = kmc("palette", "a.npy", "-k", "300", "-o", "out.act")
    said = b"kmc: out.act: 300 colours, but an .act file holds at most 256\n"
    assert (run.returncode, run.stderr) == (1, said)
    assert not (tmp_path / "out.act").exists()
