"""Rebuild, in place, the kernels whose sources have changed.

    python tools/rebuild.py         # quickly, for tests
    python tools/rebuild.py -O3     # all of them, as an install does, for measuring

Needs a C compiler, and Cython and setuptools, which kmcodec[dev] brings.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import kernels
from setuptools import setup

# The compiler takes a third of the time, and the kernels give the same results.
QUICK = "-O1"
# A separate process, because a loaded extension must not change.
SUMS = """
import importlib, sys
for name in sys.argv[1:]:
    try:
        print(importlib.import_module(name).SOURCE_CRC)
    except ImportError:
        print(None)
"""


def stale() -> list[str]:
    """Return the kernels that are missing or were built from other sources."""
    names = [path.removesuffix(".pyx").replace("/", ".") for path in kernels.KERNELS]
    run = subprocess.run(
        [sys.executable, "-c", SUMS, *names],
        cwd=kernels.ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    sums = zip(kernels.KERNELS, run.stdout.split(), strict=True)
    return [path for path, crc in sums if crc != str(kernels.source_crc(path))]


def build(path: str, optimization: str) -> None:
    """Build a kernel; this process must not have loaded it."""
    os.chdir(kernels.ROOT)
    # Python prefers an extension made for one version alone to one with the stable ABI.
    for old in Path(path).parent.glob(f"{Path(path).stem}.*.so"):
        old.unlink()
    with tempfile.TemporaryDirectory() as folder:
        setup(
            name="kernels",
            packages=[],
            py_modules=[],
            script_args=["-q", "build_ext", "--inplace", "--force", f"--build-temp={folder}"],
            ext_modules=kernels.extensions([path], optimization, force=True),
        )


def main(optimization: str | None = None) -> str | None:
    """Build the stale kernels, or all with a given optimization; return a message if that fails."""
    kernels.write_generated()
    old = stale() if optimization is None else list(kernels.KERNELS)
    optimization = optimization or QUICK
    command = [sys.executable, __file__, optimization]
    begun = [subprocess.Popen([*command, path]) for path in old]
    for process in begun:
        process.wait()
    left = stale() if old else []
    print(f"{len(old) - len(left)} of {len(kernels.KERNELS)} kernels built with {optimization}")
    return f"not built: {', '.join(left)}" if left else None


if __name__ == "__main__":
    if sys.argv[2:]:
        build(sys.argv[2], sys.argv[1])
    else:
        sys.exit(main(*sys.argv[1:]))
