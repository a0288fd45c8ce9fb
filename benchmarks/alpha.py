"""Images with alpha: what quantisers make of them over black, white and grey.

    python benchmarks/alpha.py [images] [-k 4 8 16 32 64 256] [--count 40] [--seed 0]

Without images, it draws kinds of its own: see `alpha_pictures.py`. For each kind and K the table
tells the PSNR over black, white and grey, and that of all three together (decibels, of the mean
error of the images), for kmcodec, pngquant at its slowest (without and with dithering; not shown if
it is not installed) and Pillow. Then, of how many images a colour is lost: 2 % of the opaque pixels
are more than 60 levels off, though a palette of K/2 entries, found for the opaque pixels alone,
holds them within 30. Last, of how many what was clear is so no longer.
"""

from __future__ import annotations

import argparse
import io
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
from alpha_pictures import KINDS, drawn
from peers import versions
from PIL import Image

import kmcodec

Quantizer = Callable[[np.ndarray, int], np.ndarray]

BACKGROUNDS = {"black": 0, "white": 255, "grey": 128}


def with_kmcodec(pixels: np.ndarray, k: int, **options: object) -> np.ndarray:
    """By k-means."""
    return kmcodec.quantize(pixels, k, **options).to_array()


def with_pngquant(pixels: np.ndarray, k: int, dither: bool = False) -> np.ndarray:
    """By pngquant at its slowest."""
    stream = io.BytesIO()
    Image.fromarray(pixels, "RGBA").save(stream, "PNG")
    command = ["pngquant", "--speed", "1", *([] if dither else ["--nofs"]), str(max(2, k)), "-"]
    run = subprocess.run(command, input=stream.getvalue(), stdout=subprocess.PIPE, check=True)
    return np.array(Image.open(io.BytesIO(run.stdout)).convert("RGBA"))


def with_pillow(pixels: np.ndarray, k: int) -> np.ndarray:
    """By the fast octree, the one method of Pillow's own for alpha."""
    image = Image.fromarray(pixels, "RGBA").quantize(k, Image.Quantize.FASTOCTREE, dither=0)
    return np.array(image.convert("RGBA"))


def quantizers() -> dict[str, Quantizer]:
    """What is compared, by name."""
    found: dict[str, Quantizer] = {
        "kmcodec": with_kmcodec,
        "kmcodec dithered": lambda p, k: with_kmcodec(p, k, dither="floyd-steinberg"),
    }
    if shutil.which("pngquant"):
        found["pngquant"] = with_pngquant
        found["pngquant dithered"] = lambda p, k: with_pngquant(p, k, dither=True)
    return found | {"Pillow": with_pillow}


def errors(pixels: np.ndarray, made: np.ndarray) -> list[float]:
    """Mean squared errors over the backgrounds."""
    return [
        float(np.square(over(pixels, level) - over(made, level)).mean())
        for level in BACKGROUNDS.values()
    ]


def over(pixels: np.ndarray, level: int) -> np.ndarray:
    """The pixels over a grey."""
    alpha = pixels[..., 3:] / 255.0
    return pixels[..., :3] * alpha + level * (1 - alpha)


def psnr(error: float) -> float:
    """Decibels of a mean squared error."""
    return float(10 * np.log10(255**2 / max(error, 1e-5)))


def is_lost(pixels: np.ndarray, made: np.ndarray, k: int) -> bool:
    """Whether a colour of the opaque pixels is lost that a palette of k / 2 would hold."""
    opaque = pixels[..., 3] == 255
    if not opaque.any():
        return False
    wanted = pixels[opaque][np.newaxis, :, :3]
    held = kmcodec.quantize(wanted, max(1, k // 2), search=5).to_array()
    off, least = (
        np.abs(got.reshape(wanted.shape).astype(int) - wanted).max(axis=2)
        for got in (made[opaque][np.newaxis, :, :3], held)
    )
    return bool(((off > 60) & (least <= 30)).mean() >= 0.02)


def is_veiled(pixels: np.ndarray, made: np.ndarray) -> bool:
    """Whether something clear is so no longer."""
    return bool(made[pixels[..., 3] == 0, 3].any())


def print_table(name: str, pictures: list[np.ndarray], sizes: list[int]) -> None:
    """What each quantiser makes of the pictures of one kind."""
    print(f"\n## {name} ({len(pictures)})\n")
    print("| K | quantiser | black | white | grey | all | lost | veiled |")
    print("|---:|---|---:|---:|---:|---:|---:|---:|")
    for k in sizes:
        for label, quantize in quantizers().items():
            made = [quantize(pixels, k) for pixels in pictures]
            pairs = list(zip(pictures, made, strict=True))
            means = np.mean([errors(*pair) for pair in pairs], axis=0)
            cells = [f"{psnr(error):.2f}" for error in [*means, means.mean()]]
            lost = sum(is_lost(*pair, k) for pair in pairs)
            veiled = sum(is_veiled(*pair) for pair in pairs)
            print(f"| {k} | {label} | {' | '.join(cells)} | {lost} | {veiled} |", flush=True)


def main() -> None:
    """Print a table for each image, or each kind."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("images", nargs="*", help="images with alpha")
    parser.add_argument("-k", type=int, nargs="+", default=[4, 8, 16, 32, 64, 256])
    parser.add_argument("--count", type=int, default=40, help="pictures to draw of each kind")
    parser.add_argument("--seed", type=int, default=0, help="of the first picture of each kind")
    parser.add_argument("--kinds", nargs="+", choices=KINDS, default=list(KINDS))
    options = parser.parse_args()
    print(versions("pillow"))
    for path in options.images:
        pixels = np.array(Image.open(path).convert("RGBA"))
        print_table(Path(path).name, [pixels], options.k)
    for kind in () if options.images else options.kinds:
        print_table(kind, drawn(kind, options.count, options.seed), options.k)


if __name__ == "__main__":
    main()
