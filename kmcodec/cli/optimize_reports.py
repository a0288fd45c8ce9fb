"""Reports of `kmc optimize`: lines of text or JSON, and a summary."""

from __future__ import annotations

import json
import os

import click

from kmcodec.batch.encoding import EncodeReport
from kmcodec.batch.optimizing import OptimizeReport
from kmcodec.batch.planning import Job
from kmcodec.cli.common import counted, note, times_of
from kmcodec.cli.many import Counts
from kmcodec.cli.reports import FileReporter, quality_in_words

__all__ = ["OptimizeReporter"]


class OptimizeReporter(FileReporter):
    """Report the result of each file, and of all.

    Parameters
    ----------
    as_json, quiet
        See `FileReporter`.
    dry : bool
        Whether nothing is written.

    Attributes
    ----------
    larger : int
        The files whose result would not be smaller.
    """

    def __init__(self, as_json: bool, quiet: bool, *, dry: bool) -> None:
        super().__init__(as_json, quiet)
        self._dry = dry
        self._files = self._before = self._after = self._alone = 0
        self.larger = 0

    def tell(self, job: Job, report: OptimizeReport) -> None:
        """Report a file."""
        encoded = report.encoded
        if encoded is None:
            self._alone += 1
        elif encoded.written:
            self._files += 1
            self._before += encoded.source_size
            self._after += encoded.size
        else:
            self.larger += 1
        if self._as_json:
            click.echo(json.dumps(report.to_dict()))
        elif not self.quiet:
            note(self._in_words(report.source, report.left_alone, encoded))

    def tell_all(self, counts: Counts, others: int) -> None:
        """Print the summary.

        Parameters
        ----------
        counts : Counts
        others : int
            Files of other formats.
        """
        if self.quiet:
            counts.tell_failures()
            return
        done = "would be written" if self._dry else "written"
        words = f"{self._files:,} of {counted(counts.jobs, 'image')} {done}"
        if self._files:
            times = times_of(self._before, self._after)
            words += f", {self._before:,} bytes to {self._after:,}: {times}"
        rest = {
            "up to date": counts.skipped,
            "would not be smaller": self.larger,
            "left alone": self._alone,
            "below the quality": counts.missed,
            "failed": counts.failed,
        }
        parts = [words, *(f"{number:,} {what}" for what, number in rest.items() if number)]
        if others:
            parts.append(f"{counted(others, 'file')} of other formats left alone")
        if counts.jobs > 1 or others:
            note(f"kmc: {'; '.join(parts)}")
        elif counts.skipped:
            note(f"{self._skipped}: up to date")

    def _in_words(self, source: str, left_alone: str | None, encoded: EncodeReport | None) -> str:
        if encoded is None:
            return f"{source}: left alone, {left_alone}"
        if not encoded.written:
            return (
                f"{source}: left alone, the result would not be smaller "
                f"({encoded.size:,} bytes, not {encoded.source_size:,})"
            )
        frames = f"{encoded.frames:,} frames, " if encoded.frames > 1 else ""
        would = "would take " if self._dry else ""
        return (
            f"{encoded.output}: {frames}{counted(encoded.entries, 'colour')}, "
            f"{quality_in_words(encoded)}, {would}{encoded.size:,} bytes: "
            f"{times_of(encoded.source_size, encoded.size)} than {os.path.basename(source)} "
            f"({encoded.source_size:,})"
        )
