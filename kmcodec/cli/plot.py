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
from kmcodec.cli.types import FILE_NAME
from kmcodec.plots import DEFAULT_POINTS
from kmcodec.quantization import QuantizeRequest
from kmcodec.quantizer import quantized
from kmcodec.sources.images import read_source


class _Figures(click.Group):
    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        write_commands(self, ctx, formatter)


@click.group(cls=_Figures)
def plot() -> None:
    """Draw figures that explain k-means. Needs matplotlib: pip install 'kmcodec[plot]'."""


@plot.command(cls=Command)
@click.argument("source", metavar="SRC", type=FILE_NAME)
@colors_option("Clusters to find.", default=16)
@click.option(
    "-o",
    "--output",
    type=FILE_NAME,
    metavar="FIGURE",
    help="A .png, .pdf, .svg or .jpg file. [default: a window]",
)
@click.option(
    "--points",
    type=click.IntRange(1),
    default=DEFAULT_POINTS,
    show_default=True,
    metavar="N",
    help="The most pixels to draw, sampled evenly.",
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
    """Show the clusters of k-means: pixels and centroids as points in a colour space.

    With --space oklab, distances and the drawing use that space.
    """
    from kmcodec.cli.figures import save_or_show
    from kmcodec.plots import clusters_figure, require_matplotlib

    request = QuantizeRequest.of("plot clusters", colors, **options)
    require_matplotlib()  # fails at once, not after the work, if it is missing
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
