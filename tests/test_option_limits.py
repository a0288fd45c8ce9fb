"""`max_pixels` holds wherever files are read."""

from __future__ import annotations

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

import kmcodec
from kmcodec.batch.encoding import encode_file
from kmcodec.batch.planning import Job
from kmcodec.cli.compare import compare
from kmcodec.cli.encode import encode as encode_command
from kmcodec.cli.palette import palette as palette_command
from kmcodec.cli.plot import clusters
from kmcodec.cli.sweep import sweep as sweep_command
from kmcodec.errors import KmcLimitError
from kmcodec.sources.palettes import read_palette

PIXELS = np.random.default_rng(0).integers(0, 256, (33, 40, 3), dtype=np.uint8)


def by_job(folder, name, most, **options):
    job = Job(str(folder / name), str(folder / "out.kmc"), replace=True)
    encode_file(job, 8, coding="context", max_pixels=most, **options)


def shared_opened(folder, most):
    with Image.open(folder / "in.gif") as image:
        kmcodec.shared_palette([image], 8, max_pixels=most)


def by_words(command, *words):
    def run(folder, most):
        given = [str(folder / word) if word.startswith(("in.", "out.")) else word for word in words]
        run = CliRunner().invoke(
            command, [*given, "--max-pixels", str(most)], standalone_mode=False
        )
        if run.exception is not None:
            raise run.exception
        if run.return_value:  # what is wrong with one of many files has been told
            raise KmcLimitError(run.output)

    return run


# Ways to read a file of 33 x 40 pixels, or two frames of them.
READING = {
    "whole": (1320, lambda folder, most: by_job(folder, "in.npy", most)),
    "rows": (1320, lambda folder, most: by_job(folder, "in.npy", most, large=1)),
    "frames": (2640, lambda folder, most: by_job(folder, "in.gif", most)),
    "shared files": (
        1320,
        lambda folder, most: kmcodec.shared_palette([folder / "in.png"], 8, max_pixels=most),
    ),
    "shared, opened": (2640, shared_opened),
    "palette": (1320, lambda folder, most: read_palette(folder / "in.png", max_pixels=most)),
    "kmc encode": (1320, by_words(encode_command, "in.png", "-q", "-f")),
    "kmc encode --palette": (
        1320,
        by_words(encode_command, "in.dot.png", "-q", "-f", "--palette", "in.png"),
    ),
    "kmc palette": (1320, by_words(palette_command, "in.png", "-k", "4")),
    "kmc sweep": (1320, by_words(sweep_command, "in.png", "-k", "4")),
    "kmc plot clusters": (1320, by_words(clusters, "in.png", "-o", "out.png", "-f")),
    "kmc compare": (1320, by_words(compare, "in.png", "in.dot.kmc", "-o", "out.png", "-f")),
    "kmc compare, .kmc": (1320, by_words(compare, "in.dot.png", "in.kmc", "-o", "out.png", "-f")),
}


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("way", READING)
def test_max_pixels_holds_wherever_files_are_read(tmp_path, way):
    if way.startswith(("kmc plot", "kmc compare")):
        pytest.importorskip("matplotlib")
    bound, read = READING[way]
    image = Image.fromarray(PIXELS)
    image.save(tmp_path / "in.png")
    image.save(tmp_path / "in.gif", save_all=True, append_images=[Image.fromarray(PIXELS[::-1])])
    np.save(tmp_path / "in.npy", PIXELS)
    kmcodec.write(tmp_path / "in.kmc", PIXELS, 4)
    image.crop((0, 0, 1, 1)).save(tmp_path / "in.dot.png")
    kmcodec.write(tmp_path / "in.dot.kmc", PIXELS[:1, :1])
    with pytest.raises(KmcLimitError, match="limit"):
        read(tmp_path, bound - 1)
    if "compare" in way:
        # What is compared differs in size, which is told once both have been read.
        with pytest.raises(ValueError, match="differ in size") as caught:
            read(tmp_path, bound)
        assert not isinstance(caught.value, KmcLimitError)
    else:
        read(tmp_path, bound)
