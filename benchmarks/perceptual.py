"""Bytes at equal quality as people see it: kmcodec beside pngquant, Pillow and lossy WebP.

    python benchmarks/perceptual.py photos/ graphics/ samples/icon.png
    python benchmarks/perceptual.py photos/ graphics/ held-out/ --goals

Each codec writes each image at several settings, which gives a curve of bytes over quality. Two
codecs are compared where their curves overlap: the geometric mean of the ratio of their bytes, with
bytes interpolated logarithmically. The tables give ratios to the codecs named in their heads,
geometric means over the images of a folder and over all.

A row for each image comes as soon as it is known. Images that a version was not tuned on belong
into a folder of their own, which the tables report apart. `--goals` takes only what `--quality` is
measured by, at few scores and without Butteraugli: a minute or two for an image of 300 x 300.

Quality is SSIMULACRA2, and the 3-norm of Butteraugli if the command butteraugli_main is installed
(Debian: libjxl-devtools). PNGs go through oxipng at its highest level if it is installed. Settings
that this version of kmcodec does not know are skipped.
"""

from __future__ import annotations

import argparse
import math
import re
import shutil
import statistics
import subprocess
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from needs import is_there, need
from peers import to_oxipng, to_png, versions
from PIL import Image
from quantizers import run_pngquant

import kmcodec
from kmcodec.perception import Reference
from kmcodec.sources.images import read_source

EXTENSIONS = {".png", ".jpg", ".jpeg", ".webp", ".tif", ".tiff", ".bmp", ".gif", ".mat"}
COLORS = (2, 4, 8, 16, 32, 64, 128, 256)
MORE_COLORS = (*COLORS, 512, 1024)
# What --goals measures, and the scores it asks for.
GOAL_SCORES = (50, 70, 85)
# How many qualities of an overlap the mean is taken over.
SAMPLES = 64


@dataclass(frozen=True)
class Picture:
    """The pixels of a file, the same as a PNG file, and what means it counts for."""

    name: str
    group: str
    pixels: np.ndarray
    png: Path


@dataclass(frozen=True)
class Codec:
    """A way to write files smaller by losing quality, and the settings that it is tried at."""

    name: str
    settings: tuple[Any, ...]
    write: Callable[[Picture, Any], tuple[int, np.ndarray]]


@dataclass(frozen=True)
class Point:
    """A file: its bytes, its qualities by metric (more is better), and the seconds it took."""

    setting: Any
    size: int
    qualities: dict[str, float]
    seconds: float


# Codecs.


def png_size(image: kmcodec.IndexedImage) -> int:
    """Bytes as a palette PNG, by oxipng if it is installed."""
    try:
        return len(to_oxipng(image))
    except ImportError:
        return len(to_png(image))


def by_pngquant(*arguments: str) -> Callable[[Picture, Any], tuple[int, np.ndarray]]:
    """Quantise by pngquant; a setting is a number of colours, or a quality such as '0-80'."""

    def write(picture: Picture, setting: Any) -> tuple[int, np.ndarray]:
        colors, more = (setting, ()) if isinstance(setting, int) else (256, ("--quality", setting))
        with tempfile.TemporaryDirectory() as folder:
            out = str(Path(folder, "out.png"))
            run_pngquant(str(picture.png), out, colors, *arguments, *more)
            pixels = np.ascontiguousarray(read_source(out).pixels)
        # As few entries as are used: pngquant's own order may be longer.
        return png_size(kmcodec.quantize(pixels, reorder=True)), pixels

    return write


def by_pillow(picture: Picture, colors: int) -> tuple[int, np.ndarray]:
    with Image.open(picture.png) as opened:
        alpha = opened.mode in ("RGBA", "LA")
        method = Image.Quantize.FASTOCTREE if alpha else Image.Quantize.MEDIANCUT
        found = opened.convert("RGBA" if alpha else "RGB").quantize(colors, method, kmeans=1)
        pixels = np.asarray(found.convert("RGBA" if alpha else "RGB"))
    return png_size(kmcodec.quantize(pixels, reorder=True)), pixels


