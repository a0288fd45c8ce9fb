"""Marks and tints stay visible on every path to a palette: rows, frames, several images, files."""

from __future__ import annotations

import io
from itertools import permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from marked_images import (
    MARKS,
    SPACES,
    TINTS,
    earth,
    keeps_hue,
    keeps_tint,
    large,
    texture,
    with_mark,
    with_panel,
    without_places,
)
from PIL import Image

import kmcodec
from kmcodec.batch.pool import LocalPool
from kmcodec.batch.shared_palettes import ColorSum, count_colors
from kmcodec.quantization.counted import Counted
from kmcodec.quantization.even_blocks import BlockFinder, Grid, even_blocks
from kmcodec.quantization.tints import Tints, find_tints, no_tints

# The twin of the coder says that it is slow.
pytestmark = pytest.mark.filterwarnings("ignore:no compiled kernels")

K = 16
# Of other images too, at which an entry less costs the rest no more than it may.
SEVERAL = 20
MARKED, WHERE = with_mark(large(), MARKS["blue"], 2)
PANEL = with_panel(TINTS["blue"])
# What is drawn, whether an image shows it, and the same without it.
SUBJECTS = {
    "mark": (MARKED, lambda shown: keeps_hue(shown, WHERE, MARKS["blue"]), large()),
    "panel": (
        PANEL,
        lambda shown: keeps_tint(PANEL, shown),
        np.clip(texture(1) + 0.5, 0, 255).astype(np.uint8),
    ),
}

each_space = pytest.mark.parametrize("space", SPACES)
each_subject = pytest.mark.parametrize("subject", SUBJECTS)


def in_rows(pixels, cuts, k=K, **options):
    stream = io.BytesIO()
    height, width = pixels.shape[:2]
    blocks = np.split(pixels, cuts)
    kmcodec.encode_rows(lambda: iter(blocks), width, height, k, output=stream, **options)
    return stream.getvalue()


@each_space
@each_subject
def test_the_colours_alone_would_lose_them(subject, space):
    pixels, keeps, _ = SUBJECTS[subject]
    assert not keeps(without_places(pixels, K, space).to_array())


@each_space
@each_subject
@pytest.mark.parametrize("options", [{}, {"strip_rows": 7}, {"coding": "packed"}], ids=str)
def test_files_keep_them(subject, space, options):
    pixels, keeps, _ = SUBJECTS[subject]
    assert keeps(kmcodec.decode(kmcodec.encode(pixels, K, space=space, **options)))


@each_space
@each_subject
@pytest.mark.parametrize("options", [{}, {"strip_rows": 7}, {"dither": "blue-noise"}], ids=str)
def test_rows_keep_them_in_the_bytes_of_the_whole_image(monkeypatch, subject, space, options):
    pixels, keeps, _ = SUBJECTS[subject]
    options = {"coding": "packed", **options}
    expected = kmcodec.encode(pixels, K, space=space, **options)
    assert keeps(kmcodec.decode(expected)) or options.get("dither")
    # A border goes through the middle of the mark, and others through blocks of 8 rows.
    for rows, cuts in ((1000, [3, 17, 18, 60]), (41, []), (5, [41])):
        monkeypatch.setattr("kmcodec.rows.counting._BLOCK", pixels.shape[1] * rows)
        assert in_rows(pixels, cuts, space=space, **options) == expected


@each_space
@each_subject
def test_large_files_keep_them(tmp_path, subject, space):
    pixels, keeps, _ = SUBJECTS[subject]
    np.save(tmp_path / "large.npy", pixels)
    small = count_colors(tmp_path / "large.npy")
    by_rows = count_colors(tmp_path / "large.npy", large=1)
    for counted in (small, by_rows):
        total = ColorSum()
        total.add(counted)
        request = kmcodec.quantization.QuantizeRequest.of("test", K, space=space)
        shown = kmcodec.quantize(pixels, palette=total.find_palette(request), space=space)
        assert keeps(shown.to_array())


@each_space
@each_subject
@pytest.mark.parametrize("palettes", ["shared", "frame"])
def test_frames_keep_them(subject, space, palettes):
    pixels, keeps, without = SUBJECTS[subject]
    data = kmcodec.encode_frames(
        [without, pixels, without], SEVERAL, space=space, palettes=palettes
    )
    assert keeps(kmcodec.decode_frames(data).to_array()[1])


