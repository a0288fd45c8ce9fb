"""The viewer for browsers: one page, which each build assembles from ``web/``."""

from __future__ import annotations

import base64
import html
import importlib.resources
from collections.abc import Iterable

from kmcodec.errors import KmcInputError

__all__ = ["page_of_damaged", "page_with"]

_PLACE = "<!-- embedded file -->"
_TITLE = "<title>kmc viewer</title>"


def page_with(data: bytes, name: str) -> bytes:
    """Return the viewer's page with a file in it, which it shows on opening.

    Parameters
    ----------
    data : bytes
        The whole `.kmc` file; the page checks it.
    name : str
        The file's name in the page.

    Returns
    -------
    bytes
        HTML in UTF-8 that needs no other file and loads nothing.

    Raises
    ------
    KmcInputError
        In a source tree where nothing has built the page.
    """
    try:
        page = importlib.resources.files(__name__).joinpath("viewer.html").read_text("utf-8")
    except FileNotFoundError:
        raise KmcInputError(
            "the viewer's page is not built: install kmcodec, or run python web/build_viewer.py"
        ) from None
    title = html.escape(name)
    # Base64 has no characters special to HTML.
    coded = base64.b64encode(data).decode("ascii")
    part = f'<script type="text/plain" id="embedded" data-name="{title}">{coded}</script>'
    page = page.replace(_TITLE, f"<title>{title} - kmc viewer</title>", 1)
    # A name may be invalid Unicode; question marks replace the invalid parts.
    return page.replace(_PLACE, part, 1).encode("utf-8", "replace")


def page_of_damaged(lines: Iterable[str], fault: str, name: str) -> bytes:
    """A page for a file that the viewer cannot show: its fault, and its parts byte by byte.

    Parameters
    ----------
    lines : iterable of str
        From `hexdump`; faults begin with ``!!``.
    fault : str
        The error message.
    name : str
        The name of the file on the page.

    Returns
    -------
    bytes
        HTML in UTF-8 that needs no other file and contains no scripts.
    """
    shown = []
    for line in lines:
        text = html.escape(line)
        shown.append(f"<mark>{text}</mark>" if "!! " in line else text)
    title = html.escape(name)
    page = (
        '<!doctype html>\n<html lang="en">\n<meta charset="utf-8">\n'
        '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'; '
        "style-src 'unsafe-inline'\">\n"
        f"<title>{title} - damaged</title>\n"
        "<style>body { font-family: sans-serif; margin: 2em } mark { background: #fc9 }</style>\n"
        f"<h1>{title}</h1>\n<p>This file is damaged: <mark>{html.escape(fault)}</mark></p>\n"
        "<p>The parts that kmc can read are below. <code>kmc decode --salvage</code> writes the "
        "readable rows.</p>\n"
    )
    page += "<pre>" + "\n".join(shown) + "</pre>\n</html>\n"
    return page.encode("utf-8", "replace")
