"""Work after the main thread has ended, and in `atexit`, when no thread can be started."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

_WORK = """
import atexit, sys, threading
import numpy as np
import kmcodec
from kmcodec.parallel import in_turn

def work():
    y, x = np.mgrid[0:1100, 0:1300]
    pixels = np.stack([x & 255, y & 255, (x * y >> 6) & 255], 2).astype(np.uint8)
    image = kmcodec.quantize(pixels, 8, search=0)
    data = kmcodec.encode(image, coding="packed", strip_rows=100)
    assert kmcodec.decode_indexed(data) == image
    assert list(in_turn(lambda n: n * n, range(9))) == [n * n for n in range(9)]
    print("done", flush=True)

def after_the_main_thread():
    main = threading.main_thread()
    main.join()
    work()
"""
_WAYS = {
    "thread": "threading.Thread(target=after_the_main_thread).start()",
    "thread, with threads started before": (
        "work(); threading.Thread(target=after_the_main_thread).start()"
    ),
    "atexit": "atexit.register(work)",
}


@pytest.mark.parametrize("way", _WAYS)
def test_nothing_is_lost_when_the_interpreter_ends(way):
    run = subprocess.run(
        [sys.executable, "-W", "error", "-c", _WORK + _WAYS[way]],
        env=os.environ | {"KMC_THREADS": "3"},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert run.stderr == ""
    assert run.returncode == 0
    assert run.stdout.split() == ["done"] * (1 + ("before" in way))


def test_files_are_encoded_at_exit(tmp_path):
    code = """
import atexit, sys
import numpy as np
import kmcodec
from kmcodec.batch import LocalPool
from kmcodec.batch.encoding import encode_files
from kmcodec.batch.planning import plan

def work():
    with LocalPool(2) as pool:
        for done in encode_files(jobs, executor=pool):
            print(done.result().width)

if __name__ == "__main__":
    for name in "ab":
        np.save(name + ".npy", np.zeros((5, 7), np.uint8))
    jobs = plan(["a.npy", "b.npy"], None, ".kmc", force=False)
    atexit.register(work)
"""
    script = tmp_path / "script.py"
    script.write_text(code)
    run = subprocess.run(
        [sys.executable, script], cwd=tmp_path, capture_output=True, text=True, timeout=120
    )
    assert run.stderr == ""
    assert run.stdout.split() == ["7", "7"]
