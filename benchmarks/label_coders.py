"""The compressors that `labels.py` measures: label arrays to bytes and back, in one thread.

Each has one or more settings, of which the smallest counts for an array and all its chunks, as
Zarr has one setting for an array. What is not installed is skipped with a line.
"""

from __future__ import annotations

import io
import lzma
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from needs import is_there
from PIL import Image

import kmcodec
from kmcodec.arrays.codec_options import decode_chunk, encode_chunk

if TYPE_CHECKING:
    import numcodecs

__all__ = ["BLOSC", "CRACKLE", "OWN", "Setting", "compressors"]

OWN = "kmc"
"""How the names of kmcodec's settings begin."""
BLOSC = "Blosc zstd"
CRACKLE = "crackle m5 + xz"


@dataclass(frozen=True)
class Setting:
    """A way to encode labels, and to decode them to an array like the given one.

    `encode` returns None for labels that it cannot hold.
    """

    encode: Callable[[np.ndarray], bytes | None]
    decode: Callable[[bytes, np.ndarray], np.ndarray]


def compressors(efforts: list[str], *, are_chunks: bool) -> dict[str, list[Setting]]:
    """Settings by name: those of kmcodec, of general compressors, and of two for labels alone."""
    make = own_chunk if are_chunks else own
    found = {f"{OWN} {effort}": [make(effort)] for effort in efforts}
    if is_there("numcodecs", "numcodecs", f"{BLOSC}, zstd 19"):
        import numcodecs

        numcodecs.blosc.use_threads = False
        shuffles = (numcodecs.Blosc("zstd", 9, shuffle) for shuffle in (0, 1, 2))
        found[BLOSC] = [of_codec(codec) for codec in shuffles]
        found["zstd 19"] = [of_codec(numcodecs.Zstd(19))]
    found["LZMA"] = [then_xz(Setting(lambda labels: labels.tobytes(), from_bytes))]
    found["PNG"] = [Setting(to_grey, from_png), Setting(to_palette, from_png)]
    if is_there("imagecodecs", "imagecodecs", "JPEG XL e7"):
        found["JPEG XL e7"] = [Setting(to_jpeg_xl, from_jpeg_xl)]
    if is_there("crackle", "crackle-codec", "crackle"):
        found["crackle m5"] = [crackle_setting()]
        found[CRACKLE] = [then_xz(crackle_setting())]
    if is_there("compresso", "compresso", "compresso"):
        found["compresso"] = [compresso_setting()]
        found["compresso + xz"] = [then_xz(compresso_setting())]
    return found


def own(effort: str) -> Setting:
    """Make a setting of `.kmc`, which restores dtype and shape by itself."""
    return Setting(
        lambda labels: kmcodec.encode_labels(labels, effort=effort),
        lambda data, _: kmcodec.decode_labels(data),
    )


def own_chunk(effort: str) -> Setting:
    """Make a setting of what the codecs for Zarr and numcodecs store."""
    return Setting(
        lambda labels: encode_chunk(labels, "context", effort),
        lambda data, _: decode_chunk(data),
    )


def of_codec(codec: numcodecs.abc.Codec) -> Setting:
    """Make a setting of a codec of numcodecs."""
    return Setting(codec.encode, lambda data, like: from_bytes(codec.decode(data), like))


def from_bytes(data: bytes, like: np.ndarray) -> np.ndarray:
    return np.frombuffer(data, like.dtype).reshape(like.shape)


def then_xz(first: Setting) -> Setting:
    """Make a setting whose bytes xz packs at its slowest."""

    def encode(labels: np.ndarray) -> bytes | None:
        data = first.encode(labels)
        if data is None:
            return None
        # A dictionary beyond the data would save nothing, and cost the time to clear its tables.
        window = min(64 << 20, max(4096, len(data)))
        slowest = {"preset": 9 | lzma.PRESET_EXTREME, "dict_size": window}
        return lzma.compress(data, filters=[{"id": lzma.FILTER_LZMA2, **slowest}])

    return Setting(encode, lambda data, like: first.decode(lzma.decompress(data), like))


def to_grey(labels: np.ndarray) -> bytes | None:
    """PNG of grey with 8 or 16 bits."""
    rows = png_rows(labels)
    return None if rows is None else to_png(Image.fromarray(rows))


def to_palette(labels: np.ndarray) -> bytes | None:
    """PNG with a palette."""
    rows = png_rows(labels)
    if rows is None or rows.dtype != np.uint8:
        return None
    picture = Image.fromarray(rows)
    picture.putpalette(np.arange(int(rows.max()) + 1, dtype=np.uint8).repeat(3).tobytes())
    return to_png(picture)


def png_rows(labels: np.ndarray) -> np.ndarray | None:
    """Labels as rows of 8 or 16 bits; None where they do not fit."""
    least, most = int(labels.min()), int(labels.max())
    if least < 0 or most > 65_535:
        return None
    return labels.reshape(-1, labels.shape[-1]).astype(np.uint8 if most < 256 else np.uint16)


def to_png(picture: Image.Image) -> bytes:
    stream = io.BytesIO()
    picture.save(stream, "PNG", optimize=True)
    return stream.getvalue()


def from_png(data: bytes, like: np.ndarray) -> np.ndarray:
    with Image.open(io.BytesIO(data)) as picture:
        return np.asarray(picture).astype(like.dtype).reshape(like.shape)


def to_jpeg_xl(labels: np.ndarray) -> bytes | None:
    """JPEG XL lossless at its default effort, grey with 8 or 16 bits."""
    import imagecodecs

    rows = png_rows(labels)
    if rows is None:
        return None
    return bytes(imagecodecs.jpegxl_encode(rows, effort=7, lossless=True, numthreads=1))


def from_jpeg_xl(data: bytes, like: np.ndarray) -> np.ndarray:
    import imagecodecs

    rows = imagecodecs.jpegxl_decode(data, numthreads=1)
    return rows.astype(like.dtype).reshape(like.shape)


def crackle_setting() -> Setting:
    """Make a setting of crackle with a Markov model of order 5, the least that it calls typical."""
    import crackle

    return of_volumes(
        lambda volume: crackle.compress(volume, markov_model_order=5, parallel=1),
        lambda data: crackle.decompress(data, parallel=1),
    )


def compresso_setting() -> Setting:
    """Make a setting of compresso as it is by default."""
    import compresso

    return of_volumes(compresso.compress, compresso.decompress)


def of_volumes(
    compress: Callable[[np.ndarray], bytes], decompress: Callable[[bytes], np.ndarray]
) -> Setting:
    """Make a setting of what takes unsigned labels (x, y, z), x fastest in memory."""

    def encode(labels: np.ndarray) -> bytes | None:
        if labels.ndim not in (2, 3):
            return None
        volume = labels.view(f"u{labels.itemsize}").T  # No copy.
        return compress(volume if labels.ndim == 3 else volume[:, :, np.newaxis])

    return Setting(
        encode, lambda data, like: decompress(data).T.view(like.dtype).reshape(like.shape)
    )
