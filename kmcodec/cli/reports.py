"""Reports on encoded and decoded files: lines of text or JSON, and a summary."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from typing import Any

import click

from kmcodec.batch.decoding import DecodeReport
from kmcodec.batch.encoding import EncodeReport
from kmcodec.batch.planning import Job
from kmcodec.cli.common import counted, decibels, note, times_of
from kmcodec.cli.many import Counts
from kmcodec.errors import KmcError, KmcFormatError
from kmcodec.storage.door import STANDARD
from kmcodec.storage.urls import is_url, url_name

__all__ = ["DecodeReporter", "FileReporter", "Reporter", "quality_in_words"]


class FileReporter:
    """What all reporters tell in the same way: files that failed or were skipped.

    Parameters
    ----------
    as_json : bool
        Report each file as JSON on standard output.
    quiet : bool
        Report nothing else but errors.

    Attributes
    ----------
    quiet : bool
    """

    def __init__(self, as_json: bool, quiet: bool) -> None:
        self.quiet = quiet
        self._as_json = as_json
        self._skipped = ""

    def tell_error(self, source: str, error: KmcError) -> None:
        """Report a failed file in JSON, where no line of text does."""
        if self._as_json:
            click.echo(json.dumps(_failed(source, error)))

    def tell_skipped(self, job: Job) -> None:
        """Report a source whose output needs no writing: it is there, or up to date."""
        self._skipped = job.target
        if self._as_json:
            told = {"source": job.source, "output": job.target, "skipped": True}
            click.echo(json.dumps(told))


class Reporter(FileReporter):
    """Report the result of each file, and of all.

    Parameters
    ----------
    as_json, quiet
        See `FileReporter`.
    """

    def __init__(self, as_json: bool, quiet: bool) -> None:
        super().__init__(as_json, quiet)
        self._files = self._before = self._after = self._unwritten = 0

    def tell(self, job: Job, report: EncodeReport) -> str | None:
        """Report a file, and return how it missed a goal."""
        report = replace(report, source=job.source, output=job.target)
        if report.written:
            self._files += 1
            self._before += report.source_size
            self._after += report.size
        else:
            self._unwritten += 1
        if self._as_json:
            click.echo(json.dumps(report.to_dict()))
        elif not self.quiet:
            note(_in_words(report))
        return report.shortfall

    def tell_all(self, counts: Counts) -> None:
        """Print the summary, if there were several files or no other report."""
        if self.quiet:
            counts.tell_failures()
        elif counts.jobs > 1:
            note(f"kmc: {self._summary(counts)}")
        elif counts.skipped:
            note(f"{self._skipped}: skipped, already exists")

    def _summary(self, counts: Counts) -> str:
        words = f"{self._files:,} of {counts.jobs:,} files encoded"
        if self._files:
            times = times_of(self._before, self._after)
            words += f", {self._before:,} bytes to {self._after:,}: {times}"
        others = {
            "failed": counts.failed,
            "skipped": counts.skipped,
            "would not be smaller": self._unwritten,
        }
        return "; ".join([words, *(f"{n:,} {what}" for what, n in others.items() if n)])


class DecodeReporter(FileReporter):
    """Report the result of each `.kmc` file.

    Parameters
    ----------
    as_json, quiet
        See `FileReporter`.
    """

    def __init__(self, as_json: bool, quiet: bool) -> None:
        super().__init__(as_json, quiet)
        self._salvaged: DecodeReport | None = None

    def tell(self, job: Job, report: DecodeReport) -> None:
        """Report a file.

        Raises
        ------
        KmcFormatError
            If part of it could not be salvaged.
        """
        report = replace(report, source=job.source, output=job.target)
        if not self.quiet and not self._as_json:
            note(
                f"{report.output}: {report.width} x {report.height}, "
                f"{report.entries:,} palette entries, {report.size:,} bytes"
            )
            for loss in report.lost[1:]:
                note(f"{report.source}: lost: {loss}")
        if report.lost:
            self._salvaged = report
            others = len(report.lost) - 1
            what = report.lost[0] + (f", and {others} more" if others else "")
            raise KmcFormatError(f"{report.source}: damaged, wrote what could be read: {what}")
        if self._as_json:
            click.echo(json.dumps(report.to_dict()))

    def tell_error(self, source: str, error: KmcError) -> None:
        """Report a file that failed, wholly or in part, in JSON, where no line of text does."""
        if self._as_json:
            told = self._salvaged.to_dict() if self._salvaged else {}
            click.echo(json.dumps(told | _failed(source, error)))
        self._salvaged = None


def _failed(source: str, error: KmcError) -> dict[str, Any]:
    return {"source": source, "error": str(error)}


def quality_in_words(report: EncodeReport) -> str:
    """Return how near the result is: its score, if that was asked for, and its PSNR or losses."""
    quality = "" if report.quality is None else f"quality {report.quality:.1f}, "
    return quality + decibels(report.psnr, report.losses)


def _short(source: str) -> str:
    if source == STANDARD:
        return "standard input"
    return url_name(source) if is_url(source) else os.path.basename(source)


def _in_words(report: EncodeReport) -> str:
    colors = counted(report.entries, "colour")
    frames = f"{report.frames:,} frames, " if report.frames > 1 else ""
    if report.scenes > 1:
        colors = f"up to {colors} in each of {report.scenes:,} palettes"
    source = _short(report.source)
    if not report.written:
        return (
            f"{report.source}: not written, as .kmc it takes {report.size:,} bytes, not "
            f"{report.source_size:,}"
        )
    return (
        f"{report.output}: {report.width} x {report.height}, {frames}{colors}, "
        f"{quality_in_words(report)}, "
        f"{report.size:,} bytes: {times_of(report.raw_size, report.size)} than raw "
        f"({report.raw_size:,}), "
        f"{times_of(report.source_size, report.size)} than {source} ({report.source_size:,}), "
        f"{report.seconds:.2f} s"
    )
