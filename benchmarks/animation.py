"""Bytes of animations as .kmc, GIF (gifsicle -O3), WebP lossless and APNG, the same pixels.

    python benchmarks/animation.py [GIF...]

Without files it draws eight kinds. Six have one palette of at most 256 colours: a chart, a
terminal, sprites, a photo dithered and panned, a dithered photo with something that moves before
it, and a shaking, noisy photo. Two have a palette for each frame, as some GIFs do: the panned
photo, and cuts between four that are zoomed. The photos come from scikit-image, the chart from
matplotlib. gifsicle must be installed.
What each format holds is decoded and compared with what it was given. The last line is the
geometric mean of each size relative to gifsicle -O3's.
"""

from __future__ import annotations

import argparse
import io
import math
import subprocess
import time

import numpy as np
from moving import KINDS
from needs import need
from numpy.typing import NDArray
from PIL import Image

import kmcodec
from kmcodec.animation.value import Animation
from kmcodec.targets.animations import encode_animation


def read_gif(path: str) -> Animation:
    """Take the frames of a file."""
    with Image.open(path) as image:
        stream = io.BytesIO()
        image.save(stream, "KMC", save_all=True, effort="fast")
    return kmcodec.decode_frames(stream.getvalue())


def pixels_of(data: bytes) -> NDArray[np.uint8]:
    """All frames of a file, RGBA; those that a writer has merged are told apart by their time."""
    frames = []
    with Image.open(io.BytesIO(data)) as image:
        for number in range(image.n_frames):
            image.seek(number)
            shown = np.asarray(image.convert("RGBA"))
            frames += [shown] * max(1, round(image.info.get("duration", 50) / 50))
    return np.stack(frames)


def gifsicle(data: bytes) -> bytes:
    """Optimise a GIF as far as gifsicle does without loss."""
    command = ["gifsicle", "-O3", "--no-warnings"]
    return subprocess.run(command, input=data, capture_output=True, check=True).stdout


def to_webp(animation: Animation) -> bytes:
    """WebP lossless at its slowest setting."""
    frames = [Image.fromarray(animation[number].to_array()) for number in range(len(animation))]
    stream = io.BytesIO()
    options = {"lossless": True, "exact": True, "quality": 100, "method": 6, "minimize_size": True}
    times = list(animation.durations)
    frames[0].save(
        stream, "WEBP", save_all=True, append_images=frames[1:], duration=times, loop=0, **options
    )
    return stream.getvalue()


def measure(animation: Animation) -> dict[str, int | float]:
    """Bytes of one animation by format, and seconds of .kmc."""
    found: dict[str, int | float] = {}
    expected = kmcodec.encode_frames(animation, effort="fast")
    wanted = pixels_of(expected)
    files = {
        "GIF": gifsicle(encode_animation(animation, ".gif")),
        "WebP": to_webp(animation),
        "APNG": encode_animation(animation, ".png"),
    }
    for effort in ("fastest", "fast", "default", "max", "auto"):
        started = time.perf_counter()
        files[f"kmc {effort}"] = kmcodec.encode_frames(animation, effort=effort)
        found[f"s {effort}"] = time.perf_counter() - started
    for name, data in files.items():
        if not np.array_equal(pixels_of(data), wanted):
            raise SystemExit(f"{name} has other pixels")
        found[name] = len(data)
    started = time.perf_counter()
    kmcodec.decode_frames(files["kmc auto"])
    found["s decoding"] = time.perf_counter() - started
    return found


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("files", nargs="*", metavar="GIF")
    options = parser.parse_args()
    need(*([] if options.files else ["skimage", "matplotlib"]), command="gifsicle")
    names = options.files or list(KINDS)
    formats = (
        "GIF",
        "WebP",
        "APNG",
        "kmc fastest",
        "kmc fast",
        "kmc default",
        "kmc max",
        "kmc auto",
    )
    print("| animation | frames | colours |", " | ".join(formats), "| auto: s, s decoding |")
    print("|---" * (len(formats) + 4) + "|")
    ratios: dict[str, list[float]] = {name: [] for name in formats}
    for name in names:
        animation = read_gif(name) if options.files else drawn(name)
        height, width = animation.indices.shape[1:]
        found = measure(animation)
        for each in formats:
            ratios[each].append(found[each] / found["GIF"])
        sizes = " | ".join(f"{found[each]:,}" for each in formats)
        print(
            f"| {name} | {len(animation)} of {width} x {height} | {colors_of(animation)} "
            f"| {sizes} | {found['s auto']:.2f}, {found['s decoding']:.2f} |",
            flush=True,
        )
    means = [math.exp(sum(map(math.log, ratios[each])) / len(names)) for each in formats]
    print("| geometric mean, over GIF | | |", " | ".join(f"{mean:.3f}" for mean in means), "| |")


def colors_of(animation: Animation) -> str:
    """How many there are, in one palette or in several."""
    most = max(map(len, animation.palettes))
    return f"{most} a frame" if len(animation.palettes) > 1 else str(most)


def drawn(name: str) -> Animation:
    """One of the kinds, 50 ms a frame, palettes from dark to bright."""
    palettes, indices = KINDS[name]()
    if palettes.ndim == 2:
        palettes = np.broadcast_to(palettes, (len(indices), *palettes.shape))
    images = [kmcodec.IndexedImage(p, frame) for p, frame in zip(palettes, indices, strict=True)]
    data = kmcodec.encode_frames(images, durations=50, effort="fast", reorder=True)
    return kmcodec.decode_frames(data)


if __name__ == "__main__":
    main()
