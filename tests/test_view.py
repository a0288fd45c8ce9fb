"""`kmc view`, and the page that it fills."""

from __future__ import annotations

import base64
import html
import importlib.resources
import os
import re
import subprocess
import sys
from pathlib import Path
from urllib.request import url2pathname

import pytest
from conftest import ROOT, VECTORS

import kmcodec
from kmcodec.viewer import page_with

EXAMPLE = VECTORS / "good" / "example.kmc"
BUILDER = ROOT / "web" / "build_viewer.py"
PAGE = ROOT / "kmcodec" / "viewer" / "viewer.html"
EMBEDDED = re.compile(rb'<script type="text/plain" id="embedded" data-name="([^"]*)">([^<]*)<')


def file_in(page):
    """The name and the bytes of the file that a page holds."""
    ((name, coded),) = EMBEDDED.findall(page)
    return name.decode(), base64.b64decode(coded, validate=True)


def test_the_viewer_is_made_of_its_sources(tmp_path):
    """Written anew only where something changes: a build does not touch what is up to date."""
    path = tmp_path / "page.html"
    path.write_text("of yesterday")
    subprocess.run([sys.executable, str(BUILDER), str(path)], check=True)
    assert path.read_bytes() == PAGE.read_bytes()
    os.utime(path, (1, 1))
    subprocess.run([sys.executable, str(BUILDER), str(path)], check=True)
    assert path.stat().st_mtime == 1
    assert os.listdir(tmp_path) == ["page.html"]


def test_without_its_page_it_says_what_makes_it(tmp_path, monkeypatch):
    """As in a checkout that nobody has installed."""
    monkeypatch.setattr(importlib.resources, "files", lambda name: tmp_path)
    with pytest.raises(kmcodec.KmcInputError, match=r"python web/build_viewer\.py"):
        page_with(b"", "name")


def test_the_page_loads_nothing():
    page = PAGE.read_text("utf-8")
    assert "default-src 'none'" in page
    assert not re.search(r"""(?:src|href)\s*=\s*["'](?!data:)""", page)
    assert not re.search(r"https?://|XMLHttpRequest|WebSocket|@import|url\(", page)


@pytest.mark.parametrize("name", ['"><script>alert(1)</script>', "<!--", "&quot;", "ä\udcff.kmc"])
def test_no_name_breaks_out_of_the_page(name):
    data = bytes(range(256))
    page = page_with(data, name)
    plain = page_with(data, "name")
    for mark in (b"<script", b"</script", b"<!--", b"<title"):
        assert page.count(mark) == plain.count(mark)
    assert file_in(page)[1] == data


def test_it_prints_where_the_page_is(kmc, tmp_path):
    run = kmc("view", EXAMPLE, "--no-browser", env={**os.environ, "TMPDIR": str(tmp_path)})
    assert (run.returncode, run.stderr) == (0, b"")
    path = Path(run.stdout.decode().removesuffix("\n"))
    assert path.name == "example.html"
    assert path.parent.parent == tmp_path
    assert file_in(path.read_bytes()) == ("example.kmc", EXAMPLE.read_bytes())


def test_it_opens_the_page_in_the_browser(kmc, tmp_path):
    browser = tmp_path / "browser"
    browser.write_text(f"#!{sys.executable}\nimport sys\nopen('asked', 'w').write(sys.argv[1])\n")
    browser.chmod(0o755)
    run = kmc("view", EXAMPLE, "-o", "a page.html", env={**os.environ, "BROWSER": str(browser)})
    assert (run.returncode, run.stdout) == (0, b"")
    assert run.stderr.decode().splitlines() == ["a page.html: opened in the browser"]
    url = (tmp_path / "asked").read_text()
    assert url.startswith("file:///")
    assert Path(url2pathname(url.removeprefix("file://"))) == tmp_path / "a page.html"


def test_without_a_browser_it_says_where_the_page_is(kmc, tmp_path):
    hidden = ("BROWSER", "DISPLAY", "WAYLAND_DISPLAY", "TERM")
    env = {name: value for name, value in os.environ.items() if name not in hidden}
    run = kmc("view", EXAMPLE, "-o", "page.html", env={**env, "PATH": str(tmp_path)})
    assert run.returncode == 1
    assert run.stderr == b"kmc: cannot open a browser; the page is page.html\n"
    assert (tmp_path / "page.html").is_file()


def test_standard_input_and_output(kmc):
    run = kmc("view", "-", "-o", "-", stdin=EXAMPLE.read_bytes())
    assert (run.returncode, run.stderr) == (0, b"")
    assert file_in(run.stdout) == ("standard input", EXAMPLE.read_bytes())


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["foreign.kmc"], "foreign.kmc: "),
        (["missing.kmc"], "missing.kmc: no such file"),
        (["good.kmc", "-o", "none/page.html"], "none: no such folder"),
        (
            ["good.kmc", "-o", "./good.kmc"],
            "good.kmc: skipped, the output would replace the input",
        ),
    ],
)
def test_what_cannot_be_done_is_one_line(kmc, tmp_path, arguments, words):
    data = EXAMPLE.read_bytes()
    (tmp_path / "good.kmc").write_bytes(data)
    (tmp_path / "foreign.kmc").write_bytes(b"\x89PNG\r\n\x1a\n")
    run = kmc("view", *arguments, "--no-browser")
    (line,) = run.stderr.decode().splitlines()
    assert run.returncode == 1
    assert line.startswith(f"kmc: {words}")
    assert run.stdout == b""
    assert (tmp_path / "good.kmc").read_bytes() == data
    assert not list(tmp_path.glob("*.html"))


def test_a_damaged_file_is_shown_as_far_as_it_goes(kmc, tmp_path):
    data = bytearray(EXAMPLE.read_bytes())
    data[-6] ^= 1
    (tmp_path / "<b>.kmc").write_bytes(data)
    run = kmc("view", "<b>.kmc", "-o", "page.html", "--no-browser")
    assert run.returncode == 1
    (line,) = run.stderr.decode().splitlines()
    assert line.startswith("kmc: <b>.kmc: ")
    page = (tmp_path / "page.html").read_text("utf-8")
    assert "<b>" not in page
    assert "signature" in page
    assert html.escape(line.removeprefix("kmc: <b>.kmc: ").partition(" (at byte")[0]) in page
    assert re.search("<mark>.*!! .*damaged", page)
