"""The figures: what they say, that nothing overlaps or is cut off, and what they are saved as."""

from __future__ import annotations

import dataclasses
import itertools
import math
import sys
import types

import numpy as np
import pytest

from kmcodec.errors import KmcInputError
from kmcodec.model.image import IndexedImage
from kmcodec.perception import Reference
from kmcodec.plots import (
    EXTENSIONS,
    compare_figure,
    figure_bytes,
    require_matplotlib,
    show,
    sweep_figure,
)
from kmcodec.plots.clusters import clusters_figure
from kmcodec.plots.sweep_rows import SweepRow

matplotlib = pytest.importorskip("matplotlib")

SIGNATURES = {".png": b"\x89PNG\r\n", ".pdf": b"%PDF-", ".svg": b"<?xml", ".jpg": b"\xff\xd8\xff"}


def indexed(height=12, width=16, entries=4, channels=3, seed=0):
    """Make a noisy image in which every entry occurs, if there are pixels enough."""
    rng = np.random.default_rng(seed)
    palette = rng.integers(0, 256, (entries, channels), dtype=np.uint8)
    indices = np.resize(np.arange(entries), height * width)
    return IndexedImage(palette, rng.permutation(indices).reshape(height, width))


def noisy(image):
    """Return the image's pixels, each sample off by 1 to 9 levels."""
    pixels = image.to_array().astype(np.int16)
    off = np.random.default_rng(1).integers(1, 10, pixels.shape)
    return np.where(pixels > 128, pixels - off, pixels + off).astype(np.uint8)


def compare(original, image, **changes):
    facts = {"name": "bird.png", "size": 3889, "raw_size": 49_152, "psnr": 26.19, **changes}
    return compare_figure(original, image, **facts)


def compare_looks(original, image, **changes):
    """With the fourth panel."""
    reference = Reference(original)
    pixels = image.to_array()
    perceived = {"score": reference.score(pixels), "losses": reference.losses(pixels)}
    return compare(original, image, **{**perceived, **changes})


def fake_row(k, psnr, *, image=None, **changes):
    image = image or indexed(entries=k)
    inertia = 0.0 if math.isinf(psnr) else 1e6 / k
    row = SweepRow(k, len(image.palette), inertia, psnr, 71.5, 300 + k, 9.0, image)
    return dataclasses.replace(row, **changes)


def texts(figure):
    """Every text that is drawn, as matplotlib's objects."""
    figure.draw_without_rendering()
    found = list(figure.texts)
    for axes in figure.axes:
        found += axes.texts
        if axes.axison:
            found += [axes.xaxis.label, axes.yaxis.label]
            found += [*axes.get_xticklabels(), *axes.get_yticklabels()]
    return [text for text in found if text.get_text().strip() and text.get_visible()]


def words(figure):
    return " | ".join(text.get_text() for text in texts(figure))


def assert_tidy(figure):
    """No text leaves the figure, and no two texts overlap."""
    boxes = [(text.get_text(), text.get_window_extent()) for text in texts(figure)]
    for text, box in boxes:
        assert box.x0 >= 0, text
        assert box.y0 >= 0, text
        assert box.x1 <= figure.bbox.width, text
        assert box.y1 <= figure.bbox.height, text
    for (text, box), (other, other_box) in itertools.combinations(boxes, 2):
        assert not box.overlaps(other_box), (text, other)


def pictures(figure):
    return [np.asarray(axes.images[0].get_array()) for axes in figure.axes if axes.images]


def test_compare_says_what_there_is_to_say():
    image = indexed(entries=4)
    original = noisy(image)
    distinct = len(np.unique(original.reshape(-1, 3), axis=0))
    figure = compare(original, image)
    said = words(figure)
    for expected in (
        "bird.png",
        "16 \N{MULTIPLICATION SIGN} 12 pixels",
        "Original",
        f"{distinct} colours, 49,152 bytes raw",
        "4 colours",
        "3,889 bytes, 12.6 times smaller",
        "PSNR 26.19 dB",
        "levels",
        "Palette",
        "25%",
    ):
        assert expected in said
    assert_tidy(figure)


def test_compare_shows_original_result_and_error():
    image = indexed()
    original = image.to_array()
    original[3, 5] ^= np.array([1, 2, 4], np.uint8)
    shown, result, error, _ = pictures(compare(original, image))
    np.testing.assert_array_equal(shown, original)
    np.testing.assert_array_equal(result, image.to_array())
    assert np.count_nonzero(error) == 1
    assert error[3, 5] == pytest.approx(math.sqrt((1 + 4 + 16) / 3))


