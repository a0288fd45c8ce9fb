"""ICC, EXIF, XMP and texts through the command line and back, --strip, and what compare shows."""

from __future__ import annotations

import io
import struct

import numpy as np
import pytest
from PIL import Image, ImageCms

import kmcodec
from kmcodec.batch.encoding import encode_file
from kmcodec.batch.planning import Job
from kmcodec.errors import KmcWarning
from kmcodec.formats.color_profiles import image_in_srgb, pixels_in_srgb
from kmcodec.formats.pillow_images import metadata_from_pillow

SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
# What is red in sRGB is called blue here, and the other way around.
SWAPPED = SRGB.replace(b"rXYZ", b"----").replace(b"bXYZ", b"rXYZ").replace(b"----", b"bXYZ")
XMP = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><a/></x:xmpmeta>'
FORMATS = ("png", "jpg", "tiff", "webp")
PIXELS = np.random.default_rng(7).integers(0, 256, (6, 9, 3), dtype=np.uint8)


def linear_grey_profile():
    """Make a profile in which grey is proportional to light."""
    white = b"XYZ \0\0\0\0" + struct.pack(">3i", 0xF6D6, 0x10000, 0xD32D)
    curve = b"curv\0\0\0\0" + struct.pack(">IHxx", 1, 0x0100)
    table = struct.pack(">I", 2)
    table += struct.pack(">4sII", b"wtpt", 128 + 28, len(white))
    table += struct.pack(">4sII", b"kTRC", 128 + 28 + len(white), len(curve) - 2)
    body = table + white + curve
    head = struct.pack(">I4xI4s4s4s", 128 + len(body), 0x02400000, b"mntr", b"GRAY", b"XYZ ")
    head += bytes(12) + b"acsp" + bytes(28) + struct.pack(">3i", 0xF6D6, 0x10000, 0xD32D)
    return head.ljust(128, b"\0") + body


def exif_of(**tags):
    exif = Image.Exif()
    exif[0x010E] = "a bird"
    exif.update(tags)
    return exif


def write_source(path, **more):
    exif = more.pop("exif", exif_of())
    options = {"lossless": True} if path.suffix == ".webp" else {"quality": 95}
    if path.suffix == ".tiff":  # where XMP is a tag
        exif[700] = XMP
    else:
        options["xmp"] = XMP
        if path.suffix == ".png":
            from PIL import PngImagePlugin

            options["pnginfo"] = PngImagePlugin.PngInfo()
            options["pnginfo"].add_itxt("XML:com.adobe.xmp", XMP.decode())
    Image.fromarray(PIXELS).save(path, icc_profile=SWAPPED, exif=exif, **options, **more)


def run(kmc, *args):
    done = kmc(*args)
    assert done.returncode == 0, done.stderr
    return done


def assert_holds_all(metadata):
    assert metadata.icc == SWAPPED
    assert metadata.xmp == XMP
    exif = Image.Exif()
    exif.load(metadata.exif)
    assert exif[0x010E] == "a bird"


def test_kept_from_each_format_to_kmc_and_to_each_format(kmc, tmp_path):
    for extension in FORMATS:
        write_source(tmp_path / f"{extension}.{extension}")
    run(kmc, "encode", *(f"{extension}.{extension}" for extension in FORMATS), "-o", "packed", "-q")
    for extension in FORMATS:
        assert_holds_all(kmcodec.read(tmp_path / "packed" / f"{extension}.kmc").metadata)
    for extension in ("png", "tiff"):
        run(kmc, "decode", "packed", "-t", extension, "-o", f"as_{extension}", "-q")
        for name in FORMATS:
            with Image.open(tmp_path / f"as_{extension}" / f"{name}.{extension}") as image:
                assert_holds_all(metadata_from_pillow(image))


def test_kept_by_pillow_alone(tmp_path):
    for extension in FORMATS:
        write_source(tmp_path / f"a.{extension}")
        with Image.open(tmp_path / f"a.{extension}") as image:
            image.save(tmp_path / "a.kmc")
        with Image.open(tmp_path / "a.kmc") as image:
            assert image.info["icc_profile"] == SWAPPED
            assert image.info["xmp"] == XMP
            assert image.getexif()[0x010E] == "a bird"


def test_strip_leaves_all_of_it_out_and_turns_upright_all_the_same(kmc, tmp_path):
    exif = exif_of()
    exif[0x0112] = 6
    write_source(tmp_path / "a.png", exif=exif)
    run(kmc, "encode", "a.png", "--strip", "-o", "stripped.kmc", "-q")
    stripped = kmcodec.read(tmp_path / "stripped.kmc")
    assert not stripped.metadata
    np.testing.assert_array_equal(stripped.to_array(), np.rot90(PIXELS, -1))
    kept = kmcodec.IndexedImage(stripped.palette, stripped.indices, kmcodec.Metadata(xmp=XMP))
    kmcodec.write(tmp_path / "kept.kmc", kept)
    run(kmc, "decode", "kept.kmc", "--strip", "-o", "b.png", "-q")
    with Image.open(tmp_path / "b.png") as image:
        assert not metadata_from_pillow(image)
    plain = kmcodec.encode(kept, metadata=kmcodec.Metadata())
    assert plain == (tmp_path / "stripped.kmc").read_bytes()


