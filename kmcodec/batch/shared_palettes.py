"""Find one palette for many images from their joint colour counts."""

from __future__ import annotations

import functools
import operator
import os
from collections.abc import Iterable, Sequence
from itertools import chain
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from kmcodec.batch.chunked_arrays import count_chunks, is_in_chunks
from kmcodec.batch.cluster import Worker, executor_of
from kmcodec.batch.planning import Job
from kmcodec.batch.pool import run_each
from kmcodec.errors import KmcInputError, KmcLimitError
from kmcodec.formats.faults import fault_of
from kmcodec.model.checks import refuse_unknown
from kmcodec.model.image import IndexedImage
from kmcodec.model.limits import DEFAULT_MAX_PIXELS
from kmcodec.model.pixels import channels_for_all, to_channels
from kmcodec.quantization import QuantizeRequest, SearchOptions, wanted_entries
from kmcodec.quantization.counted import Counted, CountedPart
from kmcodec.quantization.histogram import Histogram
from kmcodec.quantization.palette import find_palette
from kmcodec.quantization.squares import no_squares
from kmcodec.quantization.tints import find_tints, no_tints
from kmcodec.quantizer import ImageLike, pixels_of
from kmcodec.request import EncodeOptions
from kmcodec.rows.counting import count_rows
from kmcodec.sources.frames import ANIMATED, frames_of
from kmcodec.sources.images import check_pixels, read_source
from kmcodec.sources.rows import LARGE, open_rows, row_errors, row_source
from kmcodec.storage.urls import local_path

if TYPE_CHECKING:
    from typing_extensions import Unpack


__all__ = ["ColorSum", "count_colors", "count_job", "shared_palette"]

PathOrImage: TypeAlias = "str | os.PathLike[str] | ImageLike"


def shared_palette(
    images: Iterable[PathOrImage],
    k: int | None = None,
    *,
    executor: Worker = None,
    max_pixels: int | None = DEFAULT_MAX_PIXELS,
    **options: Unpack[SearchOptions],
) -> NDArray[np.uint8]:
    """Find one palette for several images by k-means over all their pixels together.

    Parameters
    ----------
    images : iterable of path-like, array_like, PIL.Image.Image or IndexedImage
        Of any sizes and channels. Images that differ in channels are promoted: grey to RGB
        beside RGB, opaque alpha added beside alpha. Files of more than 16 megapixels that
        `kmc encode` reads row by row are read so here too; if one has more than 1,048,576
        colours, similar ones are counted together, as in `encode_rows`. Chunked arrays (Zarr,
        Dask, HDF5) are counted chunk by chunk, exactly. All frames of an animation count, whether
        in a file or opened by Pillow.
    k : int, optional
        The most entries, 1 to 65,536; 256 if not given. If all images together have no more
        colours, these are the palette.
    executor : concurrent.futures.Executor or dask.distributed.Client, optional
        Counts the colours, image by image; the calling thread if not given. It opens and reads
        Zarr arrays itself; Dask arrays are counted where Dask computes them.
    max_pixels : int, optional
        The most pixels that a file, or an animation opened by Pillow, may declare in all frames
        together; None for no limit.
    **options
        `init`, `seed`, `search`, `iterations`, `restarts`, `space` and `keep` of `quantize`.

    Returns
    -------
    ndarray, shape (at most k, C), uint8
        Distinct entries, each kept or the nearest of some pixel, from dark to bright: the palette
        that `quantize` finds for an image of all these pixels. Small marks keep their hue if all
        images together lack it, and a weak tint if its area is large in one image. Of a chunked
        array only marks within a piece of whole chunks, of about 4 megapixels, are seen. Pass the
        palette as `palette` to `quantize`, `encode` or `write`.

    Raises
    ------
    KmcError
        If an image cannot be read or is not an image, or an option is wrong.
    KmcLimitError
        If an image has too many pixels.

    Examples
    --------
    >>> import numpy as np, kmcodec
    >>> dark, bright = np.full((2, 2), 10, np.uint8), np.full((2, 3), 200, np.uint8)
    >>> kmcodec.shared_palette([dark, bright]).ravel().tolist()
    [10, 200]
    """
    reasons = dict.fromkeys(EncodeOptions.__annotations__, "it finds entries and places none")
    refuse_unknown("shared_palette", options, SearchOptions.__annotations__, reasons)
    request = QuantizeRequest.of("shared_palette", k, **options)
    if isinstance(images, (str, bytes, os.PathLike, Image.Image, IndexedImage)):
        raise KmcInputError(f"images must be a list of images, not {type(images).__name__}")
    colors = ColorSum()
    whole: list[PathOrImage] = []
    in_chunks: list[Any] = []
    for image in images:
        (in_chunks if is_in_chunks(image) else whole).append(image)
    with executor_of(executor) as worker:
        # Here, as pickling for other processes keeps the first frame only.
        frames = chain.from_iterable(_frames_in(image, max_pixels) for image in whole)
        count = functools.partial(count_colors, max_pixels=max_pixels)
        for done in run_each(count, frames, worker):
            colors.add(done.result())
        for array in in_chunks:
            colors.add_parts(count_chunks(array, worker))
    return colors.find_palette(request)


