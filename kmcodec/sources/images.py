"""Read images from files, URLs or standard input, recognised by content."""

from __future__ import annotations

import io
import math
import os
import sys
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFile, UnidentifiedImageError

from kmcodec.animation.decode_frames import decode_frames
from kmcodec.animation.value import Animation
from kmcodec.errors import (
    KmcError,
    KmcFormatError,
    KmcInputError,
    KmcLimitError,
    KmcLossWarning,
    KmcWarning,
    warn,
)
from kmcodec.formats.apng import is_png
from kmcodec.formats.faults import image_fault, warning_in_words
from kmcodec.formats.file_facts import keep_facts
from kmcodec.formats.file_samples import load_as_meant
from kmcodec.formats.gif import gif_frames, is_gif, parse_gif
from kmcodec.formats.integer_samples import integer_samples
from kmcodec.formats.jpeg import check_scans
from kmcodec.formats.matlab import is_mat, read_mat
from kmcodec.formats.native_messages import is_tiff, without_native_messages
from kmcodec.formats.npy import MAGIC, read_npy_header
from kmcodec.formats.npz import is_npz, read_npz
from kmcodec.formats.pillow_images import (
    COMMENT,
    comment_text,
    from_pillow,
    metadata_from_pillow,
)
from kmcodec.formats.resolution import is_turned_by_pillow
from kmcodec.formats.streamed_images import can_stream
from kmcodec.model.image import IndexedImage, Metadata
from kmcodec.model.limits import DEFAULT_MAX_PIXELS
from kmcodec.model.pixels import as_pixels
from kmcodec.sources.animations import SourceFrames, animation_in, frame_instead_of_picture
from kmcodec.sources.frames import with_palettes
from kmcodec.sources.label_metadata import labelled, names_beside, with_tags
from kmcodec.sources.upright import turn_upright
from kmcodec.storage.door import STANDARD, input_name, read_input

__all__ = [
    "Source",
    "SourceFrames",
    "check_pixels",
    "is_image_name",
    "named_warnings",
    "npy_array",
    "read_source",
    "warn_of_frames",
]

_KMC = b"\x8bKMC"

# Frames of these formats are layers and previews; the first one is the whole picture.
_NO_ANIMATION = frozenset({"MPO", "PSD"})
_JPEGS = frozenset({"JPEG", "MPO"})

# `catch_warnings` swaps global state: two threads inside it would restore each other's state.
_warnings_lock = threading.RLock()


@dataclass(frozen=True)
class Source:
    """An image and its origin.

    Parameters
    ----------
    name : str
        Its name in messages.
    image : ndarray of uint8, shape (H, W) or (H, W, C), or IndexedImage
        An `IndexedImage` holds the metadata too.
    metadata : Metadata
    size : int
        Bytes of the file.
    path : Path or None
        None for standard input.
    frames : SourceFrames or None
        Frames of an animation, if requested; `image` is then the first one.
    losses : tuple of str
        Parts of the file that were reduced or dropped and change how the pixels look.
    """

    name: str
    image: NDArray[np.uint8] | IndexedImage
    metadata: Metadata
    size: int
    path: Path | None
    frames: SourceFrames | None = None
    losses: tuple[str, ...] = ()

    @property
    def pixels(self) -> NDArray[np.uint8]:
        """Return the pixels, shape (H, W) or (H, W, C)."""
        return self.image.to_array() if isinstance(self.image, IndexedImage) else self.image


