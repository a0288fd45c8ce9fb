"""`kmc plot`."""

from __future__ import annotations

import os
from typing import Any

import click

from kmcodec.batch.planning import check_output
from kmcodec.cli.common import (
    colors_option,
    force_option,
    kmeans_options,
    max_pixels_option,
    variable_option,
)
from kmcodec.cli.help import Command, write_commands
from kmcodec.plots import DEFAULT_POINTS
from kmcodec.quantization import QuantizeRequest
from kmcodec.quantizer import quantized
from kmcodec.sources.images import read_source


class _Figures(click.Group):
    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        write_commands(self, ctx, formatter)


@click.group(cls=_Figures)
def plot() -> None:
    """Figures to learn from. They need matplotlib: pip install 'kmcodec[plot]'."""


@plot.command(cls=Command)
@click.argument("source", metavar="SRC")
@colors_option("Clusters to find.", default=16)
@click.option(
    "-o", "--output", metavar="FIGURE", help="A .png, .pdf, .svg or .jpg; else a window opens."
)
@click.option(
    "--points",
    type=click.IntRange(1),
    default=DEFAULT_POINTS,
    show_default=True,
    metavar="N",
    help="The most pixels to draw, an even sample.",
)
@kmeans_options
@variable_option
@max_pixels_option
@force_option
def clusters(
    source: str,
    colors: int,
    output: str | None,
    points: int,
    variable: str | None,
    max_pixels: int,
    force: bool,
    **options: Any,
) -> None:
    """Show what k-means does: pixels as points in a colour space, and the centroids among them.

    With --space oklab distances are taken, and the points drawn, in that space.
    """
    from kmcodec.cli.figures import save_or_show
    from kmcodec.plots import clusters_figure, require_matplotlib

    request = QuantizeRequest.of("plot clusters", colors, **options)
    require_matplotlib()  # says at once, not after the work, if there is none
    check_output([source], output, force=force)
    image = read_source(source, variable, max_pixels=max_pixels)
    figure = clusters_figure(
        image.pixels,
        quantized(image.pixels, request),
        name=os.path.basename(image.name),
        space=request.search.space,
        points=points,
    )
    save_or_show(figure, output, force=force)
