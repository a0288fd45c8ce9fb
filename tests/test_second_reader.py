"""The second reader, spec/read_kmc.py, against the test vectors."""

from __future__ import annotations

import ast
import contextlib
import importlib.util
import itertools
import json
import random
import re
import shutil
import struct
import subprocess
import sys
import time
import tracemalloc
import zlib
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

SPEC = Path(__file__).resolve().parent.parent / "spec"
VECTORS = SPEC / "vectors"
GOOD = sorted(path.stem for path in (VECTORS / "good").glob("*.kmc"))
REASONS: dict[str, dict[str, str]] = {
    folder: json.loads((VECTORS / folder / "reasons.json").read_text("utf-8"))
    for folder in ("bad", "classes", "large")
}
FAULTY = [f"{folder}/{name}" for folder, names in REASONS.items() for name in names]
SCRIPTS = [*sorted(SPEC.glob("*.py")), *sorted((SPEC / "make_vectors").glob("*.py"))]
SMALL = (
    "example",
    "one-pixel-deflate",
    "meta-all-types-reversed",
    "k1-many-strips-deflate",
    "additive-example-fast",
    "additive-example-fastest",
    "labels-example",
    "context-example-default",
    "context-palette-coded-default",
    "frames-example-interleaved",
    "scenes-example",
)
CODERS = {"read_additive", "read_context", "read_labels"}
EXACT = ("additive-", "context-", "labels-", "palette-coded-", "scenes-coded-")
# These take half of the time of all; others like them are made again.
NOT_MADE_AGAIN = (
    "additive-fast-tables-4196352",
    "additive-fastest-k65536",
    "additive-palette-coded-65540-bytes",
    "context-busy-max",
    "context-default-long-runs",
    "context-limit-run-probability",
    "context-limit-weights",
    "context-max-long-runs",
    "context-max-k256",
    "context-max-k4096",
    "context-rgba",
    "labels-k65536",
    "labels-runs-long-slices",
)


