"""`kmc decode`."""

from __future__ import annotations

import functools
import os

import click

from kmcodec.batch.decoding import decode_file
from kmcodec.batch.finding import is_folder
from kmcodec.batch.planning import plan
from kmcodec.cli.common import (
    force_option,
    json_option,
    max_pixels_option,
    quiet_option,
    strip_option,
)
from kmcodec.cli.help import Command
from kmcodec.cli.many import (
    check_cluster,
    executor_for,
    jobs_option,
    recursive_option,
    run_jobs,
    scheduler_option,
)
from kmcodec.cli.reports import DecodeReporter
from kmcodec.cli.types import FILE_NAME, RowRange
from kmcodec.storage.door import STANDARD
from kmcodec.targets.images import ARRAYS, format_of

EXAMPLES = """
    kmc decode bird.kmc                           # bird.png
    kmc decode bird.kmc -o pixels.npy
    kmc decode waves.kmc -t gif
    kmc decode packed/ -r -o images/
    kmc decode scan.kmc --rows 1000:1256 -o part.png
"""


@click.command(cls=Command, examples=EXAMPLES)
@click.argument("sources", metavar="SRC...", type=FILE_NAME, nargs=-1, required=True)
@click.option(
    "-o",
    "--output",
    type=FILE_NAME,
    metavar="OUT",
    help="The file to write; its extension selects the format. A folder for several sources; - for "
    "standard output. [default: a file beside each source]",
)
@click.option(
    "-t",
    "--to",
    "extension",
    metavar="FORMAT",
    help="The format to write: png, npy, npz, mat, or any that Pillow writes. [default: that of "
    "OUT, or png]",
)
@recursive_option
@jobs_option
@scheduler_option
@click.option(
    "--rows",
    type=RowRange(),
    metavar="A:B",
    help="Decode only rows A to B - 1, counted from 0. Strips without these rows are not read.",
)
@click.option(
    "--salvage",
    is_flag=True,
    help="Write the intact rows of a damaged file and mark lost ones. The exit code is still 1.",
)
@click.option(
    "--picture",
    is_flag=True,
    help="Write a label map as the picture of its palette. By default npy, npz, mat, png and tiff "
    "files get the labels.",
)
@strip_option
@max_pixels_option
@force_option
@quiet_option
@json_option
def decode(
    sources: tuple[str, ...],
    output: str | None,
    extension: str | None,
    recursive: bool,
    workers: int | None,
    scheduler: str | None,
    rows: tuple[int, int] | None,
    salvage: bool,
    picture: bool,
    strip: bool,
    max_pixels: int,
    force: bool,
    quiet: bool,
    as_json: bool,
) -> None:
    """Decode .kmc files to other image files.

    SRC is a .kmc file, a folder of them, a URL of a file or folder, or - for standard input. PNG
    files get the palette. GIF, PNG, WebP and AVIF files get all frames of an animation, other
    formats the first. A .npy file is written strip by strip and needs little memory.
    """
    if rows is not None and salvage:
        raise click.UsageError("--rows and --salvage exclude each other")
    if as_json and output == STANDARD:
        raise click.UsageError(
            "--json and '-o -' exclude each other: both write to standard output"
        )
    _check_names(output, extension)
    derived = "." + (extension or "png").lstrip(".").lower()
    check_cluster(scheduler, workers, sources, output)
    jobs = plan(sources, output, derived, force=force, recursive=recursive)
    reporter = DecodeReporter(as_json, quiet)
    work = functools.partial(
        decode_file,
        extension=derived if extension else None,
        max_pixels=max_pixels,
        rows=rows,
        salvage=salvage,
        strip=strip,
        picture=picture,
    )
    with executor_for(jobs, workers, scheduler) as executor:
        counts = run_jobs(
            jobs,
            work,
            reporter.tell,
            "decoding",
            executor=executor,
            tell_error=reporter.tell_error,
        )
    counts.tell_failures()
    counts.exit()


def _check_names(output: str | None, extension: str | None) -> None:
    """Refuse an output file whose extension contradicts `--to`."""
    own = os.path.splitext(output or "")[1].lower()
    wanted = "." + (extension or "").lstrip(".").lower()
    if not own or extension is None or own == wanted or not os.path.basename(output or ""):
        return
    if is_folder(output or "") or not _differ(own, wanted):
        return
    raise click.UsageError(f"-t {extension} contradicts the extension of {output}")


def _differ(own: str, wanted: str) -> bool:
    """Whether two file extensions name different formats."""
    names = [format_of(e) if e not in ARRAYS else e for e in (own, wanted)]
    return names[0] != names[1]