def test_compare_larger_file_and_lossless():
    image = IndexedImage([[10, 20, 30]], [[0]])
    figure = compare(image.to_array(), image, size=51, raw_size=3, psnr=math.inf)
    said = words(figure)
    assert "17.0 times larger" in said
    assert "lossless" in said
    assert "1 colour," in said
    assert "1 \N{MULTIPLICATION SIGN} 1 pixel |" in said
    assert "100%" in said
    assert_tidy(figure)


@pytest.mark.parametrize(
    ("entries", "channels"),
    [(1, 3), (2, 1), (2, 2), (16, 4), (20, 3), (21, 1), (33, 4), (100, 2), (256, 3), (257, 4)],
)
def test_compare_every_kind_of_palette(entries, channels):
    image = indexed(20, 30, entries, channels)
    figure = compare(noisy(image), image)
    noun = "grey level" if channels == 1 else "colour"
    assert f"{entries} {noun}" in words(figure)
    assert all(shown.shape[2:] == (3,) for shown in pictures(figure)[:2])
    assert_tidy(figure)


@pytest.mark.parametrize(
    ("height", "width"),
    [(1, 1), (50, 1000), (1000, 50), (1, 3000), (3000, 1), (256, 64), (64, 257), (2, 9)],
)
def test_any_shape_is_tidy(height, width):
    image = indexed(height, width, 16)
    assert_tidy(compare(noisy(image), image))
    assert_tidy(compare_looks(noisy(image), image))
    rows = [fake_row(k, 20.0 + k, image=image) for k in (2, 16, 256)]
    assert_tidy(sweep_figure(noisy(image), rows, name="a.png"))


@pytest.mark.parametrize(("height", "width"), [(3000, 2), (2, 3000), (1, 1)])
def test_no_picture_is_too_narrow_to_see(height, width):
    image = indexed(height, width, 1)
    rows = [fake_row(1, math.inf, image=image)]
    for figure in (
        compare(image.to_array(), image),
        sweep_figure(image.to_array(), rows, name="bird"),
    ):
        for axes in figure.axes:
            if axes.images and axes.patches:  # a picture, not the palette's swatches
                assert min(axes.bbox.size) / figure.dpi > 0.2


def test_pictures_have_a_hairline_frame():
    white = IndexedImage(np.full((1, 3), 255, np.uint8), np.zeros((9, 9), np.uint8))
    figure = compare(white.to_array(), white)
    frame = matplotlib.colors.to_hex(figure.axes[0].patches[0].get_edgecolor())
    assert frame == "#b4bcc3"


def test_white_points_have_an_edge():
    white = IndexedImage(np.array([[0, 0, 0], [255, 255, 255]], np.uint8), [[0, 1]])
    figure = clusters_figure(white.to_array(), white, name="bird")
    points = figure.axes[0].collections[0]
    assert list(points.get_linewidths()) == [0, 0.6]


@pytest.mark.parametrize("channels", [2, 4])
def test_alpha_is_shown_over_a_checkerboard(channels):
    palette = np.full((2, channels), 60, dtype=np.uint8)
    palette[:, -1] = 0, 255
    image = IndexedImage(palette, np.repeat([[0, 1]], 32, axis=0).repeat(16, axis=1))
    shown = pictures(compare(image.to_array(), image))[0]
    half = shown.shape[1] // 2
    clear, solid = shown[:, :half], shown[:, half:]
    assert len(np.unique(clear)) == 2
    assert (clear > 200).all()
    assert (solid == 60).all()


@pytest.mark.parametrize(("own", "others"), list(itertools.product([1, 2, 3, 4], repeat=2)))
def test_error_map_agrees_with_psnr(own, others):
    from kmcodec.model.metrics import mean_squared_error

    image = indexed(channels=own)
    original = indexed(channels=others, seed=2).to_array()
    error = pictures(compare(original, image))[2]
    expected = mean_squared_error(original, image.to_array())
    assert np.square(error, dtype=float).mean() == pytest.approx(expected, rel=1e-5)


def test_large_images_are_scaled_down():
    image = indexed(2100, 330, 7)
    shown = pictures(compare(noisy(image), image))[:3]
    assert [picture.shape[:2] for picture in shown] == [(1050, 330)] * 3


