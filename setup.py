"""What is made at each build: the viewer's page, constants of the kernels, and the kernels.

Everything else is in pyproject.toml. The page is assembled from web/, the constants are those of
kmcodec/coding/context/profiles.py; both need Python alone.

The kernels are optional: without a compiler the install succeeds, and their twins in NumPy or
Python give the same results, slower. They are built for the baseline processor, because wheels
travel, and side by side, because each takes many seconds. From CPython 3.11 on they use the stable
ABI, so that a wheel serves all later versions. `KMC_OPTIMIZATION=-O1` builds them
faster, for tests.
"""

import os
import runpy

from setuptools import setup

kernels = runpy.run_path("tools/kernels.py")
options = {"build_ext": {"parallel": os.cpu_count()}}
if kernels["stable_abi"]():
    options["bdist_wheel"] = {"py_limited_api": "cp{}{}".format(*kernels["STABLE_ABI"])}
runpy.run_path("web/build_viewer.py")["write"]()
setup(
    ext_modules=kernels["extensions"](
        kernels["KERNELS"], os.environ.get("KMC_OPTIMIZATION") or kernels["FULL"]
    ),
    options=options,
)
