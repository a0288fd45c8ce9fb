"""Bytes and speed of palette images that keep their pixels: `.kmc` and the best other formats.

    python benchmarks/index_size.py maps/*.png --speed
    python benchmarks/index_size.py maps/*.png --picture speed.svg

Nothing is quantised. An argument is an image of mode P, a .kmc file, or labels in a .npy file (two
dimensions), which get distinct colours. Sizes are those of whole files, palette included, without
metadata; `.kmc` with `reorder=True`, as oxipng and others reorder palettes too; `peers.py` tells
the settings of the others. The pixels of every file are decoded and compared.

Speeds are of one thread, from arrays in memory to a file's bytes and back, the best of the repeats:
`.kmc` from and to the index map, oxipng, WebP and JPEG XL from and to pixels.
"""

from __future__ import annotations

import argparse
import math
import os
import sys
from pathlib import Path

# Before kmcodec is loaded. What is set already stays: `speed.py` starts processes with two threads.
os.environ.setdefault("KMC_THREADS", "1")

import numpy as np
from peers import PEERS, Peer, available_peers, versions
from speed import print_speeds, print_threads

import kmcodec
from kmcodec.coding import CODINGS
from kmcodec.sources.images import read_source

Sizes = dict[str, int | None]


def read_map(path: str) -> kmcodec.IndexedImage:
    """Read a palette and an index map, without metadata."""
    if path.endswith(".npy"):
        return with_colors(np.load(path), path)
    image = read_source(path).image
    if not isinstance(image, kmcodec.IndexedImage):
        sys.exit(f"{path}: has no palette: kmc encode {path} -k 256 makes one")
    return kmcodec.IndexedImage(image.palette, image.indices)


def with_colors(labels: np.ndarray, path: str) -> kmcodec.IndexedImage:
    """Labels with colours as far apart as those of a random palette, yet all distinct."""
    if labels.ndim != 2 or labels.dtype.kind not in "iu" or labels.min() < 0:
        sys.exit(f"{path}: labels are two-dimensional, integer and not negative")
    # An odd factor permutes the numbers below 2 ** 24.
    colors = np.arange(int(labels.max()) + 1, dtype=np.uint64) * 0x9E3779B1 & 0xFFFFFF
    palette = (colors[:, np.newaxis] >> np.array([16, 8, 0], np.uint64)) & 255
    return kmcodec.IndexedImage(palette.astype(np.uint8), labels)


def own_sizes(image: kmcodec.IndexedImage, efforts: list[str]) -> Sizes:
    """Bytes as `.kmc`, by coding, and by effort for the context coder."""
    options = [{"coding": coding} for coding in CODINGS if coding != "context"]
    options += [{"coding": "context", "effort": effort} for effort in efforts]
    sizes: Sizes = {}
    for chosen in options:
        data = kmcodec.encode(image, reorder=True, **chosen)
        name = chosen.get("effort", chosen["coding"])
        if not np.array_equal(kmcodec.decode(data), image.to_array()):
            raise RuntimeError(f"kmc {name} did not keep the image")
        sizes[f"kmc {name}"] = len(data)
    return sizes


def print_sizes(
    images: dict[str, kmcodec.IndexedImage], efforts: list[str], peers: list[Peer]
) -> dict[str, Sizes]:
    """Print and return bytes by image and format, as a Markdown table."""
    table: dict[str, Sizes] = {}
    for name, image in images.items():
        row = own_sizes(image, efforts) | {peer.name: peer.size(image) for peer in peers}
        if not table:
            print("\n| bytes | K | " + " | ".join(row) + " |\n|---|---:|" + "---:|" * len(row))
        shown = ("" if size is None else f"{size:,}" for size in row.values())
        print(f"| {name} | {len(image.palette)} | " + " | ".join(shown) + " |", flush=True)
        table[name] = row
    return table


