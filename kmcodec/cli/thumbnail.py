"""`kmc thumbnail`."""

from __future__ import annotations

import os

import click

from kmcodec.batch.planning import check_output
from kmcodec.cli.common import force_option
from kmcodec.cli.help import Command
from kmcodec.cli.types import FILE_NAME
from kmcodec.desktop.thumbnails import file_uri, thumbnail_of
from kmcodec.errors import KmcInputError
from kmcodec.files import open_kmc
from kmcodec.model.limits import Limits
from kmcodec.sources.images import named_warnings
from kmcodec.storage.door import STANDARD, file_errors, write_output
from kmcodec.storage.urls import is_url, local_path

EXAMPLES = """
    kmc thumbnail bird.kmc bird.png 256
"""

# Desktops wait for thumbnails: a second or two of decoding.
_MOST_PIXELS = 1 << 26


@click.command(cls=Command, examples=EXAMPLES)
@click.argument("source", metavar="IN", type=FILE_NAME)
@click.argument("output", metavar="OUT", type=FILE_NAME)
@click.argument("size", metavar="SIZE", type=click.IntRange(1, 4096))
@click.option(
    "--max-pixels",
    type=click.IntRange(0),
    metavar="N",
    default=_MOST_PIXELS,
    show_default=True,
    callback=lambda context, parameter, value: value or None,
    help="Decode at most so many pixels: of larger images only some rows; 0 for no limit.",
)
@force_option
def thumbnail(source: str, output: str, size: int, max_pixels: int | None, force: bool) -> None:
    """Write the thumbnail of a .kmc file for a desktop.

    OUT becomes a PNG of at most SIZE x SIZE pixels that names file, date and size, as the thumbnail
    specification of freedesktop.org says. It shows the first frame of an animation, labels in the
    colours of their classes, and the slice in the middle of a volume.
    """
    path = local_path(source)
    if path == STANDARD or is_url(path):
        raise KmcInputError(f"{source}: a thumbnail names its file: give a path")
    check_output([path], output, force=force)
    limits = Limits(max_pixels=max_pixels)
    with open_kmc(path) as stream:
        with file_errors(path):
            modified = int(os.stat(path).st_mtime)
        with named_warnings(path):
            made = thumbnail_of(stream, size, limits)
    data = made.to_png(file_uri(path), modified)
    write_output(output, data, create_only=not force)
