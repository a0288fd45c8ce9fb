"""Ctrl-C ends the kernels at once, in whatever thread they run."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

import kmcodec
from kmcodec import coding, parallel
from kmcodec.container.header import Header
from kmcodec.model.image import Metadata
from kmcodec.writing.assembly import file_parts

pytestmark = pytest.mark.skipif(not coding.COMPILED, reason="the kernels are not compiled")
needs_proc = pytest.mark.skipif(not os.path.exists("/proc/self/stat"), reason="no /proc")


def cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def interrupted(folder: Path, threads: int, after: float, *args: str) -> tuple[float, int, str]:
    """CPU seconds that a command takes from SIGINT to its end, its exit code, and what it says."""
    environment = {**os.environ, "KMC_THREADS": str(threads), "KMC_COMPILED": "1"}
    command = [sys.executable, "-m", "kmcodec", *args]
    with subprocess.Popen(
        command, cwd=folder, env=environment, stderr=subprocess.PIPE, text=True
    ) as process:
        # By what it has done, not by the clock: this machine may be busy.
        while process.poll() is None and cpu_seconds(process.pid) < after:
            os.sched_yield()
        assert process.returncode is None, "ended before it was interrupted"
        before = cpu_seconds(process.pid)
        process.send_signal(signal.SIGINT)
        while os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT | os.WNOHANG) is None:
            os.sched_yield()
        spent = cpu_seconds(process.pid) - before
        told = process.communicate()[1]
    return spent, process.returncode, told


@pytest.fixture(scope="module")
def noise(tmp_path_factory):
    folder = tmp_path_factory.mktemp("noise")
    rng = np.random.default_rng(5)
    indices = rng.integers(0, 256, (2000, 2000), dtype=np.uint8)
    palette = rng.integers(0, 256, (256, 3), dtype=np.uint8)
    np.save(folder / "noise.npy", palette[indices])
    return folder


@needs_proc
@pytest.mark.parametrize(("effort", "threads"), [("default", 1), ("max", 2)])
def test_encoding_is_interrupted(noise, effort, threads):
    args = ("encode", "noise.npy", "-k", "256", "--effort", effort, "-o", "out.kmc")
    spent, code, told = interrupted(noise, threads, 2.5, *args)
    assert code == 130
    assert told.splitlines()[-1] == "kmc: interrupted"
    # It would have gone on for many times that.
    assert spent < 2
    assert [each.name for each in noise.iterdir()] == ["noise.npy"]


@needs_proc
@pytest.mark.parametrize("threads", [1, 2])
def test_decoding_is_interrupted(tmp_path, threads):
    # Any bytes decode to some indices: to encode an image would take as long as to decode it.
    rng = np.random.default_rng(5)
    number = coding.coding_named("context", "max").number
    header = Header(number, 3, 2000, 1000, 256, rows_per_strip=500)
    palette = rng.integers(0, 256, (256, 3), dtype=np.uint8)
    parts = file_parts(header, palette, [rng.bytes(2_000_000), rng.bytes(2_000_000)], Metadata())
    (tmp_path / "noise.kmc").write_bytes(b"".join(parts))
    args = ("decode", "noise.kmc", "-o", "out.png")
    spent, code, told = interrupted(tmp_path, threads, 2, *args)
    assert (code, told.splitlines()[-1]) == (130, "kmc: interrupted")
    assert spent < 2
    assert [each.name for each in tmp_path.iterdir()] == ["noise.kmc"]


def test_a_part_that_fails_stops_the_others(monkeypatch):
    monkeypatch.setattr(parallel, "thread_count", lambda: 2)
    begun, ended = threading.Event(), threading.Event()

    def work(part, parts):
        if part == 0:
            begun.wait()
            raise KeyboardInterrupt
        begun.set()
        try:
            while True:  # what a kernel does
                parallel.heed_stop()
        finally:
            ended.set()

    with pytest.raises(KeyboardInterrupt):
        parallel.in_threads(work, 2)
    assert ended.is_set()
    # Nothing of it is left for the next.
    assert parallel.in_threads(lambda part, parts: parallel.heed_stop() or part, 2) == [0, 1]


def test_results_that_nobody_takes_stop_the_work(monkeypatch):
    monkeypatch.setattr(parallel, "thread_count", lambda: 2)

    def work(item):
        while item:
            parallel.heed_stop()
        return item

    results = parallel.in_turn(work, [0, 1, 1, 1])
    assert next(results) == 0
    results.close()


def test_a_row_longer_than_a_look_is_coded_as_ever():
    rng = np.random.default_rng(6)
    row = np.repeat(rng.integers(0, 4, (2, 3000)), 11, axis=1)
    image = kmcodec.IndexedImage(np.arange(12, dtype=np.uint8).reshape(4, 3), row)
    for effort in ("fastest", "fast", "default", "max"):
        back = kmcodec.decode_indexed(kmcodec.encode(image, effort=effort))
        assert np.array_equal(back.indices, image.indices)
