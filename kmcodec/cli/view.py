"""`kmc view`."""

from __future__ import annotations

import io
import os
import tempfile
import webbrowser
from pathlib import Path

import click

from kmcodec.batch.planning import check_output
from kmcodec.cli.common import force_option, note
from kmcodec.cli.help import Command
from kmcodec.cli.printable import printable
from kmcodec.cli.types import FILE_NAME
from kmcodec.container.header import SIGNATURE
from kmcodec.errors import KmcFormatError, KmcInputError, KmcLimitError
from kmcodec.files import open_kmc
from kmcodec.reading.hexdump import hexdump
from kmcodec.reading.inspection import inspect_stream
from kmcodec.storage.door import STANDARD, write_output
from kmcodec.storage.urls import is_url, local_path
from kmcodec.viewer import page_of_damaged, page_with

_LONGEST_STEM = 200  # bytes
_MOST_BYTES = 1 << 28  # Base64 adds a third, and browsers limit strings to 512 MB


@click.command(cls=Command)
@click.argument("file", metavar="FILE", type=FILE_NAME)
@click.option(
    "-o",
    "--output",
    type=FILE_NAME,
    metavar="PAGE",
    help="The page to write; - for standard output. [default: a new temporary folder]",
)
@force_option
@click.option("--no-browser", is_flag=True, help="Only print where the page is.")
def view(file: str, output: str | None, force: bool, no_browser: bool) -> None:
    """Show a .kmc file in the browser: image, palette, header, sections, bytes by part.

    The page holds FILE, or standard input for -, and a decoder. It needs no network and no other
    file, so you can send it to people who do not have kmc. For a damaged file, the page shows the
    parts that kmc can read, and what is wrong; the exit code is then 1.
    """
    check_output([file], output, force=force)
    data, fault = _read(file)
    name = "standard input" if file == STANDARD else Path(file).name
    # The dump walks by the text of the format, and so goes on behind what is wrong.
    page = page_of_damaged(hexdump(data), fault.message, name) if fault else page_with(data, name)
    _show(file, page, output, force=force, no_browser=no_browser)
    if fault:
        raise fault.inside(file)


def _show(file: str, page: bytes, output: str | None, *, force: bool, no_browser: bool) -> None:
    """Write the page, and open it in the browser where that is wanted."""
    if output == STANDARD:
        write_output(STANDARD, page)
        return
    if output is not None and is_url(local_path(output)):
        write_output(output, page, create_only=not force)
        note(f"{output}: written")  # a browser may not be able to open this path
        return
    path = _temporary(file) if output is None else Path(local_path(output))
    write_output(path, page, create_only=not force)
    if no_browser:
        click.echo(printable(str(path)))
        return
    if not webbrowser.open(path.resolve().as_uri()):
        raise KmcInputError(f"cannot open a browser; the page is {path}")
    note(f"{path}: opened in the browser")


def _read(file: str) -> tuple[bytes, KmcFormatError | None]:
    """Return the bytes of a file, and what is wrong with it; refuse what is not a `.kmc` file."""
    with open_kmc(file) as stream:
        size = stream.seek(0, os.SEEK_END)
        if size > _MOST_BYTES:
            raise KmcLimitError(f"{size:,} bytes are too many for a page")
        stream.seek(0)
        data = stream.read()
        try:
            inspect_stream(io.BytesIO(data))
        except KmcFormatError as error:
            if not data.startswith(SIGNATURE):
                raise
            return data, error
        return data, None


def _temporary(file: str) -> Path:
    # It stays: nothing signals that the browser has read it.
    try:
        folder = tempfile.mkdtemp(prefix="kmc-view-")
    except OSError as error:
        raise KmcInputError(
            f"cannot create a temporary folder: {error.strerror}; use -o FILE"
        ) from error
    stem = "standard-input" if file == STANDARD else os.path.splitext(os.path.basename(file))[0]
    # The name may already be as long as file systems permit, with a shorter extension.
    stem = os.fsencode(stem)[:_LONGEST_STEM].decode(errors="ignore")
    return Path(folder, f"{stem or 'page'}.html")