def by_webp(picture: Picture, quality: int) -> tuple[int, np.ndarray]:
    stream = BytesIO()
    with Image.open(picture.png) as opened:
        mode = "RGBA" if opened.mode in ("RGBA", "LA") else "RGB"
        opened.convert(mode).save(stream, "WEBP", quality=quality, method=6)
    with Image.open(stream) as written:
        return len(stream.getvalue()), np.asarray(written.convert(mode))


def by_kmc(option: str, **others: Any) -> Callable[[Picture, Any], tuple[int, np.ndarray]]:
    """Encode with an option that takes the setting, and others that stay the same."""

    def write(picture: Picture, setting: Any) -> tuple[int, np.ndarray]:
        data = kmcodec.encode(picture.pixels, **{option: setting}, **others)
        return len(data), kmcodec.decode(data)

    return write


DITHER: dict[str, Any] = {"dither": "floyd-steinberg"}
HALF_DITHER = DITHER | {"dither_amount": 0.5}
PNGQUANT, PSNR, QUALITY = "pngquant", "kmc --psnr", "kmc --quality"
CODECS = (
    Codec(PNGQUANT, COLORS, by_pngquant()),
    Codec("pngquant --nofs", COLORS, by_pngquant("--nofs")),
    Codec("pngquant --quality", ("0-30", "0-50", "0-65", "0-80", "0-90"), by_pngquant()),
    Codec("Pillow quantize", COLORS, by_pillow),
    Codec("WebP lossy", (5, 15, 30, 45, 60, 75, 85, 92, 97), by_webp),
    Codec("kmc", MORE_COLORS, by_kmc("k")),
    Codec("kmc --space oklab", MORE_COLORS, by_kmc("k", space="oklab")),
    Codec("kmc --rdo 0.1", MORE_COLORS, by_kmc("k", rdo=0.1)),
    Codec(PSNR, (26, 29, 32, 35, 38, 41, 44), by_kmc("psnr")),
    Codec("kmc --dither", MORE_COLORS, by_kmc("k", **DITHER)),
    Codec("kmc --dither --dither-amount 0.5", MORE_COLORS, by_kmc("k", **HALF_DITHER)),
    Codec("kmc --dither --rdo 0.1", MORE_COLORS, by_kmc("k", rdo=0.1, **DITHER)),
    Codec(QUALITY, (20, 35, 50, 60, 70, 80, 90), by_kmc("quality")),
)
GOAL_CODECS = (PNGQUANT, PSNR, QUALITY)


# Measuring.


def butteraugli(picture: Picture, pixels: np.ndarray) -> float:
    """Return the 3-norm of Butteraugli's map of differences, with the other sign."""
    with tempfile.TemporaryDirectory() as folder:
        other = Path(folder, "other.png")
        Image.fromarray(pixels[..., 0] if pixels.shape[2:] == (1,) else pixels).save(other)
        command = ["butteraugli_main", str(picture.png), str(other)]
        run = subprocess.run(command, check=True, capture_output=True, text=True)
    found = re.search(r"3-norm: ([0-9.]+)", run.stdout + run.stderr)
    if found is None:
        raise RuntimeError(f"butteraugli_main printed no 3-norm: {run.stdout!r}")
    return -float(found[1])


def like(pixels: np.ndarray, original: np.ndarray) -> np.ndarray:
    """Give pixels as many channels as the original has, if it has more."""
    pixels = pixels.reshape(*pixels.shape[:2], -1)
    wanted = 1 if original.ndim == 2 else original.shape[2]
    if pixels.shape[2] < 3 <= wanted:
        pixels = np.concatenate([pixels[..., :1].repeat(3, axis=2), pixels[..., 1:]], axis=2)
    if pixels.shape[2] % 2 and not wanted % 2:
        pixels = np.concatenate([pixels, np.full_like(pixels[..., :1], 255)], axis=2)
    return pixels