def test_palette_of_65536():
    rng = np.random.default_rng(0)
    palette = rng.integers(0, 256, (65_536, 3), dtype=np.uint8)
    indices = rng.integers(0, 65_536, (300, 400))
    indices[:30] = 65_535
    image = IndexedImage(palette, indices)
    figure = compare(image.to_array(), image, psnr=math.inf)
    assert "the 256 most used of 65,536 entries: 1" in words(figure)
    assert_tidy(figure)
    # In the order of the palette, so that the one of the first rows comes last.
    assert (pictures(figure)[-1][:, -1] == palette[-1]).all()


def test_rare_entries_have_legible_shares():
    indices = np.zeros((200, 200), int)
    indices[0, :20] = np.arange(20)
    image = IndexedImage(np.arange(20), indices)
    figure = compare(image.to_array(), image)
    assert "< 0.1%" in words(figure)
    assert_tidy(figure)


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("$x_1$ & \\frac{a}{b}.png", "$x_1$ & \\frac{a}{b}.png"),
        ("one\ntwo\udcff", "one?two?"),
        ("鳥.png", "鳥.png"),
        (300 * "W" + "end.png", 32 * "W" + " … " + 13 * "W" + "end.png"),
    ],
)
def test_names_are_taken_as_they_are(name, shown):
    image = indexed()
    for figure in (
        compare(noisy(image), image, name=name),
        sweep_figure(noisy(image), [fake_row(4, 30.0)], name=name),
    ):
        assert figure.texts[0].get_text() == shown
        assert not figure.texts[0].get_parse_math()
        assert figure_bytes(figure, ".png").startswith(SIGNATURES[".png"])
        if name.isascii():  # the font has no others, which is a warning outside figure_bytes
            assert_tidy(figure)


def test_sweep_says_what_there_is_to_say():
    rows = [fake_row(2, 16.34, size=766), fake_row(16, 26.19, size=3889)]
    figure = sweep_figure(noisy(rows[0].image), rows, name="bird.png")
    said = words(figure)
    for expected in (
        "bird.png",
        "Inertia",
        "PSNR",
        "File size",
        "raw at 24 bits: 576 bytes",
        "K = 2, 16.3 dB, 766 bytes",
        "K = 16, 26.2 dB, 3.9 kB",
        "Original, 24 bits, 576 bytes",
    ):
        assert expected in said
    assert said.index("K = 2,") < said.index("K = 16,") < said.index("Original")
    assert_tidy(figure)


def test_sweep_curves_hold_the_values():
    rows = [fake_row(8, 30.0, inertia=3e6), fake_row(2, 20.0, inertia=9e6)]
    figure = sweep_figure(noisy(rows[0].image), rows, name="a.png")
    inertia, psnr, size = (axes for axes in figure.axes if axes.lines)
    assert "in millions" in words(figure)
    assert inertia.lines[0].get_xydata().tolist() == [[2, 9], [8, 3]]
    assert psnr.lines[0].get_xydata().tolist() == [[2, 20], [8, 30]]
    assert size.lines[0].get_xydata().tolist() == [[2, 302], [8, 308]]
    assert all(axes.get_xscale() == "log" for axes in (inertia, psnr, size))


@pytest.mark.parametrize("count", [1, 2, 5, 6, 9, 12, 13])
@pytest.mark.parametrize("lossless", [0, 1, 13])
def test_sweep_of_any_length(count, lossless):
    ks = [2, 3, 4, 6, 8, 12, 16, 64, 256, 300, 1024, 4096, 65_536][:count]
    image = indexed(entries=2)
    qualities = [15.0 + i if i < count - lossless else math.inf for i in range(count)]
    rows = [fake_row(k, q, image=image, size=123_456) for k, q in zip(ks, qualities, strict=True)]
    figure = sweep_figure(noisy(image), rows, name="a.png")
    said = words(figure)
    assert said.count("K = ") == count
    labels = [text.get_text() for axes in figure.axes for text in axes.texts]
    assert labels == ["lossless"] * bool(lossless)
    assert ("needs only 2" in said) == (count > 1)
    assert_tidy(figure)


