"""Chunks that Pillow skips are found in the file, wherever an opened image still has it."""

import io
import struct

import numpy as np
import pytest
from animation_files import apng
from PIL import Image
from png_files import chunk, gama, png

import kmcodec
from kmcodec.errors import KmcLossWarning
from kmcodec.formats.file_facts import facts_of
from kmcodec.formats.icc import gamma, grey_profile
from kmcodec.formats.pillow_images import metadata_from_pillow
from kmcodec.formats.png_chunks import header_chunks
from kmcodec.sources.images import read_source

P3, PQ = bytes([12, 13, 0, 1]), bytes([9, 16, 0, 1])
PIXELS = np.arange(24).reshape(2, 4, 3)


def colours(content):
    return png(PIXELS, 8, chunk(b"cICP", content))


def test_the_chunks_before_the_pixels_are_found():
    text = chunk(b"tEXt", b"Title\0" + bytes(1000))
    found = header_chunks(io.BytesIO(png(PIXELS, 8, text, gama(1.0), chunk(b"cICP", P3))))
    assert list(found) == ["IHDR", "tEXt", "gAMA", "cICP"]
    assert found["cICP"] == P3
    assert len(found["tEXt"]) == 32


@pytest.mark.parametrize("keep", [0, 7, 8, 12, 20, 33, 40, 45])
def test_a_file_that_is_cut_has_the_chunks_before(keep):
    data = png(PIXELS, 8, chunk(b"cICP", P3))
    assert set(header_chunks(io.BytesIO(data[:keep]))) <= {"IHDR", "cICP"}


def test_lengths_beyond_the_file_are_no_reason_to_read_on():
    data = colours(P3)[:33] + struct.pack(">I4s", 2**31 - 1, b"zzZz") + b"few bytes"
    assert list(header_chunks(io.BytesIO(data))) == ["IHDR", "zzZz"]


def test_there_is_a_bound_to_the_number_of_chunks():
    class Endless(io.BytesIO):
        reads = 0

        def read(self, size=-1):
            self.reads += 1
            assert self.reads < 1 << 18
            return b"\0\0\0\0abCd"[:size] if self.reads > 1 else b"\x89PNG\r\n\x1a\n"

    assert list(header_chunks(Endless())) == ["abCd"]


@pytest.mark.parametrize("loaded", [False, True])
@pytest.mark.parametrize("by", ["path", "stream"])
def test_an_opened_image_has_the_colours_of_its_file(by, loaded, tmp_path):
    path = tmp_path / "a.png"
    path.write_bytes(colours(P3))
    image = Image.open(io.BytesIO(path.read_bytes()) if by == "stream" else path)
    if loaded:
        image.load()
    wanted = read_source(path).metadata.icc
    assert wanted
    assert kmcodec.decode_indexed(kmcodec.encode(image)).metadata.icc == wanted


def test_reading_goes_on_where_it_was():
    frames = [(np.full((2, 4, 3), level, np.uint8), (0, 0), 0, 0) for level in (10, 20, 30)]
    data = apng(np.full((2, 4, 3), 200, np.uint8), frames, first=None)
    image = Image.open(io.BytesIO(data[:33] + chunk(b"cICP", P3) + data[33:]))
    for number in range(image.n_frames):
        image.seek(number)
        assert facts_of(image).chunks["cICP"] == P3
        level = 200 if number == 0 else 10 * number
        assert set(np.array(image.convert("L")).ravel()) == {level}


def test_a_hidden_picture_does_not_hide_the_colours(tmp_path):
    frame = (np.full((2, 4, 3), 10, np.uint8), (0, 0), 0, 0)
    data = apng(np.full((2, 4, 3), 200, np.uint8), [frame], first=None)
    path = tmp_path / "a.png"
    path.write_bytes(data[:33] + chunk(b"cICP", PQ) + data[33:])
    with pytest.warns(KmcLossWarning, match="PQ"):
        assert (read_source(path).pixels == 10).all()


def test_a_file_that_took_the_name_is_not_asked(tmp_path):
    path = tmp_path / "a.png"
    path.write_bytes(png(PIXELS, 8))
    image = Image.open(path)
    image.load()
    path.write_bytes(png(np.zeros((9, 9, 3), int), 8, chunk(b"cICP", PQ)))
    assert facts_of(image).chunks == {}
    path.unlink()
    assert metadata_from_pillow(image).icc is None


def test_a_copy_has_no_file():
    assert facts_of(Image.open(io.BytesIO(colours(PQ))).copy()).chunks == {}


def test_a_profile_that_was_put_there_holds():
    image = Image.open(io.BytesIO(colours(P3)))
    image.info["icc_profile"] = grey_profile(gamma(2), "x")
    assert metadata_from_pillow(image).icc == grey_profile(gamma(2), "x")


def test_a_text_does_not_pass_for_chunks():
    text = chunk(b"tEXt", b"kmcodec facts of the file\0cICP")
    image = Image.open(io.BytesIO(png(PIXELS, 8, text)))
    assert set(facts_of(image).chunks) == {"IHDR", "tEXt"}


def test_a_damaged_profile_is_named():
    image = Image.open(io.BytesIO(png(PIXELS, 8, chunk(b"iCCP", b"x\0\0no stream"))))
    with pytest.warns(KmcLossWarning, match=r"damaged colour profile \(iCCP\)"):
        assert metadata_from_pillow(image).icc is None
