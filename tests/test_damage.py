"""Damaged files: every prefix and every flipped bit ends in a documented error."""

from __future__ import annotations

import io
import json

import numpy as np
import pytest
from conftest import VECTORS
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, UnidentifiedImageError

import kmcodec
from kmcodec.coding import PROFILES
from kmcodec.model.label_images import labels_of
from kmcodec.model.palette_order import dark_to_bright

PILLOW_ERRORS = (OSError, UnidentifiedImageError)


def small_file(coding, channels, effort="auto", coded=False):
    rng = np.random.default_rng(channels)
    palette = rng.integers(0, 256, (5, channels), dtype=np.uint8)
    if coded:
        # Dark colours in their order are worth coding.
        palette = np.unique(rng.integers(0, 16, (16, channels), dtype=np.uint8), axis=0)
        palette = palette[dark_to_bright(palette)]
    metadata = kmcodec.Metadata(icc=b"icc" * 9, text={"Title": "small"})
    image = kmcodec.IndexedImage(palette, rng.integers(0, len(palette), (4, 5)), metadata)
    data = kmcodec.encode(image, coding=coding, effort=effort, strip_rows=3)
    assert kmcodec.inspect(data).header.palette_coded == coded
    return data


def small_files():
    """One of each coding method, profile and number of channels, with coded palettes too."""
    for n in (1, 2, 3, 4):
        for coding in ("packed", "deflate"):
            yield f"{coding}-{n}", small_file(coding, n)
        for effort in PROFILES:
            yield f"{effort}-{n}", small_file("context", n, effort)
            yield f"{effort}-{n}-coded", small_file("context", n, effort, coded=True)


def small_animation(coding, durations):
    rng = np.random.default_rng(7)
    palette = rng.integers(0, 256, (5, 3), dtype=np.uint8)
    frames = [kmcodec.IndexedImage(palette, rng.integers(0, 5, (4, 5))) for _ in range(2)]
    return kmcodec.encode_frames(frames, durations=durations, coding=coding, strip_rows=3)


def small_scenes(coding):
    """Two scenes, the second with a coded palette where the coding has that."""
    rng = np.random.default_rng(8)
    dark = np.unique(rng.integers(0, 16, (16, 3), dtype=np.uint8), axis=0)
    palettes = rng.integers(0, 256, (5, 3), dtype=np.uint8), dark[dark_to_bright(dark)]
    frames = [kmcodec.IndexedImage(p, rng.integers(0, len(p), (4, 5))) for p in palettes]
    data = kmcodec.encode_frames(frames, coding=coding, palettes="frame", strip_rows=3)
    assert kmcodec.inspect(data).scenes[1].palette_coded == (coding == "context")
    return data


FILES = dict(small_files())
FILES["frames-packed"] = small_animation("packed", 40)
FILES["frames-context"] = small_animation("context", [40, 50])
FILES["scenes-packed"] = small_scenes("packed")
FILES["scenes-context"] = small_scenes("context")
for name in ("labels-example", "labels-slices-width-2"):
    FILES[name] = (VECTORS / "good" / f"{name}.kmc").read_bytes()


@pytest.mark.parametrize("name", FILES)
def test_every_prefix_is_refused(name):
    data = FILES[name]
    for length in range(len(data)):
        with pytest.raises(kmcodec.KmcFormatError):
            kmcodec.decode(data[:length])


