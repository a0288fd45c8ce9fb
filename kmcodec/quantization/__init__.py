"""Turn pixels into a palette and an index map, without any files or coding."""

from kmcodec.quantization.colorspace import SPACES
from kmcodec.quantization.dither import DITHERS, Ditherer
from kmcodec.quantization.initialize import INITS
from kmcodec.quantization.kernels import COMPILED
from kmcodec.quantization.labels import Labels
from kmcodec.quantization.levels import DEFAULT_LEVEL, LEVELS
from kmcodec.quantization.palette import (
    apply_palette,
    find_palette,
    quantize_pixels,
    renumbering,
    wanted_entries,
)
from kmcodec.quantization.request import (
    DEFAULT_COLORS,
    NO_DITHER,
    Placing,
    QuantizeOptions,
    QuantizeRequest,
    Search,
    SearchOptions,
)
from kmcodec.quantization.tally import MOST_COLORS, Tally

__all__ = [
    "COMPILED",
    "DEFAULT_COLORS",
    "DEFAULT_LEVEL",
    "DITHERS",
    "INITS",
    "LEVELS",
    "MOST_COLORS",
    "NO_DITHER",
    "SPACES",
    "Ditherer",
    "Labels",
    "Placing",
    "QuantizeOptions",
    "QuantizeRequest",
    "Search",
    "SearchOptions",
    "Tally",
    "apply_palette",
    "find_palette",
    "quantize_pixels",
    "renumbering",
    "wanted_entries",
]
