"""Measure what dithering does to flat patches, thin lines and still parts of animations.

    python benchmarks/dither.py [IMAGES] [--colors 16 32] [--patches 12]

Drawn images: patches of random colours, 40 pixels a side (the share that is not of one entry);
lines of 1 and 2 pixels, hard and smooth, on flat ground and on a gradient (the share whose pixels
differ from their nearest entries); a shape that moves before a gradient (the share of the pixels
that change their entry although the source does not change). For a slow gradient and each image
named: PSNR of the result after a Gaussian blur, which falls where bands appear, and bytes of the
`.kmc` file. Methods: kmcodec's, and pngquant's where the command is found and can be asked.
"""

from __future__ import annotations

import argparse
import io
import shutil
import subprocess
from collections.abc import Callable, Iterator

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

import kmcodec

SIDE = 40
# Method and amount of kmcodec; of pngquant its --floyd.
METHODS = {
    "none": ("none", 0.5),
    "floyd-steinberg 0.5": ("floyd-steinberg", 0.5),
    "floyd-steinberg 1": ("floyd-steinberg", 1.0),
    "blue-noise 0.5": ("blue-noise", 0.5),
    "blue-noise 1": ("blue-noise", 1.0),
}
Reduce = Callable[[np.ndarray, int], np.ndarray]


def reducers() -> dict[str, Reduce]:
    """Functions by name that reduce pixels to at most k colours."""

    def by_kmcodec(dither: str, amount: float) -> Reduce:
        options = {"dither": dither, "dither_amount": amount}
        return lambda pixels, k: kmcodec.quantize(pixels, k, **options).to_array()

    found = {name: by_kmcodec(*method) for name, method in METHODS.items()}
    if shutil.which("pngquant"):
        for level in ("0.5", "1"):
            found[f"pngquant {level}"] = lambda pixels, k, level=level: by_pngquant(
                pixels, k, level
            )
    return found


def by_pngquant(pixels: np.ndarray, k: int, level: str) -> np.ndarray:
    """The pixels as pngquant reduces them, at its slowest."""
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "PNG")
    command = ["pngquant", "--speed", "1", f"--floyd={level}", str(k), "-"]
    run = subprocess.run(command, input=stream.getvalue(), capture_output=True, check=True)
    return np.asarray(Image.open(io.BytesIO(run.stdout)).convert("RGB"))


def patches(count: int, seed: int = 1) -> np.ndarray:
    """Patches of random colours, `count` a side."""
    colors = np.random.default_rng(seed).integers(0, 256, (count, count, 3), dtype=np.uint8)
    return np.kron(colors, np.ones((SIDE, SIDE, 1), np.uint8))


def speckled(shown: np.ndarray) -> float:
    """The share of the patches that are not of one colour."""
    rows, columns = shown.shape[0] // SIDE, shown.shape[1] // SIDE
    tiles = shown.reshape(rows, SIDE, columns, SIDE, 3)
    return float((tiles != tiles[:, :1, :, :1]).any(axis=(1, 3, 4)).mean())


def gradient(width: int, height: int) -> np.ndarray:
    """A slow gradient from top to bottom, of two blues."""
    share = np.linspace(0, 1, height)[:, None, None]
    rows = np.array([235, 238, 245]) * (1 - share) + np.array([120, 150, 230]) * share
    return np.broadcast_to((rows + 0.5).astype(np.uint8), (height, width, 3)).copy()


