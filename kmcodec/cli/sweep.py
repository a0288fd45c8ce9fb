"""`kmc sweep`."""

from __future__ import annotations

import csv
import io
import math
import os
from typing import Any

import click

from kmcodec.batch.planning import check_output
from kmcodec.cli.common import (
    coding_options,
    force_option,
    kmeans_options,
    max_pixels_option,
    variable_option,
)
from kmcodec.cli.help import Command
from kmcodec.cli.types import FILE_NAME
from kmcodec.model.image import MAX_COLORS
from kmcodec.plots.sweep_rows import SweepRow
from kmcodec.plots.sweep_rows import sweep as run_sweep
from kmcodec.request import EncodeRequest
from kmcodec.sources.images import read_source
from kmcodec.storage.door import write_output

_TABLE = "{:>6}  {:>7}  {:>14}  {:>9}  {:>11}  {:>10}  {:>7}"


class _Colors(click.ParamType):  # type: ignore[type-arg,unused-ignore]
    name = "K,K,..."

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if not isinstance(value, str):
            return value
        try:
            colors = [int(part) for part in value.split(",")]
        except ValueError:
            self.fail(f"{value!r} is not a list of numbers such as 2,16,256", param, ctx)
        if not all(1 <= k <= MAX_COLORS for k in colors):
            self.fail(f"each K must be an integer from 1 to {MAX_COLORS:,}", param, ctx)
        return sorted(set(colors))


EXAMPLES = """
    kmc sweep bird.png -k 4,16,64
    kmc sweep bird.png -o curves.png --csv curves.csv
"""


@click.command(cls=Command, examples=EXAMPLES)
@click.argument("source", metavar="SRC", type=FILE_NAME)
@click.option(
    "-k",
    "--colors",
    type=_Colors(),
    default="2,4,8,16,32,64,128,256",
    show_default=True,
    help="The palette sizes to try.",
)
@click.option(
    "-o",
    "--output",
    type=FILE_NAME,
    metavar="FIGURE",
    help="Curves and contact sheet: .png, .pdf, .svg or .jpg.",
)
@click.option(
    "--csv",
    "table",
    type=FILE_NAME,
    metavar="FILE",
    help="Write the table as comma-separated values.",
)
@coding_options
@kmeans_options
@variable_option
@max_pixels_option
@force_option
def sweep(
    source: str,
    colors: list[int],
    output: str | None,
    table: str | None,
    variable: str | None,
    max_pixels: int,
    force: bool,
    **options: Any,
) -> None:
    """Encode an image at several K and print inertia, PSNR, SSIMULACRA2 and bytes of each.

    SSIMULACRA2 measures how alike they look: 90 the same, 70 high quality, 50 medium, 30 low. It is
    left out for images of more than 33 megapixels.
    """
    request = EncodeRequest.of("sweep", max(colors), **options)
    # Fails at once, not after the first rows, if the smallest K has no room for all of `--keep`.
    request.quantizing.with_k(min(colors))
    if output is not None:
        # Fails at once, not after the work, if matplotlib is missing.
        import kmcodec.plots

        kmcodec.plots.require_matplotlib()
    for target in (output, table):
        check_output([source], target, force=force)
    image = read_source(source, variable, max_pixels=max_pixels)
    click.echo(_TABLE.format("K", "entries", "inertia", "PSNR dB", "SSIMULACRA2", "bytes", "ratio"))
    perfect = "inf" if image.losses else "lossless"
    rows = []
    for row in run_sweep(image.pixels, colors, request):
        rows.append(row)
        click.echo(
            _TABLE.format(
                row.k,
                row.entries,
                f"{row.inertia:,.0f}",
                f"{row.psnr:.2f}" if math.isfinite(row.psnr) else perfect,
                "-" if row.ssimulacra2 is None else f"{row.ssimulacra2:.1f}",
                f"{row.size:,}",
                f"{row.ratio:.1f}",
            )
        )
    if table is not None:
        write_output(table, _csv(rows), create_only=not force)
    if output is not None:
        from kmcodec.cli.figures import save_or_show

        name = os.path.basename(image.name)
        figure = kmcodec.plots.sweep_figure(
            image.pixels, rows, name=name, reduced=bool(image.losses)
        )
        save_or_show(figure, output, force=force)


def _csv(rows: list[SweepRow]) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["k", "entries", "inertia", "psnr_db", "ssimulacra2", "bytes", "ratio"])
    for row in rows:
        psnr = "" if math.isinf(row.psnr) else f"{row.psnr:.4f}"
        score = "" if row.ssimulacra2 is None else f"{row.ssimulacra2:.4f}"
        writer.writerow(
            [row.k, row.entries, f"{row.inertia:.0f}", psnr, score, row.size, f"{row.ratio:.4f}"]
        )
    return text.getvalue().encode()
