"""The quantisers that `quantize.py` compares, each a function from a picture and K to a palette."""

from __future__ import annotations

import importlib
import importlib.metadata
import inspect
import os
import platform
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from PIL import Image

import kmcodec
from kmcodec.sources.images import read_source

__all__ = [
    "HAS_SEARCH",
    "Picture",
    "Quantizer",
    "other_quantizers",
    "own_quantizers",
    "read_picture",
    "run_pngquant",
    "versions",
]

HAS_SEARCH = "search" in inspect.signature(kmcodec.quantize).parameters


class Picture:
    """An RGB image in all the forms that quantisers want, made before the clock starts."""

    def __init__(self, path: str, pixels: np.ndarray, folder: str) -> None:
        self.path = path
        self.name = Path(path).name
        self.pixels = np.ascontiguousarray(pixels)
        self.pillow = Image.fromarray(self.pixels)
        self.rgba = self.pillow.convert("RGBA").tobytes()
        self.png = os.path.join(folder, self.name + ".png")
        self.out = os.path.join(folder, "out")
        self.pillow.save(self.png)
        self.colors, counts = distinct_colors(self.pixels)[:2]
        self.shares = counts / counts.sum()

    def error(self, palette: np.ndarray) -> float:
        """Squared error per pixel, with the nearest entry for every pixel."""
        entries = palette.astype(np.float64)
        total = 0.0
        for start in range(0, len(self.colors), 4096):
            colors = self.colors[start : start + 4096].astype(np.float64)
            # Whole numbers, so that nothing is lost in expanding the square.
            table = np.square(entries).sum(axis=1) - 2 * colors @ entries.T
            errors = table.min(axis=1) + np.square(colors).sum(axis=1)
            total += float(errors @ self.shares[start : start + 4096])
        return total


