"""The compiled kernels: each gives what its twin in NumPy or Python gives, bit for bit."""

from __future__ import annotations

import importlib
import os
import random
import runpy
import shutil
import subprocess
import sys

import numpy as np
import pytest
from conftest import ROOT, SAMPLES
from hypothesis import given
from hypothesis import strategies as st
from kernel_twins import NAMES, needs_kernels, running

import kmcodec
from kmcodec import coding
from kmcodec.quantization import assign, histogram, kernels, rounding
from kmcodec.quantization.assign import BruteForce, Parallel
from kmcodec.quantization.initialize import INITS
from kmcodec.quantization.samples import Samples
from kmcodec.quantization.split import PythonCells

BUILD = runpy.run_path(str(ROOT / "tools" / "kernels.py"))
REBUILD = "run python tools/rebuild.py"
REQUIRED = os.environ.get("KMC_REQUIRE_COMPILED") == "1"
GRID = (1 << 24) - 1


def few_values(rng, bits, shape):
    """Coordinates of so many bits from a few values, the ends among them: many ties."""
    top = (1 << bits) - 1
    middle = int(rng.integers(0, top))
    values = np.clip([0, 1, 2, middle, middle + 1, top - 1, top], 0, top)
    return rng.choice(values[-int(rng.integers(1, len(values) + 1)) :], shape)


def weights_of(rng, n):
    """Positive, at most 2**31."""
    return rng.integers(1, int(rng.choice([1, 4, 1 << 31])), n, endpoint=True)


# What hypothesis varies; the numbers come from the seed.
counts = st.integers(1, 120) | st.sampled_from([1, 2, 16, 17])
dimensions = st.integers(1, 4)
seeds = st.integers(0, 2**32 - 1)
parts_or_threads = st.integers(1, 20)


def same(found, expected):
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_array_equal(one, other, strict=True)


def test_kernels_are_there_where_they_are_required():
    """KMC_REQUIRE_COMPILED=1 is set where an install without them is a failure."""
    assert kernels.COMPILED or not REQUIRED
    assert coding.COMPILED is kernels.COMPILED
    assert kernels.COMPILED is all(getattr(kernels, name) is not None for name in NAMES)


@pytest.mark.parametrize("path", BUILD["KERNELS"])
def test_no_build_is_stale(path):
    name = path.removesuffix(".pyx").replace("/", ".")
    try:
        module = importlib.import_module(name)
    except ImportError:
        assert not REQUIRED
        pytest.skip(f"{name} is not compiled")
    expected = BUILD["source_crc"](path)
    assert expected == module.SOURCE_CRC, f"{name} is older than its sources: {REBUILD}"


def test_a_kernel_is_stale_once_a_number_of_its_profile_changes(tmp_path):
    """Though no file of the kernel has changed yet: what is generated of the numbers counts."""
    for folder in ("tools", "kmcodec/coding"):
        shutil.copytree(ROOT / folder, tmp_path / folder)
    profiles = tmp_path / "kmcodec/coding/context/profiles.py"
    old = profiles.read_text("utf-8")
    new = old.replace("False, 2, 0, 32, 14", "False, 2, 0, 33, 14")
    profiles.write_text(new, "utf-8")
    assert new != old
    changed = runpy.run_path(str(tmp_path / "tools" / "kernels.py"))["source_crc"]
    kernels_of_profiles = [path for path in BUILD["KERNELS"] if "coding" in path]
    stale = [path for path in kernels_of_profiles if changed(path) != BUILD["source_crc"](path)]
    assert stale == ["kmcodec/coding/context/_default.pyx"]


# --- the search -------------------------------------------------------------------------------


@needs_kernels
@given(counts, st.integers(1, 40), dimensions, st.integers(1, 15), parts_or_threads, seeds)
def test_the_filter_tree_finds_what_brute_force_finds(n, k, dims, bits, parts, seed):
    rng = np.random.default_rng(seed)
    shift = int(rng.choice([0, 24 - bits]))
    points = few_values(rng, bits, (n, dims))
    weights = weights_of(rng, n)
    # Where the points are, beside them, and anywhere on the grid; some of them repeated.
    near = (few_values(rng, bits, (k, dims)) << shift) + rng.integers(-1, 2, (k, dims))
    anywhere = few_values(rng, 24, (k, dims))
    centroids = np.clip(np.where(rng.random((k, 1)) < rng.random(), near, anywhere), 0, GRID)
    centroids = centroids[rng.integers(0, k, k)]
    twin = BruteForce(points, weights, shift)
    expected = twin.moments(centroids)

    tree = kernels.FilterTree(points, weights, shift)
    found = [tree.moments(centroids, part, parts) for part in range(parts)]
    same([sum(each) for each in zip(*found, strict=True)], expected)
    labels = np.full(n, -1, np.int32)
    for part in reversed(range(parts)):
        tree.label(centroids, labels, part, parts)
    np.testing.assert_array_equal(labels, twin.labels(centroids))

    with running(threads=parts):
        search = Parallel(points, weights, shift)
        same(search.moments(centroids), expected)
        np.testing.assert_array_equal(search.labels(centroids), labels, strict=True)


