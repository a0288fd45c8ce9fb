"""Palettes in text files: every format by its description, every refusal by its line."""

import numpy as np
import pytest
from conftest import OPAQUE_PALETTES, PALETTES
from hypothesis import given

RED, GREEN, BLUE = [255, 0, 0], [0, 255, 0], [0, 0, 255]


# GIMP PALETTES.

GPL = """GIMP Palette
Name: Theme
Columns: 4
#
# a comment
  0   0 255\tSky
255   0   0  Red 12 # 7

0 255 0
255 0 0 Red
"""


@pytest.mark.parametrize("name", ["theme.gpl", "theme.xyz", "theme.hex", "theme"])
@pytest.mark.parametrize(
    "change", [("\n", "\n"), ("\n", "\r\n"), ("\n", "\r"), ("GIMP", "\ufeffGIMP")]
)
def test_gimp_palettes_are_known_by_their_first_line(palette_of, name, change):
    assert palette_of(GPL.replace(*change), name).tolist() == [BLUE, RED, GREEN, RED]


def test_gimp_palettes_need_no_header_but_the_first_line(palette_of):
    assert palette_of("GIMP Palette\n1 2 3\n0004 5 6").tolist() == [[1, 2, 3], [4, 5, 6]]


def test_gimp_palettes_may_name_colors_in_any_encoding(palette_of):
    assert palette_of("GIMP Palette\nName: Grün\n255 0 0 Züri\u2028Rot\n".encode()).tolist() == [
        RED
    ]
    assert palette_of("GIMP Palette\nName: Grün\n255 0 0 Zürirot\n".encode("latin-1")).tolist() == [
        RED
    ]


def test_aseprite_adds_alpha_to_gimp_palettes(palette_of):
    text = "GIMP Palette\nChannels: RGBA\n#\n  0   0   0   0 Transparent\n254  91  89 255 Red\n"
    assert palette_of(text).tolist() == [[0, 0, 0, 0], [254, 91, 89, 255]]
    assert palette_of("GIMP Palette\nChannels: RGB\n254 91 89 255\n").tolist() == [[254, 91, 89]]


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("Name: x\nColumns: 3\n#\n1 2 3\n\n300 0 0", "line 7: 300 must be from 0 to 255"),
        ("0 -1 0", "line 2: -1 must be from 0 to 255"),
        ("0 0 " + "9" * 9999, f"line 2: {'9' * 39}… must be from 0 to 255"),
        ("0 0 0x0", "line 2: '0x0' is not a number from 0 to 255"),
        ("0 0 ٣", "line 2: '٣' is not a number from 0 to 255"),
        ("1 2", "line 2: '1 2' is not R G B, numbers from 0 to 255"),
        ("Channels: RGBA\n1 2 3", "line 3: '1 2 3' is not R G B A, numbers from 0 to 255"),
        ("Channels: RGBA\n1 2 3 Red", "line 3: 'Red' is not a number from 0 to 255"),
        ("Channels: CMYK", "line 2: channels is 'CMYK', must be RGB or RGBA"),
        ("1 2 3\nAuthor: me", "line 3: 'Author: me' is not R G B, numbers from 0 to 255"),
        ("Author me\n1 2 3", "line 2: 'Author me' is not R G B, numbers from 0 to 255"),
        ("Name: none\n# 1 2 3", "no colours"),
        ("1 2 3\n" * 65537, "more than 65,536 colours, the most that a palette has"),
    ],
)
def test_faults_of_gimp_palettes_are_told_with_their_line(palette_refused, body, message):
    assert palette_refused(f"GIMP Palette\n{body}\n", "theme.gpl") == message


@given(PALETTES)
def test_gimp_palettes_keep_every_entry(palette_of, palette):
    channels = "RGBA"[: palette.shape[1]]
    lines = [" ".join(f"{level:3}" for level in color) for color in palette.tolist()]
    text = "\n".join(["GIMP Palette", f"Channels: {channels}", "#", *lines, ""])
    assert np.array_equal(palette_of(text, "theme.gpl"), palette)


# Lists of hexadecimal numbers.


@pytest.mark.parametrize("name", ["theme.hex", "theme.xyz"])
@pytest.mark.parametrize(
    ("text", "colors"),
    [
        ("ff0000\n00FF00\nff0000\n", [RED, GREEN, RED]),
        ("\ufeff#ff0000\r\n\r\n#0000ff", [RED, BLUE]),
        ("; theme\n# theme\n#\n## theme\n#Name: Fade\n ff0000 ; red\n", [RED]),
        ("ff0000\n00ff0080\n", [[*RED, 255], [0, 255, 0, 128]]),
    ],
)
def test_hex_files_have_a_color_a_line(palette_of, name, text, colors):
    assert palette_of(text, name).tolist() == colors


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("ff0000\n\nff000\n", "line 3: 'ff000' is not a colour such as rrggbb or rrggbbaa"),
        ("ff0000\n#fade\n", "line 2: '#fade' is not a colour such as rrggbb or rrggbbaa"),
        ("ff0000\n#fade out\n", "line 2: '#fade out' is not a colour such as rrggbb or rrggbbaa"),
        ("ff0000 00ff00", "line 1: 'ff0000 00ff00' is not a colour such as rrggbb or rrggbbaa"),
        ("red", "line 1: 'red' is not a colour such as rrggbb or rrggbbaa"),
        ("x" * 9999, f"line 1: '{'x' * 39}…' is not a colour such as rrggbb or rrggbbaa"),
        ("; none\n", "no colours"),
        ("", "the file is empty"),
        ("\ufeff\n", "no colours"),
        ("ff0000\n" * 65537, "more than 65,536 colours, the most that a palette has"),
    ],
)
def test_faults_of_hex_files_are_told_with_their_line(palette_refused, text, message):
    assert palette_refused(text, "theme.hex") == message