def read_source(
    path: str | os.PathLike[str],
    variable: str | None = None,
    *,
    frames: bool = False,
    max_pixels: int | None = DEFAULT_MAX_PIXELS,
    labels: bool = True,
) -> Source:
    """Read an image: .mat, .npy, .npz, .kmc, or any format that Pillow opens.

    Parameters
    ----------
    path : path-like
        ``-`` is standard input; a URL is read through fsspec.
    variable : str, optional
        The variable to read from a .mat or .npz file.
    frames : bool
        Whether to read all frames of an animation, not only the first.
    max_pixels : int, optional
        The most pixels that a file may declare in all frames together, checked before memory is
        allocated; None for no limit. `Image.MAX_IMAGE_PIXELS` also limits files read by Pillow.
    labels : bool
        Whether to read images of labels (see `is_label_map`) as palette images that keep every
        label, as `encode_labels` makes them, rather than as pictures.

    Returns
    -------
    Source
        Turned upright by its EXIF orientation, with all frames or the first one.

    Raises
    ------
    KmcInputError
        If the file cannot be read, is damaged, or holds no image.
    KmcFormatError
        If a `.kmc` file is damaged.
    KmcLimitError
        If the image is too large to be read safely.

    Warns
    -----
    KmcLossWarning
        If bits, inks or colours were reduced or dropped. All messages begin with the file's name.
    KmcWarning
        If frames or metadata were dropped.
    """
    given = os.fspath(path)
    name = input_name(given)
    data = read_input(given)
    if variable is not None and not (is_mat(data) or is_npz(data)):
        raise KmcInputError(f"{name}: only .mat and .npz files have variables to choose from")
    shown = _frames_in(data, name, max_pixels) if frames else None
    losses: list[str] = []
    image, metadata = _decoded(
        data, name, variable, max_pixels, all_taken=shown is not None, labels=labels, losses=losses
    )
    if metadata.labels is not None:
        metadata = names_beside(given, metadata)
    first = None if shown is None else shown.images[0]
    if isinstance(first, IndexedImage):
        image = IndexedImage(first.palette, first.indices, metadata)
    elif isinstance(first, np.ndarray):
        image = first
    origin = None if given == STANDARD else Path(given)
    return Source(name, image, metadata, len(data), origin, shown, tuple(losses))


def is_image_name(path: str | os.PathLike[str]) -> bool:
    """Whether to read a file of this name in a folder as an image.

    False for hidden files, and for `.kmc` files, which are results.
    """
    name = os.path.basename(os.fspath(path))
    extension = os.path.splitext(name)[1].lower()
    if name.startswith(".") or extension in (".mat", ".npy", ".npz"):
        return not name.startswith(".")
    format_ = Image.registered_extensions().get(extension, "")
    if format_ in ("", "KMC", "MPEG") or format_ not in Image.OPEN:
        return False
    opener = Image.OPEN[format_][0]
    # Stub plugins know a file extension, but cannot read the format.
    return not (isinstance(opener, type) and issubclass(opener, ImageFile.StubImageFile))


@contextmanager
def named_warnings(name: str, losses: list[str] | None = None) -> Iterator[None]:
    """Reissue the warnings of a block as `KmcWarning`, each beginning with the file's name.

    Warnings for programmers (deprecations, unclosed files) are dropped, and all warnings if the
    block raises. A `KmcLossWarning` keeps its class, and its text is added to `losses`.
    """
    with _warnings_lock, warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        yield
    told = [w for w in caught if issubclass(w.category, (UserWarning, RuntimeWarning))]
    # Pillow issues some warnings twice.
    texts = {_in_words(w): issubclass(w.category, KmcLossWarning) for w in told}
    for text, is_loss in texts.items():
        warn(f"{name}: {text}", KmcLossWarning if is_loss else KmcWarning)
    if losses is not None:
        losses.extend(text for text, is_loss in texts.items() if is_loss)


@contextmanager
def _without_warnings() -> Iterator[None]:
    with _warnings_lock, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def _decoded(
    data: bytes,
    name: str,
    variable: str | None,
    max_pixels: int | None,
    *,
    all_taken: bool,
    labels: bool,
    losses: list[str],
) -> tuple[NDArray[np.uint8] | IndexedImage, Metadata]:
    if data.startswith(_KMC):
        animation = _from_kmc(data, name, max_pixels)
        if len(animation) > 1 and not all_taken:
            text = f"{name}: {len(animation)} frames, used the first"
            warn(text)
        return animation[0], animation.metadata
    try:
        with named_warnings(name, losses):
            if is_mat(data):
                return _pixels(read_mat(data, name, variable, max_pixels=max_pixels), name, labels)
            if is_npz(data):
                array = read_npz(data, name, variable, max_pixels=max_pixels)
                return _pixels(array, name, labels)
            if data.startswith(MAGIC):
                return _pixels(npy_array(data, name, max_pixels), name, labels)
            return _from_image(data, name, all_taken, max_pixels, labels)
    except MemoryError as error:
        raise KmcLimitError(f"{name}: not enough memory") from error