@needs_kernels
@pytest.mark.parametrize("threads", [1, 2, 5])
def test_many_points_and_centroids(rng, threads):
    points = rng.integers(0, 256, (4000, 4))
    weights = weights_of(rng, 4000) % 1000 + 1
    centroids = rng.integers(0, GRID, (500, 4), endpoint=True)
    twin = BruteForce(points, weights, 16)
    with running(threads=threads):
        search = Parallel(points, weights, 16)
        same(search.moments(centroids), twin.moments(centroids))
        np.testing.assert_array_equal(search.labels(centroids), twin.labels(centroids))


# The tree cannot be deeper: each halving of a range cuts off only its greatest value. None of the
# centroids, all equally far from the origin, is dropped on the way down.
DEEPEST = """
import numpy as np
from kmcodec.quantization.assign import BruteForce
from kmcodec.quantization.kernels import FilterTree
points = np.array([np.eye(4, dtype=int)[d] * ((2 << i) - 1) for i in range(15) for d in range(4)])
points = np.concatenate([points, np.zeros((20, 4), int)])
centroids = np.array([np.roll([1, 2, 3, 4000], i) for i in range(4)])
tree, labels = FilterTree(points, np.ones(80, int), 0), np.empty(80, np.int32)
tree.label(centroids, labels)
assert (labels == BruteForce(points, np.ones(80, int), 0).labels(centroids)).all()
"""


@needs_kernels
def test_the_deepest_tree_has_room():
    subprocess.run([sys.executable, "-c", DEEPEST], check=True)


@needs_kernels
@pytest.mark.parametrize(
    ("points", "shift"), [([[-1]], 0), ([[1 << 15]], 0), ([[256]], 16), ([[1]], 24), ([[0]], -1)]
)
def test_points_beyond_the_grid_are_refused(points, shift):
    with pytest.raises(ValueError, match=r"bits|negative"):
        kernels.FilterTree(np.array(points), np.ones(1, np.int64), shift)


# --- the histogram ----------------------------------------------------------------------------


def assert_counts_agree(pixels, pieces):
    """A counter fed in so many pieces, and the twin: the same up to the order of numbers."""
    counter = kernels.ColorCounter(pixels.shape[1])
    numbers = np.empty(len(pixels), np.uint32)
    for own in np.array_split(np.arange(len(pixels)), pieces):
        counter.add(pixels[own], part := np.empty(len(own), np.uint32))
        numbers[own] = part
    keys, found = counter.result()
    expected_keys, expected, expected_numbers = histogram._by_sorting(pixels)
    order = np.argsort(keys)
    same((keys[order], found[order]), (expected_keys, expected))
    np.testing.assert_array_equal(keys[numbers], expected_keys[expected_numbers])
    # Numbered as they appear.
    assert (np.diff(np.unique(numbers, return_index=True)[1]) > 0).all()


@needs_kernels
@given(counts, dimensions, parts_or_threads, seeds)
def test_the_counter_counts_what_sorting_counts(n, channels, pieces, seed):
    pixels = few_values(np.random.default_rng(seed), 8, (n, channels)).astype(np.uint8)
    assert_counts_agree(pixels, pieces)


@needs_kernels
@pytest.mark.parametrize("channels", [2, 3, 4])
def test_the_table_grows(rng, channels):
    assert_counts_agree(rng.integers(0, 256, (70_000, channels), dtype=np.uint8), 3)


@needs_kernels
@pytest.mark.parametrize("threads", [1, 2, 5])
@pytest.mark.parametrize("shape", [(1, 3), (30, 41), (30, 41, 3)])
def test_an_image_is_indexed_alike(rng, threads, shape):
    pixels = few_values(rng, 8, shape).astype(np.uint8)
    with running(threads=threads):
        found, places = histogram.index_colors(pixels)
    with running(twins=True):
        expected, twin_places = histogram.index_colors(pixels)
    same((found.colors, found.counts), (expected.colors, expected.counts))
    ranks = np.arange(len(found.counts))
    np.testing.assert_array_equal(places.replace(ranks), twin_places.replace(ranks))


# --- cells ------------------------------------------------------------------------------------


