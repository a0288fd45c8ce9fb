"""Plan to make files smaller: which of them, and where the results go."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from kmcodec.batch.finding import Found, JobError, find_files
from kmcodec.batch.planning import Job, derived, is_there
from kmcodec.errors import KmcFileNotFoundError, KmcInputError
from kmcodec.storage.door import STANDARD
from kmcodec.storage.urls import is_url, local_path

__all__ = ["OptimizePlan", "Replacing", "plan_optimizing"]

_EXTENSIONS = frozenset({".png", ".apng", ".gif"})


@dataclass(frozen=True)
class Replacing:
    """Which files results may replace; without any, none.

    Parameters
    ----------
    sources : bool
        Their own sources, if the extension is the same.
    older : bool
        Earlier results that are older than their sources.
    all : bool
        All earlier results.
    """

    sources: bool = False
    older: bool = False
    all: bool = False


@dataclass(frozen=True)
class OptimizePlan:
    """The jobs, in order, and the number of files of other formats, which are left alone."""

    jobs: list[Job | JobError]
    others: int


def plan_optimizing(
    sources: Sequence[str],
    out: str | None,
    extension: str,
    *,
    replacing: Replacing,
    recursive: bool = False,
) -> OptimizePlan:
    """Decide which files to make smaller, and where the results go.

    Parameters
    ----------
    sources : sequence of str
        Files and folders.
    out : str, optional
        A folder for the results; without it they go beside their sources.
    extension : str
        Of the results, with the dot.
    replacing : Replacing
    recursive : bool
        See `plan`.

    Returns
    -------
    OptimizePlan
        Jobs with an up-to-date result, newer than its source, are to be skipped.

    Raises
    ------
    KmcInputError
        If two files would have the same result, or a result would replace a source: then nothing
        may be written.
    """
    sources = [local_path(source) for source in sources]
    out = None if out is None else local_path(out)
    for name in (*sources, *(() if out is None else (out,))):
        if name == STANDARD or is_url(name):
            raise KmcInputError(
                f"{name}: kmc optimize takes local files and folders; kmc encode takes "
                "URLs and standard input"
            )
    if out is not None and os.path.exists(out) and not os.path.isdir(out):
        raise KmcInputError(f"{out}: exists and is no folder; -o takes a folder")
    found = list(find_files(sources, ".kmc", out=out if recursive else None, recursive=recursive))
    kept = [each for each in found if isinstance(each, JobError) or _is_taken(each.path)]
    others = [each.path for each in found if isinstance(each, Found) and each not in kept]
    jobs = list(_planned(kept, out, extension, replacing))
    jobs += [_missing(path) for path in others if not os.path.lexists(path)]
    return OptimizePlan(jobs, sum(map(os.path.lexists, others)))


def _is_taken(path: str) -> bool:
    return os.path.splitext(path)[1].lower() in _EXTENSIONS


def _missing(path: str) -> JobError:
    error = KmcFileNotFoundError(errno.ENOENT, "no such file", path)
    return JobError(str(error), path)


def _planned(
    found: Sequence[Found | JobError], out: str | None, extension: str, replacing: Replacing
) -> Iterator[Job | JobError]:
    targets = {
        each.path: each.path if replacing.sources else derived(each, out, extension)
        for each in found
        if isinstance(each, Found)
    }
    if not replacing.sources:
        _refuse_collisions(targets)
    for each in found:
        if isinstance(each, JobError):
            yield each
        elif replacing.sources:
            yield Job(each.path, each.path, replace=True)
        else:
            yield _job(each.path, targets[each.path], replacing)


def _refuse_collisions(targets: dict[str, str]) -> None:
    """Refuse two sources of one target, and a target that is a source.

    Raises
    ------
    KmcInputError
    """
    taken: dict[str, str] = {}
    real = {os.path.realpath(path): path for path in targets}
    for source, target in targets.items():
        place = os.path.realpath(target)
        if place in real:
            raise KmcInputError(
                f"{source}: its result {target} would replace the input {real[place]}; nothing "
                "was written: use --replace, or -o with another folder"
            )
        if place in taken:
            raise KmcInputError(
                f"{taken[place]} and {source} would both become {target}; nothing was written: "
                "rename one, or give them one at a time with different -o"
            )
        taken[place] = source


def _job(source: str, target: str, replacing: Replacing) -> Job | JobError:
    if os.path.islink(target):  # writing would follow it, perhaps out of the folder
        return JobError(f"{target}: a symbolic link, not written to; delete it", source)
    if replacing.all or not is_there(target):
        return Job(source, target, replace=replacing.all)
    try:
        is_newer = os.stat(target).st_mtime_ns > os.stat(source).st_mtime_ns
    except OSError:  # reading the source reports it
        is_newer = False
    if is_newer:
        return Job(source, target, replace=False, skip=True)
    if replacing.older:
        return Job(source, target, replace=True)
    return JobError(
        f"{target}: already exists and is not newer than {source}; --update makes it again", source
    )
