"""`kmc info --hexdump`: what it says, and that it accounts for every byte of any file."""

from __future__ import annotations

import re
import struct
import zlib

import numpy as np
import pytest
from conftest import ROOT, VECTORS
from hypothesis import given
from hypothesis import strategies as st

import kmcodec
from kmcodec.reading.hexdump import hexdump

EXAMPLE = kmcodec.encode(
    kmcodec.IndexedImage(
        [[0x1D, 0x35, 0x57], [0xE6, 0x39, 0x46], [0xF1, 0xFA, 0xEE]],
        [[0, 1, 2, 0, 1], [1, 1, 1, 2, 2], [2, 0, 0, 0, 2]],
        kmcodec.Metadata(icc=b"profile", text={"Title": "a\x1b[2Jbird"}),
    ),
    coding="packed",
    strip_rows=2,
)
VECTOR_FILES = sorted(VECTORS.glob("*/*.kmc"))


def assert_accounts_for_every_byte(data):
    lines = list(hexdump(data))
    at = 0
    for line in lines:
        if line.startswith("    "):
            continue  # a note
        offset, rest = line.split("  ", 1) if "  " in line else (line, "")
        assert int(offset, 16) == at, line
        hidden = re.fullmatch(r"\.\.\. ([\d,]+) bytes \.\.\.", rest)
        if hidden:
            at += int(hidden[1].replace(",", ""))
        else:
            shown = bytes.fromhex(rest[:23])
            assert shown == data[at : at + len(shown)], line
            at += len(shown)
    assert at == len(data)
    return lines


def labels(data):
    return [line.split("  ", 1)[-1][23:].strip() for line in hexdump(data)]


def test_the_example_of_the_specification():
    said = labels(EXAMPLE)
    for expected in (
        "signature",
        "version 1",
        "coding 0: packed",
        "channels 3: red, green, blue",
        "flags 1: sections follow the strips",
        "width 5",
        "height 3",
        "palette entries: 3, stored minus 1",
        "2 rows per strip",
        "entry 1: #e63946",
        "palette CRC 5f6dc18e, of bytes 001c to 0024",
        "strip 0: 4 bytes",
        "strip 0 CRC 1bf143d7, of its number, length and payload",
        "indices of strip 1 (rows 2 to 2)",
        "section iccp",
        "ICC profile, 7 bytes stored",
        "'Title': 'a\\x1b[2Jbird'",
        "section KEND",
    ):
        assert expected in said
    assert not any("!!" in label for label in said)


def test_offsets_and_bytes_stand_before_the_words():
    assert list(hexdump(EXAMPLE))[5] == "000c  05 00 00 00              width 5"


def test_every_vector_is_accounted_for():
    assert len(VECTOR_FILES) > 100
    for path in VECTOR_FILES:
        lines = assert_accounts_for_every_byte(path.read_bytes())
        if path.parent.name not in ("bad", "classes"):
            assert not any("!!" in line for line in lines), path


def test_every_prefix_ends_in_what_is_missing():
    for size in range(len(EXAMPLE)):
        lines = assert_accounts_for_every_byte(EXAMPLE[:size])
        assert re.search(r"!! the file ends here, missing \d+ byte", lines[-1]), lines[-1]


def test_what_follows_the_end_is_shown():
    lines = assert_accounts_for_every_byte(EXAMPLE + bytes(50))
    assert "!! 50 bytes after the end of the image" in lines[-4]


def test_every_changed_byte_is_marked():
    for at in range(len(EXAMPLE)):
        changed = bytearray(EXAMPLE)
        changed[at] ^= 0x10
        lines = assert_accounts_for_every_byte(bytes(changed))
        assert any("!!" in line for line in lines), at


@given(st.binary(max_size=300), st.booleans())
def test_any_bytes_are_accounted_for(noise, headed):
    assert_accounts_for_every_byte(EXAMPLE[:37] * headed + noise)


def test_damage_is_told_with_both_crcs_and_the_rest_goes_on():
    changed = bytearray(EXAMPLE)
    changed[0x25] ^= 1
    said = labels(bytes(changed))
    assert "!! palette CRC is 5f6dc18f, computed 5f6dc18e from bytes 001c to 0024: damaged" in said
    assert said[-1].startswith("section CRC")


@pytest.mark.parametrize(
    ("offset", "value", "expected"),
    [
        (8, 2, "!! version 2 is not supported"),
        (9, 77, "!! coding 77 is not supported"),
        (10, 5, "!! channels is 5, must be 1 to 4"),
        (11, 0x80, "!! flags 128: none, 0x80 is not supported"),
    ],
)
def test_what_a_header_must_not_say(offset, value, expected):
    data = bytearray(EXAMPLE)
    data[offset] = value
    data[24:28] = struct.pack("<I", zlib.crc32(bytes(data[:24])))
    assert expected in labels(bytes(data))
    assert_accounts_for_every_byte(bytes(data))


def test_line_ends_that_were_changed():
    data = EXAMPLE[:4] + b"\n\x1a\n" + EXAMPLE[8:]
    assert "text mode" in next(hexdump(data))


def test_long_palettes_are_shown_by_their_ends(bird):
    image = kmcodec.quantize(bird, 200)
    plain = kmcodec.encode(kmcodec.IndexedImage(image.palette[::-1], image.indices))
    said = labels(plain)
    assert "entry 199: #" + image.palette[0].tobytes().hex() in said
    assert len([label for label in said if label.startswith("entry")]) == 8 + 1
    coded = labels(kmcodec.encode(image))
    assert any(label.startswith("for 200 entries, 600 bytes uncoded") for label in coded)
    first = " ".join("#" + entry.tobytes().hex() for entry in image.palette[:4])
    assert first in coded
    assert "... 184 more" in coded


def test_the_command_prints_it_and_fails_for_damage(kmc, tmp_path):
    changed = bytearray(EXAMPLE)
    changed[-1] ^= 1
    (tmp_path / "a.kmc").write_bytes(bytes(changed))
    done = kmc("info", "--hexdump", "a.kmc")
    assert done.returncode == 1
    assert done.stdout.decode().splitlines() == list(hexdump(bytes(changed)))
    assert re.fullmatch(rb"kmc: a\.kmc: section KEND: CRC is .*\n", done.stderr)
    assert b"\x1b" not in done.stdout


def test_the_command_from_standard_input(kmc):
    done = kmc("info", "--hexdump", "-", stdin=EXAMPLE)
    assert done.returncode == 0
    assert done.stdout.decode().splitlines() == list(hexdump(EXAMPLE))
    assert kmc("info", "--hexdump", "--json", "-", stdin=EXAMPLE).returncode == 2


def test_a_file_of_another_kind():
    lines = assert_accounts_for_every_byte((ROOT / "samples" / "icon.png").read_bytes())
    assert "not a .kmc file" in lines[0]
    assert np.sum(["!!" in line for line in lines]) == 1
