"""One palette for many images: their colours are counted together."""

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
from kmcodec.model.pixels import channels_for_all, to_channels
from kmcodec.quantization import QuantizeRequest, Search, SearchOptions
from kmcodec.quantization.histogram import Histogram, histogram
from kmcodec.quantization.palette import find_palette
from kmcodec.quantizer import ImageLike, pixels_of
from kmcodec.reading.strip_reader import DEFAULT_MAX_PIXELS
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
        Of any sizes and channels. Where they differ in channels, all are taken as what holds all
        of them: grey with RGB as RGB, with alpha as opaque where they had none. Files of more
        than 16 megapixels that `kmc encode` reads row by row are read so here too; in one of
        more than 1,048,576 colours similar ones are counted together, as `encode_rows` does.
        Arrays in chunks (Zarr, Dask, HDF5) are counted chunk by chunk, exactly. Of animations,
        files or images that Pillow has opened, all frames count.
    k : int, optional
        The most entries, 1 to 65,536; 256 if not given. With no more colours than that in all
        the images together, the palette is those.
    executor : concurrent.futures.Executor or dask.distributed.Client, optional
        Who counts the colours, image by image; the calling thread if not given. Arrays of Zarr
        are opened and read there; Dask arrays are counted where Dask computes them.
    max_pixels : int, optional
        The most pixels that a file may declare, or an animation that Pillow has opened, in all
        frames together; None for no limit.
    **options
        `init`, `seed`, `search`, `iterations`, `restarts` and `space` of `quantize`.

    Returns
    -------
    ndarray, shape (at most k, C), uint8
        Distinct entries, each the nearest of some pixel, from dark to bright: the palette that
        `quantize` finds for an image that holds all these pixels. To be given as `palette` to
        `quantize`, `encode` or `write`.

    Raises
    ------
    KmcError
        If an image cannot be read or is none, or an option is wrong.
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
    request = QuantizeRequest(k=k, search=Search(**options))
    if isinstance(images, (str, bytes, os.PathLike, Image.Image, IndexedImage)):
        raise KmcInputError(f"images must be a list of images, not {type(images).__name__}")
    colors = ColorSum()
    whole: list[PathOrImage] = []
    in_chunks: list[Any] = []
    for image in images:
        (in_chunks if is_in_chunks(image) else whole).append(image)
    with executor_of(executor) as worker:
        # Here, as other processes would get the first frame only.
        frames = chain.from_iterable(_frames_in(image, max_pixels) for image in whole)
        count = functools.partial(count_colors, max_pixels=max_pixels)
        for done in run_each(count, frames, worker):
            colors.add(done.result())
        for array in in_chunks:
            for counted in count_chunks(array, worker):
                colors.add(counted)
    return colors.find_palette(request)


def count_colors(
    image: PathOrImage,
    variable: str | None = None,
    *,
    large: int = LARGE,
    max_pixels: int | None = DEFAULT_MAX_PIXELS,
) -> Histogram:
    """Count the colours of an image or an image file.

    A large file that can be read row by row is never in memory as a whole; if it has more than
    1,048,576 colours, similar ones are counted together (see `encode_rows`).

    Parameters
    ----------
    image
        See `shared_palette`.
    variable : str, optional
        Of a `.mat` file.
    large : int
        Pixels up to which a file is read as a whole.
    max_pixels : int, optional
        See `read_source`; it holds for what is read row by row, too.

    Raises
    ------
    KmcError
        If it cannot be read, or is no image.
    """
    if not isinstance(image, (str, os.PathLike)):
        return histogram(pixels_of(image)[0])
    path = local_path(os.fspath(image))
    file = open_rows(path, large, max_pixels) if variable is None else None
    if file is None:
        read = read_source(path, variable, frames=True, max_pixels=max_pixels, labels=False)
        if read.frames is None:
            return histogram(read.pixels)
        total = ColorSum()
        for frame in read.frames.images:
            total.add(histogram(pixels_of(frame)[0]))
        return total.total()
    source = row_source(path, file)
    with row_errors(path):
        return count_rows(source)[0]


def _frames_in(image: PathOrImage, max_pixels: int | None) -> Sequence[PathOrImage]:
    """The frames of an animation that Pillow has opened; all else as it is."""
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
    except Exception as error:  # Pillow's readers fail in any way on damaged files
        raise KmcInputError(f"cannot read all frames ({fault_of(error)})") from error
    return frames


def count_job(
    job: Job, variable: str | None = None, max_pixels: int | None = DEFAULT_MAX_PIXELS
) -> Histogram:
    """Count the colours of the source of a job; see `count_colors`.

    Parameters
    ----------
    job : Job
    variable : str, optional
        Of a `.mat` file.
    max_pixels : int, optional
        See `count_colors`.

    Returns
    -------
    Histogram

    Raises
    ------
    KmcError
        If the source cannot be read.
    """
    return count_colors(job.source, variable, max_pixels=max_pixels)


class ColorSum:
    """Adds the histograms of images up, in any order."""

    def __init__(self) -> None:
        # By channels, the small on top of the large: each colour is gone through a few times only.
        self._sums: dict[int, list[Histogram]] = {}

    def add(self, colors: Histogram) -> None:
        """Count the colours of an image too."""
        stack = self._sums.setdefault(colors.colors.shape[1], [])
        while stack and len(stack[-1].counts) <= len(colors.counts):
            colors = stack.pop() + colors
        stack.append(colors)

    def __bool__(self) -> bool:
        return bool(self._sums)

    def total(self) -> Histogram:
        """All colours, in as many channels as hold them.

        Raises
        ------
        KmcInputError
            If there are none.
        """
        if not self._sums:
            raise KmcInputError("images is empty, must hold at least one image")
        channels = channels_for_all(self._sums)
        sums = [functools.reduce(operator.add, reversed(stack)) for stack in self._sums.values()]
        widened = (Histogram(to_channels(s.colors, channels), s.counts) for s in sums)
        return functools.reduce(operator.add, widened)

    def find_palette(self, request: QuantizeRequest) -> NDArray[np.uint8]:
        """The palette for all.

        Parameters
        ----------
        request : QuantizeRequest
            How many entries, and how to search for them.
        """
        palette, labels = find_palette(self.total(), request.colors, request.search)
        return palette[np.bincount(labels, minlength=len(palette)) > 0]
