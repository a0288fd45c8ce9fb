"""Files whose palette is the ramp do not store it."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

import kmcodec
from kmcodec import IndexedImage
from kmcodec.container.header import HEADER_SIZE
from kmcodec.model.palette_order import dark_to_bright
from kmcodec.model.ramp import channels_of_ramp, is_ramp, ramp
from kmcodec.reading.hexdump import hexdump

FLAG = 8


def ramp_image(count):
    return IndexedImage(ramp(count), np.arange(count).reshape(-1, 1))


@pytest.mark.parametrize("count", [1, 2, 3, 255, 256, 257, 512, 513, 4097, 32_769, 65_536])
def test_ramps_are_distinct_entries_in_order(count):
    palette = ramp(count)
    assert palette.shape == (count, channels_of_ramp(count))
    assert len(np.unique(palette, axis=0)) == count
    assert (dark_to_bright(palette) == np.arange(count)).all()
    assert is_ramp(palette)


@pytest.mark.parametrize("coding", ["packed", "deflate", "labels", "context"])
@pytest.mark.parametrize("count", [1, 2, 200, 257, 1000])
def test_a_ramp_takes_no_bytes_and_comes_back(coding, count):
    image = ramp_image(count)
    data = kmcodec.encode(image, coding=coding, effort="fast" if coding == "context" else "auto")
    assert data[11] == FLAG
    assert kmcodec.decode_indexed(data) == image
    found = kmcodec.inspect(data)
    assert found.palette_size == 0
    assert found.container_size == HEADER_SIZE + 8
    assert found.size == HEADER_SIZE + 8 + found.index_size


@pytest.mark.parametrize(
    "palette",
    [
        [0, 254],
        [255, 0],
        [1],
        [[0, 255], [255, 255]],
        [[0, 0, 0], [255, 255, 255]],
        ramp(300)[::-1],
        np.hstack([ramp(300), np.full((300, 1), 255, np.uint8)]),
    ],
    ids=["nearly", "reversed", "one", "alpha", "colours", "reversed-colours", "opaque"],
)
def test_other_palettes_are_stored(palette):
    image = IndexedImage(palette, [[0]])
    data = kmcodec.encode(image)
    assert not data[11] & FLAG
    assert kmcodec.decode_indexed(data) == image


def test_a_black_and_white_image_of_pillow_stores_no_palette():
    stream = io.BytesIO()
    Image.fromarray(np.eye(9, dtype=bool)).save(stream, "KMC")
    assert stream.getvalue()[11] == FLAG
    assert np.array_equal(np.asarray(Image.open(stream)), 255 * np.eye(9))


def test_frames_store_their_palette():
    frames = np.stack([np.eye(4, dtype=np.uint8) * 255, 255 - np.eye(4, dtype=np.uint8) * 255])
    data = kmcodec.encode_frames(frames)
    assert not data[11] & FLAG
    np.testing.assert_array_equal(kmcodec.decode_frames(data).to_array(), frames)


def test_rows_strips_and_salvage_know_the_ramp(tmp_path):
    image = IndexedImage(ramp(300), np.arange(300).reshape(30, 10))
    data = kmcodec.encode(image, coding="deflate", strip_rows=4)
    assert data[11] == FLAG
    (tmp_path / "a.kmc").write_bytes(data)
    part = kmcodec.read(tmp_path / "a.kmc", rows=(3, 9))
    np.testing.assert_array_equal(part.to_array(), image.to_array()[3:9])
    with pytest.warns(kmcodec.KmcWarning, match="strip 7"):
        salvaged = kmcodec.decode(data[:-1], salvage=True)
    np.testing.assert_array_equal(salvaged[:28], image.to_array()[:28])


def test_info_and_the_dump_tell_of_it(tmp_path, kmc):
    path = tmp_path / "a.kmc"
    path.write_bytes(kmcodec.encode(ramp_image(3), coding="packed"))
    said = kmc("info", "a.kmc").stdout
    assert b"palette    3 entries, not stored: the ramp" in said
    lines = list(hexdump(path.read_bytes()))
    assert any("flags 8: the palette is the ramp, not stored" in line for line in lines)
    assert not any("!!" in line or "entry 0" in line for line in lines)
    assert kmcodec.inspect(path.read_bytes()).to_dict()["palette_implied"] is True
