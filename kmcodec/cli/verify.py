"""`kmc verify`."""

from __future__ import annotations

import click

from kmcodec.animation.decode_frames import read_frames
from kmcodec.cli.common import complain, max_pixels_option
from kmcodec.cli.exit_codes import FAILED
from kmcodec.cli.help import Command
from kmcodec.cli.printable import printable
from kmcodec.cli.types import FILE_NAME
from kmcodec.errors import KmcError
from kmcodec.files import open_kmc
from kmcodec.model.limits import Limits
from kmcodec.parallel import in_threads_each, thread_count
from kmcodec.reading.inspection import inspect_stream


@click.command(cls=Command)
@click.argument("files", metavar="FILE...", type=FILE_NAME, nargs=-1, required=True)
@click.option("--deep", is_flag=True, help="Also decode every index.")
@max_pixels_option
@click.option("-q", "--quiet", is_flag=True, help="Print only files that fail.")
def verify(files: tuple[str, ...], deep: bool, max_pixels: int, quiet: bool) -> None:
    """Check .kmc files: every CRC and every section, with --deep every index.

    Prints one line for each file; the exit code is 1 if any fails.
    """

    def check(file: str) -> str | KmcError:
        try:
            return _checked(file, deep, max_pixels)
        except KmcError as error:
            return error

    failures = 0
    # A few at a time, to report results while others are still being checked.
    step = 4 * thread_count()
    for start in range(0, len(files), step):
        group = files[start : start + step]
        for file, found in zip(group, in_threads_each(check, group), strict=True):
            if isinstance(found, KmcError):
                failures += 1
                complain(str(found))
            elif not quiet:
                click.echo(f"{printable(file)}: {found}")
    if failures and len(files) > 1:
        complain(f"{failures} of {len(files)} files failed")
    if failures:
        raise click.exceptions.Exit(FAILED)


def _checked(file: str, deep: bool, max_pixels: int | None) -> str:
    """Check a file and return the line to print if it is intact."""
    with open_kmc(file) as stream:
        if deep:
            image = read_frames(stream, Limits(max_pixels=max_pixels))[0]
            width, height, entries = image.width, image.height, len(image.palette)
        else:
            header = inspect_stream(stream).header
            width, height, entries = header.width, header.height, header.entries
    return (
        f"intact{', every index decoded' if deep else ''} ({width} x {height}, {entries:,} entries)"
    )
