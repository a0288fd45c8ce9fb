"""Draw `chosen.png`: the bird in 16 colours, nearest and chosen by what they cost, enlarged.

python docs/draw_chosen.py
"""

from pathlib import Path

import numpy as np

import kmcodec
from kmcodec.formats.pillow_images import to_pillow
from kmcodec.model.metrics import psnr
from kmcodec.sources.images import read_source

COLORS = 16
TOLERANCES = (None, 0.1, 1)
SCALE, GAP = 3, 12


def main() -> None:
    """Write the picture beside this script, and print what its parts come to."""
    here = Path(__file__).parent
    pixels = read_source(here.parent / "samples" / "bird_small.mat").pixels
    parts = []
    for tolerance in TOLERANCES:
        data = kmcodec.encode(pixels, COLORS, rdo=tolerance)
        chosen = kmcodec.decode(data)
        print(tolerance, len(data), f"{psnr(pixels, chosen):.2f}")
        parts += [chosen.repeat(SCALE, axis=0).repeat(SCALE, axis=1)]
        parts += [np.full((len(parts[0]), GAP, 3), 255, np.uint8)]
    picture = kmcodec.quantize(np.concatenate(parts[:-1], axis=1), 256)
    to_pillow(picture).save(here / "chosen.png", optimize=True)


if __name__ == "__main__":
    main()