def print_ratios(table: dict[str, Sizes], efforts: list[str], peers: list[str]) -> None:
    """Print each effort's bytes over those of the best peer of each image, and over oxipng's."""
    against = {"best peer": peers} | ({"oxipng": ["oxipng"]} if "oxipng" in peers else {})
    columns = [(other, effort) for other in against for effort in efforts]
    heads = (f"{effort} / {other}" for other, effort in columns)
    print("\n| ratio | best peer | " + " | ".join(heads) + " |\n|---|---|" + "---:|" * len(columns))
    ratios: dict[tuple[str, str], dict[str, float]] = {column: {} for column in columns}
    for name, row in table.items():
        found = {peer: row[peer] for peer in peers if row[peer] is not None}
        for other, effort in columns:
            reference = min(size for peer, size in found.items() if peer in against[other])
            ratios[other, effort][name] = row[f"kmc {effort}"] / reference
        cells = (f"{ratios[column][name]:.3f}" for column in columns)
        print(f"| {name} | {min(found, key=found.__getitem__)} | " + " | ".join(cells) + " |")
    print_summary(ratios, efforts, list(against))


def print_summary(
    ratios: dict[tuple[str, str], dict[str, float]], efforts: list[str], against: list[str]
) -> None:
    """Print mean and worst ratio of each effort."""
    heads = " | ".join(f"of {other}, geometric mean | worst | image" for other in against)
    print(f"\n| effort | {heads} |\n|---|" + "---:|---:|---|" * len(against))
    for effort in efforts:
        cells = []
        for other in against:
            by_image = ratios[other, effort]
            mean = math.exp(sum(map(math.log, by_image.values())) / len(by_image))
            worst = max(by_image, key=by_image.__getitem__)
            cells += [f"{mean:.4f}", f"{by_image[worst]:.3f}", worst]
        print(f"| **{effort}** | " + " | ".join(cells) + " |")


def draw(found: dict[str, tuple[int, float]], path: str) -> None:
    """Draw bytes against the speed of decoding, both axes logarithmic, by Matplotlib."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot
    from matplotlib.ticker import NullFormatter, StrMethodFormatter

    figure, axes = pyplot.subplots(figsize=(6.4, 4), layout="constrained")
    for name, (size, speed) in found.items():
        color = "tab:blue" if name.startswith("kmc") else "tab:gray"
        axes.plot(speed, size / 1000, "o", color=color)
        axes.annotate(name, (speed, size / 1000), xytext=(6, 4), textcoords="offset points")
    axes.set(xscale="log", yscale="log", xlabel="decoding, megapixels a second", ylabel="kB")
    axes.margins(x=0.15, y=0.12)
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(StrMethodFormatter("{x:g}"))
    axes.yaxis.set_minor_formatter(StrMethodFormatter("{x:g}"))
    axes.xaxis.set_minor_formatter(NullFormatter())
    figure.savefig(path)


def main() -> None:
    """Print the tables that are asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("images", nargs="+", help="mode P, .kmc, or labels in .npy")
    parser.add_argument(
        "--effort",
        nargs="+",
        choices=["fastest", "fast", "default", "max", "auto"],
        default=["fastest", "fast", "default", "max"],
    )
    parser.add_argument(
        "--peers",
        nargs="*",
        metavar="NAME",
        choices=[peer.name for peer in PEERS],
        default=[peer.name for peer in PEERS],
        help="the other formats, all unless named; none after --peers alone",
    )
    parser.add_argument("--speed", action="store_true", help="also megapixels a second")
    parser.add_argument("--picture", metavar="FILE", help="draw bytes against decoding speed")
    parser.add_argument("--threads", action="store_true", help="also two threads, first image")
    parser.add_argument("--repeats", type=int, default=3, help="of which the fastest counts")
    options = parser.parse_args()
    peers = available_peers(options.peers)
    print(versions("pillow", "pyoxipng", "imagecodecs"))
    names = [Path(path).name for path in options.images]
    if len(set(names)) < len(names):
        names = options.images
    images = dict(zip(names, map(read_map, options.images), strict=True))
    table = print_sizes(images, options.effort, peers)
    if peers:
        print_ratios(table, options.effort, [peer.name for peer in peers])
    if options.speed or options.picture:
        timed = [peer.name for peer in peers]
        found = print_speeds(images, options.effort, options.repeats, timed)
        if options.picture:
            draw(found, options.picture)
    if options.threads:
        print_threads(*next(iter(images.items())), options.effort, options.repeats)


if __name__ == "__main__":
    main()
