"""Benchmarks run on a small image, and name in a line the modules that they lack."""

from __future__ import annotations

import importlib
import importlib.util
import shutil
import subprocess
import sys
import warnings

import numpy as np
import pytest
from conftest import ROOT
from PIL import Image

import kmcodec
from kmcodec.arrays.codec_options import encode_chunk


@pytest.mark.parametrize("script", ["animation_goals", "labels", "rate_distortion"])
def test_what_is_missing_is_named_in_a_line(script):
    path = str(ROOT / "benchmarks" / f"{script}.py")
    # Modules whose entry is None cannot be imported.
    program = (
        "import runpy, sys; sys.modules.update(skimage=None, numcodecs=None);"
        f"sys.argv = [{path!r}, 'a.png'] if {script!r} == 'rate_distortion' else [{path!r}];"
        f"sys.path.insert(0, {str(ROOT / 'benchmarks')!r});"
        f"runpy.run_path({path!r}, run_name='__main__')"
    )
    run = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False
    )
    assert run.returncode == 1
    (line,) = run.stderr.splitlines()
    assert line.startswith(f"{path}: no module ")
    assert "skimage" in line


@pytest.mark.parametrize(
    ("script", "row"),
    [
        (["file_size.py", "{samples}/icon.png", "-k", "4"], "| icon.png | 12,288 |"),
        (["index_size.py", "{samples}/pixelart.png"], "| pixelart.png |"),
        (
            ["quantize.py", "{samples}/bird_small.mat", "-k", "4", "--search", "0"],
            "| **kmcodec** |",
        ),
        pytest.param(
            ["javascript.py", "{samples}/pixelart.png", "--effort", "fast", "--repeats", "1"],
            "| pixelart.png, fast | ",
            marks=pytest.mark.skipif(shutil.which("node") is None, reason="no Node"),
        ),
        pytest.param(
            [
                *("perceptual.py", "{samples}/icon.png", "--settings", "2", "--no-butteraugli"),
                *("--only", "pngquant", "WebP lossy", "kmc", "kmc --psnr"),
            ],
            "| kmc --psnr | 1.00 |",
            marks=pytest.mark.skipif(shutil.which("pngquant") is None, reason="no pngquant"),
        ),
        pytest.param(
            [
                *("perceptual.py", "{samples}/icon.png", "--goals", "--scores", "50", "80"),
                *("--only", "pngquant", "kmc --quality"),
            ],
            "samples/icon.png: kmc --quality / pngquant 0.",
            marks=pytest.mark.skipif(shutil.which("pngquant") is None, reason="no pngquant"),
        ),
        (
            ["dither.py", "{samples}/icon.png", "--colors", "8", "--patches", "2"],
            "| floyd-steinberg 0.5 | ",
        ),
        (["accents.py", "{samples}/icon.png", "-k", "8", "--sizes", "2"], "| 8 | 2 x 2 |"),
        (["scale.py", "--megapixels", "1", "--colors", "4", "--effort", "fast"], "| 1 | "),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else "",
)
def test_scripts_measure_a_small_image(script, row):
    name, *arguments = (part.format(samples=ROOT / "samples") for part in script)
    run = subprocess.run(
        [sys.executable, str(ROOT / "benchmarks" / name), *arguments],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    assert row in run.stdout


def test_curves_are_compared_where_they_overlap(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    perceptual = importlib.import_module("perceptual")

    def points(*pairs):
        return [perceptual.Point(0, size, {"Q": quality}, 0) for size, quality in pairs]

    one = points((100, 10.0), (400, 30.0))
    # At each quality half as many bytes; and files that are larger and worse than others.
    other = points((100, 20.0), (200, 30.0), (800, 50.0), (500, 15.0), (900, 40.0))
    assert perceptual.frontier(other, "Q")[0] == [20, 30, 50]
    assert perceptual.ratio(other, one, "Q") == pytest.approx(1 / 2)
    assert perceptual.ratio(one, other, "Q") == pytest.approx(2)
    assert perceptual.ratio(one, points((9, 40.0), (10, 50.0)), "Q") is None


def run_labels(*arguments, without=()):
    """Run benchmarks/labels.py as if some modules were not installed; gives the lines it prints."""
    path = str(ROOT / "benchmarks" / "labels.py")
    program = (
        f"import runpy, sys; sys.modules.update(dict.fromkeys({without!r}));"
        f"sys.argv = {[path, *map(str, arguments)]!r};"
        f"sys.path.insert(0, {str(ROOT / 'benchmarks')!r});"
        f"runpy.run_path({path!r}, run_name='__main__')"
    )
    run = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=120, check=False
    )
    assert run.returncode == 0, run.stderr
    return run.stdout.splitlines()


def tables(lines):
    """The tables by their headings, as rows of cells."""
    found, rows = {}, None
    for line in lines:
        if line.startswith("## "):
            rows = found[line.removeprefix("## ")] = []
        elif line.startswith("|") and not line.startswith("|---"):
            rows.append([cell.strip() for cell in line.strip("|").split("|")])
    return found


ENCODERS = {
    True: lambda labels: kmcodec.encode_labels(labels, effort="fastest"),
    False: lambda labels: encode_chunk(labels, "context", "fastest"),
}
SPECIALISTS = ("crackle", "compresso", "numcodecs", "imagecodecs")


def test_labels_are_measured_without_what_is_not_installed(tmp_path):
    labels = (np.arange(4800).reshape(60, 80) // 7 % 5 - 2).astype(np.int16)
    np.save(tmp_path / "map.npy", labels)
    arguments = (tmp_path / "map.npy", "--effort", "fastest", "--chunk", "40", "--chunk", "whole")
    lines = run_labels(*arguments, "--repeats", "1", without=SPECIALISTS)
    assert [line.split(" (")[0] for line in lines if line.startswith("Skipped")] == [
        "Skipped: Blosc zstd, zstd 19",
        "Skipped: JPEG XL e7",
        "Skipped: crackle",
        "Skipped: compresso",
    ]
    chunks = [labels[y : y + 40, x : x + 40] for y in (0, 40) for x in (0, 40)]
    parts = {"Chunks of 40 on each side": chunks, "Whole arrays": [labels]}
    found = tables(lines)
    assert list(found) == list(parts)
    for heading, (head, size, encoding, decoding, *means) in found.items():
        assert head[3:] == ["kmc fastest", "LZMA", "PNG"]
        assert size[:3] == ["map.npy", "int16", "5"]
        own = sum(map(len, map(ENCODERS[heading.startswith("Whole")], parts[heading])))
        assert size[3] == f"{own:,}"
        assert float(encoding[3]) > 0
        assert float(decoding[3]) > 0
        # PNG holds no negative labels, so LZMA is the best other one.
        assert (size[5], encoding[5]) == ("-", "-")
        best = next(row for row in means if row[0].startswith("*bytes of the best other codec"))
        assert best[3:] == [f"{own / int(size[4].replace(',', '')):.2f}", "1.00", "-"]


def test_labels_are_measured_with_all_that_is_installed(tmp_path):
    modules = [module for module in SPECIALISTS if importlib.util.find_spec(module)]
    np.save(tmp_path / "map.npy", np.arange(4800, dtype=np.uint32).reshape(2, 40, 60) // 7 % 5)
    lines = run_labels(tmp_path / "map.npy", "--effort", "fast", "--repeats", "1")
    # A volume is measured in cubes, not in chunks of 256.
    found = tables(lines)
    assert list(found) == ["Whole arrays", "Chunks of 64 on each side"]
    (head, sizes, *rest) = found["Whole arrays"]
    names = {
        "numcodecs": "Blosc zstd",
        "imagecodecs": "JPEG XL e7",
        "crackle": "crackle m5 + xz",
        "compresso": "compresso",
    }
    for module in modules:
        assert int(sizes[head.index(names[module])].replace(",", "")) > 0
    means = [row[0] for row in rest if row[0].startswith("*bytes of")]
    assert len(means) == 2 * (1 + ("numcodecs" in modules) + ("crackle" in modules))


@pytest.mark.parametrize("name", ["map.png", "map.kmc", "floats.npy", "color.png", "gone.npy"])
def test_labels_are_read_from_files(tmp_path, name):
    labels = np.arange(1200, dtype=np.uint16).reshape(30, 40) // 7
    Image.fromarray(labels).save(tmp_path / "map.png")
    (tmp_path / "map.kmc").write_bytes(kmcodec.encode_labels(labels, effort="fastest"))
    np.save(tmp_path / "floats.npy", labels / 2)
    Image.fromarray(np.zeros((5, 5, 3), np.uint8)).save(tmp_path / "color.png")
    path = str(ROOT / "benchmarks" / "labels.py")
    arguments = [str(tmp_path / name), "--effort", "fastest", "--chunk", "whole", "--repeats", "1"]
    run = subprocess.run(
        [sys.executable, path, *arguments], capture_output=True, text=True, timeout=60, check=False
    )
    if name.startswith("map"):
        assert run.returncode == 0, run.stderr
        assert f"| {name} | uint16 | 172 |" in run.stdout
        return
    assert run.returncode == 1
    (line,) = run.stderr.splitlines()
    assert line.startswith(f"{tmp_path / name}: ")


def test_windows_are_measured_through_zarr(monkeypatch):
    pytest.importorskip("zarr")
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    label_windows = importlib.import_module("label_windows")
    monkeypatch.setattr(label_windows, "SIDE", 300)
    labels = np.add.outer(np.arange(300) // 40, np.arange(300) // 50).astype(np.uint16)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # zarr, of codecs that its specification does not have
        found = label_windows.windows(labels, ["fastest"], 1)
    assert list(found) == ["kmc fastest", "Blosc zstd", "zstd 19"]
    assert all(one.size > 0 and one.milliseconds > 0 for one in found.values())
