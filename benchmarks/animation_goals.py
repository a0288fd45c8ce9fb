"""Bytes of animations in full colour with the nearest entries, and with indices chosen for less.

    python benchmarks/animation_goals.py

Two photographs from scikit-image, one panned and one that shakes with noise. Beside bytes, PSNR of
all frames together and seconds of processor time it prints by how much the error changes from
frame to frame (root mean square: flicker), and how much of the frame before is left where
something has moved (the share of the difference to it that is found in the error: ghosts).
"""

from __future__ import annotations

import time

import numpy as np
from moving import PHOTOS
from needs import need
from numpy.typing import NDArray

import kmcodec
from kmcodec.model.metrics import psnr

TOLERANCES = (None, 0.1, 0.5)


def flicker(error: NDArray[np.int64]) -> float:
    """By how much an error of shape (N, ...) changes from frame to frame."""
    return float(np.sqrt(np.square(np.diff(error, axis=0)).mean()))


def ghost(source: NDArray[np.int64], error: NDArray[np.int64]) -> float:
    """How much of the frame before shows through."""
    moved = (source[:-1] - source[1:]).ravel().astype(float)
    return float(moved @ error[1:].ravel() / (moved @ moved))


def main() -> None:
    """Print the table."""
    need("skimage")
    print("| animation | K | rdo | bytes | change | PSNR | layout | CPU s | flicker | ghosts |")
    print("|---" * 10 + "|")
    for name, draw in PHOTOS.items():
        frames = np.stack([np.asarray(frame) for frame in draw()])
        for k in (64, 256):
            plain = 0
            for tolerance in TOLERANCES:
                started = time.process_time()
                data = kmcodec.encode_frames(frames, k, rdo=tolerance)
                seconds = time.process_time() - started
                plain = plain or len(data)
                found = kmcodec.decode_frames(data).to_array()
                quality = psnr(np.hstack(list(frames)), np.hstack(list(found)))
                source = frames.astype(np.int64)
                error = found - source
                interleaved = kmcodec.inspect(data).frames.interleaved
                print(
                    f"| {name} | {k} | {tolerance or 0:g} | {len(data):,} "
                    f"| {100 * (len(data) / plain - 1):+.1f} % | {quality:.2f} "
                    f"| {'interleaved' if interleaved else 'side by side'} | {seconds:.1f} "
                    f"| {flicker(error):.2f} | {ghost(source, error):.3f} |",
                    flush=True,
                )


if __name__ == "__main__":
    main()
