"""From pixels to a palette and an index map; knows nothing of files and of coding."""

from kmcodec.quantization.colorspace import SPACES
from kmcodec.quantization.dither import DITHERS
from kmcodec.quantization.initialize import INITS
from kmcodec.quantization.kernels import COMPILED
from kmcodec.quantization.levels import DEFAULT_LEVEL, LEVELS
from kmcodec.quantization.palette import apply_palette, quantize_pixels

__all__ = [
    "COMPILED",
    "DEFAULT_LEVEL",
    "DITHERS",
    "INITS",
    "LEVELS",
    "SPACES",
    "apply_palette",
    "quantize_pixels",
]
