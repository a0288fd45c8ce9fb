"""A Sphinx extension: the pictures of the site are `.kmc` files, shown by `<kmc-image>`.

The sources name PNGs, so that other readers of them show pictures, too.
"""

from __future__ import annotations

import html
import runpy
from pathlib import Path

import numpy as np
from docutils import nodes
from PIL import Image
from sphinx.application import Sphinx
from sphinx.util.osutil import relative_uri

import kmcodec

WEB = Path(__file__).resolve().parents[1] / "web"


def to_elements(app: Sphinx, page: nodes.document, name: str) -> None:
    """Put an element where a page has a PNG."""
    if app.builder.format != "html":
        return
    for image in list(page.findall(nodes.image)):
        source = Path(app.srcdir, image["uri"])
        if source.suffix == ".png" and source.is_file():
            element = _element(app, app.builder.get_target_uri(name), image, source)
            image.replace_self(nodes.raw("", element, format="html"))


def _element(app: Sphinx, page: str, image: nodes.image, source: Path) -> str:
    # Sphinx gives pictures of the same name different ones.
    target = Path(app.outdir, "_images", app.env.images[image["uri"]][1]).with_suffix(".kmc")
    if not target.exists() or target.stat().st_mtime < source.stat().st_mtime:
        _convert(source, target)
    with Image.open(source) as file:
        width, height = file.size
    picture = html.escape(relative_uri(page, f"_images/{target.name}"))
    alt = html.escape(image.get("alt", ""))
    # Where scripts do not run, the page shows the text.
    return (
        f'<kmc-image src="{picture}" alt="{alt}" width="{width}" height="{height}"'
        f' loading="lazy">{alt}</kmc-image>'
    )


def _convert(source: Path, target: Path) -> None:
    """Write a picture without loss."""
    with Image.open(source) as image:
        pixels = np.asarray(image.convert("RGBA" if image.has_transparency_data else "RGB"))
    colors = np.unique(pixels.reshape(-1, pixels.shape[2]), axis=0)
    target.parent.mkdir(parents=True, exist_ok=True)
    kmcodec.write(target, pixels, len(colors))


def add_files(app: Sphinx) -> None:
    """Put the element's script and style where pages look for them."""
    static = Path(app.outdir, "_static")
    static.mkdir(parents=True, exist_ok=True)
    runpy.run_path(str(WEB / "build_package.py"))["write"](static / "kmc-image.js")
    (static / "kmc-image.css").write_text("kmc-image { max-width: 100%; height: auto; }\n")


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the hooks, and what pages load."""
    app.connect("builder-inited", add_files)
    app.connect("doctree-resolved", to_elements)
    app.add_js_file("kmc-image.js")
    app.add_css_file("kmc-image.css")
    return {"parallel_read_safe": True, "parallel_write_safe": False}