def distinct_colors(pixels: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Distinct colours, their counts, and which of them each pixel is."""
    r, g, b = np.moveaxis(pixels.astype(np.uint32), -1, 0)
    keys = ((r << 16) | (g << 8) | b).ravel()
    keys, inverse, counts = np.unique(keys, return_inverse=True, return_counts=True)
    return (keys[:, np.newaxis] >> [16, 8, 0]) & 255, counts, inverse


def read_picture(path: str, folder: str) -> Picture:
    """Read an image as RGB."""
    pixels = read_source(path).pixels
    if pixels.ndim == 2:
        pixels = np.repeat(pixels[..., np.newaxis], 3, axis=2)
    if pixels.shape[2] != 3:
        sys.exit(f"{path}: images with alpha are not compared here")
    return Picture(path, pixels, folder)


# Quantisers: a picture and K in, the palette out.


def by_kmcodec(search: int | None) -> Callable[[Picture, int], np.ndarray]:
    options = {} if search is None else {"search": search}
    return lambda picture, k: kmcodec.quantize(picture.pixels, k, **options).palette


def by_kmc_command(picture: Picture, k: int) -> np.ndarray:
    out = picture.out + ".kmc"
    command = [sys.executable, "-m", "kmcodec", "encode", picture.path, "--coding", "packed"]
    subprocess.run([*command, "-q", "--force", "-k", str(k), "-o", out], check=True)
    return kmcodec.read(out).palette


def by_pillow(method: str, kmeans: int = 0) -> Callable[[Picture, int], np.ndarray]:
    def run(picture: Picture, k: int) -> np.ndarray:
        return palette_of(picture.pillow.quantize(k, Image.Quantize[method], kmeans))

    return run


def palette_of(image: Image.Image) -> np.ndarray:
    """The entries of a Pillow image up to the last one used: what follows may be padding."""
    used = image.getextrema()[1] + 1
    return np.array(image.getpalette("RGB"), np.uint8).reshape(-1, 3)[:used]


def by_imagequant(picture: Picture, k: int) -> np.ndarray:
    import imagequant

    size = picture.pillow.size
    indices, palette = imagequant.quantize_raw_rgba_bytes(picture.rgba, *size, 0.0, k)
    used = max(indices) + 1  # What follows is padding.
    return np.array(palette, np.uint8).reshape(-1, 4)[:used, :3]


def by_imagequant_slowest(picture: Picture, k: int) -> np.ndarray:
    # The package's functions have no argument for the speed; the library under them has.
    from imagequant._libimagequant import ffi, lib

    width, height = picture.pillow.size
    attributes = lib.liq_attr_create()
    lib.liq_set_speed(attributes, 1)
    lib.liq_set_max_colors(attributes, k)
    image = lib.liq_image_create_rgba(attributes, picture.rgba, width, height, 0)
    result = ffi.new("liq_result**")
    if lib.liq_image_quantize(image, attributes, result) != lib.LIQ_OK:
        raise RuntimeError("libimagequant failed")
    lib.liq_set_dithering_level(result[0], 0.0)
    indices = ffi.new("char[]", width * height)
    lib.liq_write_remapped_image(result[0], image, indices, width * height)
    palette = lib.liq_get_palette(result[0])
    colors = [(c.r, c.g, c.b) for c in list(palette.entries)[: palette.count]]
    lib.liq_result_destroy(result[0])
    lib.liq_image_destroy(image)
    lib.liq_attr_destroy(attributes)
    return np.array(colors, np.uint8)


def by_sklearn(picture: Picture, k: int) -> np.ndarray:
    from sklearn.cluster import KMeans

    colors, counts, inverse = distinct_colors(picture.pixels)
    model = KMeans(min(k, len(colors)), init="k-means++", n_init=1, random_state=0)
    model.fit(colors.astype(np.float32), sample_weight=counts.astype(np.float32))
    model.labels_[inverse]
    return to_8_bits(model.cluster_centers_)


def by_opencv(picture: Picture, k: int) -> np.ndarray:
    import cv2

    cv2.setRNGSeed(0)
    samples = picture.pixels.reshape(-1, 3).astype(np.float32)
    stop = (cv2.TERM_CRITERIA_EPS + cv2.TERM_CRITERIA_MAX_ITER, 10, 1.0)
    return to_8_bits(cv2.kmeans(samples, k, None, stop, 1, cv2.KMEANS_PP_CENTERS)[2])


def by_pngquant(*arguments: str) -> Callable[[Picture, int], np.ndarray]:
    def run(picture: Picture, k: int) -> np.ndarray:
        out = picture.out + ".png"
        run_pngquant(picture.png, out, k, *arguments)
        with Image.open(out) as image:
            return palette_of(image)

    return run


def run_pngquant(png: str, out: str, k: int, *arguments: str) -> None:
    """Quantise one PNG file into another at pngquant's slowest speed."""
    command = ["pngquant", "--speed", "1", *arguments, "--force", "-o", out, str(k)]
    subprocess.run([*command, "--", png], check=True)


def to_8_bits(centroids: np.ndarray) -> np.ndarray:
    return np.clip(np.rint(centroids), 0, 255).astype(np.uint8)


# Name, the module that it needs (None: the command pngquant), function, what pip or apt calls it.
PEERS = [
    ("Pillow median cut", "PIL", by_pillow("MEDIANCUT"), "pillow"),
    ("Pillow median cut, kmeans=1", "PIL", by_pillow("MEDIANCUT", 1), "pillow"),
    ("Pillow fast octree", "PIL", by_pillow("FASTOCTREE"), "pillow"),
    ("imagequant", "imagequant", by_imagequant, "imagequant"),
    ("imagequant, speed 1", "imagequant", by_imagequant_slowest, "imagequant"),
    ("scikit-learn KMeans, n_init=1", "sklearn", by_sklearn, "scikit-learn"),
    ("OpenCV kmeans, 10 rounds", "cv2", by_opencv, "opencv-python-headless"),
    ("pngquant --speed 1 (command)", None, by_pngquant(), "pngquant"),
    ("pngquant --speed 1 --nofs (command)", None, by_pngquant("--nofs"), "pngquant"),
]


@dataclass
class Quantizer:
    """A way to make palettes, and what it came to at the K at hand."""

    name: str
    run: Callable[[Picture, int], np.ndarray]
    ours: bool = False
    most: int = 65_536
    errors: list[float] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)

    def warm_up(self, picture: Picture) -> None:
        """Load what is loaded at the first use, which is not to be timed."""
        if "command" not in self.name:
            self.run(picture, 2)

    def measure(self, picture: Picture, k: int, repeats: int) -> None:
        seconds = []
        for _ in range(repeats):
            started = time.perf_counter()
            palette = self.run(picture, k)
            seconds.append(time.perf_counter() - started)
        if len(palette) > k:
            raise RuntimeError(f"{self.name} returned {len(palette)} entries for K = {k}")
        self.errors.append(picture.error(palette))
        self.seconds.append(statistics.median(seconds))


def own_quantizers(levels: list[int]) -> Iterator[Quantizer]:
    yield Quantizer("**kmcodec**", by_kmcodec(None), True)
    for level in levels if HAS_SEARCH else []:
        yield Quantizer(f"**kmcodec search={level}**", by_kmcodec(level), True)


def other_quantizers() -> Iterator[Quantizer]:
    """The command `kmc` and the peers that are there; a line for each one that is not."""
    yield Quantizer("**kmc encode (command)**", by_kmc_command, True)
    for name, module, run, package in PEERS:
        try:
            if module is None and not shutil.which("pngquant"):
                raise ImportError("no such command")
            importlib.import_module(module or "PIL")
            yield Quantizer(name, run, most=65_536 if module in ("sklearn", "cv2") else 256)
        except ImportError as error:
            print(f"Skipped: {name} (install {package}: {error})")


def versions() -> str:
    """Of Python, kmcodec and all peers."""
    found = [f"Python {platform.python_version()}", f"kmcodec {kmcodec.__version__}"]
    for package in ("numpy", "pillow", "imagequant", "scikit-learn", "opencv-python-headless"):
        try:
            found.append(f"{package} {importlib.metadata.version(package)}")
        except importlib.metadata.PackageNotFoundError:
            found.append(f"no {package}")
    if shutil.which("pngquant"):
        run = subprocess.run(["pngquant", "--version"], capture_output=True, text=True, check=True)
        found.append(f"pngquant {run.stdout.split()[0]}")
    return ", ".join(found) + f"; {os.cpu_count()} processors"