def lines() -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Pictures of a line, the mask of its pixels, and palettes whose colours are all different."""
    rng = np.random.default_rng(3)
    for ground in (np.full((96, 96, 3), 240, np.uint8), gradient(96, 96)):
        for width in (1, 2):
            for ends in ((8, 48, 88, 48), (48, 8, 48, 88), (10, 10, 86, 86), (8, 36, 88, 60)):
                for scale in (1, 8):
                    covered = Image.new("L", (96 * scale, 96 * scale))
                    place = [end * scale + scale // 2 for end in ends]
                    ImageDraw.Draw(covered).line(place, fill=255, width=width * scale)
                    share = np.asarray(covered.resize((96, 96), Image.Resampling.BOX)) / 255
                    color = rng.integers(0, 200, 3)
                    mixed = ground * (1 - share[..., None]) + color * share[..., None]
                    palette = rng.integers(0, 256, (14, 3), dtype=np.uint8)
                    edges = np.stack([ground[0, 0], ground[-1, -1]])
                    yield (mixed + 0.5).astype(np.uint8), share >= 0.6, np.vstack([palette, edges])


def broken(dither: str, amount: float) -> float:
    """The share of the lines that do not keep the nearest entries."""
    changed = []
    for pixels, line, palette in lines():
        options = {"palette": palette, "dither_amount": amount}
        near = kmcodec.quantize(pixels, palette=palette).indices
        found = kmcodec.quantize(pixels, dither=dither, **options).indices
        changed.append((near != found)[line].any())
    return float(np.mean(changed))


def moving(frames: int = 6) -> list[np.ndarray]:
    """A disc that moves before a gradient."""
    drawn = []
    for number in range(frames):
        image = Image.fromarray(gradient(160, 120))
        left = 10 + 20 * number
        ImageDraw.Draw(image).ellipse((left, 35, left + 40, 75), fill=(200, 60, 40))
        drawn.append(np.asarray(image))
    return drawn


def flicker(frames: list[np.ndarray], shown: list[np.ndarray]) -> float:
    """The share of the pixels with an unchanged source that change nevertheless."""
    still = changed = 0
    for number in range(1, len(frames)):
        same = (frames[number] == frames[number - 1]).all(axis=2)
        still += same.sum()
        changed += (shown[number] != shown[number - 1]).any(axis=2)[same].sum()
    return float(changed / still)


def animated(frames: list[np.ndarray], k: int, dither: str, amount: float) -> list[np.ndarray]:
    """The frames of a file."""
    data = kmcodec.encode_frames(frames, k, dither=dither, dither_amount=amount)
    return list(kmcodec.decode_frames(data).to_array())


def blurred_psnr(pixels: np.ndarray, shown: np.ndarray) -> float:
    """PSNR after a Gaussian blur, as seen from afar."""
    blur = ImageFilter.GaussianBlur(2)
    both = [np.asarray(Image.fromarray(each).filter(blur), float) for each in (pixels, shown)]
    return float(10 * np.log10(255**2 / max(np.square(both[0] - both[1]).mean(), 1e-9)))


def report(k: int, count: int, images: dict[str, np.ndarray]) -> None:
    """Print the table for k colours."""
    print(f"\nK = {k}\n")
    columns = ["patches speckled", "lines broken", "flicker"]
    columns += [f"{name}: blurred PSNR, bytes" for name in images]
    print("| method | " + " | ".join(columns) + " |\n|---|" + "---:|" * len(columns))
    frames, drawn = moving(), patches(count)
    for name, reduce in reducers().items():
        cells = [f"{speckled(reduce(drawn, k)):.0%}"]
        if name in METHODS:
            cells.append(f"{broken(*METHODS[name]):.0%}")
            shown = animated(frames, k, *METHODS[name])
        else:
            # pngquant cannot be given a palette without it changing, and knows no frames.
            cells.append("-")
            sheet = reduce(np.hstack(frames), k)
            shown = np.split(sheet, len(frames), axis=1)
        cells.append(f"{flicker(frames, shown):.2%}")
        for pixels in images.values():
            found = reduce(pixels, k)
            size = len(kmcodec.encode(found, k))
            cells.append(f"{blurred_psnr(pixels, found):.1f} dB, {size:,}")
        print(f"| {name} | " + " | ".join(cells) + " |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("images", nargs="*")
    parser.add_argument("--colors", type=int, nargs="+", default=[16, 32])
    parser.add_argument("--patches", type=int, default=12, help="patches a side")
    args = parser.parse_args()
    images = {"gradient": gradient(256, 256)}
    for path in args.images:
        images[path.rpartition("/")[2]] = np.asarray(Image.open(path).convert("RGB"))
    for k in args.colors:
        report(k, args.patches, images)


if __name__ == "__main__":
    main()
