"""Disks that fill up, folders that cannot be written, closed streams, signals: with real ones."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from conftest import SAMPLES
from PIL import Image

import kmcodec
from kmcodec import parallel

BIRD = SAMPLES / "bird_small.mat"
OLD = b"what was there before"

pytestmark = pytest.mark.skipif(os.name == "nt", reason="mounts and signals are POSIX's")


@pytest.fixture
def disk(tmp_path):
    """A file system of 64 kB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(folder)]
    done = shutil.which("mount") and subprocess.run(mount, capture_output=True, check=False)
    if not done or done.returncode:
        if os.environ.get("KMC_REQUIRE_FAULTS"):
            pytest.fail("KMC_REQUIRE_FAULTS is set, but nothing can be mounted here")
        pytest.skip("only root can mount")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


def fill(disk):
    full = pytest.raises(OSError, match="No space left")
    with open(disk / "filler", "wb", buffering=0) as filler, full:
        filler.writelines(bytes(4096) for _ in range(1000))


def make_read_only(disk):
    subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)


WRITERS = {
    "x.kmc": ["encode", BIRD, "-k", "4", "-o"],
    "x.npy": ["decode", "bird.kmc", "-o"],
    "x.png": ["compare", BIRD, "bird.kmc", "-o"],
    "x.gpl": ["palette", BIRD, "-k", "4", "-o"],
    "x.csv": ["sweep", BIRD, "-k", "2", "--csv"],
}


@pytest.mark.parametrize(
    ("fault", "told", "names"),
    [
        (fill, "no space left on device", sorted(WRITERS)),
        (make_read_only, "read-only file system", ["x.kmc"]),
    ],
)
def test_a_target_that_cannot_be_written_stays_as_it_was(kmc, tmp_path, disk, fault, told, names):
    kmcodec.write(tmp_path / "bird.kmc", np.zeros((128, 128, 3), np.uint8))
    for name in names:
        (disk / name).write_bytes(OLD)
    fault(disk)
    before = sorted(os.listdir(disk))
    for name in names:
        for target in [disk / name] + [disk / "new.kmc"] * (name == "x.kmc"):
            run = kmc(*WRITERS[name], target, "--force")
            assert run.returncode == 1
            assert run.stderr.decode().splitlines() == [f"kmc: {target}: {told}"]
        assert (disk / name).read_bytes() == OLD
    assert sorted(os.listdir(disk)) == before


@pytest.mark.parametrize(
    ("fault", "names"), [(fill, ["new.kmc"]), (make_read_only, ["x.kmc", "new.kmc"])]
)
def test_pillow_tells_of_a_target_that_it_cannot_write(disk, fault, names):
    # On a full disk Pillow makes room by emptying a file that it replaces: the save succeeds.
    (disk / "x.kmc").write_bytes(OLD)
    fault(disk)
    before = sorted(os.listdir(disk))
    for name in names:
        with pytest.raises(OSError, match=r"(?i)no space left|read-only"):
            Image.new("RGB", (9, 9)).save(disk / name)
    assert (disk / "x.kmc").read_bytes() == OLD
    assert sorted(os.listdir(disk)) == before


def test_a_disk_that_fills_up_in_a_batch_keeps_what_is_whole(kmc, tmp_path, disk, rng):
    (tmp_path / "in").mkdir()
    for number in range(5):
        noise = rng.integers(0, 256, (150, 160), dtype=np.uint8)  # about 24 kB, two files of it fit
        Image.fromarray(noise).save(tmp_path / "in" / f"{number}.png")
    run = kmc("encode", "in", "-q", "-o", disk / "out")
    assert run.returncode == 1
    written = sorted((disk / "out").iterdir())
    assert 1 <= len(written) <= 3
    for path in written:
        source = np.asarray(Image.open(tmp_path / "in" / f"{path.stem}.png"))
        np.testing.assert_array_equal(kmcodec.read(path).to_array(), source)
    assert len(run.stderr.splitlines()) == 5 - len(written) + 1
    assert len(list((tmp_path / "in").iterdir())) == 5


def test_a_folder_that_cannot_be_made(kmc, disk):
    make_read_only(disk)
    run = kmc("encode", BIRD, "-o", f"{disk}/out/deeper/")
    assert run.returncode == 1
    assert b"read-only file system" in run.stderr


# Signals: the process gets one after its second file has been filled and before that is renamed.

SIGNALLED = """
import os, signal
real, calls = os.fsync, []
def fsync(descriptor):
    real(descriptor)
    calls.append(descriptor)
    if len(calls) == 2:
        os.kill(os.getpid(), signal.{name})
os.fsync = fsync
signal.signal(signal.SIGINT, signal.default_int_handler)  # a test in the background ignores it
from kmcodec.cli import main
main()
"""