def curve(picture: Picture, codec: Codec, metrics: list[str]) -> list[Point]:
    """Write a picture at all settings of a codec and measure the files."""
    reference, points = Reference(picture.pixels), []
    for setting in codec.settings:
        started = time.perf_counter()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", kmcodec.KmcWarning)
            size, pixels = codec.write(picture, setting)
        seconds = time.perf_counter() - started
        qualities = {"SSIMULACRA2": reference.score(pixels)}
        if "Butteraugli" in metrics:
            qualities["Butteraugli"] = butteraugli(picture, like(pixels, picture.pixels))
        points.append(Point(setting, size, qualities, seconds))
    return points


def frontier(points: list[Point], metric: str) -> tuple[list[float], list[float]]:
    """Return qualities and logarithms of bytes, both rising: nothing is both larger and worse."""
    kept: list[tuple[float, float]] = []
    for point in sorted(points, key=lambda each: (-each.qualities[metric], each.size)):
        quality, size = point.qualities[metric], math.log(point.size)
        if not kept or (quality < kept[-1][0] and size < kept[-1][1]):
            kept.append((quality, size))
    return [quality for quality, _ in reversed(kept)], [size for _, size in reversed(kept)]


def ratio(one: list[Point], other: list[Point], metric: str) -> float | None:
    """Return the bytes of a curve relative to another; None if they do not overlap."""
    curves = [frontier(points, metric) for points in (one, other)]
    low = max(qualities[0] for qualities, _ in curves)
    high = min(qualities[-1] for qualities, _ in curves)
    if low >= high:
        return None
    common = np.linspace(low, high, SAMPLES)
    first, second = (np.interp(common, *each) for each in curves)
    return math.exp(float((first - second).mean()))


# Tables.

_Curves = dict[tuple[str, str], list[Point]]


def print_ratios(pictures: list[Picture], curves: _Curves, base: str, metric: str) -> None:
    """Print the bytes of each codec relative to those of one of them, by group."""
    groups = list(dict.fromkeys(picture.group for picture in pictures))
    groups += ["all"] if len(groups) > 1 else []
    head = [f"bytes at equal {metric}, {base} = 1", *groups, "least", "most", "seconds"]
    print("\n| " + " | ".join(head) + " |\n|" + "---|" + "---:|" * (len(head) - 1))
    for codec in dict.fromkeys(name for name, _ in curves):
        found = [
            (picture.group, ratio(curves[codec, name], curves[base, name], metric))
            for picture in pictures
            if (codec, name := str(picture.png)) in curves
        ]
        values = [(group, value) for group, value in found if value is not None]
        cells = [_mean([v for g, v in values if group in (g, "all")]) for group in groups]
        cells += [f"{limit(v for _, v in values):.2f}" if values else "-" for limit in (min, max)]
        points = [point for (name, _), each in curves.items() if name == codec for point in each]
        cells.append(f"{statistics.mean(point.seconds for point in points):.2f}")
        print("| " + " | ".join([codec, *cells]) + " |", flush=True)


def _mean(values: list[float]) -> str:
    return f"{statistics.geometric_mean(values):.2f}" if values else "-"


def print_row(picture: Picture, curves: _Curves, metric: str) -> None:
    """Print the bytes of `--quality` and `--psnr` for one picture relative to others."""
    png = str(picture.png)
    cells = []
    for one, base in ((QUALITY, PNGQUANT), (QUALITY, PSNR), (PSNR, PNGQUANT)):
        if (one, png) in curves and (base, png) in curves:
            found = ratio(curves[one, png], curves[base, png], metric)
            cells.append(f"{one} / {base} {'-' if found is None else f'{found:.2f}'}")
    if cells:
        print(f"{picture.group}/{picture.name}: {', '.join(cells)}", flush=True)


def print_points(pictures: list[Picture], curves: _Curves, metrics: list[str]) -> None:
    """Print every file."""
    head = ["image", "codec", "setting", "bytes", *metrics, "seconds"]
    print("\n| " + " | ".join(head) + " |\n|" + "---|" * 3 + "---:|" * (len(head) - 3))
    names = {str(picture.png): picture.name for picture in pictures}
    for (codec, png), points in curves.items():
        for point in points:
            qualities = [f"{abs(point.qualities[metric]):.2f}" for metric in metrics]
            cells = [names[png], codec, str(point.setting), f"{point.size:,}", *qualities]
            print("| " + " | ".join([*cells, f"{point.seconds:.2f}"]) + " |", flush=True)