def count_colors(
    image: PathOrImage,
    variable: str | None = None,
    *,
    large: int = LARGE,
    max_pixels: int | None = DEFAULT_MAX_PIXELS,
) -> Counted:
    """Count the colours of an image or an image file.

    A large file in a format that allows it is read row by row, in little memory; if it has more
    than 1,048,576 colours, similar ones are counted together (see `encode_rows`).

    Parameters
    ----------
    image
        See `shared_palette`.
    variable : str, optional
        The variable to read from a `.mat` file.
    large : int
        The most pixels of a file to read as a whole.
    max_pixels : int, optional
        See `read_source`; also limits files read row by row.

    Raises
    ------
    KmcError
        If it cannot be read, or is not an image.
    """
    if not isinstance(image, (str, os.PathLike)):
        return Counted.of(pixels_of(image)[0])
    path = local_path(os.fspath(image))
    file = open_rows(path, large, max_pixels) if variable is None else None
    if file is None:
        read = read_source(path, variable, frames=True, max_pixels=max_pixels, labels=False)
        if read.frames is None:
            return Counted.of(read.pixels)
        total = ColorSum()
        for frame in read.frames.images:
            total.add(Counted.of(pixels_of(frame)[0]))
        return total.total()
    source = row_source(path, file)
    with row_errors(path):
        return count_rows(source)[0]


def _frames_in(image: PathOrImage, max_pixels: int | None) -> Sequence[PathOrImage]:
    """Return the frames of an animation opened by Pillow; any other image unchanged."""
    if not isinstance(image, Image.Image) or image.format not in ANIMATED:
        return [image]
    try:
        count = getattr(image, "n_frames", 1)
        if count < 2:
            return [image]
        check_pixels(count * image.width * image.height, max_pixels)
        shown = image.tell()
        frames = [frame for frame, _ in frames_of(image)]
        image.seek(shown)
    except KmcLimitError:
        raise
    except Exception as error:  # Pillow's readers may raise anything on damaged files
        raise KmcInputError(f"cannot read all frames ({fault_of(error)})") from error
    return frames


def count_job(
    job: Job, variable: str | None = None, max_pixels: int | None = DEFAULT_MAX_PIXELS
) -> Counted:
    """Count the colours of the source of a job; see `count_colors`.

    Parameters
    ----------
    job : Job
    variable : str, optional
        The variable to read from a `.mat` file.
    max_pixels : int, optional
        See `count_colors`.

    Returns
    -------
    Counted

    Raises
    ------
    KmcError
        If the source cannot be read.
    """
    return count_colors(job.source, variable, max_pixels=max_pixels)


class ColorSum:
    """Sum of the colours of images, in any order."""

    def __init__(self) -> None:
        # By channels, small ones stacked on large ones: each colour is merged only a few times.
        self._sums: dict[int, list[Histogram]] = {}
        self._squares, self._tints = no_squares(), no_tints()

    def add(self, image: Counted) -> None:
        """Add an image, or several."""
        self._add_colors(image.histogram)
        self._squares += image.squares
        self._tints += image.tints

    def add_parts(self, parts: Iterable[CountedPart]) -> None:
        """Add the parts of an image, at least one."""
        found = []
        for part in parts:
            self._add_colors(part.histogram)
            self._squares += part.squares
            found.append(part.blocks)
        self._tints += find_tints(functools.reduce(operator.add, found))

    def _add_colors(self, colors: Histogram) -> None:
        stack = self._sums.setdefault(colors.colors.shape[1], [])
        while stack and len(stack[-1].counts) <= len(colors.counts):
            colors = stack.pop() + colors
        stack.append(colors)

    def __bool__(self) -> bool:
        return bool(self._sums)

    def total(self) -> Counted:
        """Return all images, their colours in as many channels as they need.

        Raises
        ------
        KmcInputError
            If no colours were added.
        """
        if not self._sums:
            raise KmcInputError("images is empty, must hold at least one image")
        channels = channels_for_all(self._sums)
        sums = [functools.reduce(operator.add, reversed(stack)) for stack in self._sums.values()]
        widened = (Histogram(to_channels(s.colors, channels), s.counts) for s in sums)
        colors = functools.reduce(operator.add, widened)
        return Counted(colors, self._squares, self._tints)

    def find_palette(self, request: QuantizeRequest) -> NDArray[np.uint8]:
        """Find the palette for all images.

        Parameters
        ----------
        request : QuantizeRequest
            Number of entries, and options of the search.
        """
        total = self.total()
        palette, labels = find_palette(
            total.histogram, request.colors, request.search, total.accents()
        )
        return palette[wanted_entries(palette, labels, request.search)]