def test_sweep_marks_lossless_points():
    rows = [fake_row(2, 20.0), fake_row(4, 30.0), fake_row(8, math.inf)]
    figure = sweep_figure(noisy(rows[0].image), rows, name="a.png")
    psnr = [axes for axes in figure.axes if axes.lines][1]
    (x, y) = psnr.lines[0].get_xydata()[-1]
    assert x == 8
    assert 30 < y < psnr.get_ylim()[1]
    hollow = [line for line in psnr.lines if line.get_markerfacecolor() == "white"]
    assert [line.get_xdata()[0] for line in hollow] == [8]


def test_no_row_or_sizes_that_differ():
    image = indexed(12, 16)
    other = np.zeros((16, 12, 3), np.uint8)
    with pytest.raises(KmcInputError, match="12 x 16 and 16 x 12"):
        compare(other, image)
    with pytest.raises(KmcInputError, match="differ in size"):
        sweep_figure(other, [fake_row(4, 30.0, image=image)], name="a.png")
    with pytest.raises(KmcInputError, match="at least one K"):
        sweep_figure(other, [], name="a.png")


@pytest.mark.parametrize("extension", [*EXTENSIONS, ".PNG", ".jpeg"])
def test_figure_bytes_are_the_same_each_time(extension):
    image = indexed()
    first, second = (figure_bytes(compare(noisy(image), image), extension) for _ in range(2))
    kind = {".jpeg": ".jpg"}.get(extension, extension.lower())
    assert first.startswith(SIGNATURES[kind])
    assert first == second


@pytest.mark.parametrize("extension", ["", ".bmp", "png"])
def test_unknown_extension(extension):
    image = indexed()
    with pytest.raises(
        KmcInputError, match=r"cannot write a figure as .*\.png, \.pdf, \.svg or \.jpg"
    ):
        figure_bytes(compare(noisy(image), image), extension)


def test_matplotlibrc_makes_no_difference():
    image = indexed()
    plain = figure_bytes(compare(noisy(image), image), ".png")
    own = {"font.size": 20, "font.family": "serif", "text.usetex": True, "savefig.bbox": "tight"}
    with matplotlib.rc_context({**own, "axes.grid": True, "lines.linewidth": 9}):
        assert figure_bytes(compare(noisy(image), image), ".png") == plain


def test_no_pyplot_until_a_window_opens(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)
    image = indexed()
    assert figure_bytes(compare(noisy(image), image), ".png")
    assert sweep_figure(noisy(image), [fake_row(4, 30.0)], name="a.png")


def test_without_matplotlib(monkeypatch):
    image = indexed()
    figure = compare(noisy(image), image)
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    for use in (
        require_matplotlib,
        lambda: compare(noisy(image), image),
        lambda: sweep_figure(noisy(image), [fake_row(4, 30.0)], name="a.png"),
        lambda: figure_bytes(figure, ".png"),
        lambda: show(figure),
    ):
        with pytest.raises(KmcInputError) as caught:
            use()
        assert str(caught.value) == "figures need matplotlib: pip install 'kmcodec[plot]'"


@pytest.fixture
def backend():
    """Set a backend for one test; pyplot is as it was afterwards."""
    import matplotlib.pyplot as plt

    before = matplotlib.get_backend()
    yield plt.switch_backend
    plt.close("all")
    plt.switch_backend(before)


def test_show_without_a_display(backend):
    import matplotlib.pyplot as plt

    backend("agg")
    image = indexed()
    figure = compare(noisy(image), image)
    with pytest.raises(KmcInputError, match="no display to show the figure on: use -o"):
        show(figure)
    assert not plt.get_fignums()
    assert figure_bytes(figure, ".png").startswith(SIGNATURES[".png"])


def test_show_opens_a_window(backend, monkeypatch):
    from matplotlib.backend_bases import FigureManagerBase
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    seen = []

    class Manager(FigureManagerBase):
        def show(self):
            seen.append(self.canvas.figure)

        @classmethod
        def pyplot_show(cls, *, block=None):
            import matplotlib.pyplot as plt

            for number in plt.get_fignums():
                plt.figure(number).canvas.manager.show()

    class Canvas(FigureCanvasAgg):
        manager_class = Manager

    windows = types.ModuleType("kmcodec_test_windows")
    windows.FigureCanvas, windows.FigureManager = Canvas, Manager
    monkeypatch.setitem(sys.modules, windows.__name__, windows)
    backend(f"module://{windows.__name__}")
    image = indexed()
    figure = compare(noisy(image), image)
    show(figure)
    assert seen == [figure]
