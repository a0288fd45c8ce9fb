"""How long kmc takes to hear Ctrl-C, in each stage of its work, as a Markdown table.

The command line runs on a noisy photo-like image of 4 megapixels, and is interrupted after delays
that are spread over its run. The time is that from the signal to the end of the process.

`--gaps` asks something else of the same commands, which are not interrupted: what is the longest
time during which the main thread does not look at signals, and in which line that is.
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Iterator
from pathlib import Path
from types import FrameType

import numpy as np
from PIL import Image

import kmcodec

TICK = 0.005
START = 0.5  # seconds, about what it takes to import all
STAGES = {
    "encode --effort fast": "encode photo.npy -k 256 --effort fast -o out.kmc -f",
    "encode --effort default": "encode photo.npy -k 256 --effort default -o out.kmc -f",
    "encode --effort max": "encode photo.npy -k 256 --effort max -o out.kmc -f",
    "encode --coding deflate": "encode photo.npy -k 256 --coding deflate -o out.kmc -f",
    "encode --coding packed": "encode photo.npy -k 256 --coding packed -o out.kmc -f",
    "encode, in one strip": "encode photo.npy -k 256 --strip-rows 0 -o out.kmc -f",
    "encode --search 9": "encode photo.npy -k 64 --search 9 -o out.kmc -f",
    "encode --space oklab": "encode photo.npy -k 256 --space oklab -o out.kmc -f",
    "encode --init k-means++": "encode photo.npy -k 256 --init k-means++ -o out.kmc -f",
    "encode, RGBA": "encode alpha.npy -k 256 -o out.kmc -f",
    "encode, grey": "encode grey.npy -k 64 -o out.kmc -f",
    "encode, labels": "encode labels.npy -o out.kmc -f",
    "encode, PNG": "encode photo.png -k 256 -o out.kmc -f",
    "encode --dither floyd-steinberg": (
        "encode photo.npy -k 256 --dither floyd-steinberg -o out.kmc -f"
    ),
    "encode --dither blue-noise": "encode photo.npy -k 256 --dither blue-noise -o out.kmc -f",
    "encode --rdo": "encode photo.npy -k 256 --rdo -o out.kmc -f",
    "encode --psnr": "encode photo.npy -k 256 --psnr 30 -o out.kmc -f",
    "encode --max-bytes": "encode photo.npy -k 256 --max-bytes 500k -o out.kmc -f",
    "encode, rows": "encode large.npy -k 256 -o out.kmc -f",
    "encode, rows, dithered": "encode large.npy -k 256 --dither floyd-steinberg -o out.kmc -f",
    "encode, animation": "encode frames.png -k 256 -o out.kmc -f",
    "encode, animation --frame-palettes": "encode frames.png -k 64 --frame-palettes -o out.kmc -f",
    "encode, batch": "encode photo.npy alpha.npy photo.png --jobs 2 -o . -f",
    "encode --shared-palette": "encode photo.npy photo.png --shared-palette -k 64 --jobs 1 -o . -f",
    "decode, context": "decode context.kmc -o out.png -f",
    "decode, deflate": "decode deflate.kmc -o out.npy -f",
    "decode, packed to GIF": "decode packed.kmc -o out.gif -f",
    "decode, animation": "decode frames.kmc -o out.gif -f",
    "verify --deep": "verify --deep context.kmc",
    "palette": "palette photo.npy alpha.npy -k 64 --jobs 1",
    "sweep": "sweep photo.npy -k 16,64",
    "compare": "compare photo.png photo.kmc -o out.png -f",
    "plot clusters": "plot clusters photo.npy -o out.png -f",
}


def make_inputs(folder: Path, side: int) -> None:
    """Images of many colours, and files of them."""
    rng = np.random.default_rng(1)
    y, x = np.mgrid[:side, :side] / side
    waves = [120 + 90 * np.sin(5 * x + 3 * y * y + phase) for phase in (0, 1, 2.5)]
    photo = np.clip(np.dstack(waves) + rng.normal(0, 9, (side, side, 3)), 0, 255).astype(np.uint8)
    np.save(folder / "photo.npy", photo)
    Image.fromarray(photo).save(folder / "photo.png", compress_level=1)
    veil = np.clip(255 * y + rng.normal(0, 9, (side, side)), 0, 255).astype(np.uint8)
    np.save(folder / "alpha.npy", np.dstack([photo, veil]))
    np.save(folder / "grey.npy", photo[:, :, 0])
    blocks = rng.integers(0, 50_000, (side // 8, side // 8)).astype(np.int32)
    np.save(folder / "labels.npy", np.kron(blocks, np.ones((8, 8), np.int32)))
    np.save(folder / "large.npy", np.tile(photo, (5, 1, 1)))
    part = [Image.fromarray(photo[: side // 2, i * 40 :][:, : side // 2]) for i in range(8)]
    part[0].save(
        folder / "frames.png", save_all=True, append_images=part[1:], duration=50, compress_level=1
    )
    index = (photo[:, :, 0] >> 2) * 4 + rng.integers(0, 4, (side, side), dtype=np.uint8)
    image = kmcodec.IndexedImage(rng.integers(0, 256, (256, 3), dtype=np.uint8), index)
    for coding in ("context", "deflate", "packed"):
        kmcodec.write(folder / f"{coding}.kmc", image, coding=coding)
    kmcodec.write(folder / "photo.kmc", photo, 64, search=0, effort="fast")
    run(folder, "encode frames.png -k 64 --search 0 --effort fast -o frames.kmc")


def command(arguments: str) -> list[str]:
    return [sys.executable, "-m", "kmcodec", *arguments.split(), *["-q"] * ("encode" in arguments)]


def run(folder: Path, arguments: str) -> float:
    """Seconds that a command takes if nothing interrupts it."""
    begun = time.monotonic()
    subprocess.run(command(arguments), cwd=folder, check=True, stdout=subprocess.DEVNULL)
    return time.monotonic() - begun


def answer(folder: Path, arguments: str, delay: float) -> float | None:
    """Seconds from a signal to the end; None if the command had ended before."""
    with subprocess.Popen(
        command(arguments),
        cwd=folder,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        start_new_session=True,
    ) as process:
        time.sleep(delay)
        if process.poll() is not None:
            return None
        sent = time.monotonic()
        os.killpg(process.pid, signal.SIGINT)  # as the terminal does
        told = process.communicate()[1]
        taken = time.monotonic() - sent
        if process.returncode == 0:  # it was about to end
            return None
        if process.returncode != 130:
            sys.exit(f"{arguments}: exit code {process.returncode}\n{told.decode()}")
        return taken


def print_answers(folder: Path, stages: dict[str, str], samples: int, most: float) -> None:
    print(f"| stage | s | signals | median ms | longest ms |\n|{'---|' * 5}", flush=True)
    for name, arguments in stages.items():
        whole = run(folder, arguments)
        last = max(START, min(whole, most))
        delays = np.linspace(START, last, samples + 1)[:-1]
        found = [answer(folder, arguments, delay) for delay in delays]
        taken = [1000 * each for each in found if each is not None] or [0.0]
        row = f"{whole:.1f} | {len(taken)} | {np.median(taken):.0f} | {max(taken):.0f}"
        print(f"| {name} | {row} |", flush=True)


def print_gaps(folder: Path, stages: dict[str, str]) -> None:
    print("| stage | s | longest gap ms | where |\n|---|---|---|---|", flush=True)
    for name, arguments in stages.items():
        words = [sys.executable, __file__, "--watch", *arguments.split()]
        done = subprocess.run(words, cwd=folder, stdout=subprocess.PIPE, check=True, text=True)
        print(f"| {name} | {done.stdout.splitlines()[-1]} |", flush=True)


def watch(arguments: list[str]) -> None:
    """Do a command, and print the longest time without a look at signals, and where that was."""
    from kmcodec.cli import main

    gaps: list[tuple[float, str]] = []
    begun, before = time.monotonic(), time.thread_time()

    def tick(number: int, frame: FrameType | None) -> None:
        nonlocal before
        now = time.thread_time()  # of the main thread alone, whoever else keeps the machine busy
        if now - before > 0.1 and frame is not None:
            gaps.append((now - before, " < ".join(_places(frame))))
        before = now

    signal.signal(signal.SIGALRM, tick)
    signal.setitimer(signal.ITIMER_REAL, TICK, TICK)
    sys.argv = ["kmc", *arguments]
    try:
        main()
    except SystemExit as end:
        if end.code:
            raise
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
    gaps.sort(reverse=True)
    for gap, where in gaps[:8]:
        print(f"{1000 * gap:.0f} {where}", file=sys.stderr)
    longest, where = gaps[0] if gaps else (0.1, "-")
    print(f"\n{time.monotonic() - begun:.1f} | {1000 * longest:.0f} | {where}")


def _places(frame: FrameType) -> Iterator[str]:
    for at in reversed(traceback.extract_stack(frame)[-4:]):
        yield f"{Path(at.filename).name}:{at.lineno}"


def main() -> None:
    if sys.argv[1:2] == ["--watch"]:
        watch(sys.argv[2:])
        return
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", nargs="+", metavar="WORD", help="stages that have it in the name")
    parser.add_argument("--samples", type=int, default=8, help="signals sent to each stage")
    parser.add_argument("--seconds", type=float, default=15, help="of a run, at most")
    parser.add_argument("--side", type=int, default=2000, help="of the image, in pixels")
    parser.add_argument("--gaps", action="store_true", help="where the main thread is deaf")
    options = parser.parse_args()
    wanted = options.only or [""]
    stages = {k: v for k, v in STAGES.items() if any(word in k for word in wanted)}
    with tempfile.TemporaryDirectory() as folder:
        make_inputs(Path(folder), options.side)
        if options.gaps:
            print_gaps(Path(folder), stages)
        else:
            print_answers(Path(folder), stages, options.samples, options.seconds)


if __name__ == "__main__":
    main()
