"""The web page of the README, and pictures of the documentation's site, in a real browser."""

from __future__ import annotations

import io
import re
import shutil

import numpy as np
import pytest
from browser import as_rgba, opened
from conftest import ROOT, SAMPLES
from PIL import Image
from web_site import PACKAGE, served

import kmcodec
from kmcodec.sources.images import read_source

CONF = """
import sys
sys.path.insert(0, {docs!r})
extensions = ["myst_parser", "kmc_pictures"]
"""


def test_the_page_of_the_readme_shows_the_image(tmp_path):
    page = re.search(r"```html\n(.*?)```", (ROOT / "README.md").read_text("utf-8"), re.S)[1]
    assert page.count("\n") == 10
    folder = tmp_path / "site"
    folder.mkdir()
    (folder / "index.html").write_text(page)
    (folder / "favicon.ico").touch()  # browsers ask for it
    PACKAGE["write"](folder / "kmc-image.js")
    kmcodec.write(folder / "bird.kmc", read_source(SAMPLES / "bird_small.mat").pixels, 16)
    with served(folder) as site, opened(tmp_path / "browser") as browser:
        browser.driver.get(site.address())
        browser.wait("return document.querySelector('kmc-image').complete")
        shot = browser.find("kmc-image").screenshot_as_png
    expected = as_rgba(kmcodec.read(folder / "bird.kmc").to_array())
    np.testing.assert_array_equal(Image.open(io.BytesIO(shot)).convert("RGBA"), expected)


def test_pictures_of_the_site_are_kmc_files(tmp_path):
    build = pytest.importorskip("sphinx.cmd.build").build_main
    pytest.importorskip("myst_parser")
    source, out = tmp_path / "source", tmp_path / "site"
    (source / "more").mkdir(parents=True)
    shutil.copy(ROOT / "docs" / "chosen.png", source)
    (source / "conf.py").write_text(CONF.format(docs=str(ROOT / "docs")))
    (source / "index.md").write_text('# One\n\n![A "robin" & more](chosen.png)\n')
    (source / "more" / "two.md").write_text("---\norphan:\n---\n\n# Two\n\n![-](../chosen.png)\n")
    assert build(["-q", "-W", "-b", "html", str(source), str(out)]) == 0
    assert [path.name for path in (out / "_images").iterdir()] == ["chosen.kmc"]
    (out / "favicon.ico").touch()
    with Image.open(source / "chosen.png") as image:
        expected = np.asarray(image.convert("RGBA"))
    np.testing.assert_array_equal(
        as_rgba(kmcodec.read(out / "_images/chosen.kmc").to_array()), expected
    )
    with served(out) as site, opened(tmp_path / "browser") as browser:
        for name, alt in (("index", 'A "robin" & more'), ("more/two", "-")):
            browser.driver.get(f"{site.address()}{name}.html")
            browser.wait("return document.querySelector('kmc-image').naturalWidth > 0")
            browser.wait("return document.querySelector('kmc-image').complete")
            picture = browser.run(
                "const it = document.querySelector('kmc-image');"
                "return [it.error, it.alt, it.naturalWidth, it.naturalHeight, it.height / it.width]"
            )
            height, width = expected.shape[:2]
            assert picture == [None, alt, width, height, pytest.approx(height / width, abs=0.01)]
