"""A folder served to a browser of this machine, and the script of `<kmc-image>` in it."""

from __future__ import annotations

import functools
import http.server
import runpy
import threading
from contextlib import contextmanager

import numpy as np
from conftest import ROOT, VECTORS

import kmcodec

PACKAGE = runpy.run_path(str(ROOT / "web" / "build_package.py"))
# Adds an element that notes its events.
ADD = """
window.events = [];
window.add = (attributes, parent = document.body) => {
  const made = document.createElement('kmc-image');
  for (const type of ['load', 'error']) made.addEventListener(type, () => events.push(type));
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  parent.append(made);
  return (window.made = made);
};
window.img = () => made.shadowRoot.querySelector('img');
"""


def lay_out(folder):
    """An empty page with the script, the vectors, and a file of some size."""
    (folder / "kmc-image.js").write_text(PACKAGE["script"](), "utf-8")
    (folder / "index.html").write_text(
        '<!doctype html><link rel="icon" href="data:,"><script src="kmc-image.js"></script><body>'
    )
    (folder / "vectors").symlink_to(VECTORS)
    (folder / "shared").symlink_to(VECTORS / "good")
    # Too many bytes for a connection to hold while nobody reads them.
    noise = np.random.default_rng(1).integers(0, 256, (3000, 3000), np.uint8)
    grey = np.arange(256, dtype=np.uint8)[:, None]
    kmcodec.write(folder / "noise.kmc", kmcodec.IndexedImage(grey, noise), coding="packed")


class Handler(http.server.SimpleHTTPRequestHandler):
    """Serves files and says nothing; some paths wait until a test lets them go on.

    ``shared/`` may be read by pages of other sites.
    """

    def log_message(self, *_):
        pass

    def do_GET(self):
        self.server.asked.append(self.path)
        gate = self.server.gates.get(self.path)
        if gate is None:
            super().do_GET()
            return
        first, opened = gate
        data = (self.server.folder / self.path.lstrip("/")).read_bytes()
        self.send_response(200)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        try:
            self.wfile.write(data[:first])
            self.wfile.flush()
            opened.wait(30)
            self.wfile.write(data[first:])
        except ConnectionError:
            self.server.cut.append(self.path)

    def end_headers(self):
        if self.path.startswith("/shared/"):
            self.send_header("Access-Control-Allow-Origin", "*")
        self.send_header("Cache-Control", "no-store")
        super().end_headers()


class Site(http.server.ThreadingHTTPServer):
    """Files of a folder by HTTP.

    Attributes
    ----------
    asked, cut
        Paths that a browser has asked for, and of those the ones that it no longer wanted.
    """

    daemon_threads = True

    def __init__(self, folder):
        super().__init__(("127.0.0.1", 0), functools.partial(Handler, directory=folder))
        self.folder = folder
        self.asked, self.cut, self.gates = [], [], {}

    def address(self, host="127.0.0.1"):
        return f"http://{host}:{self.server_port}/"

    def hold(self, path, first):
        """Send some bytes of a file; the event that is returned lets the others go."""
        self.gates[path] = first, threading.Event()
        return self.gates[path][1]


@contextmanager
def served(folder):
    """A Site of a folder."""
    with Site(folder) as site:
        thread = threading.Thread(target=site.serve_forever)
        thread.start()
        try:
            yield site
        finally:
            for _, event in site.gates.values():
                event.set()
            site.shutdown()
            thread.join()


@contextmanager
def element_site(folder):
    """A Site with what `lay_out` puts into a folder."""
    lay_out(folder)
    with served(folder) as site:
        yield site
