"""Bytes at a quality, and quality at a number of bytes: indices chosen by what they cost.

    python benchmarks/rate_distortion.py photos/*.png graphics/*.png --only a b

Three sections, of which `--only` takes some:

a. `rdo=` against the nearest entries at each K: bytes, PSNR, SSIM (scikit-image's, its defaults,
   the mean of the channels), time as a multiple of plain encoding.
b. pngquant (`--speed 1 --nofs 256`, then oxipng at its highest level) against `psnr=` of what
   pngquant reached; and beside them other formats of the nearest entries, as few as reach it.
c. How far above its goal `psnr=` ends, and how much of what it may `max_bytes=` uses.

Means are those of the images in one folder, and of all. Colours with alpha are compared
premultiplied. Time ratios are of seconds from pixels in memory to a file's bytes; those of b and c
are multiples of a plain encoding with as many entries as were found.
"""

from __future__ import annotations

import argparse
import math
import os
import shutil
import statistics
import tempfile
import time
import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from needs import need
from peers import Peer, available_peers, versions
from PIL import Image
from quantizers import run_pngquant

import kmcodec
from kmcodec.model.metrics import common_channels, psnr, samples
from kmcodec.sources.images import read_source

SIDE_FORMATS = ["oxipng", "WebP", "JPEG XL e9"]
MOST_ENTRIES = 65_536


@dataclass(frozen=True)
class Picture:
    """The pixels of a file, and what means it counts for."""

    name: str
    group: str
    pixels: np.ndarray


@dataclass(frozen=True)
class Result:
    """A file as `kmcodec.encode` made it, and what it came to."""

    size: int
    seconds: float
    image: kmcodec.IndexedImage
    psnr: float
    missed: bool = False

    @property
    def entries(self) -> int:
        return len(self.image.palette)


def read_picture(path: str) -> Picture:
    """Read an image; its group is the folder that it lies in."""
    location = Path(path).resolve()
    pixels = np.ascontiguousarray(read_source(path).pixels)
    return Picture(location.name, location.parent.name, pixels)


def encoded(picture: Picture, k: int | None = None, repeats: int = 1, **goal: float) -> Result:
    """Encode an image, with the least time of the repeats."""
    times = []
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", kmcodec.KmcWarning)
        for _ in range(repeats):
            started = time.perf_counter()
            data = kmcodec.encode(picture.pixels, k, **goal)
            times.append(time.perf_counter() - started)
    image = kmcodec.decode_indexed(data)
    quality = psnr(picture.pixels, image.to_array())
    return Result(len(data), min(times), image, quality, bool(caught))


def similarity(picture: Picture, image: kmcodec.IndexedImage) -> float:
    """SSIM of an image against its source."""
    from skimage.metrics import structural_similarity

    other = image.to_array()
    channels = common_channels(picture.pixels, other)
    both = [samples(array, channels) for array in (picture.pixels, other)]
    return float(structural_similarity(*both, channel_axis=-1, data_range=255))


# Means.


class Means:
    """Values by group and column."""

    def __init__(self) -> None:
        self._values: dict[str, dict[str, list[float]]] = {}

    def add(self, group: str, **values: float) -> None:
        for name in (group, "all"):
            for column, value in values.items():
                self._values.setdefault(name, {}).setdefault(column, []).append(value)

    def groups(self) -> list[tuple[str, int]]:
        """Names and the number of images; all together at the end, if that is another group."""
        names = [name for name in self._values if name != "all"]
        names += ["all"] if len(names) > 1 else []
        return [(name, max(map(len, self._values[name].values()))) for name in names]

    def mean(self, group: str, column: str) -> float:
        return statistics.mean(self._values[group][column])

    def geometric(self, group: str, column: str) -> float:
        return statistics.geometric_mean(self._values[group][column])

    def is_whole(self, group: str, column: str) -> bool:
        """Whether there is a value for every image."""
        return len(self._values[group].get(column, ())) == dict(self.groups())[group]

    def most(self, group: str, column: str) -> float:
        return max(self._values[group][column])

    def least(self, group: str, column: str) -> float:
        return min(self._values[group][column])


def print_head(*columns: str, words: int = 1) -> None:
    """Print the head of a Markdown table, of which so many columns hold words."""
    print("\n| " + " | ".join(columns) + " |")
    print("|" + "---|" * words + "---:|" * (len(columns) - words), flush=True)


def print_row(*cells: str) -> None:
    print("| " + " | ".join(cells) + " |", flush=True)


def decibels(value: float) -> str:
    return "lossless" if math.isinf(value) else f"{value:.2f}"


# a. A tolerance.


