"""Write the results of jobs."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterable, Iterator

from kmcodec.batch.planning import Job
from kmcodec.storage.door import STANDARD, open_path, write_output

__all__ = ["write_job"]


def write_job(job: Job, data: bytes | Iterator[bytes]) -> None:
    """Write the result of a job, as a whole or part by part.

    Raises
    ------
    KmcFileError
        If the target cannot be written, or exists and may not be replaced.
    """
    parts = [data] if isinstance(data, bytes) else data
    if not _is_there(job, parts):
        write_output(job.target, parts, create_only=not job.replace)


def _is_there(job: Job, parts: Iterable[bytes]) -> bool:
    """Whether the target, which may not be replaced, already has the very bytes to write.

    This happens when a job is repeated because the process that wrote the file died.

    Raises
    ------
    KmcFileExistsError
        If the target exists with other bytes.
    """
    if job.replace or job.target == STANDARD or not os.path.isfile(job.target):
        return False
    with open_path(job.target) as stream:
        same = all(stream.read(len(part)) == part for part in parts) and not stream.read(1)
        if not same:
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST))
    return True
