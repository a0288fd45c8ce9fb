"""What stands at the top of the repository for others' programs: citation, logo, policies."""

from __future__ import annotations

import re
import runpy
from xml.etree import ElementTree

import pytest
from conftest import ROOT

import kmcodec

CITATION = ROOT / "CITATION.cff"


def test_the_citation_has_what_its_schema_requires():
    yaml = pytest.importorskip("yaml")
    found = yaml.safe_load(CITATION.read_text("utf-8"))
    assert found["cff-version"] == "1.2.0"
    assert isinstance(found["message"], str)
    assert found["title"].startswith("kmcodec")
    assert found["type"] == "software"
    assert found["license"] == "MIT"
    assert [set(author) for author in found["authors"]] == [{"name"}]
    assert all(isinstance(word, str) for word in found["keywords"])


def test_citation_and_changelog_are_of_this_version():
    text = CITATION.read_text("utf-8")
    assert re.findall(r"^version: (.+)$", text, re.M) == [kmcodec.__version__], "set it there, too"
    [date] = re.findall(r"^date-released: (\d{4}-\d\d-\d\d)$", text, re.M)
    changes = (ROOT / "CHANGELOG.md").read_text("utf-8")
    assert re.findall(r"^## (.*)$", changes, re.M)[0] == f"{kmcodec.__version__}, {date}"


def test_the_script_draws_this_logo():
    drawing = ROOT / "docs" / "logo.svg"
    assert runpy.run_path(str(ROOT / "docs" / "draw_logo.py"))["draw"]() == drawing.read_text()
    pixels = [part for part in ElementTree.parse(drawing).iter() if part.tag.endswith("rect")]
    example = {"#1D3557", "#E63946", "#F1FAEE", "#A8DADC", "#457B9D"}
    assert {part.get("fill") for part in pixels} == example


def test_a_source_distribution_has_all_texts():
    """The build adds README and licence by itself."""
    listed = (ROOT / "MANIFEST.in").read_text("utf-8").split()
    for path in [*ROOT.glob("*.md"), CITATION]:
        assert path.name in listed or path.name == "README.md"