def print_met(curves: _Curves) -> None:
    """Print by how much files miss the quality that was asked for."""
    misses = [
        point.qualities["SSIMULACRA2"] - point.setting
        for (codec, _), points in curves.items()
        if codec == QUALITY
        for point in points
    ]
    if misses:
        print(
            f"\n{QUALITY}: {min(misses):+.2f} to {max(misses):+.2f} points from what was asked for"
        )


# The program.


def files(paths: list[str]) -> Iterator[Path]:
    """Yield the images, and those in the folders, of the arguments."""
    for path in map(Path, paths):
        if path.is_dir():
            yield from sorted(p for p in path.iterdir() if p.suffix.lower() in EXTENSIONS)
        else:
            yield path


def read_pictures(paths: list[str], folder: str) -> Iterator[Picture]:
    for number, path in enumerate(files(paths)):
        pixels = np.ascontiguousarray(read_source(str(path)).pixels)
        png = Path(folder, f"{number}.png")
        Image.fromarray(pixels).save(png)
        yield Picture(path.name, path.resolve().parent.name, pixels, png)


def chosen_codecs(
    names: Sequence[str] | None, settings: int | None, scores: Sequence[int] | None
) -> list[Codec]:
    """Return the codecs to measure; a line says which this version of kmcodec does not know."""
    found = []
    for codec in CODECS:
        if names and codec.name not in names:
            continue
        if codec.name.startswith("kmc"):
            tiny = Picture("", "", np.arange(64, dtype=np.uint8).reshape(8, 8), Path())
            try:
                codec.write(tiny, codec.settings[-1])
            except kmcodec.KmcInputError as error:
                print(f"Skipped: {codec.name} ({error})")
                continue
            except TypeError:
                print(f"Skipped: {codec.name} (this version does not know it)")
                continue
        wanted = scores if scores and codec.name == QUALITY else codec.settings
        step = max(1, len(wanted) // settings) if settings else 1
        found.append(Codec(codec.name, tuple(wanted[::step]), codec.write))
    return found


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("images", nargs="+", help="images, and folders of them")
    parser.add_argument("--only", nargs="+", metavar="CODEC", choices=[c.name for c in CODECS])
    parser.add_argument("--settings", type=int, metavar="N", help="about so many of each codec")
    parser.add_argument("--scores", nargs="+", type=int, metavar="N", help="to ask --quality for")
    parser.add_argument("--goals", action="store_true", help=f"only {', '.join(GOAL_CODECS)}")
    parser.add_argument("--points", action="store_true", help="print every file, too")
    parser.add_argument("--no-butteraugli", action="store_true")
    options = parser.parse_args()
    if options.goals:
        options.only, options.no_butteraugli = options.only or GOAL_CODECS, True
        options.scores = options.scores or GOAL_SCORES
    need(command="pngquant")
    is_there("oxipng", "pyoxipng", "oxipng, so PNGs are Pillow's")
    metrics = ["SSIMULACRA2"]
    if shutil.which("butteraugli_main") is None:
        print("Skipped: Butteraugli (install libjxl-devtools)")
    elif not options.no_butteraugli:
        metrics.append("Butteraugli")
    version = subprocess.run(["pngquant", "--version"], capture_output=True, text=True, check=True)
    print(f"{versions('pillow', 'pyoxipng')}, pngquant {version.stdout.split()[0]}")
    codecs = chosen_codecs(options.only, options.settings, options.scores)
    with tempfile.TemporaryDirectory() as folder:
        pictures = list(read_pictures(options.images, folder))
        curves: _Curves = {}
        for picture in pictures:
            for codec in codecs:
                curves[codec.name, str(picture.png)] = curve(picture, codec, metrics)
            print_row(picture, curves, metrics[0])
    if options.points:
        print_points(pictures, curves, metrics)
    for metric in metrics:
        for base in (PNGQUANT, PSNR):
            if base in {codec.name for codec in codecs}:
                print_ratios(pictures, curves, base, metric)
    print_met(curves)


if __name__ == "__main__":
    main()