def print_tolerance(
    pictures: list[Picture], levels: list[int], tolerance: float, repeats: int
) -> None:
    """Print what `rdo` saves at each K, and means by group."""
    by_level = {}
    for k in levels:
        print_head(
            f"K = {k}, rdo = {tolerance:g}",
            *("nearest, bytes", "rdo, bytes", "change", "PSNR", "rdo", "SSIM", "rdo", "time ratio"),
        )
        means = by_level[k] = Means()
        for picture in pictures:
            plain = encoded(picture, k, repeats)
            chosen = encoded(picture, k, repeats, rdo=tolerance)
            ssim = [similarity(picture, result.image) for result in (plain, chosen)]
            change = 100 * (chosen.size / plain.size - 1)
            multiple = chosen.seconds / plain.seconds
            print_row(
                *(picture.name, f"{plain.size:,}", f"{chosen.size:,}", f"{change:+.1f} %"),
                *(decibels(plain.psnr), decibels(chosen.psnr)),
                *(f"{value:.4f}" for value in ssim),
                f"{multiple:.1f}",
            )
            lost = 0.0 if plain.size == chosen.size else plain.psnr - chosen.psnr
            means.add(
                picture.group,
                change=change,
                lost=lost,
                ssim=ssim[1] - ssim[0],
                multiple=multiple,
            )
    print_head(
        *("group", "images", "K", "change, mean", "least saved", "PSNR, mean", "most lost"),
        *("SSIM, mean", "time ratio, mean", "most"),
    )
    for k, means in by_level.items():
        for group, count in means.groups():
            print_row(
                *(group, f"{count}", f"{k}", f"{means.mean(group, 'change'):+.1f} %"),
                f"{means.most(group, 'change'):+.1f} %",
                *(f"{-means.mean(group, 'lost'):+.3f}", f"{-means.most(group, 'lost'):+.3f}"),
                f"{means.mean(group, 'ssim'):+.4f}",
                *(f"{means.mean(group, 'multiple'):.1f}", f"{means.most(group, 'multiple'):.1f}"),
            )


# b. A quality that another program reached.


def print_quality(pictures: list[Picture], peers: list[Peer]) -> None:
    """Print bytes at the PSNR of pngquant, and means of ratios by group."""
    means = Means()
    print_head(
        *("image", "pngquant, bytes", "PSNR", "kmc psnr=, bytes", "PSNR", "entries", "ratio"),
        *("time ratio", "nearest, entries", "PSNR", "kmc"),
        *(peer.name for peer in peers),
    )
    for picture in pictures:
        size, goal = pngquant(picture.pixels)
        if math.isinf(goal):
            print(f"Skipped: {picture.name} (pngquant keeps it)")
            continue
        result = encoded(picture, psnr=goal)
        plain = encoded(picture, result.entries)
        few = fewest_entries(picture.pixels, goal)
        nearest = kmcodec.IndexedImage(few.palette, few.indices)
        sizes = {"nearest": len(kmcodec.encode(nearest))}
        # An image with too many entries for PNG's palettes is no PNG-8.
        sizes |= {
            peer.name: peer.size(nearest)
            for peer in peers
            if peer.name != "oxipng" or len(nearest.palette) <= 256
        }
        multiple = result.seconds / plain.seconds
        print_row(
            *(picture.name, f"{size:,}", decibels(goal), f"{result.size:,}"),
            *(decibels(result.psnr), f"{result.entries}", f"{result.size / size:.3f}"),
            *(f"{multiple:.1f}", f"{len(nearest.palette)}"),
            decibels(psnr(picture.pixels, nearest.to_array())),
            *(f"{sizes[name]:,}" if sizes.get(name) else "" for name in columns_of(peers)),
        )
        ratios = {name: value / size for name, value in sizes.items() if value}
        means.add(picture.group, ratio=result.size / size, multiple=multiple, **ratios)
    print_head(
        *("of pngquant's bytes, geometric mean", "images", "kmc psnr=", "worst"),
        *("time ratio, mean", "most", "kmc, nearest"),
        *(f"{peer.name}, nearest" for peer in peers),
    )
    for group, count in means.groups():
        print_row(
            *(group, f"{count}", f"{means.geometric(group, 'ratio'):.3f}"),
            f"{means.most(group, 'ratio'):.3f}",
            *(f"{means.mean(group, 'multiple'):.1f}", f"{means.most(group, 'multiple'):.1f}"),
            *(
                f"{means.geometric(group, name):.3f}" if means.is_whole(group, name) else ""
                for name in columns_of(peers)
            ),
        )


def columns_of(peers: list[Peer]) -> list[str]:
    return ["nearest", *(peer.name for peer in peers)]


def pngquant(pixels: np.ndarray) -> tuple[int, float]:
    """Bytes and PSNR of pngquant without dithering, its file squeezed by oxipng."""
    import oxipng

    with tempfile.TemporaryDirectory() as folder:
        source, target = (os.path.join(folder, name) for name in ("source.png", "target.png"))
        Image.fromarray(pixels).save(source)
        run_pngquant(source, target, 256, "--nofs")
        data = oxipng.optimize_from_memory(Path(target).read_bytes(), level=6)
        with Image.open(target) as image:
            # Without an alpha channel that the source has not: it would count as one without error.
            mode = "RGBA" if pixels.ndim == 3 and pixels.shape[2] in (2, 4) else "RGB"
            quality = psnr(pixels, np.asarray(image.convert(mode)))
    return len(data), quality


