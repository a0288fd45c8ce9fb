"""`kmc verify`."""

from __future__ import annotations

import click

from kmcodec.cli.common import run_all
from kmcodec.decoder import read_indexed
from kmcodec.files import open_kmc
from kmcodec.planning import Job


@click.command()
@click.argument("files", metavar="FILE...", nargs=-1, required=True)
@click.option("-q", "--quiet", is_flag=True, help="Name only files that are not right.")
def verify(files: tuple[str, ...], quiet: bool) -> None:
    """Check .kmc files: every CRC, every section, every index.

    One line for each file; the exit code is 1 if any is not right.
    """

    def do(job: Job) -> None:
        with open_kmc(job.source) as stream:
            image = read_indexed(stream)
        if not quiet:
            size = f"{image.width} x {image.height}"
            click.echo(f"{job.source}: right ({size}, {len(image.palette):,} entries)")

    run_all([Job(file, "", replace=False) for file in files], do, "verifying")