@given(PALETTES)
def test_hex_files_keep_every_entry(palette_of, palette):
    text = "".join(f"{color.tobytes().hex()}\n" for color in palette)
    assert np.array_equal(palette_of(text, "theme.hex"), palette)


# Paint.NET.


@pytest.mark.parametrize(
    ("text", "colors"),
    [
        ("; paint.net Palette File\r\n; Name\r\nFFFF0000\r\nff00ff00\r\n", [RED, GREEN]),
        ("\ufeff;Paint.NET Palette File\n80FF0000\n00FF00\n", [[255, 0, 0, 128], [*GREEN, 255]]),
    ],
)
@pytest.mark.parametrize("name", ["theme.txt", "theme.xyz"])
def test_paint_net_palettes_put_alpha_first(palette_of, name, text, colors):
    assert palette_of(text, name).tolist() == colors


def test_text_files_without_a_header_are_taken_for_those_of_paint_net(palette_of):
    assert palette_of("80FF0000\n", "theme.TXT").tolist() == [[255, 0, 0, 128]]
    assert palette_of("80FF0000\n", "theme").tolist() == [[128, 255, 0, 0]]
    # With # it is the order of the web.
    assert palette_of("#ff000080\n", "theme.txt").tolist() == [[255, 0, 0, 128]]


def test_faults_of_paint_net_palettes_are_told_with_their_line(palette_refused):
    message = palette_refused(";\nHello world\n", "theme.txt")
    assert message == "line 2: 'Hello world' is not a colour such as aarrggbb or rrggbb"
    assert palette_refused(";\n", "theme.txt") == "no colours"


@given(PALETTES.filter(lambda palette: palette.shape[1] == 3 or palette[:, 3].min() < 255))
def test_paint_net_palettes_keep_every_entry(palette_of, palette):
    colors = [(*color, 255)[:4] for color in palette.tolist()]
    lines = [f"{a:02X}{r:02X}{g:02X}{b:02X}" for r, g, b, a in colors]
    text = "\r\n".join(["; paint.net Palette File", *lines, ""])
    assert np.array_equal(palette_of(text, "theme.txt"), palette)


# JASC PALETTES.


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("name", ["theme.pal", "theme.xyz"])
def test_jasc_palettes_are_known_by_their_first_line(palette_of, name, end):
    text = end.join(["JASC-PAL", "0100", "3", "255 0 0", "0 0 255", "255 0 0", ""])
    assert palette_of(text, name).tolist() == [RED, BLUE, RED]


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("0100\n2\n1 2 3\n4 5 256", "line 5: 256 must be from 0 to 255"),
        ("0100\n2\n1 2 3\n4 5", "line 5: '4 5' is not R G B, numbers from 0 to 255"),
        ("0100\n1\n1 2 3 4 5", "line 4: '1 2 3 4 5' is not R G B, numbers from 0 to 255"),
        ("0100\n1\n1 2 3 256", "line 4: 256 must be from 0 to 255"),
        ("0100\n2\n1 2 3", "line 3: declares 2 colours, but 1 follow"),
        ("0100\n1\n1 2 3\n1 2 3", "line 3: declares 1 colours, but 2 follow"),
        ("0100\nx\n1 2 3", "line 3: declares x colours, but 1 follow"),
        ("0100\n0", "no colours"),
        ("0100", "truncated, it ends before the number of its colours"),
        ("0200\n1\n1 2 3", "version is '0200', must be 0100"),
        (
            "0100\n65537\n" + "1 2 3\n" * 65537,
            "more than 65,536 colours, the most that a palette has",
        ),
    ],
)
def test_faults_of_jasc_palettes_are_told_with_their_line(palette_refused, body, message):
    assert palette_refused(f"JASC-PAL\n{body}\n", "theme.pal") == message


def test_jasc_palettes_may_have_alpha(palette_of):
    head = "JASC-PAL\r\n0100\r\n2\r\n"
    palette = palette_of(f"{head}255 0 0 255\r\n0 255 0 9\r\n", "theme.pal")
    assert palette.tolist() == [[*RED, 255], [*GREEN, 9]]
    assert palette_of(f"{head}255 0 0 255\r\n0 255 0 255", "theme.pal").tolist() == [RED, GREEN]
    # A line without it is opaque.
    palette = palette_of(f"{head}255 0 0\n0 255 0 0", "theme.pal")
    assert palette.tolist() == [[*RED, 255], [*GREEN, 0]]


def test_gimp_palettes_may_have_more_fields(palette_of):
    text = "GIMP Palette\nName: x\nAuthor: me\nÜber uns: wir\nColumns: 0\n#\n255 0 0\n0 255 0"
    assert palette_of(text, "theme.gpl").tolist() == [RED, GREEN]
    assert palette_of("GIMP Palette\nColumns: 0\n#\n1 2 3 Sky: blue\n").tolist() == [[1, 2, 3]]


@given(OPAQUE_PALETTES)
def test_jasc_palettes_keep_every_entry(palette_of, palette):
    lines = [" ".join(map(str, color)) for color in palette.tolist()]
    text = "\r\n".join(["JASC-PAL", "0100", str(len(lines)), *lines, ""])
    assert np.array_equal(palette_of(text, "theme.pal"), palette)
