"""Sources that declare too many pixels are refused before there is room made for them."""

from __future__ import annotations

import io
import struct
import tracemalloc
import zipfile
import zlib

import numpy as np
import pytest
from PIL import Image

import kmcodec
from kmcodec.formats import apng, gif, matlab
from kmcodec.formats.matlab import write_mat
from kmcodec.sources.images import read_source
from kmcodec.storage import streams
from kmcodec.storage.door import read_input

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
        assert b"the limit of 3,071" in run.stderr
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


def gif_frame(number, palette):
    place = b"," + struct.pack("<HHHHB", 0, 0, 1, 1, 0x87)
    return place + palette + b"\x02\x02\x44\x01\x00"


def test_palettes_of_small_frames_take_linear_work(monkeypatch):
    def work(count):
        done = []
        for name in ("bincount", "zeros", "unique"):
            plain = getattr(np, name)

            def counted(first, *args, plain=plain, **options):
                result = plain(first, *args, **options)
                parts = result if isinstance(result, tuple) else (result,)
                done.extend(part.size for part in parts)
                return result

            monkeypatch.setattr(gif.np, name, counted)
        palettes = [np.random.default_rng(i).bytes(768) for i in range(count)]
        data = b"GIF89a" + struct.pack("<HHBBB", 1, 1, 0, 0, 0)
        data += b"".join(gif_frame(i, palette) for i, palette in enumerate(palettes)) + b";"
        assert len(list(gif.gif_frames(gif.parse_gif(data)))) == count
        monkeypatch.undo()
        return sum(done)

    assert work(400) < 5 * work(100)


def test_chunks_that_all_frames_share_are_taken_once():
    first = io.BytesIO()
    images = [Image.new("P", (1, 1), i) for i in range(3)]
    for image in images:
        image.putpalette([1, 2, 3, 4, 5, 6, 7, 8, 9])
    images[0].save(first, "PNG", save_all=True, append_images=images[1:])
    data = first.getvalue()
    at = data.index(b"acTL") + 4 + 8 + 4
    again = apng.png_chunk(b"PLTE", bytes(9)) + apng.png_chunk(b"tRNS", b"\0")
    file = apng.parse_apng(data[:at] + again * 500 + data[at:])
    assert len(file.shared) < 100
    long = apng.png_chunk(b"tRNS", bytes(257))
    with pytest.raises(kmcodec.KmcInputError, match="tRNS has 257 bytes"):
        apng.parse_apng(data[:at] + long + data[at:])


def test_a_frame_far_beyond_its_screen_makes_no_large_screen(tmp_path):
    place = b"," + struct.pack("<HHHHB", 9999, 9999, 1, 1, 0)
    data = b"GIF89a" + struct.pack("<HHBBB", 1, 1, 0, 0, 0) + place + b"\x02\x02\x44\x01\x00;"
    (tmp_path / "a.gif").write_bytes(data)
    with pytest.raises(kmcodec.KmcLimitError, match="100,000,000 pixels, more than"):
        read_source(tmp_path / "a.gif", max_pixels=99_999_999)


def test_a_jpeg_of_very_many_scans_is_refused(tmp_path):
    stream = io.BytesIO()
    Image.new("L", (16, 16)).save(stream, "JPEG", progressive=True)
    data = stream.getvalue()
    last = data.rindex(b"\xff\xda")
    for scans, fits in ((200, True), (300, False)):
        (tmp_path / "a.jpg").write_bytes(data[:last] + data[last:-2] * scans + data[-2:])
        if fits:
            assert read_source(tmp_path / "a.jpg").pixels.shape == (16, 16)
        else:
            with pytest.raises(kmcodec.KmcLimitError, match=r"30\d scans"):
                read_source(tmp_path / "a.jpg")


def test_a_map_longer_than_a_palette_is_not_read(tmp_path):
    import scipy.io

    variables = {"A": np.ones((4, 4)), "map": np.zeros((65_537, 3))}
    scipy.io.savemat(tmp_path / "a.mat", variables, do_compression=True)
    with pytest.raises(kmcodec.KmcInputError, match="several images"):
        read_source(tmp_path / "a.mat")
    assert read_source(tmp_path / "a.mat", "A").pixels.shape == (4, 4)


def test_variables_without_number_are_refused(tmp_path, monkeypatch):
    import scipy.io

    scipy.io.savemat(tmp_path / "a.mat", {f"a{i}": np.zeros((2, 2)) for i in range(4)})
    monkeypatch.setattr(matlab, "_MOST_VARIABLES", 4)
    assert read_source(tmp_path / "a.mat", "a2").pixels.shape == (2, 2)
    monkeypatch.setattr(matlab, "_MOST_VARIABLES", 3)
    with pytest.raises(kmcodec.KmcLimitError, match="more than 3 variables"):
        read_source(tmp_path / "a.mat", "a2")


def test_a_file_in_an_archive_is_not_unpacked_if_it_is_large(tmp_path, monkeypatch):
    pytest.importorskip("fsspec")
    with zipfile.ZipFile(tmp_path / "a.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.npy", bytes(5000))
    url = f"zip://a.npy::{tmp_path / 'a.zip'}"
    monkeypatch.setattr(streams, "_MOST_STREAMED", 5000)
    assert len(read_input(url)) == 5000
    monkeypatch.setattr(streams, "_MOST_STREAMED", 4999)
    monkeypatch.setattr("kmcodec.storage.door.open_url", None)  # refused before
    with pytest.raises(kmcodec.KmcLimitError, match="more than 4,999 bytes"):
        read_input(url)
