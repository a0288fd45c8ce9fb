"""Compile a driver for each profile of the context coder.

Run in a copy of the tree, as setup.py is: `run.py` does so.
"""

from __future__ import annotations

from pathlib import Path

from Cython.Build import cythonize
from setuptools import Extension, setup

CONTEXT = Path("kmcodec/coding/context")
PROFILES = ("default", "max")

_LEARN = "learn_slot(m, m.pattern[i], n + i, bit)"
_TOUCHED = """
cdef Slot *slots[1 << 17]
cdef int slots_touched = 0

cdef inline void touched(Slot *slot) noexcept nogil:
    global slots_touched
    slots[slots_touched] = slot
    slots_touched += 1
"""

decision = (CONTEXT / "decision.pxi").read_text()
assert decision.count(_LEARN) == 1
(CONTEXT / "driven_decision.pxi").write_text(
    _TOUCHED + decision.replace(_LEARN, f"touched(m.pattern[i]); {_LEARN}")
)
extensions = []
for profile in PROFILES:
    kernel = (CONTEXT / f"_{profile}.pyx").read_text()
    source = CONTEXT / f"_drive_{profile}.pyx"
    source.write_text(
        kernel.replace('"decision.pxi"', '"driven_decision.pxi"')
        + Path("tests/fuzz/driver.pxi").read_text()
    )
    name = f"kmcodec.coding.context._drive_{profile}"
    extensions.append(Extension(name, [str(source)], extra_compile_args=["-fwrapv"]))
setup(name="drivers", packages=[], ext_modules=cythonize(extensions))