def load_reader() -> ModuleType:
    spec = importlib.util.spec_from_file_location("read_kmc_under_test", SPEC / "read_kmc.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


reader = load_reader()


def build(
    width: int = 2,
    height: int = 1,
    palette: bytes = b"\0\xff",
    *,
    coding: int = 0,
    rows_per_strip: int = 0,
    payloads: tuple[bytes, ...] = (b"\x40",),
    sections: bytes | None = None,
    coded: bytes | None = None,
) -> bytes:
    """Make a grey file from its parts; nothing is checked. `coded` has the length before it."""
    flags = (sections is not None) + 2 * (coded is not None)
    head = b"\x8bKMC\r\n\x1a\n" + bytes([1, coding, 1, flags])
    head += struct.pack("<IIHH", width, height, len(palette) - 1, rows_per_strip)
    data = head + struct.pack("<I", zlib.crc32(head))
    stored = palette if coded is None else coded
    data += stored + struct.pack("<I", zlib.crc32(stored))
    for number, payload in enumerate(payloads):
        crc = zlib.crc32(struct.pack("<II", number, len(payload)) + payload)
        data += struct.pack("<II", len(payload), crc) + payload
    return data if sections is None else data + sections + section(b"KEND", b"")


def section(kind: bytes, payload: bytes) -> bytes:
    body = kind + struct.pack("<I", len(payload)) + payload
    return body + struct.pack("<I", zlib.crc32(body))


def refusal(data: bytes, **options: Any) -> str:
    with pytest.raises(reader.Refused) as caught:
        reader.read(data, **options)
    message = str(caught.value)
    assert message
    assert message.isprintable()  # one line, nothing for a terminal to act on
    assert "byte " in message
    return message


def test_vectors_are_complete() -> None:
    assert len(GOOD) >= 200
    assert sorted(path.stem for path in (VECTORS / "good").glob("*.json")) == GOOD
    assert len(REASONS["bad"]) >= 200
    for folder, reasons in REASONS.items():
        files = {path.stem for path in (VECTORS / folder).glob("*.kmc")}
        assert files == set(reasons)
        assert all(reasons.values())


@pytest.mark.parametrize("name", GOOD)
def test_good_vector(name: str) -> None:
    file = VECTORS / "good" / f"{name}.kmc"
    expected = json.loads(file.with_suffix(".json").read_text("utf-8"))
    image = reader.read(file.read_bytes())
    assert reader.differences(image, expected) == []


def test_the_comparison_sees_differences() -> None:
    file = VECTORS / "good" / "meta-all-types.kmc"
    expected = json.loads(file.with_suffix(".json").read_text("utf-8"))
    image = reader.read(file.read_bytes())
    image.indices[2][4] ^= 1
    image.palette[1] = (0, 0, 0)
    image.metadata["icc"] += b"x"
    image.coding = 1
    assert len(reader.differences(image, expected)) == 4


@pytest.mark.parametrize("path", FAULTY)
def test_bad_vector(path: str) -> None:
    refusal((VECTORS / f"{path}.kmc").read_bytes())


@pytest.mark.parametrize("name", REASONS["large"])
def test_large_vector_is_refused_promptly(name: str) -> None:
    data = (VECTORS / "large" / f"{name}.kmc").read_bytes()
    start = time.perf_counter()
    assert "too large" in refusal(data)
    assert time.perf_counter() - start < 1


@pytest.mark.parametrize("name", SMALL)
def test_no_prefix_and_no_flipped_bit_is_read(name: str) -> None:
    data = (VECTORS / "good" / f"{name}.kmc").read_bytes()
    reader.read(data)
    for size in range(len(data)):
        refusal(data[:size])
        for bit in range(8):
            refusal(data[:size] + bytes([data[size] ^ 1 << bit]) + data[size + 1 :])


def test_noise_is_refused() -> None:
    source = random.Random(3)
    for size in range(200):
        refusal(source.randbytes(size))
        refusal(b"\x8bKMC\r\n\x1a\n" + source.randbytes(size))


def test_noise_behind_right_crcs_raises_nothing_else() -> None:
    """Payloads and section payloads of noise are read or refused, and nothing else."""
    source = random.Random(4)
    for _ in range(2000):
        payload = source.randbytes(source.randrange(12))
        if source.random() < 0.5:
            payload = b"\x78\x9c" + payload
        kind = source.choice((b"iccp", b"exif", b"xmpp", b"text", b"zzzz", b"KEND", b"ABCD"))
        extra = section(kind, source.choice((b"", b"\0", b"\1", b"\1\x78\x9c")) + payload)
        for data in (
            build(coding=source.randrange(6), payloads=(payload,)),
            build(sections=extra),
        ):
            with contextlib.suppress(reader.Refused):
                reader.read(data)


def test_noise_in_coded_palettes_raises_nothing_else() -> None:
    source, read = random.Random(5), 0
    for _ in range(2000):
        noise = source.randbytes(source.randrange(1, 4))
        coded = bytes([len(noise)]) + noise
        data = build(palette=bytes(source.randrange(2, 6)), coding=2, payloads=(b"",), coded=coded)
        message = refusal(data)
        read += "strip 0" in message
    assert 0 < read < 2000  # some are right, by chance


def test_the_length_of_a_coded_palette_is_checked_before_its_bytes() -> None:
    for length, message in ((300, "less than 300"), (299, "truncated: 299 bytes")):
        coded = length.to_bytes(2, "little")
        assert message in refusal(build(palette=bytes(300), coding=2, payloads=(), coded=coded))


def test_pixel_limit() -> None:
    data = build(8, 4, b"a", payloads=(b"",))
    assert reader.read(data, max_pixels=32).indices == [[0] * 8] * 4
    assert "too large" in refusal(data, max_pixels=31)


def test_nothing_is_allocated_by_a_length() -> None:
    bomb = build(coding=1, payloads=(zlib.compress(bytes(50_000_000)),))
    head = build(payloads=())
    head_of_section = build(sections=b"")[:-12]
    tracemalloc.start()
    try:
        refusal(head + struct.pack("<II", 0xFFFFFFFF, 0))
        refusal(head_of_section + b"text" + struct.pack("<I", 0xFFFFFFFF))
        refusal(build(1, 2**28, b"a", rows_per_strip=1, payloads=(b"",)))
        refusal(bomb)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 5_000_000


def test_data_of_a_section_up_to_its_limit() -> None:
    for size, allowed in ((2**24, True), (2**24 + 1, False)):
        data = bytes(size)
        for payload in (b"\0" + data, b"\1" + zlib.compress(data)):
            file = build(sections=section(b"iccp", payload))
            if allowed:
                assert reader.read(file).metadata["icc"] == data
            else:
                refusal(file)


def test_all_metadata_together_has_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    part = section(b"text", b"\1" + zlib.compress(b"a\0" + bytes(98)))
    data = build(sections=part + section(b"exif", bytes(101)))
    for limit in (199, 200):
        monkeypatch.setattr(reader, "MAX_METADATA", limit)
        if limit == 200:
            assert reader.read(data).metadata["exif"] == bytes(100)
        else:
            assert "too large" in refusal(data)


def test_sides_are_checked_without_a_pixel_limit() -> None:
    for width, height, name in ((2**31, 1, "width"), (1, 2**31, "height")):
        data = build(width, height, b"a", payloads=(b"",))
        assert name in refusal(data, max_pixels=2**70)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("version-2", "version 2"),
        ("crc-header-version", "header CRC"),
        ("text-mode-crlf-to-lf", "text mode"),
        ("text-mode-lf-to-crlf", "text mode"),
        ("signature-other", "found, 8b 4b 4d 43 0d 0a 1a 0a expected"),
        ("truncated-07", "truncated"),
    ],
)
def test_what_is_wrong_is_told_apart(name: str, message: str) -> None:
    assert message in refusal((VECTORS / "bad" / f"{name}.kmc").read_bytes())


