"""The context coder: both twins, every profile, any shape and palette, damage."""

from __future__ import annotations

import dataclasses
import json
import os
import random
import subprocess
import sys
import warnings

import numpy as np
import pytest
from conftest import ROOT, VECTORS
from hypothesis import given, settings
from hypothesis import strategies as st

import kmcodec
from kmcodec.coding import COMPILED, METHODS, coding_for, colortree, symbol_coding
from kmcodec.coding.additive import method as additive_method
from kmcodec.coding.budget import affordable_effort
from kmcodec.coding.colortree import ColorTree
from kmcodec.coding.context import PROFILES, kernels, method
from kmcodec.coding.context.arithmetic import BitEncoder
from kmcodec.coding.context.contexts import FLAG_CONTEXTS, TREE_CONTEXTS
from kmcodec.coding.context.model import Model
from kmcodec.coding.context.tables import starts, tables
from kmcodec.coding.context.weights import WEIGHTS

CONTEXT = [coding for coding in METHODS if coding.name == "context"]
by_profile = pytest.mark.parametrize("coding", CONTEXT, ids=lambda coding: coding.effort)

needs_kernels = pytest.mark.skipif(
    not COMPILED,
    reason="no compiled kernels: python setup.py build_ext --inplace, without KMC_COMPILED=0",
)


class Twin:
    """The coding as it is without compiled kernels."""

    def __init__(self, coding):
        self.coding = coding

    def __getattr__(self, name):
        def without_kernels(*arguments):
            with pytest.MonkeyPatch.context() as patch, warnings.catch_warnings():
                warnings.simplefilter("ignore", kmcodec.KmcWarning)
                patch.setattr(method, "MODELS", {})
                patch.setattr(additive_method, "STRIP", None)
                return getattr(self.coding, name)(*arguments)

        return without_kernels


