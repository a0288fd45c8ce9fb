"""`kmc compare`."""

from __future__ import annotations

import os

import click

from kmcodec.batch.planning import check_output
from kmcodec.cli.common import (
    decibels,
    force_option,
    likeness,
    max_pixels_option,
    note,
    times_of,
    variable_option,
)
from kmcodec.cli.figures import save_or_show
from kmcodec.cli.help import Command
from kmcodec.cli.types import FILE_NAME
from kmcodec.decoder import read_indexed
from kmcodec.files import open_kmc, warn_of_other_frames
from kmcodec.formats.color_profiles import image_in_srgb, pixels_in_srgb
from kmcodec.model.limits import Limits
from kmcodec.model.metrics import psnr
from kmcodec.perception import reference_for
from kmcodec.sources.images import named_warnings, read_source


@click.command(cls=Command)
@click.argument("original", metavar="ORIGINAL", type=FILE_NAME)
@click.argument("file", metavar="FILE.kmc", type=FILE_NAME)
@click.option(
    "-o",
    "--output",
    type=FILE_NAME,
    metavar="FIGURE",
    help="A .png, .pdf, .svg or .jpg file. [default: a window]",
)
@variable_option
@max_pixels_option
@force_option
def compare(
    original: str,
    file: str,
    output: str | None,
    variable: str | None,
    max_pixels: int,
    force: bool,
) -> None:
    """Show an image and its .kmc file side by side, with palette, error maps, PSNR and bytes.

    A map each shows the squared error and where the image looks worse: what each pixel costs of the
    SSIMULACRA2 score (90 looks the same, 70 high quality, 50 medium, 30 low), which is left out for
    more than 33 megapixels.

    Colours with an ICC profile are converted to sRGB first, as a screen shows them; PSNR and
    errors are measured on these 8-bit pixels. Needs matplotlib: pip install 'kmcodec[plot]'.
    """
    from kmcodec.plots import compare_figure

    check_output([original, file], output, force=force)
    source = read_source(original, variable, max_pixels=max_pixels)
    with open_kmc(file) as stream:
        image = read_indexed(stream, Limits(max_pixels=max_pixels))
        warn_of_other_frames(stream, file)
        size = stream.seek(0, os.SEEK_END)
    with named_warnings(source.name):
        pixels = pixels_in_srgb(source.pixels, source.metadata.icc)
    with named_warnings(file):
        image = image_in_srgb(image)
    shown = image.to_array()
    quality = psnr(pixels, shown)
    reference = reference_for(pixels)
    score = reference.score(shown) if reference else None
    raw_size = 3 * image.width * image.height
    name = os.path.basename(source.name)
    figure = compare_figure(
        pixels,
        image,
        name=name,
        size=size,
        raw_size=raw_size,
        psnr=quality,
        reduced=bool(source.losses),
        score=score,
        losses=reference.losses(shown) if reference else None,
    )
    save_or_show(figure, output, force=force)
    note(
        f"{file}: {decibels(quality, source.losses)}{likeness(score)}, {size:,} bytes, "
        f"{times_of(raw_size, size)} than raw ({raw_size:,})"
    )
