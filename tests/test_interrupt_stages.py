"""Every stage of the work looks, on its way, at whether it is to go on."""

from __future__ import annotations

import functools
import importlib
import io
import zlib

import numpy as np
import pytest

import kmcodec
from kmcodec import coding
from kmcodec.batch.encoding import encode_files
from kmcodec.batch.planning import Job
from kmcodec.coding.colortree import tree_of
from kmcodec.coding.context import model, profiles
from kmcodec.coding.deflate import Deflate
from kmcodec.quantization import assign, diffusion, distinct, kernels
from kmcodec.quantization.histogram import histogram
from kmcodec.quantization.labels import Labels
from kmcodec.quantization.squares import squares_of

compiled = pytest.mark.skipif(not coding.COMPILED, reason="the kernels are not compiled")

PIXELS = np.random.default_rng(2).integers(0, 256, (40, 50, 3), dtype=np.uint8)
PALETTE = PIXELS[0, :16].copy()
INDICES = (PIXELS[..., 0] % 16).astype(np.uint8)
POINTS = PIXELS.reshape(-1, 3).astype(np.int64)
WEIGHTS = np.ones(len(POINTS), np.int64)
CODERS = [
    "kmcodec.coding.additive._strip",
    *(f"kmcodec.coding.context._{effort}" for effort in ("default", "max")),
    "kmcodec.coding.labels._map",
]


class Heard(BaseException):
    """What a stage ends in that has looked."""


def heard(monkeypatch, *modules):
    def look():
        raise Heard

    for name in modules:
        monkeypatch.setattr(importlib.import_module(name), "heed_stop", look)


def indexed():
    return kmcodec.IndexedImage(PALETTE, INDICES)


@functools.cache
def tree():
    return kernels.FilterTree(POINTS, WEIGHTS, 0)


KERNELS = {
    "building a tree": ("_filter", lambda: kernels.FilterTree(POINTS, WEIGHTS, 0)),
    "searching a tree": ("_filter", lambda: tree().moments(POINTS[:9])),
    "measuring cells": ("_split", lambda: kernels.Cells(POINTS, WEIGHTS).measure(0, 99)),
    "cutting cells": ("_split", lambda: kernels.Cells(POINTS, WEIGHTS).cut(0, 99, 0)),
    "counting colours": ("_histogram", lambda: histogram(PIXELS)),
    "counting squares": ("_squares", lambda: squares_of(PIXELS)),
    "rounding": ("_rounding", lambda: kmcodec.quantize(PIXELS, 8)),
    "dithering": ("_dither", lambda: kmcodec.quantize(PIXELS, 8, dither="floyd-steinberg")),
}


@compiled
@pytest.mark.parametrize("stage", KERNELS)
def test_kernels_look_at_whether_to_go_on(monkeypatch, stage):
    module, work = KERNELS[stage]
    tree()
    heard(monkeypatch, f"kmcodec.quantization.{module}")
    with pytest.raises(Heard):
        work()


OTHERS = {
    "deflating": ("coding.deflate", lambda: Deflate().encode(INDICES, PALETTE)),
    "inflating": (
        "coding.deflate",
        lambda: kmcodec.decode(kmcodec.encode(indexed(), coding="deflate")),
    ),
    "nearest centroids": (
        "quantization.assign",
        lambda: assign.BruteForce(POINTS, WEIGHTS, 0).labels(POINTS[:9]),
    ),
    "nearest entries": (
        "quantization.diffusion",
        lambda: diffusion.PythonEntries(PALETTE, PALETTE.astype(np.int64)).nearest(POINTS),
    ),
    "entries of rows": ("quantization.labels", lambda: Labels(PALETTE, "srgb").of(PIXELS)),
    "distinct keys": ("quantization.distinct", lambda: distinct.distinct_keys(POINTS[:, 0])),
    "coding in Python": (
        "coding.context.model",
        lambda: model.encode(
            tree_of(PALETTE).symbols[INDICES], tree_of(PALETTE), profiles.PROFILES["default"], None
        ),
    ),
}


@pytest.mark.parametrize("stage", OTHERS)
def test_what_is_not_compiled_looks_too(monkeypatch, stage):
    module, work = OTHERS[stage]
    monkeypatch.setattr(distinct, "_STEP", 500)
    heard(monkeypatch, f"kmcodec.{module}")
    with pytest.raises(Heard):
        work()


def by_batch(folder):
    np.save(folder / "in.npy", PIXELS)
    job = Job(str(folder / "in.npy"), str(folder / "out.kmc"), replace=False)
    for done in encode_files([job], k=8, coding="context"):
        done.result()


