"""Plan jobs: pair each source file with its target."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from kmcodec.batch.finding import Found, JobError, find_files, is_folder
from kmcodec.errors import KmcError, KmcFileExistsError, KmcInputError, file_error
from kmcodec.storage.door import STANDARD
from kmcodec.storage.extensions import check_kmc_name
from kmcodec.storage.urls import (
    are_same_urls,
    is_url,
    local_path,
    url_beside,
    url_exists,
    url_name,
    url_with,
)

__all__ = [
    "Job",
    "check_output",
    "derived",
    "due",
    "is_there",
    "keep_inputs",
    "make_folder",
    "plan",
    "plan_reading",
]


@dataclass(frozen=True)
class Job:
    """One file to make from one file; either may be `STANDARD`.

    Parameters
    ----------
    source, target : str
    replace : bool
        Whether an existing file may be replaced.
    skip : bool
        Whether to keep the existing target and skip the job.
    """

    source: str
    target: str
    replace: bool
    skip: bool = False


def due(jobs: Iterable[Job | KmcError]) -> Iterator[Job | KmcError]:
    """Yield the jobs to run and the errors to report: all but skipped jobs."""
    return (job for job in jobs if not (isinstance(job, Job) and job.skip))


def plan(
    sources: Sequence[str],
    out: str | None,
    extension: str,
    *,
    force: bool,
    recursive: bool = False,
    skip_existing: bool = False,
    kept: Sequence[str] = (),
) -> list[Job | JobError]:
    """Decide where the result of each source goes.

    Parameters
    ----------
    sources : sequence of str
        Files, folders (the images in them, by name), by path or URL, or `STANDARD`.
    out : str, optional
        The target; a folder if there are several sources, if a source is a folder, or if `out`
        is one. Without it, results go beside their sources.
    extension : str
        File extension of derived names, with the dot.
    force : bool
        Replace existing files.
    recursive : bool
        Include subfolders and create the same ones in `out`; leave out hidden folders, symbolic
        links to folders, and `out` itself.
    skip_existing : bool
        Skip sources whose target exists.
    kept : sequence of str
        Further input files that no result may replace.

    Returns
    -------
    list of Job or JobError
        One for each file, in order; an error, with the file as its `source`, if it cannot be
        processed. A file reached twice gets one job.

    Raises
    ------
    KmcInputError
        If sources and target do not match.

    Warns
    -----
    KmcWarning
        If files are reached more than once.
    """
    sources = [local_path(source) for source in sources]
    out = None if out is None else local_path(out)
    found = list(
        find_files(sources, extension, out=out if recursive else None, recursive=recursive)
    )
    into_folder = _is_for_folder(sources, out, found)
    if into_folder and any(isinstance(each, Found) for each in found):
        make_folder(str(out))
    jobs = list(_planned(found, out, into_folder, extension, force, skip_existing, kept))
    if recursive:
        _make_folders(jobs)
    return jobs


def _planned(
    found: Sequence[Found | JobError],
    out: str | None,
    into_folder: bool,
    extension: str,
    force: bool,
    skip_existing: bool,
    kept: Sequence[str],
) -> Iterator[Job | JobError]:
    """Yield a job or an error for each file found."""
    files = [each.path for each in found if isinstance(each, Found)]
    inputs = {os.path.realpath(path): path for path in files if not is_url(path)}
    taken: dict[str, str] = {}
    for each in found:
        if isinstance(each, JobError):
            yield each
            continue
        named = out is not None and not into_folder
        target = str(out) if named else derived(each, out, extension)
        job = Job(each.path, target, replace=force)
        try:
            if named:
                keep_inputs([each.path, *kept], out)  # clearer than the error of a wrong extension
                _check_extension(target, extension)
            yield _checked_job(job, taken, inputs, skip_existing, kept)
        except KmcInputError as error:
            yield JobError(str(error), each.path)


def _make_folders(jobs: Iterable[Job | JobError]) -> None:
    """Make the folders of all targets."""
    targets = [job.target for job in jobs if isinstance(job, Job) and not is_url(job.target)]
    for folder in dict.fromkeys(map(os.path.dirname, targets)):
        if folder:
            make_folder(folder)


def _check_extension(target: str, extension: str) -> None:
    if extension == ".kmc":
        check_kmc_name(target)


def _is_for_folder(
    sources: Sequence[str], out: str | None, found: Sequence[Found | JobError]
) -> bool:
    """Whether the target is a folder for the results.

    Raises
    ------
    KmcInputError
        If sources and target do not match.
    """
    if out == "":
        raise KmcInputError("'' is not a path")
    many = len(sources) > 1 or len(found) > 1
    many = many or any(isinstance(each, Found) and each.path not in sources for each in found)
    if out == STANDARD and many:
        raise KmcInputError("cannot write several files to standard output")
    if out is None and STANDARD in sources:
        raise KmcInputError("standard input has no name: use -o FILE")
    if out is None or out == STANDARD:
        return False
    return many or out.endswith(("/", os.sep)) or is_folder(out)


def plan_reading(sources: Sequence[str], *, recursive: bool) -> list[Job | JobError]:
    """Plan jobs that only read the images in files and folders.

    Parameters
    ----------
    sources, recursive
        See `plan`.
    """
    found = find_files(map(local_path, sources), ".kmc", recursive=recursive)
    return [Job(f.path, "", False) if isinstance(f, Found) else f for f in found]


def keep_inputs(sources: Iterable[str], target: str | None) -> None:
    """Refuse a target that is one of the input files.

    Raises
    ------
    KmcInputError
    """
    if target is None or target == STANDARD:
        return
    for source in sources:
        if _are_same(local_path(source), local_path(target)):
            raise KmcInputError(f"{source}: skipped, the output would replace the input itself")


def check_output(sources: Iterable[str], target: str | None, *, force: bool) -> None:
    """Refuse, before the work, a target that is an input, or exists and `force` is not set.

    Raises
    ------
    KmcInputError
    """
    keep_inputs(sources, target)
    if target is None or target == STANDARD or force:
        return
    if is_there(local_path(target)):
        raise KmcFileExistsError(errno.EEXIST, "already exists; use --force to replace it", target)


def derived(source: Found, folder: str | None, extension: str) -> str:
    """Return where the result of a source goes: beside it, or below a folder.

    Raises
    ------
    KmcInputError
        If the source has no name.
    """
    if source.path == STANDARD:
        raise KmcInputError("standard input has no name: use -o FILE")
    of_url = is_url(source.path)
    name = url_name(source.path) if of_url else os.path.basename(source.path)
    name = os.path.splitext(name)[0] + extension
    if folder is None:
        return url_beside(source.path, name) if of_url else str(Path(source.path).parent / name)
    if is_url(folder):
        return url_with(url_with(folder, source.folder), name)
    return str(Path(folder) / source.folder / name)


def make_folder(folder: str) -> None:
    """Make a folder unless it exists.

    Raises
    ------
    KmcFileError
    """
    if is_url(folder):
        return  # writing the first file makes it
    try:
        os.makedirs(folder, exist_ok=True)
    except OSError as error:
        raise file_error(error, folder) from error


def _checked_job(
    job: Job,
    taken: dict[str, str],
    inputs: dict[str, str],
    skip_existing: bool,
    kept: Sequence[str],
) -> Job:
    """Return the job, if it can run.

    Raises
    ------
    KmcInputError
        If it would replace an input or another file to keep.
    """
    source, target = job.source, job.target
    if target == STANDARD:
        return job
    if target in taken:
        raise KmcInputError(
            f"{source}: skipped, {taken[target]} has the same output file ({target})"
        )
    taken[target] = source
    keep_inputs([source], target)
    other = None if is_url(target) else inputs.get(os.path.realpath(target))
    if skip_existing and is_there(target):
        return replace(job, skip=True)
    keep_inputs(kept, target)
    if other is not None:
        raise KmcInputError(f"{source}: skipped, the output would replace the input {other}")
    if not job.replace and is_there(target):
        raise KmcFileExistsError(errno.EEXIST, "already exists; use --force to replace it", target)
    return job


def is_there(target: str) -> bool:
    """Whether a target is a file that writing would replace."""
    # Only files can be lost: writing to a device or a FIFO destroys nothing.
    return url_exists(target) if is_url(target) else os.path.isfile(target)


def _are_same(source: str, target: str) -> bool:
    """Whether writing a target would destroy the source, or the archive that holds it."""
    if source == target:
        return True
    if is_url(source):
        archives = [local_path(part) for part in source.split("::")[1:]]
        same = is_url(target) and are_same_urls(source, target)
        return same or any(_are_same(archive, target) for archive in archives)
    if is_url(target):
        return False
    return os.path.exists(source) and os.path.exists(target) and os.path.samefile(source, target)
