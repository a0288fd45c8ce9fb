"""Palette images by k-means: the `.kmc` format, its encoder and its decoder.

Importing this package lets Pillow open and save `.kmc` files.
"""

import kmcodec.garbage
import kmcodec.interrupts  # noqa: F401  (both before slow imports)
from kmcodec._version import __version__
from kmcodec.animation.decode_frames import decode_frames
from kmcodec.animation.encode_frames import encode_frames
from kmcodec.animation.value import Animation
from kmcodec.arrays.labels import decode_labels, encode_labels
from kmcodec.batch.shared_palettes import shared_palette
from kmcodec.decoder import decode, decode_indexed
from kmcodec.encoder import encode
from kmcodec.errors import (
    KmcError,
    KmcFileError,
    KmcFormatError,
    KmcGoalError,
    KmcInputError,
    KmcLimitError,
    KmcLossWarning,
    KmcWarning,
)
from kmcodec.files import decode_rows, read, write
from kmcodec.model.image import IndexedImage, Metadata
from kmcodec.model.label_array import LabelArray
from kmcodec.model.label_classes import LabelClasses, TiffTag
from kmcodec.perception import ssimulacra2
from kmcodec.pillow_plugin import register_kmc_opener
from kmcodec.quantizer import quantize
from kmcodec.reading.inspection import FileInfo, inspect
from kmcodec.rows.encode_rows import encode_rows

__all__ = [
    "Animation",
    "FileInfo",
    "IndexedImage",
    "KmcError",
    "KmcFileError",
    "KmcFormatError",
    "KmcGoalError",
    "KmcInputError",
    "KmcLimitError",
    "KmcLossWarning",
    "KmcWarning",
    "LabelArray",
    "LabelClasses",
    "Metadata",
    "TiffTag",
    "__version__",
    "decode",
    "decode_frames",
    "decode_indexed",
    "decode_labels",
    "decode_rows",
    "encode",
    "encode_frames",
    "encode_labels",
    "encode_rows",
    "inspect",
    "quantize",
    "read",
    "register_kmc_opener",
    "shared_palette",
    "ssimulacra2",
    "write",
]

register_kmc_opener()
