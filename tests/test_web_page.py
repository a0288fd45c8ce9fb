"""The web page of the README, in a real browser."""

from __future__ import annotations

import functools
import http.server
import re
import shutil
import threading

import numpy as np
import pytest
from browser import as_rgba, opened
from conftest import ROOT, SAMPLES

import kmcodec
from kmcodec.sources.images import read_source


class Quiet(http.server.SimpleHTTPRequestHandler):
    """A server of files that says nothing."""

    def log_message(self, *_):
        pass


@pytest.fixture
def site(tmp_path):
    """The address of a folder that holds the page, the decoder and an image."""
    for module in (ROOT / "web" / "decoder").glob("*.js"):
        shutil.copy(module, tmp_path)
    page = re.search(r"```html\n(.*?)```", (ROOT / "README.md").read_text("utf-8"), re.S)[1]
    (tmp_path / "index.html").write_text(f'<!doctype html><link rel="icon" href="data:,">{page}')
    kmcodec.write(tmp_path / "bird.kmc", read_source(SAMPLES / "bird_small.mat").pixels, 16)
    handler = functools.partial(Quiet, directory=tmp_path)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()
        thread.join()


def test_shows_the_image(site, tmp_path):
    with opened(tmp_path / "browser") as page:
        page.driver.get(site)
        page.wait("return document.getElementById('bird').width === 128")
        shown = page.canvas("bird")
    pixels = kmcodec.read(tmp_path / "bird.kmc").to_array()
    np.testing.assert_array_equal(shown, as_rgba(pixels))