def drawn(rng, kind, rows, width, entries):
    """An index map of some kind; shape (rows, width)."""
    y, x = np.mgrid[:rows, :width]
    few = rng.integers(0, entries, 4)
    if kind == "noise":
        return rng.integers(0, entries, (rows, width))
    if kind == "flat":
        return np.full((rows, width), few[0])
    if kind == "ramp":
        return (x * 3 + y * 5) * entries // (8 * (rows + width)) % entries
    if kind == "dither":
        return few[(x ^ y) & 1 | (rng.random((rows, width)) < 0.1) * 2]
    if kind == "tiles":
        tile = rng.integers(0, entries, (5, 7))
        return tile[y % 5, x % 7]
    # Blocks of one colour with some noise upon them.
    blocks = rng.integers(0, entries, (rows // 6 + 1, width // 9 + 1))[y // 6, x // 9]
    return np.where(rng.random((rows, width)) < 0.03, rng.integers(0, entries), blocks)


KINDS = ["noise", "flat", "ramp", "dither", "tiles", "blocks"]
ENTRIES = [1, 2, 3, 4, 5, 15, 16, 17, 31, 255, 256, 257, 1000, 4096]


@st.composite
def strips(draw, most_rows=12, most_width=44):
    """An index map and a palette, some entries repeated or unused."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    rows, width = draw(st.integers(1, most_rows)), draw(st.integers(1, most_width))
    entries = draw(st.sampled_from(ENTRIES))
    channels = draw(st.integers(1, 4))
    levels = draw(st.sampled_from([2, 5, 256]))
    palette = rng.integers(0, levels, (entries, channels)) * (255 // (levels - 1))
    indices = drawn(rng, draw(st.sampled_from(KINDS)), rows, width, entries)
    dtype = np.uint8 if entries <= 256 else np.uint16
    return indices.astype(dtype), palette.astype(np.uint8)


@by_profile
@settings(max_examples=150)
@given(strips(60, 60))
def test_a_strip_survives_coding(coding, strip):
    indices, palette = strip
    payload = coding.encode(indices, palette)
    decoded = coding.decode(payload, *indices.shape, palette)
    np.testing.assert_array_equal(decoded, indices, strict=True)


@needs_kernels
@by_profile
@settings(max_examples=int(os.environ.get("KMC_TWIN_EXAMPLES", "40")))
@given(strips(8, 24))
def test_twins_write_the_same_bytes_and_read_the_same_indices(coding, strip):
    indices, palette = strip
    payload = coding.encode(indices, palette)
    assert Twin(coding).encode(indices, palette) == payload
    np.testing.assert_array_equal(
        Twin(coding).decode(payload, *indices.shape, palette), indices, strict=True
    )


@needs_kernels
@by_profile
@settings(max_examples=20)
@given(strips(8, 24), st.data())
def test_the_first_rows_of_a_strip_are_had_without_the_others(coding, strip, data):
    indices, palette = strip
    stop = data.draw(st.integers(1, len(indices)))
    payload = coding.encode(indices, palette)
    for reader in (coding, Twin(coding)):
        decoded = reader.decode(payload, *indices.shape, palette, stop)
        np.testing.assert_array_equal(decoded, indices[:stop], strict=True)


@by_profile
def test_first_rows_that_are_not_all_there_are_refused(coding, rng):
    indices = rng.integers(0, 40, (20, 30), np.uint8)  # noise of all entries is stored, not coded
    palette = np.arange(256, dtype=np.uint8)[:, np.newaxis]
    payload = coding.encode(indices, palette)
    coding.decode(payload[: len(payload) // 2], 20, 30, palette, 5)
    with pytest.raises(kmcodec.KmcFormatError, match="but the decoder used"):
        coding.decode(payload[: len(payload) // 2], 20, 30, palette, 15)


@needs_kernels
@by_profile
@given(strips(6, 20), st.binary(max_size=60))
def test_twins_agree_on_bytes_that_nobody_has_encoded(coding, strip, payload):
    indices, palette = strip
    found = []
    for reader in (coding, Twin(coding)):
        try:
            found.append(reader.decode(payload, *indices.shape, palette).tolist())
        except kmcodec.KmcFormatError as error:
            found.append(str(error))
    assert found[0] == found[1]


@pytest.mark.skipif(
    not (ROOT.parent / "shared" / "data").exists(), reason="no real index maps beside the checkout"
)
@by_profile
def test_real_maps_survive(coding):
    from PIL import Image

    for name in ("bird_small_16", "bird_small_64", "bird_small_256fs"):
        path = ROOT.parent / "shared" / "data" / "indexed" / f"{name}.png"
        image = kmcodec.quantize(Image.open(path))
        data = kmcodec.encode(image, effort=coding.effort)
        assert kmcodec.decode_indexed(data) == image
        assert len(data) < 0.8 * len(kmcodec.encode(image, coding="deflate"))


@needs_kernels
@by_profile
def test_runs_of_all_lengths(coding):
    """Longer than a run can be, up to both ends of a row, denied, and given up half-way."""
    rng = np.random.default_rng(7)
    indices = np.zeros((12, 2600), np.uint8)
    indices[4, 2599] = indices[6, 0] = indices[8, 1200] = 1
    indices[9, rng.integers(0, 2600, 9)] = 2
    palette = np.array([[0, 0, 0], [255, 0, 0], [0, 255, 0]], np.uint8)
    payload = coding.encode(indices, palette)
    np.testing.assert_array_equal(coding.decode(payload, 12, 2600, palette), indices)
    assert Twin(coding).encode(indices, palette) == payload
    assert len(payload) < 140


@by_profile
@given(strips(8, 30), st.data())
def test_a_changed_payload_is_refused_or_gives_indices_of_the_palette(coding, strip, data):
    indices, palette = strip
    payload = bytearray(coding.encode(indices, palette))
    for _ in range(data.draw(st.integers(1, 3))):
        if payload:
            payload[data.draw(st.integers(0, len(payload) - 1))] ^= data.draw(st.integers(1, 255))
    try:
        decoded = coding.decode(bytes(payload), *indices.shape, palette)
    except kmcodec.KmcFormatError:
        return
    assert decoded.max(initial=0) < len(palette)


@by_profile
def test_no_payload_of_another_length_is_read(coding):
    indices, palette = np.arange(64, dtype=np.uint8).reshape(8, 8), np.eye(64, 3, dtype=np.uint8)
    payload = coding.encode(indices, palette)
    for wrong in (b"", payload + b"\0", payload + bytes(2)):
        with pytest.raises(kmcodec.KmcFormatError, match=r"the decoder used"):
            coding.decode(wrong, 8, 8, palette)


@by_profile
def test_a_payload_too_short_for_its_pixels_is_no_work(coding):
    """To decode so many pixels would take minutes."""
    palette = np.eye(64, 3, dtype=np.uint8)
    for payload in (b"", b"\x55" * 20):
        with pytest.raises(kmcodec.KmcFormatError, match=r"the decoder used"):
            coding.decode(payload, 2000, 4000, palette)


@needs_kernels
@pytest.mark.parametrize("effort", PROFILES)
def test_the_twin_stops_where_the_kernel_does(effort):
    from kmcodec.coding.colortree import tree_of
    from kmcodec.coding.context import model

    tree, profile = tree_of(np.eye(64, 3, dtype=np.uint8)), PROFILES[effort]
    start = tables(), starts(profile), profile.head_bits(54)
    for length in range(0, 12, 3):
        payload = bytes(range(7, 7 + length))
        mine = kernels.MODELS[effort].decode(payload, 6, 9, tree, *start)
        twin = model.decode(payload, 6, 9, tree, profile, 6)
        assert (mine[0] == twin[0]).all()
        assert mine[1:] == twin[1:]


@by_profile
def test_with_one_entry_there_is_nothing_to_code(coding):
    palette = np.zeros((1, 3), np.uint8)
    assert coding.encode(np.zeros((9, 9), np.uint8), palette) == b""
    assert not coding.decode(b"", 9, 9, palette).any()
    with pytest.raises(kmcodec.KmcFormatError, match="only one palette entry"):
        coding.decode(b"x", 9, 9, palette)


@by_profile
def test_the_order_of_a_palette_hardly_matters(coding, bird):
    """The tree is derived from the colours: shuffled entries cost ties at most."""
    image = kmcodec.quantize(bird, 64)
    order = np.random.default_rng(3).permutation(64)
    shuffled = kmcodec.IndexedImage(image.palette[order], np.argsort(order)[image.indices])
    files = [kmcodec.encode(each, effort=coding.effort) for each in (image, shuffled)]
    sizes = [kmcodec.inspect(data).index_size for data in files]
    assert abs(sizes[0] - sizes[1]) < 0.005 * sizes[0]


def test_the_largest_palette():
    rng = np.random.default_rng(5)
    palette = rng.integers(0, 256, (65536, 4), dtype=np.uint8)
    image = kmcodec.IndexedImage(palette, rng.integers(0, 65536, (40, 50)))
    for effort in PROFILES:
        assert kmcodec.decode_indexed(kmcodec.encode(image, effort=effort)) == image


@needs_kernels
def test_any_number_of_threads_writes_the_same_file(tmp_path):
    """In processes of their own, as kmcodec asks for threads only once."""
    code = (
        "import sys, numpy as np, kmcodec\n"
        "indices = np.random.default_rng(1).integers(0, 9, (90, 70)).cumsum(axis=1) % 16\n"
        "palette = np.arange(48).reshape(16, 3).astype(np.uint8)\n"
        "image = kmcodec.IndexedImage(palette, indices)\n"
        "data = kmcodec.encode(image, strip_rows=7)\n"
        "assert kmcodec.decode_indexed(data) == image\n"
        "sys.stdout.buffer.write(data)"
    )
    runs = [
        subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "KMC_THREADS": threads},
            capture_output=True,
            check=True,
        ).stdout
        for threads in ("1", "2", "5")
    ]
    assert runs[0] == runs[1] == runs[2]


def test_auto_takes_the_strongest_that_is_fast_enough():
    small = np.random.default_rng(2).integers(0, 256, (64, 64))
    assert affordable_effort(small, 256) == "max"
    assert affordable_effort(np.tile(small, (6, 8)), 256) == "default"
    assert affordable_effort(np.tile(small, (24, 24)), 256) == "fast"
    assert affordable_effort(np.tile(small, (40, 40)), 256) == "fastest"
    assert affordable_effort(np.zeros((2000, 2000), np.uint8), 256) == "max"
    palette = np.zeros((256, 3), np.uint8)
    assert coding_for("context", "auto", small, palette).effort == "max"
    assert coding_for("deflate", "auto", small, palette).name == "deflate"


@needs_kernels
def test_kernels_are_compiled_for_the_profiles_that_they_serve():
    for name, kernel in kernels.MODELS.items():
        expected = dataclasses.asdict(PROFILES[name])
        del expected["name"]
        assert expected == kernel.PROFILE


def test_the_twin_is_not_loaded_where_there_are_kernels():
    code = "import sys, kmcodec; print('kmcodec.coding.context.model' in sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)
    assert run.stdout == "False\n"


def test_profiles_fit_the_lists_that_they_use():
    for profile in PROFILES.values():
        assert profile.flag_contexts <= len(FLAG_CONTEXTS)
        assert profile.tree_contexts <= len(TREE_CONTEXTS)
        for start, weights in zip(starts(profile), WEIGHTS[profile.name], strict=True):
            assert start.inputs % 8 == 0
            assert 0 <= start.inputs - len(weights) < 8


def test_tables_are_those_of_the_specification():
    squash, stretch = tables().squash, tables().stretch
    assert squash[[0, 2046, 2047, 2048, 4094]].tolist() == [23, 32705, 32768, 32831, 65513]
    assert stretch[[0, 1024, 2047, 2048, 4095]].tolist() == [-2047, -281, 0, 1, 2047]
    assert (np.diff(squash.astype(int)) >= 0).all()


def test_the_example_of_the_specification():
    palette = np.frombuffer(bytes.fromhex("1D3557E63946F1FAEEA8DADC457B9D"), np.uint8)
    indices = np.array(
        [[0, 0, 4, 4, 3], [0, 0, 4, 3, 3], [0, 4, 4, 3, 2], [1, 1, 4, 3, 2]], np.uint8
    )
    text = "".join((ROOT / "spec" / f"{name}.md").read_text() for name in ("context", "additive"))
    for coding in CONTEXT:
        payload = coding.encode(indices, palette.reshape(5, 3))
        assert f"`{payload.hex(' ').upper()}`" in text


@given(st.integers(1, 300), st.integers(1, 4), st.integers(0, 2**32 - 1))
def test_a_tree_has_every_entry_at_a_leaf(entries, channels, seed):
    palette = np.random.default_rng(seed).integers(0, 256, (entries, channels), dtype=np.uint8)
    tree = ColorTree.of(palette)
    assert 1 << tree.bits >= entries > (1 << tree.bits) // 2
    np.testing.assert_array_equal(tree.entries[tree.symbols], np.arange(entries))
    assert len(set(tree.symbols.tolist())) == entries
    assert (tree.hole == 0).sum() == entries
    colors = tree.color[tree.symbols, :3]
    np.testing.assert_array_equal(colors, colortree.coordinates(palette))


def test_a_probability_can_be_had_without_a_consequence():
    """Predicting twice, then coding, gives the bytes of predicting once."""
    tree = ColorTree.of(np.arange(24, dtype=np.uint8).reshape(8, 3))
    rows = np.random.default_rng(1).integers(0, 8, (6, 9)).tolist()

    def coded(times):
        coder = BitEncoder()
        model = Model(coder, 6, 9, tree, PROFILES["default"])
        for stage in (model._flag_stage, model._tree_stage):
            predict = stage.predict
            stage.predict = lambda d, predict=predict: [predict(d) for _ in range(times)][-1]
        for row in rows:
            model.code_row(list(row))
        return coder.finish()

    assert coded(1) == coded(3)


def test_without_kernels_a_large_image_says_that_it_is_slow(monkeypatch):
    monkeypatch.setattr(method, "MODELS", {})
    monkeypatch.setattr(additive_method, "STRIP", None)
    monkeypatch.setattr(symbol_coding, "_SLOW", 100)
    image = kmcodec.IndexedImage([[0], [1]], np.zeros((20, 20), int))
    for effort in ("fast", "default"):
        with pytest.warns(kmcodec.KmcWarning, match="no compiled kernels"):
            kmcodec.encode(image, effort=effort)


def test_info_and_pillow_know_the_effort(kmc, tmp_path, bird):
    from PIL import Image

    path = tmp_path / "bird.kmc"
    Image.fromarray(bird).save(path, colors=16, effort="fast")
    assert "context (fast)" in kmc("info", path).stdout.decode()
    report = json.loads(kmc("info", path, "--json").stdout)
    assert (report["coding"], report["effort"]) == ("context", "fast")
    encoded = kmc("encode", path, "--effort", "max", "-o", tmp_path / "max.kmc")
    assert encoded.returncode == 0
    assert (tmp_path / "max.kmc").stat().st_size < path.stat().st_size
    assert kmcodec.read(tmp_path / "max.kmc") == kmcodec.read(path)


def test_a_wrong_effort_is_refused(bird):
    with pytest.raises(kmcodec.KmcInputError, match="must be one of auto, fast"):
        kmcodec.encode(bird, 4, effort="best")


def test_every_context_vector_is_read_by_the_twin_too():
    small = [
        path
        for path in sorted((VECTORS / "good").glob("*.kmc"))
        if path.read_bytes()[9] in (3, 4) and path.stat().st_size < 3000
    ]
    for path in random.Random(1).sample(small, min(12, len(small))):
        data = path.read_bytes()
        expected = kmcodec.decode_indexed(data)
        with pytest.MonkeyPatch.context() as patch, warnings.catch_warnings():
            warnings.simplefilter("ignore", kmcodec.KmcWarning)
            patch.setattr(method, "MODELS", {})
            assert kmcodec.decode_indexed(data) == expected
