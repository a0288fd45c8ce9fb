"""Bytes on disk of the same palette image as .kmc, PNG, GIF and WebP.

    python benchmarks/file_size.py samples/bird_small.mat samples/*.png -k 16 256

Each image is quantised once for each K, and the same pixels are written in every format: PNG and
GIF with the same palette (Pillow, `optimize=True`), WebP lossless at its slowest setting. PNG is
also shown as oxipng leaves it, if the package `pyoxipng` is there. The last line of each K is the
geometric mean over the images of the size relative to PNG.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import io
import math

import kmcodec
from kmcodec.batch import quantize_source
from kmcodec.pillow_images import to_pillow
from kmcodec.sources import read_source
from kmcodec.targets import encode_image


def sizes_of(image: kmcodec.IndexedImage) -> dict[str, int | None]:
    """Bytes of one palette image by format."""
    bare = kmcodec.IndexedImage(image.palette, image.indices)
    sizes: dict[str, int | None] = {
        "raw 24-bit": 3 * image.width * image.height,
        "kmc packed": len(kmcodec.encode(bare, coding="packed")),
        "kmc deflate": len(kmcodec.encode(bare, coding="deflate")),
    }
    picture = to_pillow(bare)
    png = io.BytesIO()
    picture.save(png, "PNG", optimize=True)
    sizes["PNG"] = len(png.getvalue())
    sizes["PNG oxipng"] = oxipng_size(png.getvalue())
    # GIF has no partial transparency: what it cannot hold is not compared.
    alpha = bare.palette[:, -1] if bare.channels in (2, 4) else None
    whole = alpha is None or set(alpha.tolist()) <= {0, 255}
    sizes["GIF"] = len(encode_image(bare, ".gif")) if whole else None
    webp = io.BytesIO()
    picture.convert("RGBA" if alpha is not None else "RGB").save(
        webp, "WEBP", lossless=True, quality=100, method=6, exact=True
    )
    sizes["WebP"] = len(webp.getvalue())
    return sizes


def oxipng_size(png: bytes) -> int | None:
    """Bytes of a PNG after oxipng at its highest level, or None if it is not installed."""
    try:
        import oxipng
    except ImportError:
        return None
    return len(oxipng.optimize_from_memory(png, level=6))


def main() -> None:
    """Print a table for each K."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("images", nargs="+")
    parser.add_argument("-k", type=int, nargs="+", default=[16, 256])
    options = parser.parse_args()
    versions = [f"kmcodec {kmcodec.__version__}"]
    for package in ("pillow", "pyoxipng"):
        try:
            versions.append(f"{package} {importlib.metadata.version(package)}")
        except importlib.metadata.PackageNotFoundError:
            versions.append(f"no {package}")
    print(", ".join(versions))
    for k in options.k:
        print_table(k, options.images)


def print_table(k: int, names: list[str]) -> None:
    """Print the sizes of all images at one K, as a Markdown table."""
    logs: dict[str, list[float]] = {}
    for row, name in enumerate(names):
        image = quantize_source(read_source(name), k)
        sizes = sizes_of(image)
        if row == 0:
            print(f"\n| K = {k} | " + " | ".join(sizes) + " |")
            print("|---|" + "---:|" * len(sizes))
        shown = ("" if size is None else f"{size:,}" for size in sizes.values())
        print(f"| {name.rsplit('/', 1)[-1]} | " + " | ".join(shown) + " |")
        for format_, size in sizes.items():
            if size is not None and sizes["PNG"] is not None:
                logs.setdefault(format_, []).append(math.log(size / sizes["PNG"]))
    means = (
        f"{math.exp(sum(logs[f]) / len(logs[f])):.2f}" if len(logs.get(f, ())) == len(names) else ""
        for f in sizes
    )
    print("| *of PNG, geometric mean* | " + " | ".join(means) + " |")


if __name__ == "__main__":
    main()