WHOLE = {
    "effort fast": lambda _: kmcodec.encode(PIXELS, 8, effort="fast"),
    "effort default": lambda _: kmcodec.encode(PIXELS, 8, effort="default"),
    "effort max": lambda _: kmcodec.encode(PIXELS, 8, effort="max"),
    "dithered": lambda _: kmcodec.encode(PIXELS, 8, dither="blue-noise"),
    "rdo": lambda _: kmcodec.encode(PIXELS, 8, rdo=1.0),
    "psnr": lambda _: kmcodec.encode(PIXELS, psnr=25.0),
    "max_bytes": lambda _: kmcodec.encode(PIXELS, max_bytes=900),
    "quality": lambda _: kmcodec.encode(PIXELS, quality=50),
    "rows": lambda _: kmcodec.encode_rows(PIXELS, k=8, output=io.BytesIO()),
    "frames": lambda _: kmcodec.encode_frames([PIXELS, PIXELS[::-1]], 8),
    "strips": lambda _: kmcodec.encode(PIXELS, 8, strip_rows=4),
    "batch": by_batch,
}


@compiled
@pytest.mark.parametrize("path", WHOLE)
def test_an_interrupt_in_the_coder_ends_every_path(monkeypatch, tmp_path, path):
    heard(monkeypatch, *CODERS)
    with pytest.raises(Heard):
        WHOLE[path](tmp_path)
    assert not list(tmp_path.glob("*.kmc*"))


@compiled
@pytest.mark.parametrize("effort", ["fastest", "fast", "default", "max"])
def test_an_interrupt_ends_decoding(monkeypatch, tmp_path, effort):
    path = tmp_path / "a.kmc"
    # Noise would be stored, not coded.
    kmcodec.write(path, kmcodec.IndexedImage(PALETTE, np.sort(INDICES)), effort=effort)
    heard(monkeypatch, *CODERS)
    for decode in (kmcodec.read, lambda path: kmcodec.decode_frames(path.read_bytes())):
        with pytest.raises(Heard):
            decode(path)
    with pytest.raises(Heard):
        list(kmcodec.decode_rows(path))


@compiled
def test_an_interrupt_ends_the_label_coder(monkeypatch):
    indices, coder = np.sort(INDICES), coding.METHODS[6]
    payload = coder.encode(indices, PALETTE)
    assert payload[:1] == b"\0", "stored, not coded"
    heard(monkeypatch, *CODERS)
    with pytest.raises(Heard):
        coder.encode(indices, PALETTE)
    with pytest.raises(Heard):
        coder.decode(payload, *indices.shape, PALETTE)


def test_distinct_keys_are_those_of_numpy_in_any_number_of_steps(monkeypatch):
    rng = np.random.default_rng(4)
    for high in (2, 60, 1 << 32):
        keys = rng.integers(0, high, 3000, dtype=np.uint32)
        for step in (1, 7, 500, 5000):
            monkeypatch.setattr(distinct, "_STEP", step)
            found, places = distinct.distinct_keys(keys)
            wanted = np.unique(keys, return_inverse=True)
            assert np.array_equal(found, wanted[0])
            assert np.array_equal(places, wanted[1])


def test_distinct_rows_and_the_first_of_values_are_those_of_numpy():
    rng = np.random.default_rng(5)
    points = rng.integers(0, 12, (2000, 3))
    found, places = distinct.distinct_rows(points, 14)
    wanted = np.unique(points, axis=0, return_inverse=True)
    assert np.array_equal(found, wanted[0])
    assert np.array_equal(places, wanted[1].ravel())
    values = -rng.integers(0, 9, 500).astype(np.float64)
    for count in (1, 2, 250, 499, 500, 600):
        order = np.argsort(values, kind="stable")[:count]
        assert np.array_equal(distinct.first_of(values, count), order)


def test_pieces_leave_no_trace_in_a_zlib_stream():
    rows = np.random.default_rng(6).integers(0, 16, (300, 1000), dtype=np.uint8)
    palette = np.arange(256, dtype=np.uint8)[:, np.newaxis]
    payload = Deflate().encode(rows, palette)
    assert payload == zlib.compress(rows.tobytes(), 9)
    assert np.array_equal(Deflate().decode(payload, 300, 1000, palette), rows)
    for damaged in (payload[:-1], payload + b"\0", payload + bytes(1 << 17)):
        with pytest.raises(kmcodec.KmcFormatError):
            Deflate().decode(damaged, 300, 1000, palette)
