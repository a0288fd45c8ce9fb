"""What several tests share."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

import kmcodec

ROOT = Path(__file__).parent.parent
SAMPLES = ROOT / "samples"
VECTORS = ROOT / "spec" / "vectors"

# Machines differ in speed, and this is no place to measure it.
settings.register_profile(
    "kmcodec", deadline=None, suppress_health_check=[HealthCheck.too_slow], max_examples=60
)
settings.load_profile("kmcodec")


@pytest.fixture
def rng():
    return np.random.default_rng(20261123)


@pytest.fixture
def bird():
    """The sample photo, uint8, shape (128, 128, 3)."""
    import scipy.io

    return scipy.io.loadmat(SAMPLES / "bird_small.mat")["A"]


@pytest.fixture
def kmc(tmp_path):
    """Run the command line as a real process, in an empty folder."""

    def run(*args, stdin=b"", cwd=tmp_path, env=None):
        return subprocess.run(
            [sys.executable, "-m", "kmcodec", *map(str, args)],
            input=stdin,
            capture_output=True,
            cwd=cwd,
            env=env,
            timeout=120,
            check=False,
        )

    return run


@st.composite
def indexed_images(draw, max_side=12, max_entries=300):
    """Palette images of any shape, channels and palette, some entries repeated or unused."""
    height = draw(st.integers(1, max_side))
    width = draw(st.integers(1, max_side))
    channels = draw(st.integers(1, 4))
    entries = draw(
        st.sampled_from([1, 2, 3, 4, 5, 16, 17, 255, 256, 257]) | st.integers(1, max_entries)
    )
    seed = draw(st.integers(0, 2**32 - 1))
    rng = np.random.default_rng(seed)
    palette = rng.integers(0, 256, (entries, channels), dtype=np.uint8)
    indices = rng.integers(0, entries, (height, width))
    return kmcodec.IndexedImage(palette, indices)
