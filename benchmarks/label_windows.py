"""How long a program waits for a window of a label array in Zarr, by codec."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass

import numpy as np
from label_coders import BLOSC, OWN

__all__ = ["CHUNK", "SIDE", "Windows", "stores", "windows"]

SIDE = 2048
CHUNK = 256
_WINDOW = 32
_PLACES = 40


@dataclass(frozen=True)
class Windows:
    """Milliseconds for a window, on average over places, and bytes of the whole array."""

    size: int
    milliseconds: float


def stores(labels: np.ndarray, efforts: list[str]) -> dict[str, object]:
    """The array in Zarr 3, in memory, by the name of the codec; with Blosc's best shuffle."""
    import zarr
    import zarr.codecs

    def stored(how: dict[str, object]) -> object:
        store, chunks = zarr.storage.MemoryStore(), (CHUNK, CHUNK)
        return zarr.create_array(store, data=labels, chunks=chunks, **how)

    found = {}
    for effort in efforts:
        serializer = {"name": "kmcodec", "configuration": {"effort": effort}}
        found[f"{OWN} {effort}"] = stored({"serializer": serializer, "compressors": None})
    shuffled = [
        stored({"compressors": zarr.codecs.BloscCodec(cname="zstd", clevel=9, shuffle=shuffle)})
        for shuffle in ("noshuffle", "shuffle", "bitshuffle")
    ]
    found[BLOSC] = min(shuffled, key=lambda array: array.nbytes_stored())
    found["zstd 19"] = stored({"compressors": zarr.codecs.ZstdCodec(level=19)})
    return found


def windows(labels: np.ndarray, efforts: list[str], repeats: int) -> dict[str, Windows]:
    """Read windows at the same places through each codec, on one core, in CPU time."""
    rng = np.random.default_rng(0)
    corners = [tuple(corner) for corner in rng.integers(0, SIDE - _WINDOW, (_PLACES, 2)).tolist()]
    cores = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else None
    found = {}
    for name, array in stores(labels, efforts).items():
        if cores:
            os.sched_setaffinity(0, {min(cores)})
        try:
            best = min(seconds(array, labels, corners) for _ in range(repeats))
        finally:
            if cores:
                os.sched_setaffinity(0, cores)
        found[name] = Windows(array.nbytes_stored(), best / len(corners) * 1e3)
    return found


def seconds(array: object, labels: np.ndarray, corners: list[tuple[int, ...]]) -> float:
    """The CPU time of reading all windows, after which they are compared."""
    parts = [tuple(slice(at, at + _WINDOW) for at in corner) for corner in corners]
    begin = time.process_time()
    read = [array[part] for part in parts]
    taken = time.process_time() - begin
    if not all(np.array_equal(one, labels[part]) for one, part in zip(read, parts, strict=True)):
        raise RuntimeError("a window holds other labels")
    return taken
