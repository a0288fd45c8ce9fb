"""The Pillow plugin: `Image.open("bird.kmc")` and `image.save("bird.kmc", colors=16)`."""

from __future__ import annotations

import difflib
import io
import os
from bisect import bisect_right
from collections.abc import Callable, Mapping
from typing import IO, Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFile, ImagePalette

from kmcodec.animation.decode_frames import FrameReader
from kmcodec.animation.encode_frames import encode_frames
from kmcodec.container.header import SIGNATURE
from kmcodec.container.metadata import metadata_from_sections
from kmcodec.container.reader import ContainerReader
from kmcodec.decoder import read_indexed
from kmcodec.encoder import encode
from kmcodec.errors import KmcError, KmcFormatError, KmcInputError
from kmcodec.formats.pillow_images import (
    attach_metadata,
    metadata_from_pillow,
    mode_of,
    transparency_of,
)
from kmcodec.model.image import IndexedImage, Metadata
from kmcodec.model.limits import Limits
from kmcodec.reading.inspection import inspect_stream
from kmcodec.reading.salvage import salvage_indexed
from kmcodec.reading.strip_reader import palette_of
from kmcodec.request import EncodeOptions
from kmcodec.sources.frames import frames_of, gif_loop, loop_of

__all__ = ["KmcImageFile", "register_kmc_opener"]

_T = TypeVar("_T")

FORMAT = "KMC"
ENDING = ".kmc"

_METADATA_OPTIONS = ("icc_profile", "exif", "xmp", "text", "dpi")
_ENCODE_OPTIONS = tuple(EncodeOptions.__annotations__)
_OTHER_OPTIONS = ("colors", "palettes", "duration", "loop", "append_images", "save_all")
# Names that other libraries give the number of colours.
_COLORS = ("k", "K", "n", "colours", "n_colors", "num_colors")
# Options of other formats: callers that save one image in many formats pass the same to all.
_IGNORED_OPTIONS = frozenset(
    {"comment", "compress_level", "compression", "exact", "interlace", "lossless", "method"}
    | {"optimize", "pnginfo", "progressive", "qtables", "quality", "speed", "subsampling"}
    | {"smooth", "keep_rgb", "restart_marker_blocks", "restart_marker_rows", "streamtype"}
    | {"big_tiff", "tiffinfo", "strip_size", "resolution", "sizes", "bitmap_format", "bits"}
    | {"alpha_quality", "allow_mixed", "minimize_size", "kmin", "kmax", "codec", "range"}
    | {"background", "blend", "default_image", "disposal", "transparency", "include_color_table"}
)


def _accept(prefix: bytes) -> bool:
    return prefix.startswith(SIGNATURE)


