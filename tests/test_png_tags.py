"""What PNG says of its colours: kept as an ICC profile, checked with LittleCMS, or named."""

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image
from png_files import chrm, chunk, gama, png

import kmcodec
from kmcodec.errors import KmcWarning
from kmcodec.formats.color_profiles import pixels_in_srgb
from kmcodec.formats.icc import SRGB, SRGB_CURVE, Primaries, gamma, grey_profile, rgb_profile
from kmcodec.sources.images import read_source

P3_CHRM = (0.3127, 0.329, 0.68, 0.32, 0.265, 0.69, 0.15, 0.06)
SRGB_CHRM = (0.3127, 0.329, 0.64, 0.33, 0.3, 0.6, 0.15, 0.06)
# XYZ of D65 to linear sRGB (IEC 61966-2-1), and linear Display P3 to XYZ of D65.
TO_SRGB = np.array(
    [[3.2406, -1.5372, -0.4986], [-0.9689, 1.8758, 0.0415], [0.0557, -0.2040, 1.0570]]
)
FROM_P3 = np.array([[0.4866, 0.2657, 0.1982], [0.2290, 0.6917, 0.0793], [0.0000, 0.0451, 1.0439]])


def cicp(*numbers):
    return chunk(b"cICP", bytes(numbers))


def iccp(profile):
    return chunk(b"iCCP", b"x\0\0" + zlib.compress(profile))


@pytest.fixture
def read(tmp_path):
    def read(samples, *chunks):
        path = tmp_path / "a.png"
        path.write_bytes(png(samples, 8, *chunks))
        return read_source(path)

    return read


@pytest.fixture
def colours(rng):
    return rng.integers(0, 256, (8, 16, 3))


def of_light(light):
    """Samples of sRGB."""
    light = np.clip(light, 0, 1)
    return 255 * np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)


def light_of(samples):
    v = samples / 255
    return np.where(v <= 0.04045, v / 12.92, ((v + 0.055) / 1.055) ** 2.4)


def assert_shown(source, expected):
    shown = pixels_in_srgb(source.pixels, source.metadata.icc)
    assert np.abs(shown - expected).max() <= 2


def test_gamma_becomes_a_profile(read, colours):
    assert_shown(read(colours, gama(1.0)), of_light(colours / 255))
    assert_shown(read(colours, gama(1 / 1.8)), of_light((colours / 255) ** 1.8))


def test_gamma_with_primaries_is_meant_as_it_is(read, colours):
    assert_shown(read(colours, gama(0.45455), chrm(*SRGB_CHRM)), of_light((colours / 255) ** 2.2))


def test_gamma_of_grey_becomes_a_profile_for_grey(read, colours):
    grey = colours[..., 0]
    source = read(grey, gama(1.0))
    assert source.metadata.icc[16:20] == b"GRAY"
    assert_shown(source, of_light(grey / 255))


def p3_light(samples):
    return samples @ FROM_P3.T @ TO_SRGB.T


@pytest.mark.parametrize("dull", [0.4, 0.6])
def test_primaries_become_a_profile(read, colours, dull):
    mild = (128 + (colours - 128) * dull * 0.5).astype(int)  # all of them in sRGB
    expected = of_light(p3_light((mild / 255) ** 2.2))
    assert_shown(read(mild, gama(1 / 2.2), chrm(*P3_CHRM)), expected)
    assert_shown(read(mild, cicp(12, 13, 0, 1)), of_light(p3_light(light_of(mild))))


def test_colours_of_srgb_need_no_profile(read, colours):
    for chunks in (
        [],
        [gama(0.45455)],
        [chunk(b"sRGB", b"\0")],
        [cicp(1, 13, 0, 1)],
        [chrm(*SRGB_CHRM)],
    ):
        assert read(colours, *chunks).metadata.icc is None


