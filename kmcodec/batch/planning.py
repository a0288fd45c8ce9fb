"""Which file is made from which: sources, folders and targets into a list of jobs."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from kmcodec.atomic import reason_of
from kmcodec.errors import KmcInputError
from kmcodec.sources.images import is_image_name
from kmcodec.urls import is_url, url_exists, url_with

__all__ = ["STANDARD", "Job", "plan", "plan_reading"]

STANDARD = "-"
"""The path that means standard input or standard output."""


@dataclass(frozen=True)
class Job:
    """One file to make from one file; either may be `STANDARD`.

    Parameters
    ----------
    source, target : str
    replace : bool
        Whether a target that exists may be replaced: one that the user named, or all by force.
    skip : bool
        Whether the target is there, and to be left as it is.
    """

    source: str
    target: str
    replace: bool
    skip: bool = False


def plan(
    sources: Sequence[str],
    out: str | None,
    ending: str,
    *,
    force: bool,
    recursive: bool = False,
    skip_existing: bool = False,
) -> list[Job | KmcInputError]:
    """Decide where the result of each source goes.

    Parameters
    ----------
    sources : sequence of str
        Files, folders (the images in them, by name), URLs of files, or `STANDARD`.
    out : str, optional
        The target; a folder if there are several sources, or one that is a folder, or if `out`
        is one. Without it, results go beside their sources.
    ending : str
        Of derived names, with the dot.
    force : bool
        Replace files whose names were derived.
    recursive : bool
        Take the folders in folders too, and make the same ones in `out`. Hidden ones are not
        taken, nor those that are symbolic links, nor `out` itself.
    skip_existing : bool
        Leave targets that are there.

    Returns
    -------
    list of Job or KmcInputError
        One for each file, in order; an error for one that cannot be done.

    Raises
    ------
    KmcInputError
        If sources and target do not fit each other.
    """
    found = list(_expand(sources, ending, out if recursive else None, recursive))
    files = [each for each in found if isinstance(each, _File)]
    many = any(map(os.path.isdir, sources))
    into_folder = out not in (None, STANDARD) and (
        many or len(files) > 1 or os.path.isdir(str(out)) or str(out).endswith(os.sep)
    )
    if out == STANDARD and (many or len(files) != 1):
        raise KmcInputError("only one file can be written to standard output")
    if out is None and STANDARD in sources:
        raise KmcInputError("standard input has no name to derive one from: give -o")
    if into_folder:
        _make_folder(str(out))
    jobs: list[Job | KmcInputError] = []
    taken: dict[str, str] = {}
    for each in found:
        if isinstance(each, KmcInputError):
            jobs.append(each)
            continue
        if out is None or into_folder:
            target = _derived(each, str(out) if into_folder else None, ending)
            replace = force
        else:
            target, replace = str(out), True
        jobs.append(_checked_job(each.path, target, replace, taken, skip_existing))
    for folder in dict.fromkeys(os.path.dirname(j.target) for j in jobs if isinstance(j, Job)):
        if recursive and folder:
            _make_folder(folder)
    return jobs


def plan_reading(sources: Sequence[str], *, recursive: bool) -> list[Job | KmcInputError]:
    """The images in files and folders, as jobs that make nothing.

    Parameters
    ----------
    sources, recursive
        See `plan`.
    """
    found = _expand(sources, ".kmc", None, recursive)
    return [Job(f.path, "", False) if isinstance(f, _File) else f for f in found]


@dataclass(frozen=True)
class _File:
    """A source, and in which folder of the one that was given it lies."""

    path: str
    folder: str = ""


def _expand(
    sources: Iterable[str], ending: str, out: str | None, recursive: bool
) -> Iterator[_File | KmcInputError]:
    """Folders replaced by the files in them that fit."""
    for source in sources:
        if source == STANDARD or not os.path.isdir(source):
            yield _File(source)
            continue
        inside = list(_inside(source, ending, out, recursive))
        if not inside:
            kind = ".kmc files" if ending != ".kmc" else "images"
            raise KmcInputError(f"{source}: no {kind} in this folder")
        yield from inside


def _inside(
    source: str, ending: str, out: str | None, recursive: bool
) -> Iterator[_File | KmcInputError]:
    """The files of a folder that fit, by name; an error for a folder that cannot be read."""
    wanted = _is_kmc if ending != ".kmc" else is_image_name
    unread: list[OSError] = []
    own = os.path.realpath(out) if out is not None else None
    for folder, folders, names in os.walk(source, onerror=unread.append):
        below = os.path.relpath(folder, source)
        for name in sorted(names):
            path = os.path.join(folder, name)
            # A link that leads nowhere is told when it is opened, not passed over.
            if wanted(name) and (os.path.isfile(path) or os.path.islink(path)):
                yield _File(path, "" if below == os.curdir else below)
        folders[:] = sorted(
            name
            for name in folders
            if recursive
            and not name.startswith(".")
            and os.path.realpath(os.path.join(folder, name)) != own
        )
    for error in unread:
        yield KmcInputError(f"{error.filename}: {reason_of(error)}")


def _is_kmc(name: str) -> bool:
    return name.lower().endswith(".kmc") and not name.startswith(".")


def _derived(source: _File, folder: str | None, ending: str) -> str:
    if source.path == STANDARD:
        raise KmcInputError("standard input has no name to derive one from: give -o FILE")
    if is_url(source.path) or (folder is not None and is_url(folder)):
        name = os.path.splitext(os.path.basename(source.path))[0] + ending
        beside = os.path.dirname(source.path) if folder is None else folder
        return url_with(url_with(beside, source.folder), name)
    path = Path(source.path)
    place = path.parent if folder is None else Path(folder) / source.folder
    return str(place / (path.stem + ending))


def _make_folder(folder: str) -> None:
    if is_url(folder):
        return  # made with the first file in it
    try:
        os.makedirs(folder, exist_ok=True)
    except OSError as error:
        raise KmcInputError(f"{folder}: cannot be made a folder ({reason_of(error)})") from error


def _checked_job(
    source: str, target: str, replace: bool, taken: dict[str, str], skip_existing: bool
) -> Job | KmcInputError:
    if target == STANDARD:
        return Job(source, target, replace)
    if target in taken:
        return KmcInputError(
            f"{source}: not done, its result would take the name of that of {taken[target]} "
            f"({target})"
        )
    taken[target] = source
    if _are_same(source, target):
        return KmcInputError(f"{source}: not done, the result would replace the input itself")
    there = url_exists(target) if is_url(target) else os.path.exists(target)
    if skip_existing and there:
        return Job(source, target, replace, skip=True)
    if not replace and there:
        return KmcInputError(f"{target}: exists already; --force replaces it")
    return Job(source, target, replace)


def _are_same(source: str, target: str) -> bool:
    if source == target:
        return True
    return os.path.exists(source) and os.path.exists(target) and os.path.samefile(source, target)
