"""Turn an IndexedImage into the bytes of a `.kmc` file."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from kmcodec.coding import (
    AUTO,
    CODINGS,
    EFFORTS,
    Coding,
    Survey,
    coding_for,
    coding_named,
    codings_of_labels,
    encode_palette,
)
from kmcodec.coding.labels import Labels
from kmcodec.container.frame_table import FrameTable, Scene
from kmcodec.container.header import Header
from kmcodec.container.layout import parts
from kmcodec.container.metadata import sections_from_metadata
from kmcodec.model.checks import checked_choice, checked_integer
from kmcodec.model.image import IndexedImage, Metadata
from kmcodec.model.label_images import in_runs, slice_rows_of
from kmcodec.model.ramp import is_ramp
from kmcodec.parallel import in_threads_each
from kmcodec.writing.strips import (
    MAX_STRIP_ROWS,
    BusySample,
    in_whole_slices,
    is_cut,
    rows_of_strips,
)

__all__ = ["Assembly", "file_parts"]


@dataclass(frozen=True)
class Assembly:
    """The options of `kmcodec.encode` for making files from palette images.

    Raises
    ------
    KmcInputError
        If one is wrong.
    """

    coding: str = "context"
    effort: str = AUTO
    strip_rows: int | None = None

    def __post_init__(self) -> None:
        checked_choice("coding", self.coding, CODINGS)
        checked_choice("effort", self.effort, EFFORTS)
        if self.strip_rows is not None:
            rows = checked_integer("strip_rows", self.strip_rows, 0, MAX_STRIP_ROWS)
            object.__setattr__(self, "strip_rows", rows)

    def method_for(self, image: IndexedImage) -> Coding:
        """Return the coding method for an image; `encode` may find a smaller one for labels."""
        return self._methods_for(image)[0]

    def _methods_for(self, image: IndexedImage) -> tuple[Coding, ...]:
        """Return the coding methods of which the one that makes the fewest bytes is to be used."""
        slice_rows = slice_rows_of(image.metadata)
        if slice_rows is not None and (self.coding == "labels" or in_runs(image.indices)):
            return codings_of_labels(self.coding, self.effort, slice_rows)
        return (coding_for(self.coding, self.effort, image.indices, image.palette),)

    def survey(self, width: int, height: int) -> Survey | None:
        """Return the survey that chooses the coding method of an image, or None if it needs none.

        Parameters
        ----------
        width, height : int
            Of the image, in pixels.

        Returns
        -------
        Survey or None
            Add all indices to it, then pass it to `surveyed_method`.
        """
        wanted = self.coding == "context" and self.effort == AUTO
        return Survey(width, height) if wanted else None

    def surveyed_method(self, survey: Survey | None, entries: int) -> Coding:
        """Return the coding method after a survey.

        Parameters
        ----------
        survey : Survey or None
            From `survey`, after all indices.
        entries : int
            Number of palette entries.
        """
        return coding_named(self.coding, survey.effort(entries) if survey else self.effort)

    def sample(self, width: int, height: int) -> BusySample | None:
        """Return the sample that chooses the strips of an image, or None if it needs none.

        Parameters
        ----------
        width, height : int
            Of the image, in pixels.

        Returns
        -------
        BusySample or None
            Add its `pairs` of rows of indices to it, then pass it to `header`.
        """
        wanted = self.strip_rows is None and self.coding == "context" and is_cut(width, height)
        return BusySample(width, height) if wanted else None

    def header_for(self, image: IndexedImage, method: Coding | None = None) -> Header:
        """Return the header of an image, except its flags; it determines the strips.

        Parameters
        ----------
        image : IndexedImage
        method : Coding, optional
            By default `method_for` the image.
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
        """Return the header of an image for a coding method; see `header_for`.

        Parameters
        ----------
        method : Coding
        width, height : int
            Of the image, in pixels.
        palette : ndarray, shape (K, C), uint8
        sample : BusySample or None
            From `sample`, after all its pairs.
        """
        rows = self.strip_rows
        if rows is None:
            rows = rows_of_strips(width, height, method.effort, sample)
            if isinstance(method, Labels):
                rows = in_whole_slices(rows, method.slice_rows)
        return Header(
            coding=method.number,
            channels=palette.shape[1],
            width=width,
            height=height,
            entries=len(palette),
            rows_per_strip=rows if rows < height else 0,
        )

    def encode(self, image: IndexedImage) -> bytes:
        """Return the bytes of the file."""
        return min((self._encoded(image, way) for way in self._methods_for(image)), key=len)

    def _encoded(self, image: IndexedImage, method: Coding) -> bytes:
        """Return the bytes of the file with a coding method."""
        header = self.header_for(image, method)

        def encode_strip(strip: int) -> bytes:
            first, end = header.rows_of(strip)
            return method.encode(image.indices[first:end], image.palette)

        payloads = in_threads_each(encode_strip, range(header.strip_count))
        return b"".join(file_parts(header, image.palette, payloads, image.metadata))

    def encode_frames(self, sheet: IndexedImage, table: FrameTable) -> bytes:
        """Return the bytes of a file of several frames with one palette; see `encode_scenes`.

        Parameters
        ----------
        sheet : IndexedImage
            All frames side by side.
        table : FrameTable
        """
        return self.encode_scenes([sheet], table)

    def encode_scenes(self, scenes: Sequence[IndexedImage], table: FrameTable) -> bytes:
        """Return the bytes of a file of several frames, each scene in its smaller layout.

        Parameters
        ----------
        scenes : sequence of IndexedImage
            Each with its frames side by side, all with the same number of channels. The file gets
            the metadata of the first. Later scenes have no more entries than pixels.
        table : FrameTable
            For all frames; this method sets layouts and scenes.
        """
        width = sum(scene.width for scene in scenes) // table.count
        # One method for all scenes, chosen by the time to decode all frames.
        together = np.concatenate([scene.indices for scene in scenes], axis=1)
        most = max((scene.palette for scene in scenes), key=len)
        method = coding_for(self.coding, self.effort, together, most)
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
        """Return the number of bytes of the file besides the coded indices."""
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
    """Yield the bytes of a file, part by part.

    Parameters
    ----------
    header : Header
        From `Assembly.header`.
    palette : ndarray, shape (K, C), uint8
    payloads : iterable of bytes
        The coded strips, consumed as needed.
    metadata : Metadata
    frames : FrameTable, optional
        For several frames.
    further : sequence of ndarray
        The palettes of further scenes.
    """
    sections = sections_from_metadata(metadata)
    implied = frames is None and is_ramp(palette)
    coded = None if implied else _coded_palette(header, palette)
    header = replace(header, palette_coded=coded is not None, palette_implied=implied)
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
    """Return the coded palette if the header allows it and it is smaller, else None."""
    if not header.allows_coded_palette or len(palette) == 1:
        return None
    coded = encode_palette(palette)
    if coded is None or len(coded) + header.palette_length_size >= header.palette_size:
        return None
    return coded
