"""Options of `Image.save`, and files that Pillow is given in parts."""

import io

import numpy as np
import pytest
from animation_files import apng
from PIL import Image, ImageFile

import kmcodec
from kmcodec.errors import KmcInputError
from kmcodec.formats.resolution import exif_resolution
from kmcodec.sources.images import read_source


@pytest.mark.parametrize(
    ("name", "near"), [("k", "colors"), ("color", "colors"), ("efort", "effort"), ("dpy", "dpi")]
)
@pytest.mark.parametrize("save_all", [False, True])
def test_misspelt_options_are_an_error(name, near, save_all, tmp_path):
    path = tmp_path / "a.kmc"
    with pytest.raises(KmcInputError, match=f"{name!r}.*{near!r}"):
        Image.new("RGB", (2, 2)).save(path, save_all=save_all, **{name: 16})
    assert not path.exists()


def test_options_of_other_formats_are_taken():
    stream = io.BytesIO()
    options = {"quality": 80, "optimize": True, "icc_profile": None, "exif": b"", "dpi": (72, 72)}
    Image.new("RGB", (2, 2)).save(stream, "KMC", **options)
    assert exif_resolution(kmcodec.decode_frames(stream.getvalue()).metadata.exif) == (72, 72)


def parsed(data, step):
    parser = ImageFile.Parser()
    for at in range(0, len(data), step):
        parser.feed(data[at : at + step])
    return parser.close()


@pytest.mark.parametrize("step", [1, 7, 100_000])
@pytest.mark.parametrize("frames", [1, 3])
def test_a_parser_is_given_parts(step, frames, rng):
    pixels = rng.integers(0, 256, (frames, 6, 7, 3), np.uint8)
    data = kmcodec.encode_frames(list(pixels), 256)
    np.testing.assert_array_equal(np.array(parsed(data, step).convert("RGB")), pixels[0])
    with pytest.raises(OSError, match=r"."):
        parsed(data[:-20], step)


@pytest.mark.parametrize("more", [0, 1])
def test_a_hidden_picture_is_not_taken(more, tmp_path, recwarn):
    hidden, frame = np.full((2, 3, 3), 9, np.uint8), np.full((2, 3, 3), 200, np.uint8)
    path = tmp_path / "a.png"
    path.write_bytes(apng(hidden, [(frame, (0, 0), 0, 0)] * (1 + more), first=None))
    np.testing.assert_array_equal(read_source(path).pixels, frame)
    assert [str(w.message).split(": ")[1] for w in recwarn] == ["2 frames, used the first"] * more
