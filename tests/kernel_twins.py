"""Compiled kernels and their twins, side by side."""

from __future__ import annotations

import contextlib

import pytest

from kmcodec import parallel
from kmcodec.quantization import assign, histogram, kernels

NAMES = [name for name in kernels.__all__ if name != "COMPILED"]

needs_kernels = pytest.mark.skipif(
    not kernels.COMPILED,
    reason="no compiled kernels: run python tools/rebuild.py, and run without KMC_COMPILED=0",
)


@contextlib.contextmanager
def running(*, threads=1, twins=False):
    """With so many threads, however little there is to do; with twins instead of kernels."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("KMC_THREADS", str(threads))
        patch.setattr(assign, "_POINTS_A_THREAD", 1)
        patch.setattr(histogram, "_PIXELS_A_THREAD", 1)
        for name in NAMES if twins else []:
            patch.setattr(kernels, name, None)
        parallel.thread_count.cache_clear()
        parallel._pool.cache_clear()
        try:
            yield
        finally:
            parallel.thread_count.cache_clear()
            parallel._pool.cache_clear()
