"""The same work in several processes: results in order, whatever happens to the processes."""

from __future__ import annotations

import os
import signal
import warnings
from contextlib import ExitStack

import pytest

from kmcodec.batch.pool import LocalPool, run_each
from kmcodec.errors import KmcError, KmcFormatError, KmcInputError, KmcWarning
from kmcodec.parallel import thread_count
from kmcodec.storage.door import write_output


def work(item):
    if item < 0:
        raise KmcFormatError(f"{item} is negative", offset=7, found=item)
    if item == 5:
        warnings.warn("five", KmcWarning, stacklevel=2)
    if item == 6:
        raise MemoryError
    return item * item


def deadly(item):
    if item in (3, 4):
        os.kill(os.getpid(), signal.SIGKILL)
    return item


def write_slowly(folder):
    os.fsync = lambda descriptor: (folder / "fifo").read_bytes()
    write_output(folder / "out" / "x.kmc", b"half or whole")


def failing_for_good(item):
    raise ZeroDivisionError


def environment(_):
    return os.environ["KMC_THREADS"], thread_count()


@pytest.mark.parametrize("workers", [1, 2])
def test_what_comes_of_each_item_is_told_in_order(workers):
    items = [*range(8), -1, *range(10, 20)]
    if workers == 1:
        done = list(run_each(work, items))
    else:
        with LocalPool(workers) as pool:
            done = list(run_each(work, items, pool, workers=workers))
    assert len(done) == len(items)
    for item, each in zip(items, done, strict=True):
        failed = item in (-1, 6)
        assert each.value == (None if failed else item * item)
        assert [str(note) for note in each.notes] == ["five"] * (item == 5)
        assert isinstance(each.error, KmcError) == failed
    assert str(done[6].error) == "6: not enough memory"
    damaged = done[8].error
    assert isinstance(damaged, KmcFormatError)
    assert (str(damaged), damaged.offset, damaged.found) == ("-1 is negative (at byte 7)", 7, -1)


def test_an_error_stands_for_what_cannot_be_done():
    error = KmcInputError("already exists")
    done = list(run_each(work, [2, error, 3]))
    assert [each.value for each in done] == [4, None, 9]
    assert done[1].error is error
    with pytest.raises(KmcInputError, match="already exists"):
        done[1].result()


@pytest.mark.skipif(os.name == "nt", reason="kills by a signal")
def test_a_process_that_is_killed_takes_no_other_work_with_it():
    with LocalPool(2) as pool:
        done = list(run_each(deadly, range(9), pool, workers=2))
    assert [each.value for each in done] == [0, 1, 2, None, None, 5, 6, 7, 8]
    assert "3: the process that worked on it was killed" in str(done[3].error)
    assert "4: the process" in str(done[4].error)


@pytest.mark.skipif(os.name == "nt", reason="FIFOs are POSIX's")
def test_work_that_is_broken_off_leaves_no_temporary_file(tmp_path):
    (tmp_path / "out").mkdir()
    os.mkfifo(tmp_path / "fifo")
    with ExitStack() as stack:
        stack.enter_context(pytest.raises(KeyboardInterrupt))
        pool = stack.enter_context(LocalPool(1))
        pool.submit(write_slowly, tmp_path)
        writer = os.open(tmp_path / "fifo", os.O_WRONLY)  # waits for the one that reads
        assert len(os.listdir(tmp_path / "out")) == 1
        raise KeyboardInterrupt
    os.close(writer)
    assert os.listdir(tmp_path / "out") == []


def test_what_is_no_fault_of_a_file_ends_all():
    with pytest.raises(ZeroDivisionError), LocalPool(1) as pool:
        list(run_each(failing_for_good, range(9), pool))


def test_processes_share_the_processors():
    with LocalPool(2) as pool:
        (done,) = run_each(environment, [0], pool)
    threads = max(1, thread_count() // 2)
    assert done.value == (str(threads), threads)


def test_errors_that_cross_processes_stay_what_they_are():
    import pickle

    for error in (KmcInputError("a"), KmcFormatError("b", offset=3, expected=1, found=2)):
        again = pickle.loads(pickle.dumps(error))
        assert type(again) is type(error)
        assert str(again) == str(error)
        assert vars(again) == vars(error)
