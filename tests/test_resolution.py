"""Resolution, on its way through EXIF."""

import io
import struct

import numpy as np
import pytest
from PIL import Image
from png_files import chunk, png

from kmcodec.formats.resolution import exif_resolution, is_resolution_only, with_resolution
from kmcodec.sources.images import read_source
from kmcodec.targets.images import encode_image


@pytest.mark.parametrize("ending", ["png", "jpg", "tiff"])
@pytest.mark.parametrize("dpi", [(300, 300), (150, 200)])
def test_resolution_comes_back(ending, dpi, tmp_path):
    path = tmp_path / f"a.{ending}"
    Image.new("P", (4, 3)).convert("RGB").save(path, dpi=dpi)
    source = read_source(path)
    assert exif_resolution(source.metadata.exif) == pytest.approx(dpi, rel=1e-4)
    from kmcodec.quantizer import quantize

    image = quantize(source.image, 16)
    image = type(image)(image.palette, image.indices, source.metadata)
    for back in (".png", ".jpg", ".tiff"):
        opened = Image.open(io.BytesIO(encode_image(image, back)))
        assert opened.info["dpi"] == pytest.approx(dpi, rel=1e-3)


def test_metres_come_back_exactly(tmp_path):
    path = tmp_path / "a.png"
    path.write_bytes(
        png(np.zeros((2, 2), int), 8, chunk(b"pHYs", struct.pack(">IIB", 11811, 11811, 1)))
    )
    assert exif_resolution(read_source(path).metadata.exif) == (11811 * 0.0254,) * 2


def test_other_exif_stays_where_it_is():
    exif = Image.Exif()
    exif[0x010E] = "a bird"
    exif[0x8769] = {0x927C: b"a maker's note"}
    before = exif.tobytes().removeprefix(b"Exif\0\0")
    after = with_resolution(before, (72.5, 300))
    assert after[8 : len(before)] == before[8:]
    found = Image.Exif()
    found.load(after)
    assert (found[0x010E], found[282], found[283], found[296]) == ("a bird", 72.5, 300, 2)
    assert found.get_ifd(0x8769)[0x927C] == b"a maker's note"
    assert with_resolution(after, (72.5, 300)) == after
    assert exif_resolution(with_resolution(after, (10, 20))) == (10, 20)
    assert is_resolution_only(with_resolution(None, (1, 1)))
    assert not is_resolution_only(after)


def test_damaged_exif_stays_as_it_is():
    for damaged in (b"II*\0", b"MM\0*\0\0\0\xff", b"nothing", b"II*\0\x08\0\0\0\xff\xff"):
        assert with_resolution(damaged, (72, 72)) == damaged
        assert exif_resolution(damaged) is None
