"""`kmc decode`."""

from __future__ import annotations

import os

import click

from kmcodec.batch import decode_file
from kmcodec.cli.common import note, run_all
from kmcodec.planning import STANDARD, Job, plan


@click.command()
@click.argument("sources", metavar="SRC...", nargs=-1, required=True)
@click.option(
    "-o",
    "--output",
    metavar="OUT",
    help="The file to write, replaced if it exists; its ending says the format. A folder for "
    "several sources; - for standard output. Without it, results go beside their sources.",
)
@click.option(
    "-t",
    "--to",
    "ending",
    metavar="FORMAT",
    help="png, npy, mat, or any format that Pillow writes. [default: by OUT, else png]",
)
@click.option("-f", "--force", is_flag=True, help="Replace files whose names were derived.")
@click.option("-q", "--quiet", is_flag=True, help="Say nothing but errors.")
def decode(
    sources: tuple[str, ...], output: str | None, ending: str | None, force: bool, quiet: bool
) -> None:
    """Decode .kmc files to other image files.

    SRC is a .kmc file, a folder of them, or - for standard input. PNG keeps the palette.
    """
    derived = "." + (ending or "png").lstrip(".").lower()
    jobs = plan(sources, output, derived, force=force)

    def do(job: Job) -> None:
        own = os.path.splitext(job.target)[1].lower()
        wanted = derived if ending or job.target == STANDARD or not own else own
        image, size = decode_file(job, wanted)
        if not quiet:
            note(
                f"{job.target}: {image.width} x {image.height}, "
                f"{len(image.palette):,} palette entries, {size:,} bytes"
            )

    run_all(jobs, do, "decoding")
