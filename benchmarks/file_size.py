"""Bytes on disk of the same palette image as .kmc, PNG, GIF and WebP.

    python benchmarks/file_size.py samples/bird_small.mat samples/*.png -k 16 256

Each image is quantised once for each K, and the same pixels are written in every format: PNG and
GIF with the same palette (Pillow, `optimize=True`), WebP lossless at its slowest setting. PNG is
also shown as oxipng leaves it, if the package `pyoxipng` is there. The last line of each K is the
geometric mean over the images of the size relative to PNG.
"""

from __future__ import annotations

import argparse
import math

from peers import to_gif, to_oxipng, to_png, to_webp, versions

import kmcodec
from kmcodec.batch.encoding import quantize_source
from kmcodec.quantization.request import QuantizeRequest
from kmcodec.sources.images import read_source


def sizes_of(image: kmcodec.IndexedImage) -> dict[str, int | None]:
    """Bytes of one palette image by format."""
    bare = kmcodec.IndexedImage(image.palette, image.indices)
    sizes: dict[str, int | None] = {
        "raw 24-bit": 3 * image.width * image.height,
        "**kmc**": len(kmcodec.encode(bare)),
        "kmc packed": len(kmcodec.encode(bare, coding="packed")),
        "kmc deflate": len(kmcodec.encode(bare, coding="deflate")),
    }
    sizes["PNG"] = len(to_png(bare))
    sizes["PNG oxipng"] = oxipng_size(bare)
    # GIF has no partial transparency: what it cannot hold is not compared.
    gif = to_gif(bare)
    sizes["GIF"] = None if gif is None else len(gif)
    sizes["WebP"] = len(to_webp(bare))
    return sizes


def oxipng_size(image: kmcodec.IndexedImage) -> int | None:
    """Bytes of a PNG after oxipng at its highest level, or None if it is not installed."""
    try:
        return len(to_oxipng(image))
    except ImportError:
        return None


def main() -> None:
    """Print a table for each K."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("images", nargs="+")
    parser.add_argument("-k", type=int, nargs="+", default=[16, 256])
    options = parser.parse_args()
    print(versions("pillow", "pyoxipng"))
    for k in options.k:
        print_table(k, options.images)


def print_table(k: int, names: list[str]) -> None:
    """Print the sizes of all images at one K, as a Markdown table."""
    logs: dict[str, list[float]] = {}
    for row, name in enumerate(names):
        image = quantize_source(read_source(name), QuantizeRequest(k=k))
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
