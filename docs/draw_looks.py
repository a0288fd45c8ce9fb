"""Draw `looks.png`: the bird in about the same bytes, made in four ways, enlarged.

python docs/draw_looks.py
"""

from pathlib import Path

import numpy as np

import kmcodec
from kmcodec.formats.pillow_images import to_pillow
from kmcodec.sources.images import read_source

DITHER = {"dither": "floyd-steinberg"}
# Each way, and the option that the bytes grow with.
WAYS = (("k", {}), ("k", DITHER), ("k", {**DITHER, "rdo": 0.1}), ("quality", {}))
MOST_BYTES = 1500
SCALE, GAP = 3, 12


def best_within(pixels: np.ndarray, option: str, others: dict) -> tuple[int, bytes]:
    """Return the largest setting whose file is small enough, and that file."""
    low, high = 1, 100
    found = kmcodec.encode(pixels, **{option: low}, **others)
    while high - low > 1:
        middle = (low + high) // 2
        data = kmcodec.encode(pixels, **{option: middle}, **others)
        if len(data) <= MOST_BYTES:
            low, found = middle, data
        else:
            high = middle
    return low, found


def main() -> None:
    """Write the picture beside this script, and print what its parts come to."""
    here = Path(__file__).parent
    pixels = read_source(here.parent / "samples" / "bird_small.mat").pixels
    parts = []
    for option, others in WAYS:
        setting, data = best_within(pixels, option, others)
        decoded = kmcodec.decode(data)
        colors = len(kmcodec.decode_indexed(data).palette)
        score = kmcodec.ssimulacra2(pixels, decoded)
        print(option, setting, others, f"{len(data)} bytes, {colors} colours, {score:.1f}")
        parts += [decoded.repeat(SCALE, axis=0).repeat(SCALE, axis=1)]
        parts += [np.full((len(parts[0]), GAP, 3), 255, np.uint8)]
    picture = kmcodec.quantize(np.concatenate(parts[:-1], axis=1), 256)
    to_pillow(picture).save(here / "looks.png", optimize=True)


if __name__ == "__main__":
    main()
