"""Which file is made from which: sources, folders and targets into a list of jobs."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from kmcodec.errors import KmcInputError
from kmcodec.sources import is_image_name

__all__ = ["STANDARD", "Job", "plan"]

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
    """

    source: str
    target: str
    replace: bool


def plan(
    sources: Sequence[str], out: str | None, ending: str, *, force: bool
) -> list[Job | KmcInputError]:
    """Decide where the result of each source goes.

    Parameters
    ----------
    sources : sequence of str
        Files, folders (the images in them, by name), or `STANDARD`.
    out : str, optional
        The target; a folder if there are several sources, or one that is a folder, or if `out`
        is one. Without it, results go beside their sources.
    ending : str
        Of derived names, with the dot.
    force : bool
        Replace files whose names were derived.

    Returns
    -------
    list of Job or KmcInputError
        One for each file, in order; an error for one that cannot be done.

    Raises
    ------
    KmcInputError
        If sources and target do not fit each other.
    """
    files, many = _expand(sources, ending)
    into_folder = out not in (None, STANDARD) and (
        many or len(files) > 1 or os.path.isdir(str(out)) or str(out).endswith(os.sep)
    )
    if out == STANDARD and (many or len(files) != 1):
        raise KmcInputError("only one file can be written to standard output")
    if out is None and STANDARD in files:
        raise KmcInputError("standard input has no name to derive one from: give -o")
    if into_folder:
        _make_folder(str(out))
    jobs: list[Job | KmcInputError] = []
    taken: dict[str, str] = {}
    for source in files:
        if out is None or into_folder:
            target = _derived(source, str(out) if into_folder else None, ending)
            replace = force
        else:
            target, replace = str(out), True
        jobs.append(_checked_job(source, target, replace, taken))
    return jobs


def _expand(sources: Iterable[str], ending: str) -> tuple[list[str], bool]:
    """Folders replaced by the files in them that fit; and whether there was one."""
    files: list[str] = []
    found_folder = False
    wanted = _is_kmc if ending != ".kmc" else is_image_name
    for source in sources:
        if source == STANDARD or not os.path.isdir(source):
            files.append(source)
            continue
        found_folder = True
        inside = sorted(p for p in Path(source).iterdir() if p.is_file() and wanted(p))
        if not inside:
            kind = ".kmc files" if ending != ".kmc" else "images"
            raise KmcInputError(f"{source}: no {kind} in this folder")
        files += map(str, inside)
    return files, found_folder


def _is_kmc(path: Path) -> bool:
    return path.suffix.lower() == ".kmc" and not path.name.startswith(".")


def _derived(source: str, folder: str | None, ending: str) -> str:
    if source == STANDARD:
        raise KmcInputError("standard input has no name to derive one from: give -o FILE")
    path = Path(source)
    return str((path.parent if folder is None else Path(folder)) / (path.stem + ending))


def _make_folder(folder: str) -> None:
    try:
        os.makedirs(folder, exist_ok=True)
    except OSError as error:
        raise KmcInputError(
            f"{folder}: cannot be made a folder ({(error.strerror or str(error)).lower()})"
        ) from error


def _checked_job(
    source: str, target: str, replace: bool, taken: dict[str, str]
) -> Job | KmcInputError:
    if target == STANDARD:
        return Job(source, target, replace)
    if target in taken:
        return KmcInputError(
            f"{source}: not done, its result would take the name of that of {taken[target]} "
            f"({target})"
        )
    taken[target] = source
    if os.path.exists(source) and os.path.exists(target) and os.path.samefile(source, target):
        return KmcInputError(f"{source}: not done, the result would replace the input itself")
    if not replace and os.path.exists(target):
        return KmcInputError(f"{target}: exists already; --force replaces it")
    return Job(source, target, replace)