def _pixels(
    array: NDArray[np.generic] | IndexedImage, name: str, labels: bool
) -> tuple[NDArray[np.uint8] | IndexedImage, Metadata]:
    if isinstance(array, IndexedImage):
        return array, array.metadata
    try:
        image = labelled(array) if labels else None
        if image is not None:
            return image, image.metadata
        return as_pixels(array), Metadata()
    except KmcInputError as error:
        raise KmcInputError(f"{name}: {error}") from error


def _frames_in(data: bytes, name: str, max_pixels: int | None) -> SourceFrames | None:
    """Return the frames of an animation; None for all other files."""
    if data.startswith(_KMC):
        animation = _from_kmc(data, name, max_pixels)
        images = tuple(animation[i] for i in range(len(animation)))
        return SourceFrames(images, animation.durations, animation.loop) if images[1:] else None
    try:
        # Reading the first frame again issues the warnings.
        with _without_warnings():
            return animation_in(data, sys.maxsize if max_pixels is None else max_pixels)
    except MemoryError as error:
        raise KmcLimitError(f"{name}: not enough memory") from error
    except KmcLimitError as error:
        raise KmcLimitError(f"{name}: {error}") from error
    except KmcInputError as error:
        raise KmcInputError(f"{name}: damaged or truncated image ({error})") from error


def _from_kmc(data: bytes, name: str, max_pixels: int | None) -> Animation:
    try:
        return decode_frames(data, max_pixels=max_pixels)
    except KmcFormatError as error:
        raise KmcFormatError(
            f"{name}: {error.message}",
            offset=error.offset,
            expected=error.expected,
            found=error.found,
        ) from error
    except KmcLimitError as error:
        raise KmcLimitError(f"{name}: {error}") from error


def npy_array(
    data: bytes, name: str, max_pixels: int | None, any_shape: bool = False
) -> NDArray[np.generic]:
    """Read a .npy file; with `any_shape` each value is a pixel, else the first two axes count.

    Raises
    ------
    KmcInputError, KmcLimitError
    """
    try:
        # Check before numpy allocates the array.
        header = read_npy_header(io.BytesIO(data), len(data))
        check_pixels(math.prod(header.shape[: None if any_shape else 2]), max_pixels, name)
        array: NDArray[np.generic] = np.load(io.BytesIO(data), allow_pickle=False)
    except KmcLimitError:
        raise
    except NotImplementedError as error:
        raise KmcInputError(f"{name}: {error}") from error
    except Exception as error:  # numpy may raise anything on damaged files
        raise KmcInputError(f"{name}: damaged or truncated .npy file") from error
    return array


def _from_image(
    data: bytes, name: str, all_taken: bool, max_pixels: int | None, labels: bool
) -> tuple[NDArray[np.uint8] | IndexedImage, Metadata]:
    try:
        with Image.open(io.BytesIO(data)) as image:
            check_pixels(image.width * image.height, max_pixels)
            if image.format in _JPEGS:
                check_scans(data)
            with without_native_messages(is_tiff(data)):
                pixels, metadata = _from_opened(image, data, all_taken, labels)
            if is_gif(data):
                return _of_gif(data, pixels, metadata, max_pixels)
            if is_png(data):
                pixels = _of_png(data, pixels, metadata, max_pixels)
            return pixels, metadata
    except UnidentifiedImageError as error:
        raise KmcInputError(f"{name}: not an image in a known format") from error
    except Image.DecompressionBombError as error:
        limit = 2 * (Image.MAX_IMAGE_PIXELS or 0)
        # With libvips installed, a refused file is of a kind that cannot be read row by row.
        hint = "" if can_stream() else " (kmcodec[large] reads most PNG and TIFF files row by row)"
        raise KmcLimitError(f"{name}: more than {limit:,} pixels, over the limit{hint}") from error
    except KmcError as error:
        raise type(error)(f"{name}: {error}") from error
    except MemoryError:
        raise
    except Exception as error:  # Pillow's readers may raise anything on damaged files
        raise KmcInputError(f"{name}: {image_fault(error)}") from error