@pytest.mark.parametrize(
    ("command", "name", "code", "told"),
    [
        ("encode", "SIGINT", 130, b"kmc: interrupted"),
        ("encode", "SIGTERM", 143, b""),
        ("encode", "SIGKILL", -9, b""),
        ("decode", "SIGINT", 130, b"kmc: interrupted"),
    ],
)
def test_a_signal_leaves_whole_files_only(kmc, tmp_path, bird, command, name, code, told):
    (tmp_path / "out").mkdir()
    extension, made = (".npy", ".kmc") if command == "encode" else (".kmc", ".npy")
    sources = [f"{letter}{extension}" for letter in "abc"]
    for source in sources:
        if command == "encode":
            np.save(tmp_path / source, bird[:32, :32] // 64)
        else:
            kmcodec.write(tmp_path / source, bird[:32, :32] // 64)
    before = [(tmp_path / source).read_bytes() for source in sources]
    (tmp_path / "out" / f"b{made}").write_bytes(OLD)
    options = ["-q", "--force", "-o", "out"] + ["--to", "npy"] * (command == "decode")
    run = subprocess.run(
        [sys.executable, "-c", SIGNALLED.format(name=name), command, *sources, *options],
        cwd=tmp_path,
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert (run.returncode, run.stderr.strip()) == (code, told)
    assert [(tmp_path / source).read_bytes() for source in sources] == before
    assert (tmp_path / "out" / f"b{made}").read_bytes() == OLD
    left = {path.name for path in (tmp_path / "out").iterdir()} - {f"a{made}", f"b{made}"}
    # Who is killed cannot tidy up; what is left has a name that tells whose it is.
    assert len(left) == (name == "SIGKILL")
    assert all(path.startswith(".kmc-") and path.endswith(".tmp") for path in left)
    if name != "SIGKILL":
        return
    # It does no harm: the folder is as good as any.
    for again in (kmc(command, *sources, *options), kmc("decode", "out", "-q", "-o", "again")):
        assert (again.returncode, again.stderr) == (0, b"")
    assert sorted(os.listdir(tmp_path / "out")) == [*left, "a.kmc", "b.kmc", "c.kmc"]
    assert sorted(os.listdir(tmp_path / "again")) == ["a.png", "b.png", "c.png"]


def test_who_ignores_a_hangup_means_it(tmp_path):
    hung_up = SIGNALLED.format(name="SIGHUP").replace("2:", "1:")
    for ignored, code in ((True, 0), (False, 129)):
        run = subprocess.run(
            [sys.executable, "-c", hung_up, "encode", str(BIRD), "-k", "2", "-o", "x.kmc"],
            cwd=tmp_path,
            capture_output=True,
            timeout=60,
            check=False,
            preexec_fn=lambda what=ignored: signal.signal(
                signal.SIGHUP, signal.SIG_IGN if what else signal.SIG_DFL
            ),
        )
        assert run.returncode == code
        assert os.listdir(tmp_path) == ["x.kmc"] * ignored
        (tmp_path / "x.kmc").unlink(missing_ok=True)


def test_after_an_interrupt_threads_take_no_more_work(monkeypatch):
    pool = ThreadPoolExecutor(1)
    monkeypatch.setattr(parallel, "_pool", lambda process: pool)
    monkeypatch.setattr(parallel, "thread_count", lambda: 2)
    started, interrupted, done = threading.Event(), threading.Event(), []

    def work(item):
        if threading.current_thread() is threading.main_thread():
            started.wait(10)
            raise KeyboardInterrupt
        started.set()
        interrupted.wait(10)
        done.append(item)

    with pytest.raises(KeyboardInterrupt):
        parallel.in_threads_each(work, range(50))
    interrupted.set()
    pool.shutdown()
    assert len(done) == 1


# Streams.


@pytest.mark.parametrize(
    ("line", "code", "told"),
    [
        ("info bird.kmc >/dev/full", 1, "kmc: standard output: no space left on device"),
        ("encode bird.kmc --json -o x.kmc >/dev/full", 1, None),
        ("decode bird.kmc -o - >/dev/full", 1, "kmc: standard output: no space left on device"),
        ("info bird.kmc >&-", 1, "kmc: standard output: bad file descriptor"),
        ("decode - -o x.png <&-", 1, "kmc: standard input: bad file descriptor"),
        ("encode bird.kmc -q -o x.kmc <&- >&-", 0, ""),
        ("encode bird.kmc -o x.kmc 2>&-", 0, ""),
        ("encode bird.kmc -o x.kmc 2>/dev/full", 0, ""),
        ("encode none.png -o x.kmc 2>/dev/full", 1, ""),
        ("sweep bird.kmc -k 1,2,3 | true; exit ${PIPESTATUS[0]}", 1, ""),
        ("info none.kmc | true; exit ${PIPESTATUS[0]}", 1, None),
    ],
)
@pytest.mark.skipif(
    not os.path.exists("/dev/full") or not shutil.which("bash"), reason="needs /dev/full and bash"
)
def test_streams_that_are_full_or_closed(tmp_path, line, code, told):
    kmcodec.write(tmp_path / "bird.kmc", np.arange(64, dtype=np.uint8).reshape(8, 8))
    run = subprocess.run(
        ["bash", "-c", f'"{sys.executable}" -m kmcodec {line}'],
        cwd=tmp_path,
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert run.returncode == code
    lines = run.stderr.decode().splitlines()
    assert len(lines) <= 1
    if told is not None:
        assert lines == [told] * bool(told)
    if "x.kmc" in line and not code:
        assert len(kmcodec.read(tmp_path / "x.kmc").palette) == 64
