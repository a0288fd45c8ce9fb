"""Shared code of commands that process many files: options, failures, exit codes."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TypeVar

import click

from kmcodec.batch.cluster import ClusterExecutor
from kmcodec.batch.finding import JobError
from kmcodec.batch.planning import Job
from kmcodec.batch.pool import LocalPool, run_each
from kmcodec.cli.common import complain
from kmcodec.cli.exit_codes import FAILED, MISSED
from kmcodec.errors import KmcError, KmcGoalError
from kmcodec.parallel import thread_count
from kmcodec.storage.door import STANDARD
from kmcodec.storage.urls import is_url

__all__ = [
    "Counts",
    "as_sent",
    "check_cluster",
    "executor_for",
    "jobs_option",
    "recursive_option",
    "recursive_reading_option",
    "run_jobs",
    "scheduler_option",
]

_R = TypeVar("_R")
_F = TypeVar("_F", bound=Callable[..., object])

# With fewer files and less to read than this, processes would take longer to start than to work.
# Two pay once the work is twice as long as their start. By one measurement, on two cores of a
# machine with other load, that is at 2 MB of PNG to encode with effort fast, 2 MB of .kmc of
# profile fast to decode, or 0.7 MB of profile default. The bound is a round number between them,
# not the optimum of any machine: near it both ways take about as long.
_WORTH_PROCESSES = 1 << 20
_MANY = 8


def _recursive(extra: str = "") -> Callable[[_F], _F]:
    return click.option(
        "-r",
        "--recursive",
        is_flag=True,
        help=f"Include subfolders{extra}. Hidden folders and symbolic links to folders are "
        "skipped.",
    )


recursive_option = _recursive(" and create the same ones in OUT")
recursive_reading_option = _recursive()

jobs_option = click.option(
    "--jobs",
    "workers",
    type=click.IntRange(1),
    metavar="N",
    help="Number of processes for several files; it does not affect the results. [default: one for "
    "each processor, or 1 for little work]",
)

scheduler_option = click.option(
    "--scheduler",
    metavar="ADDRESS",
    help="Run the work on a Dask cluster, such as tcp://scheduler:8786. Its workers need the same "
    "files under the same paths and the same version of kmcodec. The command fails after two "
    "minutes without a worker. Needs pip install 'kmcodec[dask]'.",
)


def check_cluster(
    scheduler: str | None, workers: int | None, sources: Sequence[str], output: str | None
) -> None:
    """Refuse sources and targets that the workers of a cluster cannot reach.

    Raises
    ------
    click.UsageError
    """
    if scheduler is None:
        return
    if workers is not None:
        raise click.UsageError("--scheduler and --jobs exclude each other")
    if STANDARD in (*sources, output):
        raise click.UsageError(
            "--scheduler excludes '-': its workers have no standard input or output"
        )


def as_sent(job: Job, executor: Executor | None) -> Job:
    """Return a job with absolute paths for an executor: workers run in folders of their own."""
    if not isinstance(executor, ClusterExecutor):
        return job
    return replace(job, source=_full(job.source), target=_full(job.target))


def _full(path: str) -> str:
    return path if not path or is_url(path) else os.path.abspath(path)


@dataclass
class Counts:
    """Numbers of jobs: all, failed, missing a goal, skipped."""

    jobs: int = 0
    failed: int = 0
    missed: int = 0
    skipped: int = 0

    def tell_failures(self) -> None:
        """Report how many of several files failed."""
        if self.failed and self.jobs > 1:
            complain(f"{self.failed} of {self.jobs} files failed")

    def exit(self) -> None:
        """Exit with the code of the worst failure, if any job failed or missed a goal."""
        if self.failed or self.missed:
            raise click.exceptions.Exit(FAILED if self.failed else MISSED)


@contextmanager
def executor_for(
    jobs: Sequence[Job | KmcError],
    workers: int | None,
    scheduler: str | None = None,
) -> Iterator[tuple[Executor | None, int]]:
    """Yield an executor and how many jobs it runs at a time; None and 1 for the calling thread.

    Parameters
    ----------
    jobs : sequence of Job or KmcError
    workers : int, optional
        Number of processes; by default as many as the work is worth.
    scheduler : str, optional
        Address of a Dask cluster that runs the jobs instead.
    """
    if scheduler is not None:
        from kmcodec.batch.scheduler import connected

        with connected(scheduler) as cluster:
            yield cluster, cluster.workers
        return
    paths = [job.source for job in jobs if isinstance(job, Job) and not job.skip]
    if workers is None:
        enough = len(paths) >= _MANY or sum(map(_size_of, paths)) >= _WORTH_PROCESSES
        workers = thread_count() if enough else 1
    workers = min(workers, len(paths))
    pool = None if workers <= 1 or STANDARD in paths else _new_pool(workers)
    if pool is None:
        yield None, 1
        return
    with pool:
        yield pool, workers


def _new_pool(workers: int) -> LocalPool | None:
    try:
        return LocalPool(workers)
    except (ImportError, NotImplementedError, OSError):
        return None  # a system without semaphores: work in this process


def _size_of(path: str) -> int:
    try:
        return os.path.getsize(path)
    except (OSError, ValueError):
        return 0


def run_jobs(
    jobs: Sequence[Job | JobError],
    work: Callable[[Job], _R],
    tell: Callable[[Job, _R], str | None],
    verb: str,
    *,
    executor: tuple[Executor | None, int] = (None, 1),
    tell_error: Callable[[str, KmcError], None] = lambda source, error: None,
    tell_skipped: Callable[[Job], None] = lambda job: None,
) -> Counts:
    """Run every job and report failures.

    Parameters
    ----------
    jobs : sequence of Job or JobError
        An error stands for a file that cannot be processed.
    work : callable
        Runs one job and raises `KmcError` on failure. For an executor it must be picklable.
    tell : callable
        Called with each job and its result, in order; returns how the result missed a goal, or
        None. It may raise `KmcError` too.
    verb : str
        Label of the progress bar, which a terminal shows for several jobs.
    executor : tuple of Executor and int
        See `executor_for`.
    tell_error : callable
        Called with each failed source and its error, in addition to the line on standard error.
    tell_skipped : callable
        Called with each job that is skipped.
    """
    counts = Counts(len(jobs), skipped=sum(isinstance(job, Job) and job.skip for job in jobs))
    todo = [as_sent(job, executor[0]) for job in jobs if isinstance(job, Job) and not job.skip]
    hidden = len(jobs) < 2 or not sys.stderr.isatty()
    results = run_each(work, todo, executor[0], workers=executor[1])
    with click.progressbar(jobs, label=verb, file=sys.stderr, hidden=hidden) as bar:
        for job in bar:
            # Outside the `try`: a failing executor ends the command, not just this job.
            done = next(results) if isinstance(job, Job) and not job.skip else None
            try:
                if isinstance(job, JobError):
                    raise job
                if done is None:
                    tell_skipped(job)
                    continue
                shortfall = tell(job, done.result())
                if shortfall:
                    counts.missed += 1
                    complain(f"{job.source}: {shortfall}")
            except KmcError as error:
                counts.missed += isinstance(error, KmcGoalError)
                counts.failed += not isinstance(error, KmcGoalError)
                complain(str(error))
                tell_error(job.source, error)
    return counts