@pytest.mark.parametrize("options", [{}, {"k": 8, "rdo": 0.1}])
def test_strip_goes_with_a_palette_of_the_sources_own_and_with_a_goal(tmp_path, options):
    source, target = str(tmp_path / "a.png"), str(tmp_path / "a.kmc")
    Image.fromarray(PIXELS).quantize(20).save(source, exif=exif_of())
    encode_file(Job(source, target, True), coding="context", strip=True, **options)
    assert not kmcodec.read(target).metadata
    encode_file(Job(source, target, True), coding="context", **options)
    assert kmcodec.read(target).metadata.exif


def test_saving_by_pillow_neither_turns_nor_forgets_to_say_so(tmp_path):
    exif = exif_of()
    exif[0x0112] = 6
    write_source(tmp_path / "a.png", exif=exif)
    with Image.open(tmp_path / "a.png") as image:
        image.save(tmp_path / "a.kmc")
    with Image.open(tmp_path / "a.kmc") as image:
        assert image.getexif()[0x0112] == 6
        np.testing.assert_array_equal(np.asarray(image.convert("RGB")), PIXELS)


# What compare shows


def test_colours_are_brought_to_srgb():
    shown = pixels_in_srgb(PIXELS, SWAPPED).astype(int)
    assert np.abs(shown - PIXELS[..., ::-1]).max() <= 2
    image = kmcodec.quantize(Image.fromarray(PIXELS), 8)
    image = kmcodec.IndexedImage(image.palette, image.indices, kmcodec.Metadata(icc=SWAPPED))
    swapped = image.to_array()[..., ::-1].astype(int)
    assert np.abs(image_in_srgb(image).to_array() - swapped).max() <= 2


def test_alpha_stays_as_it_is():
    alpha = PIXELS[..., :1]
    shown = pixels_in_srgb(np.concatenate([PIXELS, alpha], axis=2), SWAPPED)
    np.testing.assert_array_equal(shown[..., 3:], alpha)
    assert np.abs(shown[..., :3].astype(int) - PIXELS[..., ::-1]).max() <= 2


@pytest.mark.parametrize("shape", [(2, 128), (2, 128, 1), (2, 64, 2)])
def test_grey_profiles(shape):
    grey = np.arange(256, dtype=np.uint8).reshape(shape)
    shown = pixels_in_srgb(grey, linear_grey_profile())
    assert shown.shape == shape
    values = (shown if len(shape) == 2 else shown[..., 0]).ravel()
    source = (grey if len(shape) == 2 else grey[..., 0]).ravel() / 255
    assert np.abs(values / 255 - (1.055 * source ** (1 / 2.4) - 0.055))[source > 0.1].max() < 0.01


def test_no_profile_and_srgb_itself_change_nothing():
    for icc in (None, b"", SRGB):
        assert pixels_in_srgb(PIXELS, icc) is PIXELS


def test_grey_under_a_profile_for_rgb_is_converted_too():
    shown = pixels_in_srgb(PIXELS[..., 0], SWAPPED)
    assert shown.shape == (*PIXELS.shape[:2], 3)


@pytest.mark.parametrize("icc", [b"x", SWAPPED[:200], bytes(200), linear_grey_profile()])
def test_a_profile_that_cannot_be_used_is_a_warning(icc):
    with pytest.warns(KmcWarning, match="cannot use the colour profile, assuming sRGB"):
        assert pixels_in_srgb(PIXELS, icc) is PIXELS


def test_compare_honours_profiles(kmc, tmp_path):
    pytest.importorskip("matplotlib")
    write_source(tmp_path / "a.png")
    # The same samples, but what they mean is not the same.
    kmcodec.write(tmp_path / "stripped.kmc", PIXELS)
    done = run(kmc, "compare", "a.png", "stripped.kmc", "-o", "fig.png")
    assert b"stripped.kmc: PSNR" in done.stderr
    with Image.open(tmp_path / "fig.png") as figure:
        colors = {color for _, color in figure.convert("RGB").getcolors(1 << 24)}
    for pixels in (PIXELS, pixels_in_srgb(PIXELS, SWAPPED)):
        assert set(map(tuple, pixels.reshape(-1, 3).tolist())) <= colors


def test_compare_tells_of_a_damaged_profile_and_goes_on(kmc, tmp_path):
    pytest.importorskip("matplotlib")
    stream = io.BytesIO()
    Image.fromarray(PIXELS).save(stream, "PNG", icc_profile=b"no profile\x1b[2J")
    (tmp_path / "a.png").write_bytes(stream.getvalue())
    image = kmcodec.quantize(PIXELS, 256)
    metadata = kmcodec.Metadata(icc=b"no profile either")
    kmcodec.write(tmp_path / "a.kmc", image, metadata=metadata)
    done = run(kmc, "compare", "a.png", "a.kmc", "-o", "fig.png")
    lines = done.stderr.decode().splitlines()
    assert [line.split(": ")[:3] for line in lines[:2]] == [
        ["kmc", "note", "a.png"],
        ["kmc", "note", "a.kmc"],
    ]
    assert "cannot use" in lines[0]
    assert lines[2].startswith("a.kmc: lossless")
