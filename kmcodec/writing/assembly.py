"""An IndexedImage to the bytes of a `.kmc` file."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from kmcodec.coding import (
    AUTO,
    CODINGS,
    EFFORTS,
    METHODS,
    Coding,
    Survey,
    coding_for,
    coding_named,
    encode_palette,
)
from kmcodec.container.frame_table import FrameTable, Scene
from kmcodec.container.header import Header
from kmcodec.container.layout import parts
from kmcodec.container.metadata import sections_from_metadata
from kmcodec.model.image import IndexedImage, Metadata
from kmcodec.options import checked_choice, checked_integer
from kmcodec.parallel import in_threads_each
from kmcodec.writing.strips import MAX_STRIP_ROWS, BusySample, is_cut, rows_of_strips

__all__ = ["Assembly", "file_parts"]


class Assembly:
    """How files are made of palette images.

    Parameters
    ----------
    coding, effort, strip_rows
        See `kmcodec.encode`.

    Raises
    ------
    KmcInputError
        If one of them is wrong.
    """

    def __init__(self, coding: str, effort: str, strip_rows: int | None) -> None:
        self._coding = checked_choice("coding", coding, CODINGS)
        self._effort = checked_choice("effort", effort, EFFORTS)
        self._strip_rows: int | None = None
        if strip_rows is not None:
            self._strip_rows = checked_integer("strip_rows", strip_rows, 0, MAX_STRIP_ROWS)

    def method_for(self, image: IndexedImage) -> Coding:
        """The coding method that an image gets."""
        return coding_for(self._coding, self._effort, image.indices, image.palette)

    def survey(self, width: int, height: int) -> Survey | None:
        """What chooses the coding method of an image by its indices, if anything does.

        Parameters
        ----------
        width, height : int
            Of the image, in pixels.

        Returns
        -------
        Survey or None
            To be shown all indices, and then given to `surveyed_method`.
        """
        wanted = self._coding == "context" and self._effort == AUTO
        return Survey(width, height) if wanted else None

    def surveyed_method(self, survey: Survey | None, entries: int) -> Coding:
        """The coding method that a survey, if there is one, has come to.

        Parameters
        ----------
        survey : Survey or None
            Of `survey`; it has seen all indices.
        entries : int
            Of the palette.
        """
        return coding_named(self._coding, survey.effort(entries) if survey else self._effort)

    def sample(self, width: int, height: int) -> BusySample | None:
        """What has to see some indices of an image to choose its strips, if anything has.

        Parameters
        ----------
        width, height : int
            Of the image, in pixels.

        Returns
        -------
        BusySample or None
            To be given its `pairs` of rows of indices, and then given to `header`.
        """
        wanted = self._strip_rows is None and self._coding == "context" and is_cut(width, height)
        return BusySample(width, height) if wanted else None

    def header_for(self, image: IndexedImage, method: Coding | None = None) -> Header:
        """The header that an image gets, but for its flags: it tells the strips.

        Parameters
        ----------
        image : IndexedImage
        method : Coding, optional
            `method_for` the image if not given.
        """
        sample = self.sample(image.width, image.height)
        if sample is not None:
            for pair in sample.pairs(image.indices):
                sample.add(pair)
        method = method or self.method_for(image)
        return self.header(method, image.width, image.height, image.palette, sample)

    def header(
        self,
        method: Coding,
        width: int,
        height: int,
        palette: NDArray[np.uint8],
        sample: BusySample | None,
    ) -> Header:
        """The header of an image that is coded by some method; see `header_for`.

        Parameters
        ----------
        method : Coding
        width, height : int
            Of the image, in pixels.
        palette : ndarray, shape (K, C), uint8
        sample : BusySample or None
            Of `sample`; it has seen what it asks for.
        """
        rows = self._strip_rows
        if rows is None:
            rows = rows_of_strips(width, height, method.effort, sample)
        return Header(
            coding=method.number,
            channels=palette.shape[1],
            width=width,
            height=height,
            entries=len(palette),
            rows_per_strip=rows if rows < height else 0,
        )

    def encode(self, image: IndexedImage) -> bytes:
        """The bytes of the file."""
        header = self.header_for(image)
        method = METHODS[header.coding]

        def encode_strip(strip: int) -> bytes:
            first, end = header.rows_of(strip)
            return method.encode(image.indices[first:end], image.palette)

        payloads = in_threads_each(encode_strip, range(header.strip_count))
        return b"".join(file_parts(header, image.palette, payloads, image.metadata))

    def encode_frames(self, sheet: IndexedImage, table: FrameTable) -> bytes:
        """The bytes of a file of several frames with one palette; see `encode_scenes`.

        Parameters
        ----------
        sheet : IndexedImage
            All frames side by side.
        table : FrameTable
        """
        return self.encode_scenes([sheet], table)

    def encode_scenes(self, scenes: Sequence[IndexedImage], table: FrameTable) -> bytes:
        """The bytes of a file of several frames, each scene laid out as is smaller.

        Parameters
        ----------
        scenes : sequence of IndexedImage
            Each with its frames side by side; all of as many channels. The metadata are those of
            the first. A scene after it has no more entries than pixels.
        table : FrameTable
            Of all frames; layouts and scenes are set here.
        """
        width = sum(scene.width for scene in scenes) // table.count
        # One method for all: by what it takes to decode all frames.
        together = np.concatenate([scene.indices for scene in scenes], axis=1)
        most = max((scene.palette for scene in scenes), key=len)
        method = coding_for(self._coding, self._effort, together, most)
        header = self.header_for(max(scenes, key=lambda scene: scene.width), method)
        header = replace(header, width=width, entries=len(scenes[0].palette))

        def encode_strip(item: tuple[IndexedImage, bool, int]) -> bytes:
            scene, interleaved, strip = item
            first, end = header.rows_of(strip)
            part = scene.indices[first:end]
            if interleaved:
                part = part.reshape(-1, width)
            return method.encode(part, scene.palette)

        layouts = [(False, True) if scene.width > width else (False,) for scene in scenes]
        strips = range(header.strip_count)
        items = [
            (scene, layout, strip)
            for scene, own in zip(scenes, layouts, strict=True)
            for layout in own
            for strip in strips
        ]
        coded = iter(in_threads_each(encode_strip, items))
        payloads: list[bytes] = []
        laid_out: list[Scene] = []
        for scene, own in zip(scenes, layouts, strict=True):
            made = {layout: [next(coded) for _ in strips] for layout in own}
            smaller = min(own, key=lambda layout: sum(map(len, made[layout])))
            payloads += made[smaller]
            laid_out.append(Scene(scene.width // width, len(scene.palette), smaller))
        table = replace(table, interleaved=laid_out[0].interleaved, further=tuple(laid_out[1:]))
        first, *others = scenes
        further = [scene.palette for scene in others]
        return b"".join(file_parts(header, first.palette, payloads, first.metadata, table, further))

    def overhead(self, image: IndexedImage) -> int:
        """How many bytes of the file are no coded indices."""
        header = self.header_for(image)
        payloads = [b""] * header.strip_count
        return sum(map(len, file_parts(header, image.palette, payloads, image.metadata)))


def file_parts(
    header: Header,
    palette: NDArray[np.uint8],
    payloads: Iterable[bytes],
    metadata: Metadata,
    frames: FrameTable | None = None,
    further: Sequence[NDArray[np.uint8]] = (),
) -> Iterator[bytes]:
    """The bytes of a file, part by part.

    Parameters
    ----------
    header : Header
        Of `Assembly.header`.
    palette : ndarray, shape (K, C), uint8
    payloads : iterable of bytes
        The coded strips, taken as they are needed.
    metadata : Metadata
    frames : FrameTable, optional
        Of several frames.
    further : sequence of ndarray
        The palettes of further scenes.
    """
    sections = sections_from_metadata(metadata)
    coded = _coded_palette(header, palette)
    header = replace(header, palette_coded=coded is not None)
    stored = []
    if frames is not None:
        scenes = []
        for scene, own in zip(frames.further, further, strict=True):
            own_coded = _coded_palette(scene.header_in(header), own)
            scenes.append(replace(scene, palette_coded=own_coded is not None))
            stored.append(_stored(own, own_coded))
        frames = replace(frames, further=tuple(scenes))
    yield from parts(header, _stored(palette, coded), payloads, sections, frames, stored)


def _stored(palette: NDArray[np.uint8], coded: bytes | None) -> bytes:
    return palette.tobytes() if coded is None else coded


def _coded_palette(header: Header, palette: NDArray[np.uint8]) -> bytes | None:
    """The coded palette, if the header allows it and it saves anything."""
    if not header.allows_coded_palette or len(palette) == 1:
        return None
    coded = encode_palette(palette)
    if coded is None or len(coded) + header.palette_length_size >= header.palette_size:
        return None
    return coded
