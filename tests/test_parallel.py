"""Work that is dealt out to threads as its items come."""

from __future__ import annotations

import pytest

from kmcodec import parallel
from kmcodec.parallel import in_threads_each, in_turn


@pytest.fixture(params=[1, 3])
def threads(request, monkeypatch):
    monkeypatch.setattr(parallel, "thread_count", lambda: request.param)
    return request.param


def test_results_come_in_order_and_items_only_as_needed(threads):
    taken = []

    def items():
        for item in range(50):
            taken.append(item)
            yield item

    done = 0
    for result in in_turn(lambda item: item * item, items()):
        assert result == done * done
        done += 1
        assert len(taken) <= done + threads
    assert done == 50


def test_items_that_fail_do_so_after_the_results_before_them(threads):
    def items():
        yield from range(5)
        raise OSError("no more")

    results = in_turn(lambda item: item, items())
    assert [next(results) for _ in range(5)] == [0, 1, 2, 3, 4]
    with pytest.raises(OSError, match="no more"):
        next(results)


def test_work_that_fails_does_so_in_its_turn(threads):
    results = in_turn(lambda item: 6 // (3 - item), range(9))
    assert [next(results) for _ in range(3)] == [2, 3, 6]
    with pytest.raises(ZeroDivisionError):
        next(results)


def test_threads_within_threads_do_not_wait_for_each_other(threads):
    def work(item):
        return sum(in_turn(lambda inner: inner, range(item))) + sum(
            in_threads_each(lambda inner: inner, range(item))
        )

    assert list(in_turn(work, range(20))) == [item * (item - 1) for item in range(20)]
