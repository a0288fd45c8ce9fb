"""Figures: an image beside its compressed self, and what each K costs; drawn by matplotlib."""

from kmcodec.plots.compare import compare_figure
from kmcodec.plots.output import ENDINGS, figure_bytes, require_matplotlib, show
from kmcodec.plots.sweep import Row, sweep_figure

__all__ = [
    "ENDINGS",
    "Row",
    "compare_figure",
    "figure_bytes",
    "require_matplotlib",
    "show",
    "sweep_figure",
]