def fewest_entries(pixels: np.ndarray, goal: float) -> kmcodec.IndexedImage:
    """The image with as few entries as reach a PSNR, nearest ones."""
    low, high, best = 1, 256, None
    while best is None or low < high:
        # Twice as many until it is reached, then between.
        k = high if best is None else (low + high) // 2
        image = kmcodec.quantize(pixels, k)
        if psnr(pixels, image.to_array()) >= goal or k == MOST_ENTRIES:
            best, high = image, k
        elif best is None:
            low, high = k + 1, min(2 * k, MOST_ENTRIES)
        else:
            low = k + 1
    return best


# c. Goals.


def print_goals(pictures: list[Picture], goal: float, sizes: list[int]) -> None:
    """Print how near to goals files end."""
    print_head(
        *(f"psnr = {goal:g}", "bytes", "entries", "PSNR over goal", "time ratio"),
        "reached within 4,096",
    )
    means = Means()
    for picture in pictures:
        result = encoded(picture, psnr=goal)
        multiple = result.seconds / encoded(picture, result.entries).seconds
        over = result.psnr - goal
        print_row(
            *(picture.name, f"{result.size:,}", f"{result.entries}"),
            *(f"{over:+.3f}", f"{multiple:.1f}", "no" if result.missed else "yes"),
        )
        if not result.missed:
            means.add(picture.group, over=over, multiple=multiple)
    print_head("group", "images", "PSNR over goal, least", "most", "time ratio, mean", "most")
    for group, count in means.groups():
        print_row(
            *(group, f"{count}", f"{means.least(group, 'over'):+.3f}"),
            f"{means.most(group, 'over'):+.3f}",
            *(f"{means.mean(group, 'multiple'):.1f}", f"{means.most(group, 'multiple'):.1f}"),
        )
    print_sizes(pictures, sizes)


def print_sizes(pictures: list[Picture], sizes: list[int]) -> None:
    """Print how much of the bytes that are allowed is used."""
    print_head("image", "max_bytes", "bytes", "used", "entries", "PSNR", "time ratio", "exceeded")
    means = Means()
    for picture in pictures:
        for most in sizes:
            result = encoded(picture, max_bytes=most)
            multiple = result.seconds / encoded(picture, result.entries).seconds
            used = 100 * result.size / most
            print_row(
                *(picture.name, f"{most:,}", f"{result.size:,}", f"{used:.1f} %"),
                *(f"{result.entries}", decibels(result.psnr), f"{multiple:.1f}"),
                "yes" if used > 100 else "no",
            )
            means.add(picture.group, used=used, multiple=multiple)
    print_head("group", "files", "used, mean", "least", "most", "time ratio, mean", "most")
    for group, count in means.groups():
        print_row(
            *(group, f"{count}", f"{means.mean(group, 'used'):.1f} %"),
            *(f"{means.least(group, 'used'):.1f} %", f"{means.most(group, 'used'):.1f} %"),
            *(f"{means.mean(group, 'multiple'):.1f}", f"{means.most(group, 'multiple'):.1f}"),
        )


def main() -> None:
    """Print the sections that are asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("images", nargs="+", help="anything that kmc encode reads")
    parser.add_argument("--only", nargs="+", choices="abc", default=list("abc"), metavar="SECTION")
    parser.add_argument("-k", type=int, nargs="+", default=[16, 64, 256], help="of section a")
    parser.add_argument("--tolerance", type=float, default=0.1, metavar="DB")
    parser.add_argument("--psnr", type=float, default=34, metavar="DB", help="of section c")
    parser.add_argument("--sizes", type=int, nargs="+", default=[5_000, 30_000], metavar="N")
    parser.add_argument("--threads", type=int, help="that kmcodec may use; all if not given")
    parser.add_argument("--repeats", type=int, default=1, help="of section a; the fastest counts")
    options = parser.parse_args()
    need("skimage")
    if options.threads:
        # Asked for by kmcodec when it first needs them.
        os.environ["KMC_THREADS"] = str(options.threads)
    print(versions("pillow", "pyoxipng", "imagecodecs", "scikit-image"))
    pictures = [read_picture(path) for path in options.images]
    # What is loaded at the first use is not to be timed.
    encoded(Picture("", "", pictures[0].pixels[:8, :8]), 2, rdo=1)
    if "a" in options.only:
        print_tolerance(pictures, options.k, options.tolerance, options.repeats)
    if "b" in options.only:
        if shutil.which("pngquant"):
            print_quality(pictures, available_peers(SIDE_FORMATS))
        else:
            print("Skipped: section b (install pngquant)")
    if "c" in options.only:
        print_goals(pictures, options.psnr, options.sizes)


if __name__ == "__main__":
    main()
