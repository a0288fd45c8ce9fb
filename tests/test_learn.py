"""docs/learn.md says what the commands in it say; its pictures are there, and small."""

from __future__ import annotations

import re
import shlex

import pytest
from click.testing import CliRunner
from conftest import ROOT, SAMPLES

from kmcodec.cli.app import kmc as kmc_command
from kmcodec.coding import COMPILED

TEXT = (ROOT / "docs" / "learn.md").read_text()

# Found with the platform's logarithms, or written by its zlib: these may differ a little.
SOFT = 0.04

needs_kernels = pytest.mark.skipif(not COMPILED, reason="takes minutes without the kernels")


@pytest.fixture
def here(tmp_path, monkeypatch):
    """Be in a folder that has the samples, as a clone has them."""
    (tmp_path / "samples").symlink_to(SAMPLES)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(command):
    words = shlex.split(command)
    if words[:2] == ["python3", "-c"]:
        exec(words[2], {})
        return ""
    assert words[0] == "kmc", command
    return CliRunner().invoke(kmc_command, words[1:]).output


def number(cell):
    return float(cell.replace(",", ""))


def sizes():
    """Rows of the tables: source, options and numbers."""
    for line in TEXT.splitlines():
        cells = [cell.strip().strip("`") for cell in line.strip("|").split("|")]
        if line.startswith("|") and (not cells[0] or cells[0].startswith("--")):
            if number_like(cells[1]):
                psnr = number(cells[2]) if number_like(cells[2]) else None
                yield "bird_small.mat", f"-k 16 {cells[0]}", number(cells[1]), psnr, None
        elif line.startswith("|") and (SAMPLES / cells[0]).is_file():
            yield cells[0], cells[1], number(cells[2]), None, number(cells[3])


def number_like(cell):
    return re.fullmatch(r"[\d,.]+", cell) is not None


@needs_kernels
def test_every_command_says_what_stands_below_it(here):
    session = re.findall(r"```console\n(.*?)```", TEXT, re.S)
    assert len(session) >= 4
    commands = 0
    for part in re.split(r"^\$ ", "".join(session), flags=re.M)[1:]:
        command, _, expected = part.partition("\n")
        seconds = r"[\d.]+ s$"
        found = re.sub(seconds, "", run(command), flags=re.M)
        expected = re.sub(seconds, "", expected, flags=re.M)
        if command.endswith(".png"):
            assert number(found.split()[-2]) == pytest.approx(
                number(expected.split()[-2]), rel=SOFT
            )
        else:
            assert found == expected, command
        commands += 1
    assert commands >= 8


@needs_kernels
@pytest.mark.parametrize("row", list(sizes()), ids=lambda row: f"{row[0]} {row[1]}")
def test_every_size_in_a_table_is_what_comes_out(here, row):
    source, options, size, psnr, png = row
    said = run(f"kmc encode samples/{source} {options} -o a.kmc")
    found = (here / "a.kmc").stat().st_size
    if "--rdo" in options:
        assert found == pytest.approx(size, rel=SOFT)
    else:
        assert found == size
    if psnr is not None:
        assert float(re.search(r"PSNR ([\d.]+) dB", said)[1]) == pytest.approx(psnr, abs=0.02)
    if png is not None:
        run("kmc decode a.kmc -o a.png")
        assert (here / "a.png").stat().st_size == pytest.approx(png, rel=SOFT)


def test_there_are_rows_of_both_tables():
    assert len(list(sizes())) >= 10


def test_pictures_are_there_and_small():
    pictures = re.findall(r"!\[.*?\]\((\S+?)\)", TEXT)
    assert "learn_clusters.png" in pictures
    for name in pictures:
        assert 10_000 < (ROOT / "docs" / name).stat().st_size < 150_000
        assert re.search(rf"^kmc \w+ .*-o {name}$", TEXT, re.M), name


def test_links_lead_somewhere():
    targets = re.findall(r"\]\(([^)#\s]*)(?:#([^)\s]*))?\)", TEXT)
    assert targets
    for path, anchor in targets:
        file = ROOT / "docs" / path if path else ROOT / "docs" / "learn.md"
        assert file.is_file(), path
        if anchor:
            headings = re.findall(r"^#+ (.*)$", file.read_text(), re.M)
            slugs = [re.sub(r"[^\w\- ]", "", h.lower()).replace(" ", "-") for h in headings]
            assert anchor in slugs, anchor
