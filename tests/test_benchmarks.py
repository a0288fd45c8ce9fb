"""Benchmarks run on a small image, and name in a line the modules that they lack."""

from __future__ import annotations

import shutil
import subprocess
import sys

import pytest
from conftest import ROOT


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
