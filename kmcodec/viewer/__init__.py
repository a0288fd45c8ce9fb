"""The viewer for browsers: one page, which each build assembles from ``web/``."""

from __future__ import annotations

import base64
import html
import importlib.resources

from kmcodec.errors import KmcInputError

__all__ = ["page_with"]

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
