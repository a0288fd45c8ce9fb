"""What benchmarks say where something that they need is not installed."""

from __future__ import annotations

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
