"""What is fuzzed: functions of bytes that may end in nothing, or in a documented exception.

They need no fuzzer: `tests/test_regressions.py` replays past findings with them.
"""

from __future__ import annotations

import functools
import importlib.util
import io
import json
import tempfile
import zlib
from collections.abc import Callable
from operator import methodcaller
from pathlib import Path

import numpy as np
from PIL import Image

import kmcodec
from kmcodec.coding import METHODS, additive
from kmcodec.coding.additive import range_coder
from kmcodec.coding.additive.kernels import STRIP
from kmcodec.coding.additive.start import Start
from kmcodec.coding.colortree import ColorTree
from kmcodec.coding.context.arithmetic import check_end
from kmcodec.coding.context.kernels import MODELS
from kmcodec.coding.context.profiles import PROFILES
from kmcodec.coding.context.tables import starts, tables
from kmcodec.coding.labels.kernels import MAP
from kmcodec.coding.labels.start import Start as LabelStart
from kmcodec.model.limits import Limits
from kmcodec.reading.salvage import salvage_indexed
from kmcodec.sources.palettes import read_palette

# Small images, so that many are tried in a second.
MAX_PIXELS = 1 << 10
MAX_METADATA = 1 << 16

VARIANTS = 31
"""How often a payload is decoded with some bytes changed, after it was decoded as it is."""

_REFUSALS = (kmcodec.KmcFormatError, kmcodec.KmcLimitError)
_ENTRIES = (1, 2, 3, 5, 16, 17, 64, 255, 256, 257, 300, 1000)
_GEOMETRIES = ((1, 1), (1, 7), (3, 2), (2, 5), (4, 4), (7, 2), (2, 19), (3, 70))
_PALETTES = ((2, 1), (3, 3), (5, 4), (16, 2), (17, 3), (64, 3), (256, 1), (257, 3), (1000, 4))
_EXTENSIONS = (".gpl", ".hex", ".act", ".aco", ".ase", ".pal", ".txt", ".png", "")


def decode(data: bytes) -> None:
    """A whole file; what is left of it if it is damaged."""
    try:
        image = kmcodec.decode_indexed(data, max_pixels=MAX_PIXELS, max_metadata=MAX_METADATA)
    except kmcodec.KmcLimitError:
        return
    except kmcodec.KmcFormatError:
        _salvage(data)
        return
    try:
        frames = kmcodec.decode_frames(data, max_pixels=MAX_PIXELS, max_metadata=MAX_METADATA)
        assert frames[0] == image
    except kmcodec.KmcFormatError:
        assert kmcodec.inspect(data).frames.further, "one scene is decoded for its first frame"
    assert int(image.indices.max()) < len(image.palette)
    assert image.to_array().size == image.width * image.height * image.channels


def _salvage(data: bytes) -> None:
    try:
        left = salvage_indexed(
            io.BytesIO(data), Limits(max_pixels=MAX_PIXELS, max_metadata=MAX_METADATA)
        )
    except _REFUSALS:
        return
    assert left.lost, "what a decoder refuses has lost something"
    left.marked().to_array()


def inspect(data: bytes) -> None:
    """The container, without the indices."""
    try:
        info = kmcodec.inspect(data)
    except _REFUSALS:
        return
    json.dumps(info.to_dict())


def pillow(data: bytes) -> None:
    """Pillow: open, load, the last frame, and verify."""
    for act in (methodcaller("load"), _load_last, methodcaller("verify")):
        try:
            with Image.open(io.BytesIO(data), formats=["KMC"]) as image:
                if image.width * image.height <= MAX_PIXELS:
                    act(image)
        except (OSError, Image.DecompressionBombError):
            continue


def _load_last(image: Image.Image) -> None:
    image.load()
    image.seek(image.n_frames - 1)  # type: ignore[attr-defined]
    image.load()


@functools.cache
def _folder() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory()


def palette(data: bytes) -> None:
    """A palette file, the first byte choosing its extension; a list of colours."""
    path = (
        Path(_folder().name) / f"palette{_EXTENSIONS[data[0] % len(_EXTENSIONS)] if data else ''}"
    )
    path.write_bytes(data[1:])
    sources = [str(path)]
    if data and len(data) < 200 and b"/" not in data:
        sources.append(data[1:].decode("utf-8", "replace").replace("\n", " "))
    for source in sources:
        try:
            assert 1 <= len(read_palette(source)) <= 65536
        except kmcodec.KmcError as error:
            if "\n" in str(error):
                raise AssertionError("not one line") from error


