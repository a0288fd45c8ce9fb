"""Writing what jobs make."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator

from kmcodec.batch.planning import STANDARD, Job
from kmcodec.errors import KmcInputError
from kmcodec.rows.encode_rows import write_parts
from kmcodec.storage.atomic import reason_of, write_atomically
from kmcodec.storage.urls import is_url
from kmcodec.targets.images import write_target

__all__ = ["write_job", "write_job_parts"]


def write_job(job: Job, data: bytes) -> None:
    """Write what a job makes.

    Raises
    ------
    KmcInputError
        If the target cannot be written, or is there and may not be replaced.
    """
    if job.target == STANDARD or is_url(job.target):
        write_target(job.target, data, create_only=not job.replace)
    elif not _is_there(job, [data]):
        write_atomically(job.target, data, create_only=not job.replace)


def write_job_parts(job: Job, parts: Iterator[bytes]) -> None:
    """Write what a job makes part by part; see `write_job`."""
    if job.target == STANDARD or is_url(job.target):
        write_target(job.target, parts, create_only=not job.replace)
    elif not _is_there(job, parts):
        write_parts(job.target, parts, create_only=not job.replace)


def _is_there(job: Job, parts: Iterable[bytes]) -> bool:
    """Whether a file that may not be replaced is there, and is just what would be written.

    So it is when work is done again, as the process died that had written it.

    Raises
    ------
    KmcInputError
        If it is there and is another.
    """
    if job.replace or not os.path.isfile(job.target):
        return False
    try:
        with open(job.target, "rb") as stream:
            same = all(stream.read(len(part)) == part for part in parts) and not stream.read(1)
    except OSError as error:
        raise KmcInputError(f"{job.target}: {reason_of(error)}") from error
    if not same:
        raise KmcInputError(f"{job.target}: exists already")
    return True