def test_the_signature_is_checked_as_far_as_there_are_bytes() -> None:
    """A short file of another format is not called truncated."""
    assert "signature" in refusal(b"\x89PN")
    assert "text mode" in refusal(b"\x8bKMC\n\x1a\n")
    assert "truncated" in refusal(b"\x8bKMC\r\n\x1a\n\1")
    assert "truncated" in refusal(b"\x8b")


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.stem)
def test_imports_only_the_standard_library(script: Path) -> None:
    """And siblings; the coders of the second reader are siblings of all."""
    source = script.read_text("utf-8")
    names = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0
            names.add((node.module or "").split(".")[0])
    siblings = {path.stem for path in SCRIPTS if path.parent == script.parent}
    siblings -= set() if script.stem == "read_stream" else {"read_kmc"}  # it reads strips of files
    assert names
    assert names <= sys.stdlib_module_names | siblings | CODERS
    for word in ("kmcodec", "__import__", "importlib"):
        assert word not in source


def test_the_script_makes_these_vectors(tmp_path: Path) -> None:
    """Only the bytes of deflate may differ, from one build of zlib to another."""
    shutil.copytree(SPEC / "make_vectors", tmp_path / "make_vectors")
    for name in (*CODERS, "read_context_parts"):
        shutil.copy(SPEC / f"{name}.py", tmp_path)
    command = [sys.executable, "-B", str(tmp_path / "make_vectors"), "--without", *NOT_MADE_AGAIN]
    subprocess.run(command, capture_output=True, timeout=300, check=True)
    made, kept = (
        {path.relative_to(folder): path for path in folder.glob("*/*")}
        for folder in (tmp_path / "vectors", VECTORS)
    )
    assert {name.stem for name in kept.keys() - made.keys()} == set(NOT_MADE_AGAIN)
    assert made.keys() <= kept.keys()
    for name, path in made.items():
        exact = name.stem.startswith(EXACT)
        if name.suffix == ".json" or exact:
            assert path.read_bytes() == kept[name].read_bytes()
    assert subprocess.run(command, capture_output=True, timeout=300, check=False).returncode == 1


def test_the_example_of_the_context_coder() -> None:
    """The payloads of section 13 of context.md, decoded and encoded."""
    text = (SPEC / "context.md").read_text("utf-8")
    colours = bytes.fromhex("1D3557 E63946 F1FAEE A8DADC 457B9D")
    palette = [tuple(colours[at : at + 3]) for at in range(0, 15, 3)]
    rows = [[0, 0, 4, 4, 3], [0, 0, 4, 3, 3], [0, 4, 4, 3, 2], [1, 1, 4, 3, 2]]
    for coding, payload in ((3, "793EA1E280C5"), (4, "DCB7B37832650E")):
        data = bytes.fromhex(payload)
        assert data.hex(" ").upper() in text
        assert reader.read_context.encode(rows, palette, coding) == data
        assert reader.read_context.decode(data, 4, 5, palette, coding) == rows


def test_the_example_of_a_coded_palette() -> None:
    """The palette of section 13 of context.md, decoded; good vectors have others."""
    text = (SPEC / "context.md").read_text("utf-8")
    data = bytes.fromhex("CF45D55206BCD3A932E1DCDDD08C397A066E")
    colours = bytes.fromhex("1D3557 E63946 457B9D A8DADC F1FAEE")
    assert data.hex(" ").upper() in text
    palette = reader.read_palette.decode(data, 5, 3)
    assert b"".join(map(bytes, palette)) == colours


@pytest.mark.parametrize("name", ["example", "scenes-example"])
def test_an_example_is_the_file_that_is_annotated(name: str) -> None:
    """Sections 9 and 9.2 of kmc-1.md, byte for byte."""
    text = (SPEC / "kmc-1.md").read_text("utf-8")
    data = (VECTORS / "good" / f"{name}.kmc").read_bytes()
    dumps = re.findall(r"^```\n(00  8B .*?)^```$", text, re.DOTALL | re.MULTILINE)
    listed = []
    for dump in dumps:
        lines = re.findall(r"^([0-9A-F]{2})  ((?:[0-9A-F]{2} {1,2})+) ", dump, re.MULTILINE)
        assert len(lines) == len(dump.splitlines())
        pieces = [bytes.fromhex(line) for _, line in lines]
        starts = itertools.accumulate(map(len, pieces), initial=0)
        assert [int(at, 16) for at, _ in lines] == list(starts)[:-1]
        listed.append(b"".join(pieces))
    assert data in listed