def test_the_chunk_that_rules_is_taken(read, colours):
    own, p3, srgb = iccp(grey_profile(gamma(3), "x")), cicp(12, 13, 0, 1), chunk(b"sRGB", b"\0")
    plain = [gama(1.0), chrm(*P3_CHRM)]
    by_cicp = read(colours, p3).metadata.icc
    assert read(colours, p3, own, srgb, *plain).metadata.icc == by_cicp
    assert read(colours, own, srgb, *plain).metadata.icc == grey_profile(gamma(3), "x")
    assert read(colours, srgb, *plain).metadata.icc is None
    assert read(colours, cicp(1, 13, 0, 1), own).metadata.icc is None


@pytest.mark.parametrize(
    ("chunks", "words"),
    [
        ([cicp(9, 16, 0, 1)], "cICP (PQ)"),
        ([cicp(9, 18, 0, 1)], "cICP (HLG)"),
        ([cicp(9, 1, 0, 0)], "cICP"),
        ([gama(0)], "gAMA"),
        ([gama(1.0), chrm(0.3, 0.3, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1)], "cHRM"),
        ([chrm(*P3_CHRM)], "cHRM"),
        ([chunk(b"sBIT", b"\5\6\5")], "significant bits (sBIT)"),
        ([chunk(b"bKGD", bytes(6))], "background (bKGD)"),
        ([chunk(b"oFFs", struct.pack(">iiB", 3, 0, 0))], "offset (oFFs)"),
        ([chunk(b"pHYs", struct.pack(">IIB", 2, 1, 0))], "pixel aspect ratio (2:1)"),
        ([chunk(b"cLLI", bytes(8)), chunk(b"mDCV", bytes(24))], "mastering display (mDCV), light"),
    ],
)
def test_what_cannot_be_kept_is_named_in_one_note(read, colours, chunks, words):
    with pytest.warns(KmcWarning) as notes:
        read(colours, *chunks)
    (note,) = notes
    assert "dropped " in str(note.message)
    assert words in str(note.message)


def test_what_says_nothing_is_not_named(read, colours):
    square = chunk(b"pHYs", struct.pack(">IIB", 1, 1, 0))
    read(colours, chunk(b"sBIT", b"\x08\x08\x08"), square, chunk(b"oFFs", bytes(9)))


def test_pillow_keeps_colours_too(colours):
    image = Image.open(io.BytesIO(png(colours, 8, cicp(12, 13, 0, 1))))
    image.load()
    stream = io.BytesIO()
    image.save(stream, "KMC")
    icc = kmcodec.decode_frames(stream.getvalue()).metadata.icc
    assert icc == rgb_profile(
        Primaries((0.3127, 0.329), (0.68, 0.32), (0.265, 0.69), (0.15, 0.06)),
        SRGB_CURVE,
        "from PNG",
    )


def test_the_command_line_writes_the_colours_back(kmc, tmp_path, colours):
    (tmp_path / "a.png").write_bytes(png(colours, 8, gama(1.0)))
    kmc("encode", "a.png", "-o", "a.kmc")
    kmc("decode", "a.kmc", "-o", "b.png")
    back = read_source(tmp_path / "b.png")
    assert back.metadata.icc == read_source(tmp_path / "a.png").metadata.icc


def test_profiles_are_those_of_littlecms():
    from PIL import ImageCms

    profile = ImageCms.ImageCmsProfile(io.BytesIO(rgb_profile(SRGB, SRGB_CURVE, "x"))).profile
    other = ImageCms.createProfile("sRGB")
    for name in ("red_colorant", "green_colorant", "blue_colorant"):
        np.testing.assert_allclose(getattr(profile, name)[0], getattr(other, name)[0], atol=5e-4)
    assert profile.profile_description == "x"


@pytest.mark.parametrize(
    "primaries",
    [
        Primaries((0.3, 0.0), (0.64, 0.33), (0.3, 0.6), (0.15, 0.06)),
        Primaries((0.3, 0.3), (0.2, 0.2), (0.3, 0.3), (0.4, 0.4)),
        Primaries((0.3, 1e-9), (0.64, 0.33), (0.3, 0.6), (0.15, 0.06)),
    ],
)
def test_impossible_primaries_are_refused(primaries):
    with pytest.raises(ValueError, match=r"light|line|hold"):
        rgb_profile(primaries, SRGB_CURVE, "x")
