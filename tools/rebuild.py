"""Build those kernels again, in place, whose sources are not what they were built of.

    python tools/rebuild.py         # quickly, for tests
    python tools/rebuild.py -O3     # all of them, as they are installed, for measuring

Needs a C compiler, and Cython and setuptools, which kmcodec[dev] brings.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile

import kernels
from setuptools import setup

# A compiler takes a third of the time with it, and kernels give the same with each.
QUICK = "-O1"
# In a process of its own, as what is loaded must not change under whoever has it.
SUMS = """
import importlib, sys
for name in sys.argv[1:]:
    try:
        print(importlib.import_module(name).SOURCE_CRC)
    except ImportError:
        print(None)
"""


def stale() -> list[str]:
    """The kernels that are not there, or were built of something else."""
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
    """Build a kernel in this process, which is not to have loaded it."""
    os.chdir(kernels.ROOT)
    # Half of what a compiler writes, and much of its time, would be for debuggers.
    os.environ.setdefault("CFLAGS", "-g0")
    with tempfile.TemporaryDirectory() as folder:
        setup(
            name="kernels",
            packages=[],
            py_modules=[],
            script_args=["-q", "build_ext", "--inplace", "--force", f"--build-temp={folder}"],
            ext_modules=kernels.extensions([path], optimization, force=True),
        )


def main(optimization: str | None = None) -> str | None:
    """Build what is stale, or all with an optimization that was asked for.

    Gives a message about what could not be built.
    """
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
