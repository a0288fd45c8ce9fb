"""Encode rows of pixels as a `.kmc` file, for images larger than memory."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import IO, TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from kmcodec.coding import Coding, Survey
from kmcodec.container.header import Header
from kmcodec.formats.fitting import fitting_metadata
from kmcodec.model.checks import refuse_unknown
from kmcodec.model.image import Metadata
from kmcodec.model.metrics import decibels_of, squared_error
from kmcodec.request import EncodeOptions, EncodeRequest
from kmcodec.rows.row_palette import RowQuantizer
from kmcodec.rows.source import Rows, RowSource
from kmcodec.storage.door import write_output
from kmcodec.storage.extensions import check_kmc_name
from kmcodec.writing.assembly import file_parts
from kmcodec.writing.strips import BusySample

if TYPE_CHECKING:
    from typing_extensions import Unpack

__all__ = ["RowEncoder", "encode_rows"]

# Relative times of counting, inspecting and coding a row.
_COUNTED, _SEEN, _CODED = 1, 1, 6
# Pixels to compare at a time.
_GROUP = 1 << 18

_WHOLE = "it needs the whole image in memory, use encode()"
_FRAMES = "rows are of one image, use encode_frames()"
_GOAL = frozenset({"rdo", "psnr", "max_bytes", "quality", "strict"})
_KNOWN = EncodeOptions.__annotations__.keys() - _GOAL
_ELSEWHERE = {
    **dict.fromkeys(_GOAL, _WHOLE),
    **dict.fromkeys(("palettes", "durations", "loop"), _FRAMES),
}


def encode_rows(
    rows: Rows,
    width: int | None = None,
    height: int | None = None,
    k: int | None = None,
    *,
    output: str | os.PathLike[str] | IO[bytes],
    metadata: Metadata | None = None,
    progress: Callable[[float], None] | None = None,
    **options: Unpack[EncodeOptions],
) -> int:
    """Encode an image that is larger than memory, block by block.

    It reads the rows two or three times: to count colours, if need be to choose strips, and to code
    rows. Only a few blocks and strips are in memory at a time, however tall the image.

    The file is identical, byte for byte, to that of `encode` for the whole image if the image has
    at most 1,048,576 colours. Beyond that, colours that share the upper 7 bits of each channel (or
    6, and so on) count as their mean in the search for a palette.

    Parameters
    ----------
    rows : callable or array_like
        A callable without arguments that returns an iterator over the blocks of the image from
        the top, each an array of shape (n, W) or (n, W, C) with any n; each call must give the
        same pixels. Or an array of shape (H, W) or (H, W, C) to slice by rows: a memory map, an
        array of Zarr or Dask, a dataset of HDF5. Each pass reads (Dask: computes) each chunk
        once, and keeps a band of whole chunks of up to 64 megapixels in memory. For the dtypes see
        `quantize`.
    width, height : int, optional
        In pixels; required if `rows` is a callable.
    k
        See `quantize`.
    output : path-like or binary file
        The file to write. A path must have the extension ``.kmc`` or none; that file is replaced
        atomically.
    metadata
        See `encode`.
    progress : callable, optional
        Called from time to time with the finished share of the work, from 0 to 1.
    **options
        All other options of `encode` except goals (`rdo` and so on), which need the whole image in
        memory, as whole strips are: `strip_rows` of 0 makes the image one strip.

    Returns
    -------
    int
        Bytes written.

    Raises
    ------
    KmcInputError
        If rows, an option or the metadata are wrong, or the file cannot be written.

    Warns
    -----
    KmcLossWarning
        If reduced or dropped bits, inks, colours or a profile change how pixels look.

    Examples
    --------
    >>> import io, numpy as np, kmcodec
    >>> def rows():
    ...     for y in range(0, 400, 100):
    ...         yield np.full((100, 300, 3), y // 100, np.uint8)
    >>> file = io.BytesIO()
    >>> size = kmcodec.encode_rows(rows, 300, 400, k=4, output=file)
    >>> kmcodec.decode(file.getvalue())[::100, 0, 0].tolist()
    [0, 1, 2, 3]
    """
    refuse_unknown("encode_rows", options, _KNOWN, _ELSEWHERE)
    if isinstance(output, (str, os.PathLike)):
        check_kmc_name(output)
    request = EncodeRequest.of("encode_rows", k, **options)
    advance = progress or (lambda _: None)
    source = RowSource(rows, width, height)
    encoder = RowEncoder(source, request, metadata or Metadata(), advance)
    _write(output, encoder.parts())
    return encoder.size


class RowEncoder:
    """Make a file from rows, part by part.

    Parameters
    ----------
    source : RowSource
    request : EncodeRequest
        Without a goal.
    metadata : Metadata
    progress : callable
        See `encode_rows`.
    measures : bool
        Whether to measure `psnr`.

    Attributes
    ----------
    palette : ndarray, shape (K, C), uint8
    size : int
        Bytes of all parts so far.
    psnr : float
        Decibels against the rows, after all parts.
    """

    def __init__(
        self,
        source: RowSource,
        request: EncodeRequest,
        metadata: Metadata,
        progress: Callable[[float], None],
        *,
        measures: bool = False,
    ) -> None:
        self._source = source
        self._request = request.quantizing
        self._assembly = request.assembly
        self._metadata = metadata
        self._progress = progress
        self._measures = measures
        self._done, self._work = 0, 1
        self.palette = np.zeros((0, source.channels), np.uint8)
        self.size = 0
        self._error = 0.0

    def parts(self) -> Iterator[bytes]:
        """Yield the bytes of the file, part by part."""
        width, height = self._source.width, self._source.height
        survey = self._assembly.survey(width, height)
        undecided = None if survey is None or survey.is_decided else survey
        sample = self._assembly.sample(width, height)
        looks = self._request.placing.dithers or undecided is not None or sample is not None
        self._work = height * (_COUNTED + _SEEN * looks + _CODED)
        quantizer = RowQuantizer(self._source, self._request, self._advance)
        if undecided is not None or quantizer.finds_unused or (sample and quantizer.dithers):
            self._look(quantizer, undecided, sample)
        elif sample is not None:
            quantizer.look(sample, self._advance)
        self.palette = quantizer.palette
        method = self._assembly.surveyed_method(survey, len(self.palette))
        header = self._assembly.header(method, width, height, self.palette, sample)
        payloads = self._payloads(quantizer, header, method)
        metadata = fitting_metadata(self._metadata, header.channels)
        for part in file_parts(header, self.palette, payloads, metadata):
            self.size += len(part)
            yield part
        self._progress(1.0)

    @property
    def psnr(self) -> float:
        """Decibels against the source, `math.inf` if no pixel differs; needs `measures`.

        Available after all parts were taken; covers all channels of the palette.
        """
        samples = self._source.width * self._source.height * self.palette.shape[1]
        return decibels_of(self._error / samples)

    def _look(
        self, quantizer: RowQuantizer, survey: Survey | None, sample: BusySample | None
    ) -> None:
        """Pass over all entries, without keeping them, to find whatever depends on all of them."""
        used = np.zeros(len(quantizer.palette), bool)
        for entries in quantizer.entries(quantizer.block_rows(), lambda _, entries: entries):
            used |= np.bincount(entries.ravel(), minlength=len(used)) > 0
            if survey is not None:
                survey.add(entries)
            if sample is not None:
                for pair in sample.pairs(entries):
                    sample.add(pair)
            self._advance(_SEEN * len(entries))
        if quantizer.finds_unused:
            quantizer.drop_unused(used)

    def _payloads(self, quantizer: RowQuantizer, header: Header, method: Coding) -> Iterator[bytes]:
        def code(pixels: NDArray[np.uint8], entries: NDArray[Any]) -> tuple[int, bytes, float]:
            error = self._error_of(pixels, entries) if self._measures else 0.0
            return len(pixels), method.encode(entries, self.palette), error

        for rows, payload, error in quantizer.entries(header.rows_per_strip or header.height, code):
            self._error += error
            yield payload
            self._advance(_CODED * rows)
        quantizer.warn_of_losses()

    def _error_of(self, pixels: NDArray[np.uint8], entries: NDArray[Any]) -> float:
        step = max(1, _GROUP // self._source.width)
        groups = [slice(start, start + step) for start in range(0, len(pixels), step)]
        return sum(squared_error(pixels[rows], self.palette[entries[rows]]) for rows in groups)

    def _advance(self, work: int) -> None:
        self._done += work
        self._progress(self._done / self._work)


def _write(output: str | os.PathLike[str] | IO[bytes], parts: Iterator[bytes]) -> None:
    if isinstance(output, (str, os.PathLike)):
        write_output(output, parts)
        return
    for part in parts:
        output.write(part)
