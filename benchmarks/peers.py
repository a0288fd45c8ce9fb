"""The other formats that `.kmc` is compared with: their bytes for the pixels of a palette image.

Each format gets the pixels in the form in which it does best, at its slowest reasonable setting.
What it wrote is decoded again: a file that does not hold the same pixels is an error, not a result.
"""

from __future__ import annotations

import importlib
import importlib.metadata
import io
import lzma
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from PIL import Image

import kmcodec
from kmcodec.formats.pillow_images import to_pillow
from kmcodec.model.image import index_dtype
from kmcodec.targets.images import encode_image

__all__ = [
    "Peer",
    "available_peers",
    "from_jpeg_xl",
    "jpeg_xl_samples",
    "to_gif",
    "to_jpeg_xl",
    "to_oxipng",
    "to_png",
    "to_webp",
    "versions",
]

# Quality and method. The first is the slowest and almost always the best; on a few small palettes a
# shorter search ends with less.
WEBP_SETTINGS = ((100, 6), (50, 4))


# An image to the bytes of a format.


def to_png(image: kmcodec.IndexedImage) -> bytes:
    """PNG with this palette, as Pillow writes it when told to optimise."""
    stream = io.BytesIO()
    to_pillow(image).save(stream, "PNG", optimize=True)
    return stream.getvalue()


def to_oxipng(image: kmcodec.IndexedImage) -> bytes:
    """PNG as oxipng leaves it at its highest level."""
    import oxipng

    return oxipng.optimize_from_memory(to_png(image), level=6)


def to_oxipng_zopfli(image: kmcodec.IndexedImage) -> bytes:
    """The same with zopfli; filters are chosen by a fast deflate, else a photo takes minutes."""
    import oxipng

    deflate = oxipng.Deflaters.zopfli(15)
    return oxipng.optimize_from_memory(
        to_png(image), level=6, deflate=deflate, fast_evaluation=True
    )


def to_webp(image: kmcodec.IndexedImage, quality: int = 100, method: int = 6) -> bytes:
    """WebP lossless, by default at its slowest setting."""
    stream = io.BytesIO()
    picture = to_pillow(image).convert("RGBA" if image.channels in (2, 4) else "RGB")
    picture.save(stream, "WEBP", lossless=True, quality=quality, method=method, exact=True)
    return stream.getvalue()


def to_smallest_webp(image: kmcodec.IndexedImage) -> bytes:
    return min((to_webp(image, *setting) for setting in WEBP_SETTINGS), key=len)


def to_gif(image: kmcodec.IndexedImage) -> bytes | None:
    """GIF with this palette; None for what it cannot hold: partial alpha, more than 256 entries."""
    alpha = image.palette[:, -1] if image.channels in (2, 4) else None
    whole = alpha is None or set(alpha.tolist()) <= {0, 255}
    return encode_image(image, ".gif") if whole and len(image.palette) <= 256 else None


def to_jpeg_xl(samples: np.ndarray) -> bytes:
    """JPEG XL lossless at effort 9, in one thread."""
    import imagecodecs

    return imagecodecs.jpegxl_encode(samples, effort=9, lossless=True, numthreads=1)


def to_xz(image: kmcodec.IndexedImage) -> bytes:
    """The palette and one byte for each pixel (two above 256 entries)."""
    raw = image.palette.tobytes() + image.indices.tobytes()
    return lzma.compress(raw, preset=9 | lzma.PRESET_EXTREME)


# Pixels, and back to them.


def rgba(image: kmcodec.IndexedImage) -> np.ndarray:
    """Pixels with all four channels, in which all formats can be compared."""
    return with_all_channels(image.palette[:, np.newaxis])[:, 0][image.indices]


def with_all_channels(samples: np.ndarray) -> np.ndarray:
    """Samples of shape (H, W) or (H, W, C) as (H, W, 4)."""
    samples = samples.reshape(*samples.shape[:2], -1)
    channels = samples.shape[2]
    color = samples[..., :3] if channels >= 3 else samples[..., :1].repeat(3, axis=2)
    if channels in (2, 4):
        return np.concatenate([color, samples[..., -1:]], axis=2)
    return np.concatenate([color, np.full_like(color[..., :1], 255)], axis=2)


def jpeg_xl_samples(image: kmcodec.IndexedImage) -> np.ndarray:
    """Pixels without the channels that say nothing: grey if all are, no alpha if all is opaque."""
    pixels = rgba(image)
    color = [0] if (pixels[..., :1] == pixels[..., 1:3]).all() else [0, 1, 2]
    alpha = [] if (pixels[..., 3] == 255).all() else [3]
    samples = np.ascontiguousarray(pixels[..., color + alpha])
    return samples[..., 0] if samples.shape[2] == 1 else samples


def from_pillow_format(data: bytes, image: kmcodec.IndexedImage) -> np.ndarray:
    with Image.open(io.BytesIO(data)) as picture:
        return np.asarray(picture.convert("RGBA"))


def from_jpeg_xl(data: bytes) -> np.ndarray:
    import imagecodecs

    return imagecodecs.jpegxl_decode(data, numthreads=1)


def from_xz(data: bytes, image: kmcodec.IndexedImage) -> np.ndarray:
    raw = lzma.decompress(data)
    size, dtype = image.palette.size, index_dtype(len(image.palette))
    palette = np.frombuffer(raw, np.uint8, size).reshape(image.palette.shape)
    indices = np.frombuffer(raw, dtype, offset=size).reshape(image.indices.shape)
    return rgba(kmcodec.IndexedImage(palette, indices))


@dataclass(frozen=True)
class Peer:
    """A format, the module that it needs, and what pip calls that."""

    name: str
    module: str
    package: str
    encode: Callable[[kmcodec.IndexedImage], bytes | None]
    decode: Callable[[bytes, kmcodec.IndexedImage], np.ndarray]

    def size(self, image: kmcodec.IndexedImage) -> int | None:
        """Bytes of an image that has no metadata; None if the format cannot hold it."""
        data = self.encode(image)
        if data is None:
            return None
        if not np.array_equal(self.decode(data, image), rgba(image)):
            raise RuntimeError(f"{self.name} did not keep the pixels")
        return len(data)


PEERS = [
    Peer("oxipng", "oxipng", "pyoxipng", to_oxipng, from_pillow_format),
    Peer("oxipng zopfli", "oxipng", "pyoxipng", to_oxipng_zopfli, from_pillow_format),
    Peer("WebP", "PIL", "pillow", to_smallest_webp, from_pillow_format),
    Peer(
        "JPEG XL e9",
        "imagecodecs",
        "imagecodecs",
        lambda image: to_jpeg_xl(jpeg_xl_samples(image)),
        lambda data, image: with_all_channels(from_jpeg_xl(data)),
    ),
    Peer("GIF", "PIL", "pillow", to_gif, from_pillow_format),
    Peer("xz", "lzma", "python", to_xz, from_xz),
]


def available_peers(names: list[str]) -> list[Peer]:
    """The peers of these names that are there; a line for each one that is not."""
    found = []
    for peer in (peer for peer in PEERS if peer.name in names):
        try:
            importlib.import_module(peer.module)
            found.append(peer)
        except ImportError as error:
            print(f"Skipped: {peer.name} (install {peer.package}: {error})")
    return found


def versions(*packages: str) -> str:
    """Of kmcodec and of packages that may be missing."""
    found = [f"kmcodec {kmcodec.__version__}"]
    for package in packages:
        try:
            found.append(f"{package} {importlib.metadata.version(package)}")
        except importlib.metadata.PackageNotFoundError:
            found.append(f"no {package}")
    return ", ".join(found)
