"""Resolution, on its way through EXIF."""

import io
import struct

import numpy as np
import pytest
from PIL import Image
from png_files import chunk, png

from kmcodec.errors import KmcLossWarning
from kmcodec.formats.pillow_images import metadata_from_pillow
from kmcodec.formats.resolution import exif_resolution, is_resolution_only, with_resolution
from kmcodec.sources.images import read_source
from kmcodec.targets.images import encode_image


@pytest.mark.parametrize("extension", ["png", "jpg", "tiff"])
@pytest.mark.parametrize("dpi", [(300, 300), (150, 200)])
def test_resolution_comes_back(extension, dpi, tmp_path):
    path = tmp_path / f"a.{extension}"
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


@pytest.mark.parametrize("extension", ["png", "jpg", "tiff", "webp"])
@pytest.mark.parametrize("size", [(4, 3), (4, 4)])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_resolution_turns_with_the_image(extension, size, orientation, tmp_path):
    exif = Image.Exif()
    exif[274] = orientation
    if extension == "webp":  # it has no place for it but EXIF
        exif.update({282: 150.0, 283: 200.0, 296: 2})
    path = tmp_path / f"a.{extension}"
    Image.new("RGB", size).save(path, dpi=(150, 200), exif=exif)
    source = read_source(path)
    turned = orientation > 4
    assert source.pixels.shape[:2] == (size if turned else size[::-1])
    wanted = (200, 150) if turned else (150, 200)
    assert exif_resolution(source.metadata.exif) == pytest.approx(wanted, rel=1e-4)


@pytest.mark.parametrize("loaded", [False, True])
def test_resolution_turns_where_pillow_turns(loaded, tmp_path):
    exif = Image.Exif()
    exif[274] = 6
    for extension, wanted in (("tiff", (200, 150)), ("jpg", (150, 200))):
        path = tmp_path / f"a.{extension}"
        Image.new("RGB", (4, 3)).save(path, dpi=(150, 200), exif=exif)
        with Image.open(path) as image:
            if loaded:
                image.load()
            exif_kept = metadata_from_pillow(image).exif
        assert exif_resolution(exif_kept) == pytest.approx(wanted, rel=1e-4)


def test_the_shape_of_pixels_turns_with_the_image(tmp_path):
    exif = Image.Exif()
    exif[274] = 6
    turned = chunk(b"eXIf", exif.tobytes().removeprefix(b"Exif\0\0"))
    path = tmp_path / "a.png"
    path.write_bytes(
        png(np.zeros((2, 2), int), 8, chunk(b"pHYs", struct.pack(">IIB", 2, 1, 0)), turned)
    )
    with pytest.warns(KmcLossWarning, match=r"pixel aspect ratio \(1:2\)"):
        read_source(path)