def assert_cells_agree(points, weights):
    """Cut the cells, front ones first, until none can be."""
    cells, twin = kernels.Cells(points, weights), PythonCells(points, weights)
    waiting = [(0, len(points))]
    while waiting:
        low, high = waiting.pop()
        found, expected = cells.measure(low, high), twin.measure(low, high)
        same(found, expected)
        if found[2] > 0:
            middle = cells.cut(low, high, found[3])
            assert low < middle < high
            assert middle == twin.cut(low, high, found[3])
            waiting += [(middle, high), (low, middle)]


@needs_kernels
@pytest.mark.parametrize("most_pixels", [1 << 32, 1 << 38])
@given(n=counts, dims=dimensions, bits=st.integers(1, 14), seed=seeds)
def test_cells_are_cut_alike(most_pixels, n, dims, bits, seed):
    rng = np.random.default_rng(seed)
    points = few_values(rng, bits, (n, dims))
    if rng.random() < 0.5:
        points = rng.integers(0, 1 << bits, (n, dims))
    # Sums of products are below 2**62.
    most = min(most_pixels, 1 << (62 - 2 * bits)) // n
    assert_cells_agree(points, np.minimum(weights_of(rng, n), most))


@needs_kernels
@pytest.mark.parametrize("init", sorted(INITS))
@given(n=counts, dims=dimensions, share=st.floats(0, 1), seed=seeds)
def test_starts_are_alike(init, n, dims, share, seed):
    rng = np.random.default_rng(seed)
    points = np.unique(few_values(rng, 8, (n, dims)), axis=0)
    weights = weights_of(rng, len(points)) % 1000 + 1
    k = max(1, round(share * len(points)))
    found = []
    for twins in (False, True):
        with running(twins=twins):
            found.append(INITS[init](Samples(points, weights, 8), k, random.Random(seed)))
    np.testing.assert_array_equal(*found, strict=True)


# --- rounding ---------------------------------------------------------------------------------


@needs_kernels
@given(counts, st.integers(1, 30), dimensions, st.booleans(), seeds)
def test_step_gains_are_alike(n, k, dims, any_neighbors, seed):
    rng = np.random.default_rng(seed)
    points, entries = few_values(rng, 8, (n, dims)), few_values(rng, 8, (k, dims))
    labels = assign.nearest_centroids(points, entries)
    neighbors = rounding._neighbors(entries)
    if any_neighbors:
        labels = rng.integers(0, k, n, dtype=np.int32)
        neighbors = rng.integers(0, k, (k, int(rng.integers(0, 5))), dtype=np.int32)
    given_ = points, weights_of(rng, n), labels, entries, neighbors
    found = kernels.step_gains(*given_)
    np.testing.assert_array_equal(found, rounding.step_gains(*given_), strict=True)


# --- what does not fit ------------------------------------------------------------------------

# In a process of its own: were one not refused, memory might be damaged.
REFUSED = """
import sys
import numpy as np
from kmcodec.quantization.kernels import Cells, ColorCounter, FilterTree, add_squares, step_gains
def i8(*shape): return np.ones(shape, np.int64)
def i4(*shape): return np.zeros(shape, np.int32)
def u4(*shape): return np.zeros(shape, np.uint32)
def u1(*shape): return np.zeros(shape, np.uint8)
def u2(*shape): return np.zeros(shape, np.uint16)
for call in sys.argv[1:]:
    try:
        eval(call)
    except ValueError:
        print(call, flush=True)
"""

