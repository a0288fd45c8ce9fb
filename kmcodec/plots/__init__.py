"""Draw figures with matplotlib: image and compressed image, the cost of each K, clusters."""

from kmcodec.plots.clusters import DEFAULT_POINTS, clusters_figure
from kmcodec.plots.compare import compare_figure
from kmcodec.plots.output import EXTENSIONS, figure_bytes, require_matplotlib, show
from kmcodec.plots.sweep import Row, sweep_figure

__all__ = [
    "DEFAULT_POINTS",
    "EXTENSIONS",
    "Row",
    "clusters_figure",
    "compare_figure",
    "figure_bytes",
    "require_matplotlib",
    "show",
    "sweep_figure",
]
