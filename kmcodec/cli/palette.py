"""`kmc palette`."""

from __future__ import annotations

import functools
from typing import Any

import click

from kmcodec.batch.planning import Job, check_output, plan_reading
from kmcodec.batch.shared_palettes import ColorSum, count_job
from kmcodec.cli.common import (
    colors_option,
    counted,
    force_option,
    max_pixels_option,
    note,
    quiet_option,
    search_options,
    variable_option,
)
from kmcodec.cli.help import Command
from kmcodec.cli.many import (
    check_cluster,
    executor_for,
    jobs_option,
    recursive_reading_option,
    run_jobs,
    scheduler_option,
)
from kmcodec.cli.types import FILE_NAME
from kmcodec.errors import KmcInputError
from kmcodec.quantization import QuantizeRequest, Search
from kmcodec.quantization.counted import Counted
from kmcodec.storage.door import STANDARD, write_output
from kmcodec.targets.palettes import encode_palette_file, hex_lines, palette_extension

EXAMPLES = """
    kmc palette sprites/ -r -k 32 -o theme.gpl
    kmc palette photo.png -k 8                    # printed
"""


@click.command(cls=Command, examples=EXAMPLES)
@click.argument("sources", metavar="SRC...", type=FILE_NAME, nargs=-1, required=True)
@colors_option("Number of palette entries. [default: 256]")
@click.option(
    "-o",
    "--output",
    type=FILE_NAME,
    metavar="PALETTE",
    help="The file to write: .kmc, .gpl, .hex, .png, .pal, .txt, .act, .aco or .ase; - for "
    "standard output, as .hex. [default: print one colour per line]",
)
@search_options
@variable_option
@max_pixels_option
@recursive_reading_option
@jobs_option
@scheduler_option
@force_option
@quiet_option
def palette(
    sources: tuple[str, ...],
    colors: int | None,
    output: str | None,
    variable: str | None,
    max_pixels: int,
    recursive: bool,
    workers: int | None,
    scheduler: str | None,
    force: bool,
    quiet: bool,
    **options: Any,
) -> None:
    """Find one palette for several images.

    SRC is the same as for 'kmc encode'. K-means runs over the pixels of all images together, as
    with 'kmc encode --shared-palette'. To use the palette, pass its file to 'kmc encode --palette'.
    """
    request = QuantizeRequest(k=colors, search=Search(**options))
    extension = None if output is None else palette_extension(output)
    check_cluster(scheduler, workers, sources, None)
    jobs = plan_reading(sources, recursive=recursive)
    check_output([job.source for job in jobs if isinstance(job, Job)], output, force=force)
    total = ColorSum()

    def tell(job: Job, found: Counted) -> None:
        total.add(found)

    work = functools.partial(count_job, variable=variable, max_pixels=max_pixels)
    with executor_for(jobs, workers, scheduler) as executor:
        counts = run_jobs(jobs, work, tell, "counting colours", executor=executor)
    counts.tell_failures()
    if counts.failed == counts.jobs:
        counts.exit()
    found = total.find_palette(request)
    if output is None or extension is None:
        click.echo("".join(f"#{line}\n" for line in hex_lines(found)), nl=False)
    else:
        try:
            data = encode_palette_file(found, extension)
        except KmcInputError as error:
            raise KmcInputError(f"{output}: {error}") from error
        write_output(output, data, create_only=not force)
        if not quiet:
            place = "standard output" if output == STANDARD else output
            images = counted(counts.jobs - counts.failed, "image")
            note(f"{place}: {counted(len(found), 'colour')} for {images}")
    counts.exit()