@pytest.mark.parametrize("name", FILES)
def test_every_flipped_bit_is_refused(name):
    data = FILES[name]
    for bit in range(8 * len(data)):
        damaged = bytearray(data)
        damaged[bit // 8] ^= 1 << bit % 8
        # Silent damage would be no error here. No flip leaves the right pixels, either.
        with pytest.raises((kmcodec.KmcFormatError, kmcodec.KmcLimitError)):
            kmcodec.decode(bytes(damaged))


@pytest.mark.parametrize("name", ["packed-3", "deflate-4"])
def test_pillow_ends_in_its_own_exceptions(name):
    data = FILES[name]
    damaged = [data[:length] for length in range(len(data))]
    for byte in range(len(data)):
        flipped = bytearray(data)
        flipped[byte] ^= 1 << byte % 8
        damaged.append(bytes(flipped))
    for bytes_ in damaged:
        with pytest.raises(PILLOW_ERRORS), Image.open(io.BytesIO(bytes_)) as image:
            image.load()


@given(
    name=st.sampled_from(sorted(FILES)),
    edits=st.lists(st.tuples(st.integers(0, 200), st.binary(max_size=6)), min_size=1, max_size=4),
)
def test_edited_files_decode_or_fail_as_documented(name, edits):
    data = bytearray(FILES[name])
    for offset, replacement in edits:
        data[offset : offset + len(replacement)] = replacement
    try:
        pixels = kmcodec.decode(bytes(data))
    except kmcodec.KmcError:
        return
    np.testing.assert_array_equal(pixels, kmcodec.decode(FILES[name]))


@given(st.binary(max_size=300))
def test_foreign_bytes_are_refused(data):
    with pytest.raises(kmcodec.KmcFormatError):
        kmcodec.decode(data)


def good_vectors():
    return sorted(path.stem for path in (VECTORS / "good").glob("*.kmc"))


def test_there_are_vectors():
    assert len(good_vectors()) > 30
    assert len(json.loads((VECTORS / "bad" / "reasons.json").read_text())) > 40


@pytest.mark.parametrize("name", good_vectors())
def test_good_vectors_are_read_as_expected(name):
    from hashlib import sha256

    expected = json.loads((VECTORS / "good" / f"{name}.json").read_text())
    data = (VECTORS / "good" / f"{name}.kmc").read_bytes()
    image = kmcodec.decode_indexed(data)
    animation = kmcodec.decode_frames(data)
    info = kmcodec.inspect(data)
    size = (image.width, image.height, image.channels)
    assert size == (expected["width"], expected["height"], expected["channels"])
    assert info.header.coding == expected["coding"]
    assert info.header.rows_per_strip == expected["rows_per_strip"]
    if "palette" in expected:
        assert image.palette.tobytes().hex() == expected["palette"].lower()
    else:
        assert sha256(image.palette.tobytes()).hexdigest() == expected["palette_sha256"]
    frames = expected.get("frames", {"count": 1, "durations": [0], "loop": 1})
    assert len(animation) == info.frames.count == frames["count"]
    assert list(animation.durations) == frames["durations"]
    assert animation.loop == frames["loop"]
    assert np.array_equal(image.indices, animation.indices[0])
    for scene in frames.get("scenes", []):
        number = sum(s["frames"] for s in frames["scenes"][: frames["scenes"].index(scene)])
        palette = animation.palette_of(number).tobytes()
        if "palette" in scene:
            assert palette.hex() == scene["palette"].lower()
        else:
            assert sha256(palette).hexdigest() == scene["palette_sha256"]
    rows = animation.indices.reshape(-1, image.width)
    if "indices" in expected:
        assert rows.tolist() == expected["indices"]
    else:
        as_u16 = rows.astype("<u2").tobytes()
        assert sha256(as_u16).hexdigest() == expected["indices_sha256"]
    metadata = expected["metadata"]
    for field in ("icc", "exif", "xmp"):
        found = getattr(image.metadata, field)
        assert (found and found.hex()) == (metadata[field] and metadata[field].lower())
    assert dict(image.metadata.text) == metadata["text"]
    assert_labels(image, metadata.get("labels"))
    tags = [[tag.number, tag.type, tag.data.hex()] for tag in image.metadata.tiff]
    assert tags == metadata.get("tiff", [])
    classes = image.metadata.classes
    assert (classes is not None) == ("classes" in metadata)
    if classes is not None:
        assert classes.nodata == metadata["classes"]["nodata"]
        names = {str(key): name for key, name in classes.names.items()}
        colors = {str(key): bytes(color).hex() for key, color in classes.colors.items()}
        assert (names, colors) == (metadata["classes"]["names"], metadata["classes"]["colors"])


def assert_labels(image, expected):
    told = image.metadata.labels
    assert (told is None) == (expected is None)
    if expected is None:
        return
    assert (told.dtype.str, list(told.shape)) == (expected["dtype"], expected["shape"])
    assert (told.planes, list(map(str, told.values))) == (expected["planes"], expected["values"])
    if expected["ids"] is None:
        with pytest.raises(kmcodec.KmcFormatError, match="section labl"):
            labels_of(image)
        return
    labels = labels_of(image)
    assert (labels.dtype, labels.shape) == (told.dtype, told.shape)
    ids = labels.reshape(-1) if labels.size else ()
    assert [str(int(each)) for each in ids] == expected["ids"]


@pytest.mark.parametrize("name", json.loads((VECTORS / "bad" / "reasons.json").read_text()))
def test_bad_vectors_are_refused(name):
    data = (VECTORS / "bad" / f"{name}.kmc").read_bytes()
    with pytest.raises(kmcodec.KmcFormatError):
        kmcodec.decode_frames(data)


@pytest.mark.parametrize("name", json.loads((VECTORS / "classes" / "reasons.json").read_text()))
def test_malformed_classes_are_refused(name):
    data = (VECTORS / "classes" / f"{name}.kmc").read_bytes()
    with pytest.raises(kmcodec.KmcFormatError, match=r"section (clas|tiff)"):
        kmcodec.inspect(data)


def test_large_vectors_are_refused_as_too_large():
    found = sorted((VECTORS / "large").glob("*.kmc"))
    assert found
    for path in found:
        with pytest.raises(kmcodec.KmcLimitError):
            kmcodec.decode(path.read_bytes())
        with pytest.raises(Image.DecompressionBombError):
            Image.open(path)