class KmcImageFile(ImageFile.ImageFile):
    """A `.kmc` file opened by Pillow: header, palette and metadata now, pixels on `load()`."""

    format = FORMAT
    format_description = "K-means palette image"

    def _open(self) -> None:
        assert self.fp is not None
        try:
            container = ContainerReader(self.fp)
            header = container.header
            self._mode = mode_of(header.entries, header.channels)
            # Larger palettes take longer to decode: they wait for the pixels.
            palette = palette_of(container) if self._mode == "P" else None
        except KmcFormatError as error:
            # Pillow only understands SyntaxError as "not my format".
            raise SyntaxError(str(error)) from error
        self._size = (header.width, header.height)
        self._show_frames(container)
        self._show_palette(palette)
        attach_metadata(self, _readable_metadata(container))
        self.tile = [("kmc", (0, 0, *self._size), 0, None)]  # type: ignore[list-item]

    def _show_frames(self, container: ContainerReader) -> None:
        table = container.frames
        self.n_frames, self.is_animated = table.count, table.count > 1
        self._durations, self._frame = table.durations, 0
        self._scene_ends = container.scene_ends
        self._modes = [mode_of(s.entries, container.header.channels) for s in container.scenes]
        self._frames: FrameReader | None = None
        if self.is_animated:
            # Pillow has checked the size of one frame; all frames of a scene decode at once.
            most = max(scene.frames for scene in container.scenes)
            Image._decompression_bomb_check((most * self.width, self.height))
            self.info["duration"], self.info["loop"] = table.durations[0], table.loop

    def _show_palette(self, palette: NDArray[np.uint8] | None) -> None:
        self.palette = None
        self.info.pop("transparency", None)
        if palette is not None:
            self.palette = ImagePalette.raw("RGB", palette[:, :3].tobytes())
            if palette.shape[1] == 4:
                self.info["transparency"] = transparency_of(palette[:, 3])

    def seek(self, frame: int) -> None:
        """Go to a frame; see `PIL.Image.Image.seek`.

        Raises
        ------
        OSError
            If its palette is damaged.
        """
        if not self._seek_check(frame):
            return
        scene = bisect_right(self._scene_ends, frame)
        if scene != bisect_right(self._scene_ends, self._frame):
            mode = self._modes[scene]
            palette = self._read(lambda frames: frames.palette_of(frame)) if mode == "P" else None
            # Drop everything of the previous palette.
            self._mode = mode
            self.im = None  # type: ignore[assignment]
            self._show_palette(palette)
        self._frame = frame
        self.info["duration"] = self._durations[frame if len(self._durations) > 1 else 0]
        self.tile = [("kmc", (0, 0, *self._size), 0, None)]  # type: ignore[list-item]

    def tell(self) -> int:
        """Return the number of the frame."""
        return self._frame

    def load(self) -> Any:
        """Decode the frame and the rest of its scene; see `PIL.Image.Image.load`."""
        if self.tile and self.is_animated:
            image = self._read(lambda frames: frames.frame(self._frame))
            pixels = _pixels_in(self.mode, image)
            self.tile = [("kmc", (0, 0, *self._size), 0, (pixels,))]  # type: ignore[list-item]
            if self.fp is None:
                # Pillow has closed the file, but needs one.
                self.fp = io.BytesIO()
        return super().load()

    def load_seek(self, pos: int) -> None:
        """Go to a place in the file.

        Having this method makes `PIL.ImageFile.Parser`, which gets a file in parts, wait for the
        whole file.
        """
        assert self.fp is not None
        self.fp.seek(pos)

    def _read(self, what: Callable[[FrameReader], _T]) -> _T:
        try:
            if self._frames is None:
                assert self.fp is not None
                # Keep the coded bytes: Pillow closes the file with the first frame.
                self.fp.seek(0)
                self._frames = FrameReader(io.BytesIO(self.fp.read()), Limits(max_pixels=None))
            return what(self._frames)
        except KmcError as error:
            raise OSError(str(error)) from error

    def save(self, fp: Any, format: str | None = None, **params: Any) -> None:
        """Save the image; see `PIL.Image.Image.save`.

        Pillow writes ``info["loop"]`` unchanged. Here, in PNG and in WebP it is the number of
        times that the frames are shown; a GIF stores the number of repeats, which is one less.
        """
        if self.is_animated and "loop" not in params and _format_of(fp, format) == "GIF":
            params["loop"] = gif_loop(self.info["loop"])
        super().save(fp, format, **params)

    def verify(self) -> None:
        """Check every CRC, without decoding; call it right after opening, as always in Pillow.

        Raises
        ------
        OSError
            If the file is damaged or truncated, or has more than 64 MiB of metadata.
        """
        if self.fp is None:
            raise RuntimeError("verify must be called directly after open")
        try:
            inspect_stream(self.fp)
        except KmcError as error:
            raise OSError(str(error)) from error
        finally:
            super().verify()


class KmcDecoder(ImageFile.PyDecoder):
    """Fills an image that Pillow has allocated."""

    _pulls_fd = True

    def decode(self, buffer: Any) -> tuple[int, int]:
        """Decode the whole file; see `PIL.ImageFile.PyDecoder.decode`."""
        if self.args:
            self.set_as_raw(*self.args)
            return -1, 0
        if self.fd is None:
            raise OSError("a .kmc file is not decoded in parts")
        try:
            # Pillow has its own limit of pixels.
            if ImageFile.LOAD_TRUNCATED_IMAGES:
                image = salvage_indexed(self.fd, Limits(max_pixels=None)).image
            else:
                image = read_indexed(self.fd, Limits(max_pixels=None))
        except KmcError as error:
            raise OSError(str(error)) from error
        self.set_as_raw(_pixels_in(self.mode, image))
        return -1, 0


def _pixels_in(mode: str, image: IndexedImage) -> bytes:
    return (image.indices if mode == "P" else image.to_array()).tobytes()


def _check_options(given: Mapping[str, Any]) -> None:
    """Refuse unknown options, which are probably misspelt.

    Raises
    ------
    KmcInputError
    """
    known = (*_METADATA_OPTIONS, *_ENCODE_OPTIONS, *_OTHER_OPTIONS)
    for name in given:
        if name in known or name in _IGNORED_OPTIONS:
            continue
        near = ["colors"] if name in _COLORS else difflib.get_close_matches(name, known, 1, 0.5)
        hint = f": did you mean {near[0]!r}?" if near else f"; the options are {', '.join(known)}"
        raise KmcInputError(f"Image.save has no option {name!r} for .kmc{hint}")


