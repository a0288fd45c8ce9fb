"""What several tests share."""

from __future__ import annotations

import importlib.metadata
import os
import runpy
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from desktop_tools import Desktop
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import kmcodec
from kmcodec.sources.palettes import read_palette

ROOT = Path(__file__).parent.parent
SAMPLES = ROOT / "samples"
VECTORS = ROOT / "spec" / "vectors"

# Tests start hundreds of processes. None of them multiplies matrices, so they need no threads for
# that; and without bytecode files each would compile the package again, for a second.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

# No tests, but programs: fuzz/run.py.
collect_ignore = ["fuzz"]

# Machines differ in speed, and this is no place to measure it.
settings.register_profile(
    "kmcodec", deadline=None, suppress_health_check=[HealthCheck.too_slow], max_examples=40
)
settings.load_profile("kmcodec")


def pytest_configure(config):
    """Make the viewer of what is in web/ now; workers of xdist find it made."""
    # A shell ignores Ctrl-C in what it starts in the background, and so would all that tests start.
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    # Without the sources beside them, the tests are those of an installed wheel.
    if not hasattr(config, "workerinput") and (ROOT / "kmcodec").is_dir():
        runpy.run_path(str(ROOT / "web" / "build_viewer.py"))["write"]()


# What modules and fixtures are called that have others work than this process, which takes seconds.
_OTHERS_WORK = {"subprocess", "multiprocessing", "opened", "distributed", "CliRunner", "kmc"}
# Modules whose tests work on for seconds in this process, as --durations=50 tells.
_LONG_WORK = {
    *("test_alpha", "test_animation_goals", "test_chunked_arrays", "test_cli", "test_clusters"),
    *("test_context", "test_damage", "test_oklab", "test_palette_coding", "test_plots"),
    *("test_pool", "test_rate_distortion", "test_reader", "test_second_reader"),
    "test_source_limits",
}


def pytest_collection_modifyitems(items):
    """Mark as quick the first case of each test that starts no process and draws no examples."""
    seen = set()
    for item in items:
        case = item.nodeid.partition("[")[0]
        names = set(vars(getattr(item, "module", item))) | set(getattr(item, "fixturenames", ()))
        drawn = hasattr(getattr(item, "obj", None), "hypothesis")
        slow = drawn or names & _OTHERS_WORK or item.path.stem in _LONG_WORK
        if case not in seen and not slow:
            item.add_marker(pytest.mark.quick)
        seen.add(case)


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


@pytest.fixture
def desktop(tmp_path):
    """A user of a desktop, without files of their own."""
    home = tmp_path / "home"
    home.mkdir()
    return Desktop(home)


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


def missing_codecs():
    """What stops the tests of the codecs for Zarr and numcodecs here, or None."""
    groups = importlib.metadata.entry_points()
    for group, module in (("numcodecs.codecs", "numcodecs"), ("zarr.codecs", "zarr")):
        try:
            __import__(module)
        except ImportError:
            return f"no {module} (pip install 'kmcodec[zarr]')"
        if not groups.select(group=group, name="kmcodec"):
            return "kmcodec is not installed with the entry points of these codecs"
    return None


PALETTES = st.tuples(st.integers(1, 300), st.integers(3, 4)).flatmap(
    lambda shape: hnp.arrays(np.uint8, shape)
)
OPAQUE_PALETTES = st.integers(1, 256).flatmap(lambda n: hnp.arrays(np.uint8, (n, 3)))


@pytest.fixture(scope="module")
def palette_of(tmp_path_factory):
    """Read the palette of a file that holds these bytes."""
    folder = tmp_path_factory.mktemp("palettes")

    def read_bytes(data, name="theme.xyz"):
        path = folder / name
        path.write_bytes(data.encode() if isinstance(data, str) else data)
        return read_palette(str(path))

    return read_bytes


@pytest.fixture
def palette_refused(palette_of):
    """Read what is no palette; gives what the message says after the file's name."""

    def read_bytes(data, name="theme.xyz"):
        with pytest.raises(kmcodec.KmcInputError) as caught:
            palette_of(data, name)
        message = str(caught.value)
        assert "\n" not in message
        assert len(message) < 400
        place, _, rest = message.partition(f"{name}: ")
        assert os.path.isabs(place)
        return rest

    return read_bytes
