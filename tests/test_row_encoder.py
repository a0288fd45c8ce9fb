"""Encoding of images larger than memory: the same bytes, little memory, clear errors."""

from __future__ import annotations

import io

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

import kmcodec


def encoded(rows, *args, **options):
    file = io.BytesIO()
    assert kmcodec.encode_rows(rows, *args, output=file, **options) == len(file.getvalue())
    return file.getvalue()


def blocks_of(pixels, cuts):
    """A callable that gives the pixels in blocks, cut at some rows."""
    return lambda: np.split(pixels, cuts)


@st.composite
def cases(draw):
    """Pixels of any channels and several dtypes, and options that go with them."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    height, width = draw(st.integers(1, 40)), draw(st.integers(1, 20))
    shape = (height, width, *draw(st.sampled_from([(), (1,), (2,), (3,), (4,)])))
    levels = draw(st.sampled_from([2, 9, 256]))
    pixels = rng.integers(0, levels, shape, dtype=np.uint8) * np.uint8(255 // (levels - 1))
    if len(shape) == 3 and shape[2] in (2, 4):
        pixels[..., -1] = rng.choice([0, 77, 255, 255], shape[:2])
    dtype = draw(st.sampled_from(["u1", "i4", "f4"]))
    if dtype == "f4":
        pixels = pixels / np.float32(255)
    options = {"k": draw(st.sampled_from([1, 2, 5, 16, 300, None]))}
    options["dither"] = draw(st.sampled_from(["none", "none", "floyd-steinberg", "blue-noise"]))
    options["space"] = draw(st.sampled_from(["srgb", "oklab"]))
    options["search"] = draw(st.sampled_from([0, 1, 3]))
    options["coding"] = draw(st.sampled_from(["packed", "deflate", "context"]))
    options["strip_rows"] = draw(st.sampled_from([None, 0, 1, 7, 16]))
    if options["k"] is None and draw(st.booleans()):
        channels = draw(st.integers(1, 4))
        options["palette"] = rng.integers(0, 256, (draw(st.integers(1, 9)), channels))
        if channels in (2, 4):
            options["palette"][0, -1] = 9
        elif len(shape) == 3 and shape[2] in (2, 4):
            pixels[..., -1] = 1 if dtype == "f4" else 255
    cuts = sorted(draw(st.sets(st.integers(1, height), max_size=4)))
    return pixels.astype(dtype), cuts, options


@given(cases())
def test_the_file_is_that_of_the_whole_image(case):
    pixels, cuts, options = case
    whole = kmcodec.encode(pixels, **options)
    height, width = pixels.shape[:2]
    assert encoded(blocks_of(pixels, cuts), width, height, **options) == whole
    assert encoded(pixels, **options) == whole