def _write(fp: IO[bytes], data: bytes) -> None:
    """Write a file that is encoded already, past the buffer of `fp`.

    What a full disk leaves in a buffer would fail again when Pillow closes the file, which then
    would not be removed.
    """
    raw = getattr(fp, "raw", None)
    if raw is None:
        fp.write(data)
        return
    fp.flush()
    rest = memoryview(data)
    while rest:
        rest = rest[raw.write(rest) :]


def _save(im: Image.Image, fp: IO[bytes], filename: str | bytes) -> None:
    given = im.encoderinfo
    _check_options(given)
    metadata = metadata_from_pillow(im, {k: given[k] for k in _METADATA_OPTIONS if k in given})
    options = {k: given[k] for k in _ENCODE_OPTIONS if k in given}
    _write(fp, encode(im, given.get("colors"), metadata=metadata, **options))


def _save_all(im: Image.Image, fp: IO[bytes], filename: str | bytes) -> None:
    given = im.encoderinfo
    _check_options(given)
    shown = [shown for image in (im, *given.get("append_images", ())) for shown in frames_of(image)]
    metadata = metadata_from_pillow(im, {k: given[k] for k in _METADATA_OPTIONS if k in given})
    options = {k: given[k] for k in _ENCODE_OPTIONS if k in given}
    if len(shown) == 1:
        _write(fp, encode(shown[0][0], given.get("colors"), metadata=metadata, **options))
        return
    durations = given.get("duration")
    if isinstance(durations, float):
        durations = round(durations)  # as Pillow's other writers do
    _write(
        fp,
        encode_frames(
            [frame for frame, _ in shown],
            given.get("colors"),
            palettes=given.get("palettes", "shared"),
            durations=[each for _, each in shown] if durations is None else durations,
            loop=given.get("loop", loop_of(im)),
            metadata=metadata,
            **options,
        ),
    )


def register_kmc_opener() -> None:
    """Let Pillow open and save `.kmc` files; importing `kmcodec` does so already.

    Notes
    -----
    This adds entries to Pillow's registries of formats, and changes nothing else of Pillow.

    ``image.save("a.kmc", ...)`` takes these options:

    ``colors``
        The most palette entries, `k` of `encode`.
    ``keep``, ``palette``, ``init``, ``search``, ``seed``, ``iterations``, ``restarts``, ``space``
        The search for a palette; see `quantize`.
    ``dither``, ``dither_amount``, ``reorder``
        Use and order of its entries; see `quantize`.
    ``coding``, ``effort``, ``strip_rows``
        Coding of the indices; see `encode`.
    ``quality``, ``rdo``, ``psnr``, ``max_bytes``, ``strict``
        A goal of quality or size; see `encode`.
    ``icc_profile``, ``exif``, ``xmp``, ``text``, ``dpi``
        Metadata to write instead of the image's own; None for none.
    ``save_all``, ``append_images``, ``duration``, ``loop``, ``palettes``
        All frames of an animation; see `encode_frames`.

    Options of Pillow's other formats, such as ``quality``, are ignored. All others raise an error,
    as they are probably misspelt.

    As for all formats, Pillow loads the image and empties the target file before encoding.
    Loading truncates 16-bit RGB samples to 8 bits; `kmcodec.encode` rounds them if the image is
    not loaded yet. A failed save leaves an existing file empty, and removes a new one.
    `kmcodec.write` keeps the old file.
    """
    Image.register_open(FORMAT, KmcImageFile, _accept)
    Image.register_decoder("kmc", KmcDecoder)
    Image.register_save(FORMAT, _save)
    Image.register_save_all(FORMAT, _save_all)
    Image.register_extension(FORMAT, ENDING)
    Image.register_mime(FORMAT, "image/x-kmc")


def _format_of(fp: Any, format: Any) -> str:
    """Return the format that `Image.save` selects."""
    if format:
        return str(format).upper()
    name = fp if isinstance(fp, (str, bytes, os.PathLike)) else getattr(fp, "name", "")
    if not isinstance(name, (str, bytes, os.PathLike)):
        return ""
    extension = os.path.splitext(os.fsdecode(name))[1].lower()
    return Image.registered_extensions().get(extension, "")


def _readable_metadata(container: ContainerReader) -> Metadata | None:
    # load() and verify() report damaged metadata: an image with an intact header still opens, as
    # Pillow's users expect of truncated files.
    try:
        return metadata_from_sections(container.sections())
    except KmcError:
        return None
