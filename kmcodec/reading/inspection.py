"""Describe a `.kmc` file without decoding its pixels."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from kmcodec.container.frame_table import FrameTable, Scene
from kmcodec.container.header import HEADER_SIZE, Header
from kmcodec.container.layout import Section
from kmcodec.container.metadata import metadata_from_sections
from kmcodec.container.reader import ContainerReader
from kmcodec.container.strip_table import StripTable
from kmcodec.model.image import Metadata
from kmcodec.model.limits import DEFAULT_MAX_METADATA
from kmcodec.reading.strip_reader import coding_of, palette_of

__all__ = ["FileInfo", "inspect", "inspect_stream"]


@dataclass(frozen=True, eq=False)
class FileInfo:
    """The parts of a `.kmc` file, after checking every CRC.

    Parameters
    ----------
    size : int
        Bytes of the file.
    header : Header
    coding : str
        Name of the coding method.
    effort : str or None
        The effort of the coding `context`.
    palette : ndarray, shape (K, C), uint8
        Palette of the first frame. Palettes of further scenes are not decoded.
    palette_sizes : tuple of int
        Bytes of each scene's palette as stored, coded if the scene says so.
    scenes : tuple of Scene
        Groups of frames with their own palette; one scene if all have the same.
    strips : StripTable
        A sequence of `Strip`.
    sections : tuple of Section
    metadata : Metadata
        Content of the sections.
    frames : FrameTable
    """

    size: int
    header: Header
    coding: str
    effort: str | None
    palette: NDArray[np.uint8]
    palette_sizes: tuple[int, ...]
    scenes: tuple[Scene, ...]
    strips: StripTable
    sections: tuple[Section, ...]
    metadata: Metadata
    frames: FrameTable

    @property
    def palette_size(self) -> int:
        """Bytes of all palettes as stored."""
        return sum(self.palette_sizes)

    @property
    def index_size(self) -> int:
        """Bytes of the coded indices in all strips."""
        return self.strips.payload_size

    @property
    def metadata_size(self) -> int:
        """Bytes of the sections' payloads."""
        return sum(len(section.payload) for section in self.sections)

    @property
    def container_size(self) -> int:
        """Bytes of everything else: header, frame table, lengths, types of sections, CRCs."""
        return self.size - self.palette_size - self.index_size - self.metadata_size

    @property
    def pixels(self) -> int:
        """Pixels of all frames."""
        return self.frames.count * self.header.width * self.header.height

    @property
    def bits_per_pixel(self) -> float:
        """Bits of the whole file for each pixel."""
        return 8 * self.size / self.pixels

    def to_dict(self) -> dict[str, Any]:
        """Return everything as plain values for JSON."""
        header = self.header
        return {
            "width": header.width,
            "height": header.height,
            "channels": header.channels,
            "entries": header.entries,
            "coding": self.coding,
            "effort": self.effort,
            "palette_coded": header.palette_coded,
            "palette_implied": header.palette_implied,
            "rows_per_strip": header.rows_per_strip,
            "frames": self.frames.count,
            "durations": list(self.frames.durations) if header.has_frames else None,
            "loop": self.frames.loop if header.has_frames else None,
            "interleaved": self.frames.interleaved,
            "scenes": [
                {
                    "frames": scene.frames,
                    "interleaved": scene.interleaved,
                    "entries": scene.entries,
                    "palette_coded": scene.palette_coded,
                    "palette_bytes": size,
                }
                for scene, size in zip(self.scenes, self.palette_sizes, strict=True)
            ],
            "bits_per_pixel": round(self.bits_per_pixel, 4),
            "bytes": {
                "total": self.size,
                "container": self.container_size,
                "palette": self.palette_size,
                "indices": self.index_size,
                "metadata": self.metadata_size,
            },
            "header_bytes": HEADER_SIZE,
            "strips": [
                {
                    "scene": strip.scene,
                    "first_row": strip.rows[0],
                    "rows": strip.rows[1] - strip.rows[0],
                    "offset": strip.offset,
                    "bytes": strip.length,
                    "crc": f"{strip.crc:08x}",
                }
                for strip in self.strips
            ],
            "sections": [
                {"type": section.type, "offset": section.offset, "bytes": len(section.payload)}
                for section in self.sections
            ],
            "text": dict(self.metadata.text),
            "palette": ["#" + bytes(entry).hex() for entry in self.palette],
        }


def inspect(data: bytes, *, max_metadata: int | None = DEFAULT_MAX_METADATA) -> FileInfo:
    """Check all of a `.kmc` file except the coded indices, and describe its content.

    Parameters
    ----------
    data : bytes-like
        The whole file.
    max_metadata : int, optional
        The most bytes of metadata, decompressed; None for no limit. By default 64 MiB. Pixels
        have no limit, as none are decoded.

    Returns
    -------
    FileInfo

    Raises
    ------
    KmcFormatError
        If any part is damaged, missing, or not supported.
    KmcLimitError
        If the metadata exceed `max_metadata`.
    """
    return inspect_stream(io.BytesIO(data), max_metadata=max_metadata)


def inspect_stream(
    stream: IO[bytes], *, max_metadata: int | None = DEFAULT_MAX_METADATA
) -> FileInfo:
    """Inspect a seekable stream that begins with the file; see `inspect`."""
    container = ContainerReader(stream)
    coding = coding_of(container.header)
    # Keep only the size of each palette.
    sizes = tuple(len(container.palette_of(scene)[1]) for scene in range(len(container.scenes)))
    strips = StripTable(container.header, container.strips())
    for strip in strips:
        container.payload(strip)
    sections = tuple(container.sections())
    return FileInfo(
        size=container.size,
        header=container.header,
        coding=coding.name,
        effort=coding.effort,
        palette=palette_of(container),
        palette_sizes=sizes,
        scenes=container.scenes,
        strips=strips,
        sections=sections,
        metadata=metadata_from_sections(sections, max_metadata),
        frames=container.frames,
    )