def test_the_pixels_of_all_scenes_are_limited_before_their_palettes_are_read() -> None:
    data = (VECTORS / "good" / "scenes-example.kmc").read_bytes()
    assert len(reader.read(data, max_pixels=18).indices) == 6
    palette_at = data.index(bytes.fromhex("457B9D F1FAEE"))
    assert "too large" in refusal(data[:palette_at], max_pixels=17)


def test_the_reader_is_short() -> None:
    lengths = {path: len(path.read_text("utf-8").splitlines()) for path in SPEC.glob("*.py")}
    assert max(lengths.values()) < 450
    assert lengths[SPEC / "read_kmc.py"] <= 350


def run(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-I", str(SPEC / "read_kmc.py"), *map(str, arguments)]
    return subprocess.run(
        command, capture_output=True, text=True, encoding="utf-8", timeout=300, check=False
    )


def test_command_line_check(tmp_path: Path) -> None:
    """With some of the small vectors: the other tests read all of them."""
    texts = {name: (VECTORS / "good" / f"{name}.json").read_text("utf-8") for name in GOOD}
    # A large image or palette is short in JSON, too: a hash stands for it.
    small = [name for name, text in texts.items() if len(text) < 2000 and "_sha256" not in text]
    good, bad = small[::7], list(REASONS["bad"])[::5]
    assert len(good) >= 20
    some = {"good": good, "bad": bad, "classes": REASONS["classes"], "large": REASONS["large"]}
    for folder, names in some.items():
        (tmp_path / folder).mkdir()
        for name in names:
            for path in (VECTORS / folder).glob(f"{name}.*"):
                shutil.copy(path, tmp_path / folder)
        if folder != "good":
            reasons = json.dumps({name: REASONS[folder][name] for name in names})
            (tmp_path / folder / "reasons.json").write_text(reasons, "utf-8")
    result = run("--check", tmp_path)
    assert result.returncode == 0, result.stdout[-2000:] + result.stderr
    last = result.stdout.splitlines()[-1]
    assert last == f"{len(good)} good read, {len(bad)} bad refused"


def test_command_line_check_fails_if_anything_differs(tmp_path: Path) -> None:
    for folder, name in (
        *(("good", "example"), ("bad", "empty"), ("large", "both-sides")),
        ("classes", "clas-tab"),
    ):
        (tmp_path / folder).mkdir()
        shutil.copy(VECTORS / folder / f"{name}.kmc", tmp_path / folder)
        if folder != "good":
            reasons = json.dumps({name: "x"})
            (tmp_path / folder / "reasons.json").write_text(reasons, "utf-8")
    expected = json.loads((VECTORS / "good" / "example.json").read_text("utf-8"))
    expectation = tmp_path / "good" / "example.json"
    expectation.write_text(json.dumps(expected), "utf-8")
    assert run("--check", tmp_path).returncode == 0
    expected["indices"][0][0] = 1
    expectation.write_text(json.dumps(expected), "utf-8")
    assert run("--check", tmp_path).returncode == 1  # other pixels
    expectation.unlink()
    assert run("--check", tmp_path).returncode == 1  # nothing to compare with
    shutil.copy(VECTORS / "good" / "example.json", expectation)
    assert run("--check", tmp_path).returncode == 0
    shutil.copy(VECTORS / "good" / "example.kmc", tmp_path / "bad" / "empty.kmc")
    assert run("--check", tmp_path).returncode == 1  # a bad one that is read
    result = run("--check", tmp_path / "nothing here")
    assert result.returncode == 1
    assert "Traceback" not in result.stderr


def test_command_line_facts_and_pam(tmp_path: Path) -> None:
    output = tmp_path / "out.pam"
    result = run(VECTORS / "good" / "example.kmc", "-o", output)
    assert result.returncode == 0, result.stderr
    assert "5 x 3 pixels, 3 entries" in result.stdout
    head = b"P7\nWIDTH 5\nHEIGHT 3\nDEPTH 3\nMAXVAL 255\nTUPLTYPE RGB\nENDHDR\n"
    a, b, c = (bytes.fromhex(colour) for colour in ("1D3557", "E63946", "F1FAEE"))
    assert output.read_bytes() == head + b"".join((a, b, c, a, b, b, b, b, c, c, c, a, a, a, c))


def test_command_line_refuses() -> None:
    for path in (VECTORS / "bad" / "trailing-byte.kmc", VECTORS / "no such file"):
        result = run(path)
        assert result.returncode == 1
        assert "Traceback" not in result.stderr
        assert result.stdout == ""
