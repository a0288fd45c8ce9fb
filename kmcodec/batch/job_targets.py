"""Writing what jobs make."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterable, Iterator

from kmcodec.batch.planning import Job
from kmcodec.storage.door import STANDARD, open_path, write_output

__all__ = ["write_job"]


def write_job(job: Job, data: bytes | Iterator[bytes]) -> None:
    """Write what a job makes, as a whole or part by part.

    Raises
    ------
    KmcFileError
        If the target cannot be written, or is there and may not be replaced.
    """
    parts = [data] if isinstance(data, bytes) else data
    if not _is_there(job, parts):
        write_output(job.target, parts, create_only=not job.replace)


def _is_there(job: Job, parts: Iterable[bytes]) -> bool:
    """Whether a file that may not be replaced is there, and is just what would be written.

    So it is when work is done again, as the process died that had written it.

    Raises
    ------
    KmcFileExistsError
        If it is there and is another.
    """
    if job.replace or job.target == STANDARD or not os.path.isfile(job.target):
        return False
    with open_path(job.target) as stream:
        same = all(stream.read(len(part)) == part for part in parts) and not stream.read(1)
        if not same:
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST))
    return True
