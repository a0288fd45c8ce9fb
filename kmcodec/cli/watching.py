"""Wait for changes of files (extra: watch)."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence

from kmcodec.cli.common import complain, note
from kmcodec.errors import KmcError, KmcInputError

__all__ = ["watch"]


# Milliseconds after which watchfiles says that nothing has changed.
_BEAT = 500


def watch(sources: Sequence[str], recursive: bool, run: Callable[[bool], object]) -> None:
    """Run a command, and again whenever files change, until Ctrl-C.

    Parameters
    ----------
    sources : sequence of str
        Files and folders.
    recursive : bool
        Whether to watch subfolders too.
    run : callable
        Called with False at first, then with True: now only what has changed is to be done.

    Raises
    ------
    KmcInputError
        If watchfiles is not installed.
    """
    try:
        import watchfiles
    except ImportError:
        raise KmcInputError("--watch needs watchfiles: pip install 'kmcodec[watch]'") from None
    run(False)
    # Editors replace files: a folder tells of that, a file that is gone does not.
    folders = {each if os.path.isdir(each) else os.path.dirname(each) or "." for each in sources}
    note("kmc: watching for changes; Ctrl-C ends it")
    watched = watchfiles.watch(
        *sorted(folders), recursive=recursive, rust_timeout=_BEAT, yield_on_timeout=True
    )
    is_first = True
    for changes in watched:
        # What changed before the watch began shows at its first beat.
        if changes or is_first:
            try:
                run(True)
            except KmcError as error:
                complain(str(error))
        is_first = False