@each_space
@each_subject
def test_a_palette_for_several_images_keeps_them(subject, space):
    pixels, keeps, without = SUBJECTS[subject]
    alone = kmcodec.shared_palette([pixels], K, space=space)
    np.testing.assert_array_equal(alone, kmcodec.quantize(pixels, K, space=space).palette)
    images = [without, pixels, without[:50]]
    found = [kmcodec.shared_palette(order, SEVERAL, space=space) for order in permutations(images)]
    with LocalPool(2) as pool:
        found.append(kmcodec.shared_palette(images, SEVERAL, space=space, executor=pool))
    assert keeps(kmcodec.quantize(pixels, palette=found[0], space=space).to_array())
    for other in found[1:]:
        np.testing.assert_array_equal(other, found[0])


@each_subject
def test_a_palette_beside_other_channels_keeps_them(subject):
    pixels, keeps, without = SUBJECTS[subject]
    clear = np.dstack([without, np.full(without.shape[:2], 255, np.uint8)])
    clear[:10, :, 3] = 0
    grey = without[..., 0]
    palette = kmcodec.shared_palette([grey, clear, pixels], SEVERAL)
    assert palette.shape[1] == 4
    assert keeps(kmcodec.quantize(pixels, palette=palette).to_array())


@pytest.mark.parametrize("piece", [70 * 384, 40 * 40])
@each_subject
def test_a_palette_of_a_chunked_array_keeps_them(monkeypatch, subject, piece):
    dask = pytest.importorskip("dask.array", reason="no dask (pip install 'kmcodec[dask]')")
    monkeypatch.setattr("kmcodec.batch.chunked_arrays._PIECE", piece)
    pixels, keeps, _ = SUBJECTS[subject]
    array = dask.from_array(pixels, chunks=(24, 32, 3))
    palette = kmcodec.shared_palette([array], K)
    assert keeps(kmcodec.quantize(pixels, palette=palette).to_array())
    # The same as for the image: no border of a piece is at the mark, or amid a block.
    np.testing.assert_array_equal(palette, kmcodec.shared_palette([pixels], K))


def in_a_soft_frame(pixels):
    """With alpha that rises from the border to the inside, in 8 steps."""
    y, x = np.indices(pixels.shape[:2])
    height, width = y.shape
    inside = np.minimum(np.minimum(x, width - 1 - x), np.minimum(y, height - 1 - y))
    return np.dstack([pixels, np.minimum(32 * inside, 255).astype(np.uint8)])


@each_space
@each_subject
def test_images_with_soft_pixels_keep_them(subject, space):
    pixels, keeps, without = SUBJECTS[subject]
    soft = in_a_soft_frame(pixels)
    # The frame needs entries, too.
    image = kmcodec.quantize(soft, 32, space=space)
    assert set(image.palette[:, 3].tolist()) > {0, 255}
    assert keeps(image.to_array())
    expected = kmcodec.encode(image, coding="packed")
    assert in_rows(soft, [41], k=32, space=space, coding="packed") == expected
    palette = kmcodec.shared_palette([without[:50], soft], 32, space=space)
    assert keeps(kmcodec.quantize(soft, palette=palette, space=space).to_array())


@each_space
@each_subject
def test_pillow_keeps_them(subject, space):
    pixels, keeps, _ = SUBJECTS[subject]
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "KMC", colors=K, space=space)
    with Image.open(stream) as image:
        assert keeps(np.array(image.convert("RGB")))


@each_space
@each_subject
def test_the_command_line_keeps_them(kmc, tmp_path, subject, space):
    pixels, keeps, without = SUBJECTS[subject]
    Image.fromarray(pixels).save(tmp_path / "a.png")
    Image.fromarray(without).save(tmp_path / "b.png")
    options = ["-k", SEVERAL, "--space", space, "-q"]
    assert kmc("encode", "a.png", *options, "-o", "one.kmc").returncode == 0
    shared = kmc("encode", "a.png", "b.png", "--shared-palette", *options, "--jobs", 2, "-o", "out")
    assert shared.returncode == 0, shared.stderr
    assert kmc("palette", "a.png", "b.png", *options, "-o", "p.gpl").returncode == 0
    with_palette = ["--palette", "p.gpl", "--space", space, "-q", "-o", "two.kmc"]
    assert kmc("encode", "a.png", *with_palette).returncode == 0
    for name in ("one.kmc", "out/a.kmc", "two.kmc"):
        assert keeps(kmcodec.read(tmp_path / name).to_array()), name
    assert (tmp_path / "two.kmc").read_bytes() == (tmp_path / "out/a.kmc").read_bytes()


