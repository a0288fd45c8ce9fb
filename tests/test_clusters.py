"""The figure of clusters: which points it shows, where, in which colours, and what it says."""

from __future__ import annotations

import numpy as np
import pytest
from conftest import SAMPLES
from PIL import Image

import kmcodec
from kmcodec.errors import KmcInputError

matplotlib = pytest.importorskip("matplotlib")

from matplotlib.collections import PathCollection  # noqa: E402

from kmcodec.plots import clusters_figure, figure_bytes  # noqa: E402
from kmcodec.quantization.oklab import to_oklab  # noqa: E402

PIXELS = np.random.default_rng(3).integers(0, 256, (10, 20, 3), dtype=np.uint8)


def draw(pixels=PIXELS, k=4, **options):
    return clusters_figure(pixels, kmcodec.quantize(pixels, k), name="bird.png", **options)


def clouds(figure):
    """Points, shape (N, 3), and colours, shape (N, 4), of each scatter of each panel."""
    panels = []
    for axes in figure.axes:
        scatters = []
        for drawn in axes.collections:
            at = np.stack([np.asarray(values) for values in drawn._offsets3d], axis=1)
            # Those of a 3-D collection itself are in the order of depth.
            colors = np.broadcast_to(PathCollection.get_facecolor(drawn), (len(at), 4))
            scatters.append((at, np.round(255 * colors).astype(int)))
        panels.append(scatters)
    return panels


def said(figure):
    return [text.get_text() for text in figure.texts]


def test_pixels_stand_at_their_colours_in_their_colours():
    own, _ = clouds(draw())
    ((at, colors),) = own
    np.testing.assert_array_equal(at, PIXELS.reshape(-1, 3))
    np.testing.assert_array_equal(colors[:, :3], PIXELS.reshape(-1, 3))


def test_clusters_have_the_colours_of_their_entries_and_entries_are_larger():
    image = kmcodec.quantize(PIXELS, 4)
    figure = draw()
    _, ((at, colors), (centers, filled)) = clouds(figure)
    np.testing.assert_array_equal(at, PIXELS.reshape(-1, 3))
    np.testing.assert_array_equal(colors[:, :3], image.to_array().reshape(-1, 3))
    np.testing.assert_array_equal(centers, image.palette)
    np.testing.assert_array_equal(filled[:, :3], image.palette)
    pixels, discs = figure.axes[1].collections
    assert discs.get_sizes().min() > 4 * pixels.get_sizes().max()
    assert discs.get_sizes().argmax() == np.bincount(image.indices.ravel()).argmax()


def test_it_says_what_there_is_to_say():
    words = said(draw(points=50))
    assert "bird.png" in words
    assert "20 \N{MULTIPLICATION SIGN} 10 pixels" in words
    assert "200 colours" in words
    assert "50 pixels, each in its own colour" in words
    assert "4 clusters" in words
    assert "every pixel, each in its own colour" in said(draw())
    assert "1 cluster" in said(draw(k=1))
    labels = [axes.get_xlabel() + axes.get_ylabel() + axes.get_zlabel() for axes in draw().axes]
    assert labels == ["redgreenblue"] * 2


def test_in_oklab_points_stand_at_lightness_and_hue():
    figure = draw(space="oklab")
    ((at, colors),) = clouds(figure)[0]
    lightness, a, b = to_oklab(PIXELS.reshape(-1, 3)).T / 4095
    np.testing.assert_allclose(at[:, 2], lightness)
    np.testing.assert_allclose(at[:, :2], np.stack([a, b], axis=1) - 2048 / 4095, atol=1e-9)
    np.testing.assert_array_equal(colors[:, :3], PIXELS.reshape(-1, 3))
    assert figure.axes[0].get_zlabel() == "L: lightness"
    low, high = figure.axes[0].get_xlim()
    assert low < at[:, 0].min() < at[:, 0].max() < high


def test_a_sample_is_even_and_the_same_each_time(bird):
    first, second = (clouds(draw(bird, points=500))[0][0][0] for _ in range(2))
    assert len(first) == 500
    np.testing.assert_array_equal(first, second)
    np.testing.assert_allclose(first.mean(0), bird.reshape(-1, 3).mean(0), atol=6)


@pytest.mark.parametrize("channels", [1, 2, 4])
def test_grey_and_alpha(channels):
    pixels = PIXELS[..., :1].repeat(channels, axis=2)
    if channels > 1:
        pixels[..., -1] = 255
        pixels[:5, :, -1] = 0
    own, _ = clouds(draw(pixels[..., 0] if channels == 1 else pixels))
    ((at, _),) = own
    seen = pixels[5:] if channels > 1 else pixels
    np.testing.assert_array_equal(at[:, 0], seen[..., 0].ravel())


def test_what_is_transparent_is_told_in_the_counts():
    pixels = np.concatenate([PIXELS, np.full((10, 20, 1), 255, np.uint8)], axis=2)
    pixels[:5] = 0
    words = said(draw(pixels))
    assert "100 colours" in words
    assert "every pixel but the transparent ones, each in its own colour" in words
    assert "4 clusters, 1 transparent and not drawn" in words


def test_a_dark_disc_has_a_light_edge():
    figure = draw(np.array([[[0, 0, 0], [250, 250, 250]]], np.uint8), 2)
    _, discs = figure.axes[1].collections
    dark, light = PathCollection.get_edgecolor(discs)[:, :3].mean(axis=1)
    assert dark > 0.5 > light


def test_nothing_to_see_is_drawn_all_the_same():
    assert figure_bytes(draw(np.zeros((3, 3, 4), np.uint8), 2), ".png").startswith(b"\x89PNG")


def test_nothing_is_cut_off():
    for space in ("srgb", "oklab"):
        figure = draw(space=space)
        figure.draw_without_rendering()
        texts = list(figure.texts)
        for axes in figure.axes:
            texts += [axes.xaxis.label, axes.yaxis.label, axes.zaxis.label]
            # What leaves the axes would be cut, as is what leaves the figure.
            box = axes.get_tightbbox()
            assert box.x1 <= figure.bbox.width
            assert box.y0 >= 0
        for text in texts:
            extent = text.get_window_extent()
            assert 0 <= extent.x0 <= extent.x1 <= figure.bbox.width, text
            assert 0 <= extent.y0 <= extent.y1 <= figure.bbox.height, text


@pytest.mark.parametrize("options", [{"space": "hsv"}, {"points": 0}])
def test_wrong_options(options):
    with pytest.raises(KmcInputError):
        draw(**options)


def test_the_command_makes_the_picture(kmc, tmp_path, bird):
    args = ("plot", "clusters", SAMPLES / "bird_small.mat", "-k", "16", "-o", "fig.png")
    done = kmc(*args)
    assert done.returncode == 0, done.stderr
    with Image.open(tmp_path / "fig.png") as picture:
        colors = {color for _, color in picture.convert("RGB").getcolors(1 << 24)}
        assert picture.width == 1800
    image = kmcodec.quantize(bird, 16)
    assert set(map(tuple, image.palette.tolist())) <= colors


def test_a_group_without_a_command_shows_its_help(kmc):
    done = kmc("plot")
    assert done.returncode == 2
    lines = done.stderr.decode().splitlines()
    assert lines[0].startswith("Usage: kmc plot")
    assert any("clusters" in line for line in lines)