def check_pixels(pixels: int, max_pixels: int | None, name: str = "") -> None:
    """Refuse more pixels than `max_pixels`; None is no limit.

    Raises
    ------
    KmcLimitError
        The message begins with the file's name, if given.
    """
    if max_pixels is not None and pixels > max_pixels:
        what = f"{pixels:,} pixels, more than the limit of {max_pixels:,}"
        raise KmcLimitError(f"{name}: {what}" if name else what)


def _of_gif(
    data: bytes,
    pixels: NDArray[np.uint8] | IndexedImage,
    metadata: Metadata,
    max_pixels: int | None,
) -> tuple[NDArray[np.uint8] | IndexedImage, Metadata]:
    """Add what Pillow drops: later comments, and the transparent screen around a small frame."""
    try:
        file = parse_gif(data)
    except KmcInputError:  # later frames are damaged, but not needed
        return pixels, metadata
    if file.comments:
        comment = comment_text(b"\n".join(file.comments))
        metadata = replace(metadata, text={**metadata.text, COMMENT: comment})
    first = file.frames[0]
    if (first.width, first.height) != (file.width, file.height):
        # The frame may reach far beyond the screen in the header, which Pillow has checked.
        check_pixels(file.width * file.height, max_pixels)
        (pixels,) = with_palettes(gif_frames(replace(file, frames=[first])))
    if isinstance(pixels, IndexedImage):
        pixels = IndexedImage(pixels.palette, pixels.indices, metadata)
    return pixels, metadata


def _of_png(
    data: bytes,
    pixels: NDArray[np.uint8] | IndexedImage,
    metadata: Metadata,
    max_pixels: int | None,
) -> NDArray[np.uint8] | IndexedImage:
    """Use the frame that browsers show, where Pillow reads a picture that is not a frame."""
    frame = frame_instead_of_picture(data, sys.maxsize if max_pixels is None else max_pixels)
    if isinstance(frame, IndexedImage):
        return IndexedImage(frame.palette, frame.indices, metadata)
    return pixels if frame is None else frame


def _from_opened(
    image: Image.Image, data: bytes, all_taken: bool, labels: bool
) -> tuple[NDArray[np.uint8] | IndexedImage, Metadata]:
    keep_facts(image)
    turned = is_turned_by_pillow(image)
    load_as_meant(image)
    turned = turn_upright(image, turned)
    metadata = metadata_from_pillow(image, turned=turned)
    samples = integer_samples(image) if labels else None
    made = None if samples is None else labelled(samples)
    if samples is not None and made is not None:
        metadata = replace(metadata, labels=made.metadata.labels)
        if is_tiff(data):
            metadata = with_tags(metadata, data, int(samples.max()))
    pixels = from_pillow(image) if made is None else made
    if isinstance(pixels, IndexedImage):
        pixels = IndexedImage(pixels.palette, pixels.indices, metadata)
    # Last, as Pillow reads the whole file to count its frames.
    if not all_taken:
        warn_of_frames(image)
    return pixels, metadata


def warn_of_frames(image: Image.Image) -> None:
    """Warn if an image has more frames than the first."""
    if image.format in _NO_ANIMATION:
        return
    try:
        frames = getattr(image, "n_frames", 1) - bool(getattr(image, "default_image", False))
    except Exception:  # later frames are damaged, but not needed
        return
    if frames > 1:
        warn(f"{frames} frames, used the first")


def _in_words(warning: warnings.WarningMessage) -> str:
    own = issubclass(warning.category, KmcWarning)
    return str(warning.message) if own else warning_in_words(warning.message)