TREE, COUNTER, CELLS = "FilterTree(i8(3, 2), i8(3), 0)", "ColorCounter(2)", "Cells(i8(3, 2), i8(3))"
TABLE, SUMS = "u2(1 << 18)", "i8(1 << 14, 5)"
WRONG = {
    "tree": [f"FilterTree({shapes}, 0)" for shapes in (
        "i8(3, 2), i8(2)", "i8(3, 2), i8(4)", "i8(3, 2), i8(3, 1)", "i8(3), i8(3)",
        "i8(3, 5), i8(3)", "i8(3, 0), i8(3)", "i8(0, 3), i8(0)",
    )],
    "centroids": [f"{TREE}.moments({centroids})" for centroids in (
        "i8(2, 3)", "i8(2, 1)", "i8(0, 2)", "i8(2)", "i8(2, 2, 2)", "i8(2, 2), 0, 0",
    )],
    "labels": [f"{TREE}.label(i8(1, 2), {labels})" for labels in (
        "i4(2)", "i4(4)", "i8(3)", "i4(3, 1)", "i4(6)[::2]",
    )],
    "counter": ["ColorCounter(0)", "ColorCounter(5)", *(f"{COUNTER}.add({shapes})" for shapes in (
        "u1(3, 3), u4(3)", "u1(3, 2), u4(2)", "u1(3, 2), u4(4)", "u1(6), u4(6)",
        "u1(3, 2), i4(3)", "i8(3, 2), u4(3)", "u1(3, 4)[:, ::2], u4(3)",
    ))],
    "cells": [f"Cells({shapes})" for shapes in (
        "i8(3, 2), i8(2)", "i8(3, 2), i8(4)", "i8(3), i8(3)", "i8(3, 5), i8(3)", "i8(3, 0), i8(3)",
    )],
    "measure": [f"{CELLS}.measure({cell})" for cell in ("0, 4", "-1, 2", "1, 1", "3, 4")],
    "cut": [f"{CELLS}.cut({cell}, -(2**62))" for cell in ("0, 4", "-1, 2", "2, 1", "3, 4")],
    "gains": [f"step_gains({shapes})" for shapes in (
        "i8(3, 2), i8(2), i4(3), i8(2, 2), i4(2, 1)", "i8(3, 2), i8(3), i4(2), i8(2, 2), i4(2, 1)",
        "i8(3, 2), i8(3), i4(3), i8(2, 1), i4(2, 1)", "i8(3, 2), i8(3), i4(3), i8(2, 2), i4(1, 1)",
        "i8(3, 2), i8(3), i8(3), i8(2, 2), i4(2, 1)", "i8(3), i8(3), i4(3), i8(2, 2), i4(2, 1)",
    )],
    "squares": [f"add_squares({shapes})" for shapes in (
        f"u1(2, 3, 2), u1(0, 3, 2), {TABLE}, {SUMS}", f"u1(2, 3, 5), u1(0, 3, 5), {TABLE}, {SUMS}",
        f"u1(2, 3, 3), u1(2, 3, 3), {TABLE}, {SUMS}", f"u1(2, 3, 3), u1(1, 2, 3), {TABLE}, {SUMS}",
        f"u1(2, 3, 3), u1(1, 3, 4), {TABLE}, {SUMS}", f"u1(2, 3), u1(0, 3, 3), {TABLE}, {SUMS}",
        f"u1(2, 3, 3), u1(0, 3, 3), u2(1 << 17), {SUMS}",
        f"u1(2, 3, 3), u1(0, 3, 3), {TABLE}, i8(1 << 13, 5)",
        f"u1(2, 3, 3), u1(0, 3, 3), {TABLE}, i8(1 << 14, 4)",
        f"u1(2, 3, 3), u1(0, 3, 3), u2(1 << 18) + np.uint16(1 << 14), {SUMS}",
    )],
}  # fmt: skip


@needs_kernels
@pytest.mark.parametrize("what", WRONG)
def test_what_does_not_fit_is_refused(what):
    command = [sys.executable, "-c", REFUSED, *WRONG[what]]
    run = subprocess.run(command, capture_output=True, check=False, text=True)
    refused = run.stdout.splitlines()
    assert [call for call in WRONG[what] if call not in refused] == [], run.stderr
    assert run.returncode == 0


# --- from end to end --------------------------------------------------------------------------


def small_image(rng, channels):
    """Smooth, noisy, and in part transparent where there is alpha."""
    y, x = np.mgrid[:36, :40][..., np.newaxis]
    waves = np.sin(x / rng.uniform(3, 12, channels)) + np.cos(y / rng.uniform(3, 12, channels))
    pixels = (waves * 60 + rng.uniform(0, 20, waves.shape) + 115).astype(np.uint8)
    if channels in (2, 4):
        pixels[:6, :, -1], pixels[12:, :, -1] = 0, 255
    return pixels[:, :, 0] if channels == 1 else pixels


@needs_kernels
@pytest.mark.parametrize("search", [0, 1, 3])
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_the_same_image_with_kernels_with_twins_and_with_any_threads(rng, channels, search):
    pixels = small_image(rng, channels)
    options = {"search": search, "init": "pca", "restarts": 2}
    with running(twins=True):
        expected = kmcodec.quantize(pixels, 14, **options)
    for threads in (1, 2, 5):
        with running(threads=threads):
            assert kmcodec.quantize(pixels, 14, **options) == expected


@needs_kernels
def test_without_kernels_a_process_writes_the_same_file(bird):
    code = (
        "import sys, scipy.io, kmcodec, kmcodec.quantization.kernels as kernels\n"
        "assert not kernels.COMPILED\n"
        "bird = scipy.io.loadmat(sys.argv[1])['A']\n"
        "sys.stdout.buffer.write(kmcodec.encode(bird[40:70, 30:80], 16))"
    )
    run = subprocess.run(
        [sys.executable, "-c", code, SAMPLES / "bird_small.mat"],
        env={**os.environ, "KMC_COMPILED": "0"},
        capture_output=True,
        check=True,
    )
    assert run.stdout == kmcodec.encode(bird[40:70, 30:80], 16)
