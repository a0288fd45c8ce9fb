"""What is made at each build: the viewer's page, constants of the kernels, and the kernels.

Everything else is in pyproject.toml. The page is assembled from web/, the constants are those of
kmcodec/coding/context/profiles.py; both need Python alone.

The kernels are optional: where there is no compiler the install succeeds without them, and their
twins in NumPy or Python give the same results, slower. They are built for the baseline processor,
as wheels travel.
"""

import runpy

from setuptools import setup

kernels = runpy.run_path("tools/kernels.py")
runpy.run_path("web/build_viewer.py")["write"]()
setup(ext_modules=kernels["extensions"](kernels["KERNELS"]))
