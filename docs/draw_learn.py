"""Draw the pictures of `learn.md`: run its commands in an empty folder, and shrink what they drew.

python docs/draw_learn.py
"""

import re
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path

from PIL import Image

import kmcodec
from kmcodec.formats.pillow_images import to_pillow

COLORS = 256


def main() -> None:
    """Write the pictures beside this script, and print how large they are."""
    here = Path(__file__).resolve().parent
    text = (here / "learn.md").read_text()
    commands = re.findall(r"^(?:\$ )?kmc ((?:encode|compare|plot|sweep) .* -o .*)$", text, re.M)
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "samples").symlink_to(here.parent / "samples")
        for command in commands:
            if "OPTIONS" not in command:
                run = [sys.executable, "-m", "kmcodec", *shlex.split(command)]
                subprocess.run(run, cwd=folder, check=True)
        for name in re.findall(r"!\[.*\]\((\w+\.png)\)", text):
            shrink(Path(folder, name), here / name)
            print(name, (here / name).stat().st_size)


def shrink(source: Path, target: Path) -> None:
    """Give a figure a palette: a third of the bytes, and nothing that the eye would miss."""
    with Image.open(source) as figure:
        to_pillow(kmcodec.quantize(figure.convert("RGB"), COLORS)).save(target, optimize=True)


if __name__ == "__main__":
    main()
