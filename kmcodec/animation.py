"""Several frames in one `.kmc` file: the value, its encoder and its decoder."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import IO, TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from kmcodec.assembly import Assembly
from kmcodec.coding import AUTO
from kmcodec.container.frame_table import MAX_DURATION, FrameTable
from kmcodec.container.metadata import DEFAULT_MAX_METADATA
from kmcodec.decoder import checked_metadata
from kmcodec.encoder import file_of
from kmcodec.errors import KmcInputError
from kmcodec.image import MAX_COLORS, MAX_SIDE, IndexedImage, Metadata
from kmcodec.options import checked_integer
from kmcodec.pixels import to_channels
from kmcodec.quantizer import DEFAULT_COLORS, ImageLike, is_indexed, pixels_of, quantize
from kmcodec.rate_distortion import FramesBuilder, Goal, Outcome, Subject, meet
from kmcodec.reader import DEFAULT_MAX_PIXELS, StripReader

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from kmcodec.options import QuantizeOptions

__all__ = [
    "DEFAULT_DURATION",
    "Animation",
    "decode_frames",
    "encode_frames",
    "optimize_frames",
    "quantize_frames",
    "read_frames",
    "sheet_of",
    "table_of",
]

DEFAULT_DURATION = 100
"""Milliseconds that a frame is shown if nobody says otherwise."""


@dataclass(frozen=True, eq=False)
class Animation:
    """Frames of one size and one palette, each shown for a time.

    Parameters
    ----------
    palette : ndarray, shape (K, C), uint8
    indices : ndarray, shape (N, H, W), uint8 for up to 256 entries, else uint16
    durations : tuple of int
        Milliseconds, one for each frame.
    loop : int
        How often all frames are shown; 0 is forever.
    metadata : Metadata
    """

    palette: NDArray[np.uint8]
    indices: NDArray[Any]
    durations: tuple[int, ...]
    loop: int = 0
    metadata: Metadata = field(default_factory=Metadata)

    def __len__(self) -> int:
        return len(self.indices)

    def __getitem__(self, frame: int) -> IndexedImage:
        return IndexedImage(self.palette, self.indices[frame], self.metadata)

    def to_array(self) -> NDArray[np.uint8]:
        """The pixels: uint8, shape (N, H, W) for grey, else (N, H, W, C)."""
        pixels: NDArray[np.uint8] = self.palette[self.indices]
        return pixels[..., 0] if pixels.shape[3] == 1 else pixels


def encode_frames(
    frames: Iterable[ImageLike] | Animation,
    k: int | None = None,
    *,
    durations: int | Sequence[int] | None = None,
    loop: int | None = None,
    coding: str = "context",
    effort: str = AUTO,
    strip_rows: int | None = None,
    metadata: Metadata | None = None,
    rdo: float | None = None,
    psnr: float | None = None,
    max_bytes: int | None = None,
    strict: bool = False,
    **options: Unpack[QuantizeOptions],
) -> bytes:
    """Encode frames as one `.kmc` file, with one palette for all.

    Parameters
    ----------
    frames : iterable of images (see `quantize`), or Animation
        All of one size.
    k : int, optional
        Palette entries, 1 to 65,536. If it is not given, palette images are kept exactly as long
        as they have at most 65,536 colours together; all else gets 256. Frames of no more than k
        colours together are kept exactly.
    durations : int or sequence of int, optional
        Milliseconds that a frame is shown: one number for all, or one for each; 100 if not given.
    loop : int, optional
        How often all frames are shown; 0, forever, if not given.
    coding, effort, strip_rows
        See `encode`.
    metadata : Metadata, optional
        That of the first frame if not given.
    rdo, psnr, max_bytes, strict
        See `encode`. The PSNR is that of the pixels of all frames together.
    **options
        See `quantize`. The palette is that of the pixels of all frames together.

    Returns
    -------
    bytes

    Raises
    ------
    KmcInputError
        If there are no frames, if they are of different sizes, or if an option is wrong.
    KmcGoalError
        If a goal cannot be reached and `strict` is set.
    """
    assembly = Assembly(coding, effort, strip_rows)
    goal = Goal.of(rdo, psnr, max_bytes, coding)
    images: Sequence[ImageLike]
    if isinstance(frames, Animation):
        durations = frames.durations if durations is None else durations
        loop = frames.loop if loop is None else loop
        images = [frames[number] for number in range(len(frames))]
    else:
        images = list(frames)
    table = table_of(len(images), durations, loop)
    if goal is not None:
        outcome = optimize_frames(images, k, goal, assembly, table, metadata=metadata, **options)
        return file_of(outcome, strict)
    sheet = quantize_frames(images, k, **options)
    if metadata is not None:
        sheet = IndexedImage(sheet.palette, sheet.indices, metadata)
    return assembly.encode_frames(sheet, table)


def decode_frames(
    data: bytes,
    *,
    max_pixels: int | None = DEFAULT_MAX_PIXELS,
    max_metadata: int | None = DEFAULT_MAX_METADATA,
) -> Animation:
    """Decode all frames of a `.kmc` file; one without a frame table has one.

    Parameters
    ----------
    data : bytes-like
        The whole file.
    max_pixels, max_metadata
        See `decode`; the pixels of all frames count.

    Returns
    -------
    Animation

    Raises
    ------
    KmcFormatError, KmcLimitError
        See `decode`.
    """
    return read_frames(io.BytesIO(data), max_pixels=max_pixels, max_metadata=max_metadata)


def read_frames(
    stream: IO[bytes],
    *,
    max_pixels: int | None = DEFAULT_MAX_PIXELS,
    max_metadata: int | None = DEFAULT_MAX_METADATA,
) -> Animation:
    """Like `decode_frames`, from a seekable stream that begins with the file."""
    reader = StripReader(stream, max_pixels=max_pixels, max_metadata=max_metadata)
    header, table = reader.header, reader.container.frames
    reader.check_rows(0, header.height)
    metadata = checked_metadata(reader)
    sheet = reader.rows(0, header.height).reshape(header.height, table.count, header.width)
    durations = table.durations
    if len(durations) != table.count:
        durations *= table.count
    frames = np.ascontiguousarray(sheet.transpose(1, 0, 2))
    return Animation(reader.palette, frames, durations, table.loop, metadata)


def table_of(
    frames: int, durations: int | Sequence[int] | None = None, loop: int | None = None
) -> FrameTable:
    """The frame table of so many frames; see `encode_frames`."""
    if not frames:
        raise KmcInputError("there are no frames to encode")
    times = _checked_durations(DEFAULT_DURATION if durations is None else durations, frames)
    loop = checked_integer("loop", 0 if loop is None else loop, 0, MAX_DURATION)
    return FrameTable(frames, times, loop)


def _checked_durations(given: int | Sequence[int], frames: int) -> tuple[int, ...]:
    """One for all or one for each, as few as it takes."""
    if not isinstance(given, Iterable):
        given = [given]
    elif len(given) != frames:
        raise KmcInputError(f"{len(given):,} durations for {frames:,} frames")
    checked = tuple(checked_integer("durations", each, 0, MAX_DURATION) for each in given)
    return checked[:1] if len(set(checked)) == 1 else checked


def quantize_frames(
    images: Sequence[ImageLike], k: int | None, **options: Unpack[QuantizeOptions]
) -> IndexedImage:
    """Quantise frames as one image, in which they are side by side; see `encode_frames`."""
    shared = _of_one_palette(images)
    if shared is not None and k is None and options.get("palette") is None:
        return quantize(shared, None, **options)
    pixels, metadata = _pixels_of_all(images)
    sheet = _side_by_side(pixels)
    if k is None and options.get("palette") is None:
        k = MAX_COLORS if all(map(is_indexed, images)) and _few_colors(sheet) else DEFAULT_COLORS
    if options.get("dither", "none") == "none":
        quantized = quantize(sheet, k, **options)
        palette, indices = quantized.palette, quantized.indices
    else:
        # One by one: no frame's error is to be spread into another.
        if options.get("palette") is None:
            undithered = options.copy()
            undithered["dither"] = "none"
            options["palette"] = quantize(sheet, k, **undithered).palette
            options.pop("reorder", None)
            k = None
        parts = [quantize(frame, k, **options) for frame in pixels]
        palette, indices = parts[0].palette, _side_by_side([part.indices for part in parts])
    return IndexedImage(palette, indices, metadata)


def optimize_frames(
    images: Sequence[ImageLike],
    k: int | None,
    goal: Goal,
    assembly: Assembly,
    table: FrameTable,
    *,
    metadata: Metadata | None = None,
    advance: Callable[[], None] = lambda: None,
    **options: Unpack[QuantizeOptions],
) -> Outcome:
    """Quantise frames for a goal that all together are to meet; see `encode_frames`.

    Parameters
    ----------
    images, k, **options
        See `quantize_frames`.
    goal, assembly, metadata, advance
        See `kmcodec.rate_distortion.optimize`.
    table : FrameTable

    Returns
    -------
    Outcome
        Its image has all frames side by side.
    """
    pixels, own = _pixels_of_all(images)
    subject = Subject(
        _side_by_side(pixels),
        own if metadata is None else metadata,
        kept=lambda k: quantize_frames(images, k, **options),
        quantized=lambda k: quantize_frames(pixels, k, **options),
    )
    builder = FramesBuilder(assembly, table)
    return meet(goal, subject, k, builder, advance=advance, **options)


def sheet_of(images: Sequence[ImageLike]) -> NDArray[np.uint8]:
    """The pixels of all frames side by side, shape (H, N * W, C)."""
    return _side_by_side(_pixels_of_all(images)[0])


def _pixels_of_all(images: Sequence[ImageLike]) -> tuple[list[NDArray[np.uint8]], Metadata]:
    """Pixels of one number of channels, and the metadata of the first frame."""
    opened = [pixels_of(image) for image in images]
    pixels = [np.atleast_3d(frame) for frame, _ in opened]
    channels = [frame.shape[2] for frame in pixels]
    common = (3 if max(channels) > 2 else 1) + any(c in (2, 4) for c in channels)
    return [to_channels(frame, common) for frame in pixels], opened[0][1]


def _of_one_palette(images: Sequence[ImageLike]) -> IndexedImage | None:
    """All frames side by side, where all have the same palette."""
    given = [image for image in images if isinstance(image, IndexedImage)]
    first = given[0] if given else None
    if first is None or len(given) < len(images):
        return None
    if not all(np.array_equal(image.palette, first.palette) for image in given):
        return None
    indices = _side_by_side([image.indices for image in given])
    return IndexedImage(first.palette, indices, first.metadata)


def _side_by_side(frames: Sequence[NDArray[Any]]) -> NDArray[Any]:
    height, width = frames[0].shape[:2]
    for number, frame in enumerate(frames):
        if frame.shape[:2] != (height, width):
            raise KmcInputError(
                f"frame {number} is {frame.shape[1]:,} x {frame.shape[0]:,} pixels, "
                f"the first {width:,} x {height:,}: all frames have one size"
            )
    if len(frames) * max(width, height) > MAX_SIDE:
        raise KmcInputError(f"{len(frames):,} frames of {width:,} x {height:,} are too many")
    return np.concatenate(frames, axis=1)


def _few_colors(sheet: NDArray[np.uint8]) -> bool:
    """Whether a palette can hold all colours."""
    codes = np.zeros((*sheet.shape[:2], 4), np.uint8)
    codes[..., : sheet.shape[2]] = sheet
    return len(np.unique(codes.view(np.uint32))) <= MAX_COLORS
