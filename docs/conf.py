"""The site: ``sphinx-build -W -b html docs docs/_build``."""

import re
import sys
from pathlib import Path

import kmcodec

sys.path.insert(0, str(Path(__file__).parent))

project = "kmcodec"
author = "The kmcodec developers"
version = release = kmcodec.__version__

extensions = [
    "myst_parser",
    "numpydoc",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx_copybutton",
    "kmc_pictures",
]
exclude_patterns = ["_build"]
html_theme = "furo"
html_title = "kmcodec"
html_logo = html_favicon = "logo.svg"
myst_heading_anchors = 3
autosummary_generate = True
autodoc_typehints = "none"
numpydoc_show_class_members = False


def link_within_site(app, name, source):
    """Lead links to a text of `spec/` to its page, as the repository's own lead to the file."""
    up = "" if "/" not in name else "../"
    pages = "|".join(page.stem for page in Path(app.srcdir, "spec").glob("*.md"))
    source[0] = re.sub(rf"\]\(\.\./spec/({pages})\.md", rf"]({up}spec/\1.md", source[0])


def setup(app):
    """Register the hook."""
    app.connect("source-read", link_within_site)
