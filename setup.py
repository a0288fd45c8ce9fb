"""What is made at each build: the viewer's page, and the compiled kernels.

Everything else is in pyproject.toml. The page is assembled from web/, which needs Python alone.

The kernels are optional: where there is no compiler the install succeeds without them, and their
twins in NumPy or Python give the same results, slower. They are built for the baseline processor,
as wheels travel.
"""

import runpy
import zlib
from pathlib import Path

from Cython.Build import cythonize
from setuptools import Extension, setup

KERNELS = [
    "kmcodec/coding/context/_default.pyx",
    "kmcodec/coding/context/_fast.pyx",
    "kmcodec/coding/context/_max.pyx",
    "kmcodec/quantization/_dither.pyx",
    "kmcodec/quantization/_filter.pyx",
    "kmcodec/quantization/_histogram.pyx",
    "kmcodec/quantization/_rounding.pyx",
    "kmcodec/quantization/_split.pyx",
]


def kernel(path: str) -> Extension:
    """An extension that knows the checksum of its sources, so that a stale one can be told."""
    included = sorted(str(part) for part in Path(path).parent.glob("*.pxi"))
    crc = 0
    for source in (path, *included):
        crc = zlib.crc32(Path(source).read_bytes(), crc)
    return Extension(
        path.removesuffix(".pyx").replace("/", "."),
        [path],
        depends=included,
        define_macros=[("KMC_SOURCE_CRC", f"{crc}U")],
        # Results may not depend on whether a processor can fuse a multiplication and an addition,
        # and sums of whole numbers are taken modulo 2 ** 32.
        extra_compile_args=["-O3", "-ffp-contract=off", "-fwrapv"],
    )


runpy.run_path("web/build_viewer.py")["write"]()

extensions = cythonize(
    [kernel(path) for path in KERNELS],
    compiler_directives={
        "language_level": 3,
        "boundscheck": False,
        "wraparound": False,
        "cdivision": True,
    },
)
for extension in extensions:
    # Set here, as cythonize does not hand it on.
    extension.optional = True

setup(ext_modules=extensions)
