"""List the sources of the compiled kernels, for setup.py, rebuild.py and the test of stale builds.

The kernels of the context coder need the numbers of their profiles as constants of C. Each build
writes them to one file for each profile, from `PROFILES` in kmcodec, so that no other file states
them. Only `extensions` needs Cython.
"""

from __future__ import annotations

import dataclasses
import os
import runpy
import sys
import sysconfig
import zlib
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
CONTEXT = Path("kmcodec", "coding", "context")
# What an install compiles with.
FULL = "-O3"
# One build for CPython 3.11 and everything later: the stable ABI has had buffers since then, and
# costs the kernels less than 3 % of their speed. Free-threaded Pythons do not have it yet.
STABLE_ABI = (3, 11)
KERNELS = (
    "kmcodec/coding/additive/_strip.pyx",
    "kmcodec/coding/context/_default.pyx",
    "kmcodec/coding/context/_max.pyx",
    "kmcodec/coding/context/_palette.pyx",
    "kmcodec/coding/labels/_map.pyx",
    "kmcodec/perception/_planes.pyx",
    "kmcodec/quantization/_dither.pyx",
    "kmcodec/quantization/_filter.pyx",
    "kmcodec/quantization/_histogram.pyx",
    "kmcodec/quantization/_rounding.pyx",
    "kmcodec/quantization/_split.pyx",
    "kmcodec/quantization/_squares.pyx",
)


@cache
def generated() -> dict[Path, bytes]:
    """Return the contents of the generated files by their paths, relative to the root."""
    profiles = runpy.run_path(str(ROOT / CONTEXT / "profiles.py"))["PROFILES"]
    return {
        CONTEXT / f"profile_{name}.pxi": _constants(profile).encode()
        for name, profile in profiles.items()
    }


def _constants(profile: object) -> str:
    numbers = dataclasses.asdict(profile)
    del numbers["name"]
    values = ", ".join(f"{name.upper()} = {int(value)}" for name, value in numbers.items())
    pairs = ", ".join(f"{name}={name.upper()}" for name in numbers)
    names = "".join(f"        {name.upper()}\n" for name in numbers)
    return (
        "# Made of PROFILES in profiles.py by setup.py; git ignores it.\n\n"
        "cdef extern from *:\n"
        f'    """\n    enum {{ {values} }};\n    """\n'
        f"    enum:\n{names}"
        f"\nPROFILE = dict({pairs})\n"
    )


def write_generated() -> None:
    """Write the generated files whose contents differ; an unchanged file keeps its age."""
    for path, text in generated().items():
        whole = ROOT / path
        if not whole.is_file() or whole.read_bytes() != text:
            whole.write_bytes(text)


def included(kernel: str) -> list[Path]:
    """Return the files that a kernel may include: those beside and above it, its generated one."""
    folder, name = Path(kernel).parent, Path(kernel).stem.removeprefix("_")
    found = {
        path.relative_to(ROOT)
        for place in (folder, folder.parent)
        for kind in ("*.pxi", "*.h")
        for path in (ROOT / place).glob(kind)
    }
    own = {path for path in generated() if path == folder / f"profile_{name}.pxi"}
    return sorted(found - generated().keys() | own)


def source_crc(kernel: str) -> int:
    """Return the checksum of all sources of a kernel, as they are now."""
    crc = zlib.crc32((ROOT / kernel).read_bytes())
    for path in included(kernel):
        crc = zlib.crc32(generated().get(path) or (ROOT / path).read_bytes(), crc)
    return crc


def stable_abi() -> bool:
    """Tell whether this Python gets extensions that later ones load too."""
    return (
        sys.implementation.name == "cpython"
        and sys.version_info >= STABLE_ABI
        and not sysconfig.get_config_var("Py_GIL_DISABLED")
    )


def extensions(kernels: Sequence[str], optimization: str = FULL, *, force: bool = False) -> Any:
    """Return the extensions for `setup`, run at the root; each knows its sources' checksum."""
    from Cython.Build import cythonize
    from setuptools import Extension

    write_generated()
    macros = []
    if stable_abi():
        macros = [("Py_LIMITED_API", "0x{:02X}{:02X}0000".format(*STABLE_ABI))]
    # Python adds -g by default, and debug information takes a third of the compiler's time.
    os.environ.setdefault("CFLAGS", "-g0")
    made = cythonize(
        [
            Extension(
                kernel.removesuffix(".pyx").replace("/", "."),
                [kernel],
                depends=list(map(str, included(kernel))),
                define_macros=[("KMC_SOURCE_CRC", f"{source_crc(kernel)}U"), *macros],
                py_limited_api=bool(macros),
                # Results must not depend on fused multiplications and additions; integer sums wrap
                # modulo 2 ** 32.
                extra_compile_args=[optimization, "-ffp-contract=off", "-fwrapv"],
            )
            for kernel in kernels
        ],
        force=force or None,  # None: as the environment says
        compiler_directives={
            "language_level": 3,
            "boundscheck": False,
            "wraparound": False,
            "cdivision": True,
        },
    )
    for extension in made:
        # Set here, because cythonize does not pass it on.
        extension.optional = True
    return made
