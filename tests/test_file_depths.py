"""Depth, alpha and colours that files have and Pillow does not tell of."""

import io
import struct

import numpy as np
import pytest
from PIL import Image, features

import kmcodec
from kmcodec.errors import KmcLossWarning
from kmcodec.formats.boxes import header_boxes
from kmcodec.formats.file_facts import FileFacts, facts_of
from kmcodec.formats.icc import SRGB_CURVE, Primaries, gamma, rgb_profile
from kmcodec.formats.pillow_images import from_pillow, metadata_from_pillow
from kmcodec.sources.images import read_source

needs_avif = pytest.mark.skipif(not features.check("avif"), reason="Pillow without AVIF")
needs_jpeg_2000 = pytest.mark.skipif(not features.check("jpg_2000"), reason="without JPEG 2000")

PIXELS = np.arange(0, 240, 10, np.uint8).reshape(2, 4, 3)


def premultiplied(rng):
    alpha = rng.integers(0, 2**16, (9, 13, 1))
    alpha[0, :3, 0] = 0, 1, 2**16 - 1
    return np.dstack([rng.integers(0, 2**16, (9, 13, 3)) * alpha // 65535, alpha])


def opened_pixels(path):
    with Image.open(path) as image:
        return from_pillow(image)


@pytest.mark.parametrize("how", ["file", "opened"])
@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("compression", [None, "zlib"])
def test_16_bits_of_premultiplied_tiff_are_all_taken(compression, order, how, tmp_path, rng):
    tifffile = pytest.importorskip("tifffile")
    samples = premultiplied(rng)
    path = tmp_path / "a.tif"
    options = {"photometric": "rgb", "extrasamples": ["assocalpha"], "byteorder": order}
    tifffile.imwrite(path, samples.astype(np.uint16), compression=compression, **options)
    take = {"file": lambda: read_source(path).pixels, "opened": lambda: opened_pixels(path)}[how]
    with pytest.warns(KmcLossWarning, match="16-bit samples reduced"):
        found = take()
    alpha = samples[..., 3:] / 65535
    shown = np.divide(samples[..., :3] / 65535, alpha, np.zeros((9, 13, 3)), where=alpha > 0)
    wanted = np.floor(np.dstack([np.minimum(shown, 1), alpha]) * 255 + 0.5)
    assert np.abs(found - wanted).max() <= 1  # two roundings, 16 bits first
    assert (found != wanted).mean() < 0.02


@pytest.mark.parametrize(
    ("photometric", "channels", "alpha"),
    [
        ("minisblack", 2, "unassalpha"),
        ("minisblack", 2, "assocalpha"),
        ("minisblack", 2, "unspecified"),
        ("rgb", 4, "unassalpha"),
        ("rgb", 4, "assocalpha"),
        ("rgb", 4, "unspecified"),
    ],
)
def test_alpha_of_tiff_is_taken_as_it_is_meant(photometric, channels, alpha, tmp_path):
    tifffile = pytest.importorskip("tifffile")
    samples = np.zeros((1, 3, channels), np.uint8)
    samples[..., :-1], samples[0, :, -1] = [[[0], [50], [200]]], (0, 100, 255)
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, samples, photometric=photometric, extrasamples=[alpha])
    found = read_source(path).pixels.reshape(3, -1)
    color = [0, 127, 200] if alpha == "assocalpha" else [0, 50, 200]
    if alpha == "unspecified":
        assert found.tolist() == [[level] * (channels - 1) for level in color]
    else:
        pairs = zip(color, (0, 100, 255), strict=True)
        wanted = [[level] * (channels - 1) + [a] for level, a in pairs]
        assert found.tolist() == wanted


def as_ppm(most, dtype):
    samples = (np.arange(24) * most // 23).astype(dtype)
    return b"P6 # a comment 1 2 3\n4 2\n%d\n" % most + samples.tobytes()


def as_sgi(bits):
    stream = io.BytesIO()
    Image.fromarray(PIXELS).save(stream, "SGI", bpc=bits // 8)
    return stream.getvalue()


@pytest.mark.parametrize(
    ("data", "bits"),
    [
        (as_ppm(65_535, ">u2"), 16),
        (as_ppm(1023, ">u2"), 10),
        (as_ppm(255, "u1"), 8),
        (as_ppm(15, "u1"), 4),
        (as_sgi(8), 8),
        (as_sgi(16), 16),
    ],
    ids=["16", "10", "8", "4", "SGI", "SGI 16"],
)
def test_bits_that_are_cut_are_told(data, bits, tmp_path, recwarn):
    path = tmp_path / "a.img"
    path.write_bytes(data)
    source = read_source(path)
    lost = (f"{bits}-bit samples reduced to 8 bits",) * (bits > 8)
    assert source.losses == lost
    with Image.open(path) as image:
        from_pillow(image)
    assert [str(w.message) for w in recwarn] == [f"{path}: {each}" for each in lost] + list(lost)


@pytest.mark.parametrize("how", ["opened", "loaded", "saved"])
def test_a_loaded_image_of_16_bits_is_told_of(how, tmp_path):
    from png_files import png

    path = tmp_path / "a.png"
    path.write_bytes(png(np.arange(24).reshape(2, 4, 3) * 2000, 16))
    with Image.open(path) as image:
        if how == "loaded":
            image.load()
        take = image.save if how == "saved" else kmcodec.write
        given = [tmp_path / "a.kmc"] + [image] * (how != "saved")
        with pytest.warns(KmcLossWarning, match="16-bit samples reduced"):
            take(*given)


def box(kind, *content):
    body = b"".join(content)
    return struct.pack(">I", 8 + len(body)) + kind + body


def jpeg_2000(bits, *boxes):
    """A file of JPEG 2000 of which Pillow reads the header."""
    stream = io.BytesIO()
    Image.fromarray(PIXELS).save(stream, "JPEG2000", no_jp2=True)
    codestream = bytearray(stream.getvalue())
    if boxes:
        head = struct.pack(">IIHBBBB", 2, 4, 3, bits - 1, 7, 0, 0)
        start = box(b"jP  ", b"\r\n\x87\n") + box(b"ftyp", b"jp2 \0\0\0\0jp2 ")
        jp2h = box(b"jp2h", box(b"ihdr", head), *boxes)
        return start + jp2h + box(b"jp2c", bytes(codestream))
    return bytes(codestream)


@needs_jpeg_2000
@pytest.mark.parametrize("bits", [8, 12, 16])
def test_bits_of_jpeg_2000_are_told(bits, tmp_path, recwarn):
    srgb = box(b"colr", b"\1\0\0", struct.pack(">I", 16))
    path = tmp_path / "a.jp2"
    path.write_bytes(jpeg_2000(bits, srgb))
    assert read_source(path).losses == (f"{bits}-bit samples reduced to 8 bits",) * (bits > 8)


@needs_jpeg_2000
def test_bits_of_a_bare_codestream_are_found():
    data = bytearray(jpeg_2000(8))
    with Image.open(io.BytesIO(bytes(data))) as image:
        assert facts_of(image).bits == 8
    at = data.index(b"\xff\x51") + 2 + 38
    data[at : at + 9 : 3] = bytes([7, 15, 7])
    with Image.open(io.BytesIO(bytes(data))) as image:
        assert facts_of(image).bits == 16


@needs_jpeg_2000
def test_the_profile_of_jpeg_2000_is_kept(tmp_path):
    profile = rgb_profile(*LINEAR)
    path = tmp_path / "a.jp2"
    path.write_bytes(jpeg_2000(8, box(b"colr", b"\2\0\0", profile)))
    assert read_source(path).metadata.icc == profile


def avif(**options):
    stream = io.BytesIO()
    Image.fromarray(np.zeros((16, 16, 3), np.uint8)).save(stream, "AVIF", **options)
    return stream.getvalue()


def coded_as(primaries, curve):
    """An AVIF of such colours."""
    data = bytearray(avif())
    at = data.index(b"colrnclx") + 8
    data[at : at + 4] = struct.pack(">HH", primaries, curve)
    return bytes(data)


@needs_avif
@pytest.mark.parametrize(
    ("curve", "losses"),
    [
        (16, ("dropped colours by nclx (PQ)",)),
        (18, ("dropped colours by nclx (HLG)",)),
        (13, ()),
        (2, ()),
    ],
)
def test_colours_of_avif_are_kept_or_named(curve, losses, tmp_path, recwarn):
    path = tmp_path / "a.avif"
    path.write_bytes(coded_as(12, curve))
    source = read_source(path)
    assert source.losses == losses
    p3 = Primaries((0.3127, 0.329), (0.68, 0.32), (0.265, 0.69), (0.15, 0.06))
    assert source.metadata.icc == (None if losses else rgb_profile(p3, SRGB_CURVE, "from AVIF"))


@needs_avif
def test_unspecified_colours_of_avif_are_those_of_srgb(tmp_path):
    path = tmp_path / "a.avif"
    path.write_bytes(coded_as(2, 2))
    assert read_source(path).metadata.icc is None


@needs_avif
def test_a_profile_of_avif_holds(tmp_path):
    path = tmp_path / "a.avif"
    path.write_bytes(avif(icc_profile=rgb_profile(*LINEAR)))
    assert read_source(path).metadata.icc == rgb_profile(*LINEAR)


LINEAR = (Primaries((0.31, 0.33), (0.64, 0.33), (0.3, 0.6), (0.15, 0.06)), gamma(1), "x")


@needs_avif
def test_bits_of_avif_are_told(tmp_path):
    pyvips = pytest.importorskip("pyvips")
    made = pyvips.Image.new_from_memory(bytes(16 * 16 * 6), 16, 16, 3, "ushort")
    made.copy(interpretation="rgb16").write_to_file(str(tmp_path / "a.avif"), bitdepth=10)
    with pytest.warns(KmcLossWarning, match="10-bit samples reduced to 8 bits"):
        read_source(tmp_path / "a.avif")


def test_damaged_boxes_end_the_search():
    good = box(b"ispe", bytes(12))
    long = b"\0\0\0\1colr"
    for bad in (b"\0\0\0\x07colr", b"\0\0\xff\xffcolr", long + b"\0", long + b"\xff" * 8):
        assert header_boxes(io.BytesIO(good + bad)) == [("ispe", bytes(12))]
    deep = good
    for levels in range(3000):
        assert levels > 3 or header_boxes(io.BytesIO(deep)) == [("ispe", bytes(12))]
        deep = box(b"iprp", deep)
    assert header_boxes(io.BytesIO(deep)) == []


def test_what_pillow_has_made_has_no_facts():
    assert facts_of(Image.new("RGB", (2, 2))) == FileFacts()


@pytest.mark.parametrize("transparent", ["GIF", "PNG", "TGA", "TIFF", "WEBP"])
def test_transparency_comes_through(transparent, tmp_path):
    pixels = np.array([[[255, 0, 0, 255], [0, 0, 255, 0], [0, 255, 0, 255]]], np.uint8)
    path = tmp_path / "a.img"
    options = {"lossless": True, "exact": True} if transparent == "WEBP" else {}
    Image.fromarray(pixels).save(path, transparent, **options)
    shown = read_source(path).pixels
    assert shown[..., 3].tolist() == [[255, 0, 255]]
    seen = pixels[..., 3] > 0
    np.testing.assert_array_equal(shown[seen], pixels[seen])


@pytest.mark.parametrize("alpha", [[0, 0, 0], [0, 7, 255], [255, 255, 255]])
@pytest.mark.parametrize("declared", [0, 8])
def test_alpha_that_a_tga_does_not_declare_hides_nothing(declared, alpha, tmp_path):
    pixels = np.dstack([np.full((1, 3, 3), 9, np.uint8), np.array([alpha], np.uint8)])
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "TGA")
    data = bytearray(stream.getvalue())
    data[17] = data[17] & 0xF0 | declared
    path = tmp_path / "a.tga"
    path.write_bytes(bytes(data))
    opaque = declared == 0 and not any(alpha)
    wanted = [[255] * 3] if opaque else [alpha]
    assert read_source(path).pixels[..., 3].tolist() == wanted
    with Image.open(path) as image:
        assert from_pillow(image)[..., 3].tolist() == wanted
        assert np.array(image)[..., 3].tolist() == [alpha]  # as Pillow shows it


@pytest.mark.parametrize(
    ("raw", "palette", "wanted"),
    [
        ("RGB", [1, 2, 3, 4, 5, 6], [[1, 2, 3], [4, 5, 6]]),
        ("RGBA", [1, 2, 3, 4, 5, 6, 7, 8], [[1, 2, 3], [5, 6, 7]]),
        ("CMYK", [255, 0, 0, 0, 0, 0, 255, 51], [[0, 255, 255], [204, 204, 0]]),
    ],
)
@pytest.mark.filterwarnings("ignore:CMYK samples converted:kmcodec.errors.KmcLossWarning")
def test_palettes_with_alpha_beside_them_show_their_colours(raw, palette, wanted):
    picture = Image.frombytes("PA", (2, 1), bytes([0, 255, 1, 100]))
    picture.putpalette(palette, raw)
    assert picture.mode == "PA"
    found = from_pillow(picture)
    assert found.tolist() == [[[*wanted[0], 255], [*wanted[1], 100]]]
    assert metadata_from_pillow(picture).icc is None


def bitmap(header, space, *fields):
    """A bitmap of two pixels with a header of version 4 or 5."""
    start = 14 + header
    info = struct.pack("<IiiHHIIiiII16x", header, 2, 1, 1, 24, 0, 8, 0, 0, 0, 0)
    body = (info + space[::-1] + b"".join(fields)).ljust(header, b"\0")[:header]
    return b"BM" + struct.pack("<IHHI", start + 8, 0, 0, start) + body + bytes([9] * 6 + [0] * 2)


GIF = b"GIF89a\2\0\1\0\x80\0\x71" + bytes(6) + b",\0\0\0\0\2\0\1\0\0\2\2\x04\x0a\0;"
LIGHT = struct.pack("<III", 1 << 16, 1 << 16, 1 << 16)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (bitmap(108, bytes(4), bytes(36), LIGHT), "gamma"),
        (bitmap(124, b"LINK"), "linked colour profile"),
        (bitmap(124, b"sRGB", bytes([9] * 48)), None),
        (bitmap(108, bytes(4)), None),
        (GIF, "2:1"),
    ],
    ids=["calibrated", "linked", "sRGB", "unset", "GIF"],
)
def test_what_bitmaps_and_gif_say_is_named(data, words, tmp_path, recwarn):
    path = tmp_path / "a.img"
    path.write_bytes(data)
    losses = read_source(path).losses
    assert len(losses) == (words is not None)
    assert words is None or words in losses[0]


def test_the_profile_in_a_bitmap_is_kept(tmp_path):
    profile = rgb_profile(*LINEAR)
    data = bitmap(124, b"MBED", bytes(48), bytes(4), struct.pack("<II", 132, len(profile)))
    path = tmp_path / "a.bmp"
    path.write_bytes(data + profile)
    assert read_source(path).metadata.icc == profile
