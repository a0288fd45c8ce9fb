"""Draw the sample images of this folder: ``python samples/make_samples.py [FOLDER]``.

Every picture is computed from shapes, text and seeded noise; running it twice gives the same
bytes. The drawing is in the three modules beside this one.
"""

import io
import sys
from pathlib import Path

from draw_bird import bird
from draw_scenes import grey, pixelart
from draw_window import icon, screenshot
from scipy.io import savemat


def mat_bytes(array):
    """Return a MATLAB 5 file with the array as `A`, and fixed text where the date would be."""
    buffer = io.BytesIO()
    savemat(buffer, {"A": array}, do_compression=False)
    header = b"MATLAB 5.0 MAT-file, drawn by samples/make_samples.py of kmcodec"
    return header.ljust(116) + buffer.getvalue()[116:]


def png_bytes(image):
    """Return the image as a PNG file."""
    buffer = io.BytesIO()
    image.save(buffer, "PNG", optimize=True)
    return buffer.getvalue()


def main(folder):
    """Draw every sample into a folder."""
    Path(folder).mkdir(parents=True, exist_ok=True)
    files = {"bird_small.mat": mat_bytes(bird())}
    for draw in (screenshot, icon, grey, pixelart):
        files[f"{draw.__name__}.png"] = png_bytes(draw())
    for name, content in files.items():
        (Path(folder) / name).write_bytes(content)


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).parent)