def round_trip(data: bytes) -> None:
    """An image and options made of the bytes, encoded and decoded."""
    fields = data[:8].ljust(8, b"\0")
    entries, channels = _ENTRIES[fields[0] % len(_ENTRIES)], 1 + fields[1] % 4
    width = 1 + fields[2] % 40
    method = METHODS[fields[3] % len(METHODS)]
    colors = _palette(entries, channels, fields[4])
    indices = np.frombuffer(data[8:], np.uint8).astype(np.int64)
    if entries > 256:
        indices = indices * 257
    rows = max(1, len(indices) // width)
    indices = np.resize(indices if len(indices) else [0], (rows, width)) % entries
    image = kmcodec.IndexedImage(
        colors, indices, kmcodec.Metadata(text={"Title": "t" * fields[6]} if fields[6] else {})
    )
    encoded = kmcodec.encode(
        image, coding=method.name, effort=method.effort or "auto", strip_rows=fields[5] % 8
    )
    assert kmcodec.decode_indexed(encoded) == image
    kmcodec.inspect(encoded)


@functools.cache
def _palette(entries: int, channels: int, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    colors = rng.integers(0, 256, (entries, channels), dtype=np.uint8)
    return np.sort(colors, axis=0) if seed % 2 else colors


class Strips:
    """The decoder of strips of one geometry and palette, of one profile of the context coder."""

    def __init__(self, effort: str, geometry: int, colors: int) -> None:
        rows, width = _GEOMETRIES[geometry]
        entries, channels = _PALETTES[colors]
        self.tree = ColorTree.of(_palette(entries, channels, colors))
        profile = PROFILES[effort]
        self._arguments = (
            *(rows, width, self.tree, tables()),
            *(starts(profile), profile.head_bits(rows * width)),
        )
        self.most = 4 * rows * width
        self._kernel = MODELS[effort]
        # Where it was built (`build_drivers.py`), it decodes many payloads in little time.
        name = f"kmcodec.coding.context._drive_{effort}"
        found = importlib.util.find_spec(name) is not None
        self.driver = importlib.import_module(name).Driver(*self._arguments) if found else None

    def decode(self, payload: bytes) -> tuple[np.ndarray, int, int]:
        """What the kernel makes of a payload: symbols, shifts, low."""
        result: tuple[np.ndarray, int, int] = self._kernel.decode(payload, *self._arguments)
        return result

    def encode(self, symbols: np.ndarray) -> bytes:
        """The payload that the kernel makes of symbols."""
        payload: bytes = self._kernel.encode(symbols, *self._arguments[2:])[0]
        return payload


@functools.cache
def _strips(effort: str, geometry: int, colors: int) -> Strips:
    return Strips(effort, geometry, colors)


def _kernel(effort: str, data: bytes) -> None:
    """The compiled decoder of strips: a payload, and a geometry that need not fit it."""
    if len(data) < 2:
        return
    strips = _strips(effort, (data[0] & 127) % len(_GEOMETRIES), data[1] % len(_PALETTES))
    payload = data[2:]
    if data[0] >= 128:
        # Enough bytes for whatever follows.
        payload = payload.ljust(strips.most, b"\x5a")
    symbols, shifts, _ = (strips.driver or strips).decode(payload)
    assert int(symbols.max()) < len(strips.tree.hole)
    if shifts < len(payload) and data[0] == 255:
        _check_end(strips, payload)
    elif strips.driver:
        assert strips.driver.vary(payload, VARIANTS, zlib.crc32(data)) < len(strips.tree.hole)


def _check_end(strips: Strips, payload: bytes) -> None:
    """Ended as an encoder ends it, a payload is right; and what an encoder makes of it, too.

    These may be other bytes: a decoder does not mind a denied run that comes true.
    """
    symbols, shifts, low = strips.decode(payload)
    assert not strips.tree.hole[symbols].any()
    for again in (payload[:shifts] + bytes([(low >> 24) + 1]), strips.encode(symbols)):
        decoded, shifts, low = (strips.driver or strips).decode(again)
        check_end(again, shifts, low, "indices")
        np.testing.assert_array_equal(decoded, symbols)


def _additive(effort: str, data: bytes) -> None:
    """The compiled decoder of the additive coder: a payload, and a geometry it need not fit."""
    if len(data) < 2:
        return
    rows, width = _GEOMETRIES[(data[0] & 127) % len(_GEOMETRIES)]
    colors = data[1] % len(_PALETTES)
    tree = ColorTree.of(_palette(*_PALETTES[colors], colors))
    start = Start(additive.PROFILES[effort], tree, rows * width)
    payload = data[2:]
    if data[0] >= 128:
        # Enough bytes for whatever follows.
        payload = payload.ljust(4 * rows * width, b"\x5a")
    symbols, shifts, _ = STRIP.decode(payload, rows, width, start)
    assert int(symbols.max()) < len(tree.hole)
    if shifts < 8 * len(payload) and not tree.hole[symbols].any():
        again, coded = STRIP.encode(symbols, start)
        decoded, shifts, code = STRIP.decode(again, rows, width, start)
        range_coder.check_end(again, shifts, code)
        np.testing.assert_array_equal(decoded, symbols)
        np.testing.assert_array_equal(coded, symbols)


def _labels(data: bytes) -> None:
    """The compiled decoder of the label coder: a payload, and a geometry it need not fit."""
    if len(data) < 2:
        return
    rows, width = _GEOMETRIES[(data[0] & 63) % len(_GEOMETRIES)]
    entries = _ENTRIES[1 + data[1] % (len(_ENTRIES) - 1)]
    start = LabelStart(entries, 2 if data[0] & 64 and rows > 2 else 0)
    payload = data[2:]
    if data[0] >= 128:
        # Enough bytes for whatever follows.
        payload = payload.ljust(4 * rows * width, b"\x5a")
    symbols, shifts, _, is_wrong = MAP.decode(payload, rows, width, start)
    assert is_wrong or int(symbols.max()) < entries
    if shifts < 8 * len(payload) and not is_wrong:
        again = MAP.encode(symbols, start)
        decoded, shifts, code, is_wrong = MAP.decode(again, rows, width, start)
        assert not is_wrong
        range_coder.check_end(again, shifts, code)
        np.testing.assert_array_equal(decoded, symbols)


TARGETS: dict[str, Callable[[bytes], None]] = {
    **{target.__name__: target for target in (decode, inspect, pillow, palette, round_trip)},
    **{f"kernel_{effort}": functools.partial(_kernel, effort) for effort in PROFILES},
    **{f"kernel_{effort}": functools.partial(_additive, effort) for effort in additive.PROFILES},
    "kernel_labels": _labels,
}
"""By the names that `fuzz.py` and the folders of `tests/regressions` use."""