def test_frames_of_a_file_count_as_images(tmp_path):
    marked, where = with_mark(earth(), MARKS["blue"], 3)
    frames = [Image.fromarray(frame) for frame in (earth(1), marked, earth(2))]
    frames[0].save(tmp_path / "a.webp", save_all=True, append_images=frames[1:], lossless=True)
    palette = kmcodec.shared_palette([tmp_path / "a.webp"], K)
    assert keeps_hue(kmcodec.quantize(marked, palette=palette).to_array(), where, MARKS["blue"])


# What is none.


def test_a_hue_that_other_images_have_is_no_accent():
    marked, _ = with_mark(earth(), MARKS["blue"], 2)
    blue = np.full((40, 40, 3), MARKS["blue"], np.uint8)
    total = ColorSum()
    total.add(Counted.of(marked))
    assert total.total().accents().colors.tolist() == [list(MARKS["blue"])]
    total.add(Counted.of(blue))
    assert len(total.total().accents().colors) == 0


@pytest.mark.parametrize("seed", range(4))
def test_noise_changes_no_palette_of_several_images(seed):
    rng = np.random.default_rng(seed)
    noisy = [np.clip(earth(seed) + rng.normal(0, 20, (96, 128, 3)), 0, 255).astype(np.uint8)]
    for number in range(2):
        hot = earth(seed + number)
        y, x = rng.integers(0, 96, 12), rng.integers(0, 128, 12)
        hot[y, x] = rng.choice([0, 255], (12, 3))
        noisy.append(hot)
    expected = without_places(np.concatenate(noisy), K).palette
    np.testing.assert_array_equal(kmcodec.shared_palette(noisy, K), expected)
    for image in noisy:
        whole = kmcodec.encode(without_places(image, K), coding="packed")
        assert in_rows(image, [50], coding="packed") == whole


# Parts add up.


@given(
    st.integers(1, 60), st.integers(1, 60), st.integers(1, 3), st.integers(1, 3), st.integers(0, 99)
)
def test_blocks_are_the_same_however_rows_pass_by(height, width, down, across, seed):
    rng = np.random.default_rng(seed)
    pixels = rng.integers(0, 60, (height, width, 3), np.uint8)
    pixels[rng.random((height, width)) < 0.9] = rng.integers(0, 256, 3)
    grid = Grid(down, across)
    expected = even_blocks(pixels, grid)
    finder = BlockFinder(height, width, grid)
    for part in np.split(pixels, np.sort(rng.integers(0, height + 1, 4))):
        finder.add(part)
    found = finder.result()
    np.testing.assert_array_equal(found.means, expected.means)
    assert (found.count, found.step) == (expected.count, expected.step)
    assert found.count == len(range(0, height // 8, down)) * len(range(0, width // 8, across))


@pytest.mark.parametrize(
    ("height", "width"), [(8, 8), (3000, 4000), (20_000, 20_000), (30, 1_000_000), (1_000_000, 30)]
)
def test_the_blocks_of_a_large_image_are_bounded(height, width):
    grid = Grid.of(height, width)
    looked_at = -(-(height // 8) // grid.down) * -(-(width // 8) // grid.across)
    assert min(height // 8 * (width // 8), 3000) <= looked_at <= 4 * 8192


@given(st.permutations(range(5)), st.integers(0, 99))
def test_tints_of_several_images_do_not_depend_on_the_order(order, seed):
    rng = np.random.default_rng(seed)
    images = [
        Tints(rng.integers(0, 12, (n, 2, 3), np.uint8), rng.integers(1, 4, n))
        for n in rng.integers(0, 30, 5)
    ]
    first = sum_of(images)
    other = sum_of([images[number] for number in order])
    np.testing.assert_array_equal(first.pairs, other.pairs)
    np.testing.assert_array_equal(first.sizes, other.sizes)
    assert len(first.pairs) <= 16
    assert (np.diff(first.sizes) <= 0).all()


def sum_of(tints):
    total = no_tints()
    for each in tints:
        total += each
    return total


def test_the_tints_of_a_panel_are_found_in_parts_too():
    grid = Grid.of(*PANEL.shape[:2])
    parts = [even_blocks(PANEL[top : top + 40], grid, top) for top in (0, 40, 80)]
    found = find_tints(parts[0] + parts[1] + parts[2])
    expected = find_tints(even_blocks(PANEL))
    assert len(expected.pairs) > 0
    np.testing.assert_array_equal(found.pairs, expected.pairs)
