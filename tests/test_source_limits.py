"""Sources that declare too many pixels are refused before there is room made for them."""

from __future__ import annotations

import io
import tracemalloc
import zlib

import numpy as np
import pytest
from PIL import Image

import kmcodec
from kmcodec.formats.matlab import write_mat
from kmcodec.sources.images import read_source

SIZE = 64 * 48


def files(folder):
    pixels = np.arange(SIZE * 3, dtype=np.uint32).astype(np.uint8).reshape(48, 64, 3)
    (folder / "a.mat").write_bytes(write_mat(pixels))
    np.save(folder / "a.npy", pixels)
    Image.fromarray(pixels).save(folder / "a.png")
    kmcodec.write(folder / "a.kmc", pixels, 8)
    return ["a.mat", "a.npy", "a.png", "a.kmc"]


def test_one_limit_holds_for_all_formats(tmp_path):
    for name in files(tmp_path):
        path = tmp_path / name
        with pytest.raises(kmcodec.KmcLimitError, match=r"3,07[12]"):
            read_source(path, max_pixels=SIZE - 1)
        for enough in (SIZE, None):
            assert read_source(path, max_pixels=enough).pixels.shape == (48, 64, 3)


@pytest.mark.parametrize("options", [[], ["--shared-palette"]])
def test_the_command_has_the_limit_as_an_option(kmc, tmp_path, options):
    for name in files(tmp_path)[:3]:
        path = tmp_path / name
        out = tmp_path / f"{name}.kmc"
        args = ["encode", path, "-o", out, "-k", 8, "-f", *options, "--max-pixels"]
        run = kmc(*args, SIZE - 1)
        assert run.returncode == 1
        assert b"more than the limit of 3,071" in run.stderr
        assert run.stderr.count(b"\n") == 1
        assert not out.exists()
        for enough in (SIZE, 0):
            assert kmc(*args, enough).returncode == 0


def test_all_frames_count(kmc, tmp_path):
    first, *rest = (Image.new("RGB", (10, 10), (i, 0, 0)) for i in range(5))
    first.save(tmp_path / "a.gif", save_all=True, append_images=rest)
    args = ["encode", tmp_path / "a.gif", "-o", tmp_path / "a.kmc", "-f", "--max-pixels"]
    assert kmc(*args, 499).returncode == 1
    assert kmc(*args, 500).returncode == 0


def test_a_mat_file_of_zeros_takes_no_memory(tmp_path):
    # 2 ** 30 bytes of zeros, as zlib packs them, without ever holding them.
    small = write_mat(np.zeros((4, 4), np.uint8))
    header, inner = small[:128], zlib.decompress(small[136:])
    side = 32768
    head = bytearray(inner[: -8 - 16])
    # Size of the array; rows and columns; size of the samples.
    head[4:8] = (len(head) + 8 - 8 + side * side).to_bytes(4, "little")
    at = bytes(head).index((4).to_bytes(4, "little") * 2)
    head[at : at + 8] = side.to_bytes(4, "little") * 2
    packer = zlib.compressobj()
    body = io.BytesIO()
    body.write(packer.compress(bytes(head) + (2).to_bytes(4, "little")))
    body.write(packer.compress((side * side).to_bytes(4, "little")))
    block = bytes(1 << 20)
    for _ in range(side * side >> 20):
        body.write(packer.compress(block))
    body.write(packer.flush())
    packed = body.getvalue()
    element = (15).to_bytes(4, "little") + len(packed).to_bytes(4, "little") + packed
    (tmp_path / "bomb.mat").write_bytes(header + element)
    assert len(header + element) < 2_000_000
    import scipy.io  # noqa: F401 - what it takes to import is not of the file

    tracemalloc.start()
    try:
        with pytest.raises(kmcodec.KmcLimitError, match="1,073,741,824 pixels"):
            read_source(tmp_path / "bomb.mat")
        assert tracemalloc.get_traced_memory()[1] < 50_000_000
    finally:
        tracemalloc.stop()
