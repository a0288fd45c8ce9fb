"""From pixels to a palette and an index map; knows nothing of files and of coding."""

from kmcodec.quantization.initialize import INITS
from kmcodec.quantization.palette import quantize_pixels

__all__ = ["INITS", "quantize_pixels"]
