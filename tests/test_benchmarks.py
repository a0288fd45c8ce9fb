"""Benchmarks run on a small image, and name in a line the modules that they lack."""

from __future__ import annotations

import importlib
import importlib.util
import shutil
import subprocess
import sys

import numpy as np
import pytest
from conftest import ROOT

import kmcodec


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


def test_labels_are_measured_without_what_is_not_installed(tmp_path):
    labels = (np.arange(4800).reshape(60, 80) // 7 % 5 - 2).astype(np.int16)
    np.save(tmp_path / "map.npy", labels)
    path = str(ROOT / "benchmarks" / "labels.py")
    arguments = [path, str(tmp_path / "map.npy"), "--effort", "fastest", "--chunk", "40"]
    program = (
        "import runpy, sys; sys.modules.update(crackle=None, compresso=None, numcodecs=None);"
        f"sys.argv = {[*arguments, '--repeats', '1']};"
        f"sys.path.insert(0, {str(ROOT / 'benchmarks')!r});"
        f"runpy.run_path({path!r}, run_name='__main__')"
    )
    run = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False
    )
    assert run.returncode == 0, run.stderr
    lines = run.stdout.splitlines()
    assert [line.split(" (")[0] for line in lines if line.startswith("Skipped")] == [
        "Skipped: Blosc zstd, zstd 19",
        "Skipped: crackle",
        "Skipped: compresso",
    ]
    cells = [line.strip("| ").split(" | ") for line in lines if line.startswith("|")]
    assert cells[0][3:] == ["kmc fastest", "LZMA", "PNG"]
    assert cells[2][:3] == ["map.npy", "int16", "5"]
    chunks = [labels[y : y + 40, x : x + 40] for y in (0, 40) for x in (0, 40)]
    size = sum(len(kmcodec.encode_labels(chunk, effort="fastest")) for chunk in chunks)
    assert cells[2][3] == f"{size:,}"
    assert float(cells[4][3]) > 0
    # PNG holds no negative labels.
    assert len(cells[2]) == 5


def test_labels_are_measured_with_all_that_is_installed(tmp_path):
    modules = [m for m in ("numcodecs", "crackle", "compresso") if importlib.util.find_spec(m)]
    np.save(tmp_path / "map.npy", np.arange(4800, dtype=np.uint32).reshape(2, 40, 60) // 7 % 5)
    script = [str(ROOT / "benchmarks" / "labels.py"), str(tmp_path / "map.npy")]
    run = subprocess.run(
        [sys.executable, *script, "--effort", "fast", "--repeats", "1"],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    names = {"numcodecs": "Blosc zstd", "crackle": "crackle m5 + xz", "compresso": "compresso"}
    rows = [line.split(" | ") for line in run.stdout.splitlines() if line.startswith("|")]
    for module in modules:
        at = [cell.strip("| ") for cell in rows[0]].index(names[module])
        assert int(rows[2][at].strip(" |").replace(",", "")) > 0
    means = [row[0] for row in rows if row[0].startswith("| *bytes of")]
    assert len(means) == 2 * (("numcodecs" in modules) + ("crackle" in modules))
