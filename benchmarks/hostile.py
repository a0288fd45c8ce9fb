"""Small files that are made to cost time or memory, and what each costs `kmc encode`.

Every one has less than a megabyte, and declares few pixels or more than are accepted. Prints a
Markdown table; exits with 1 if one takes more than 2 seconds of a processor or 500 MB.
"""

from __future__ import annotations

import argparse
import io
import resource
import subprocess
import sys
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterable
from pathlib import Path
from struct import pack

import numpy as np
from PIL import Image

from kmcodec.formats.apng import SIGNATURE, png_chunk

SECONDS, BYTES = 2.0, 500 << 20
STOP = 60  # seconds, for those that would go on and on


# Pieces.


def saved(format_: str, size: tuple[int, int] = (1, 1), mode: str = "RGB", **options) -> bytes:
    stream = io.BytesIO()
    Image.new(mode, size).save(stream, format_, **options)
    return stream.getvalue()


def png(chunks: Iterable[bytes], width: int = 1, height: int = 1, color: int = 2) -> bytes:
    head = png_chunk(b"IHDR", pack(">IIBBBBB", width, height, 8, color, 0, 0, 0))
    return SIGNATURE + head + b"".join(chunks) + png_chunk(b"IEND", b"")


def idat(width: int = 1, height: int = 1, samples: int = 3) -> bytes:
    return zlib.compress(bytes((1 + samples * width) * height), 9)


DOT = png_chunk(b"IDAT", idat())


def zeros(megabytes: int) -> bytes:
    """As zlib packs them, a thousandfold."""
    packer, block = zlib.compressobj(9), bytes(1 << 20)
    return b"".join(packer.compress(block) for _ in range(megabytes)) + packer.flush()


def apng(between: bytes, frames: int, color: int = 2, samples: int = 3) -> bytes:
    chunks = [png_chunk(b"acTL", pack(">II", frames, 0)), between]
    number, content = 0, idat(samples=samples)
    for frame in range(frames):
        chunks.append(png_chunk(b"fcTL", pack(">IIIIIHHBB", number, 1, 1, 0, 0, 1, 9, 0, 0)))
        number += 1
        if frame == 0:
            chunks.append(png_chunk(b"IDAT", content))
        else:
            chunks.append(png_chunk(b"fdAT", pack(">I", number) + content))
            number += 1
    return png(chunks, color=color)


def gif(blocks: Iterable[bytes], width: int = 1, height: int = 1) -> bytes:
    return b"GIF89a" + pack("<HHBBB", width, height, 0, 0, 0) + b"".join(blocks) + b";"


def gif_frame(palette: bytes = b"", left: int = 0, width: int = 1, height: int = 1) -> bytes:
    flags = 0x80 | ((len(palette) // 3).bit_length() - 2) if palette else 0
    place = b"," + pack("<HHHHB", left, left, width, height, flags)
    return place + palette + b"\x02\x02\x44\x01\x00"


def tiff(entries: list[tuple[int, int, int, int]], after: bytes = b"", next_: int = 0) -> bytes:
    table = b"".join(pack("<HHII", *entry) for entry in sorted(entries))
    return b"II*\0" + pack("<IH", 8, len(entries)) + table + pack("<I", next_) + after


def tiff_start(width: int, height: int, strips: int, packing: int, rows: int):
    return [
        (256, 4, 1, width),
        (257, 4, 1, height),
        (258, 3, 1, 8),
        (259, 3, 1, packing),
        (262, 3, 1, 1),
        (277, 3, 1, 1),
        (278, 4, 1, rows),
    ]


def mat(elements: Iterable[bytes]) -> bytes:
    return b"MATLAB 5.0 MAT-file".ljust(124) + b"\0\x01IM" + b"".join(elements)


def matrix(name: bytes, shape: tuple[int, ...], size: int = 0) -> bytes:
    """The head of an array of bytes, up to its samples."""
    sizes = pack(f"<{len(shape)}i", *shape)
    sizes += bytes(-len(sizes) % 8)
    inner = pack("<4I", 6, 8, 9, 0) + pack("<2I", 5, 4 * len(shape)) + sizes
    inner += pack("<2I", 1, len(name)) + name + bytes(-len(name) % 8) + pack("<2I", 2, size)
    return pack("<2I", 14, len(inner) + size + -size % 8) + inner


def packed_matrix(name: bytes, shape: tuple[int, ...]) -> bytes:
    """An array of zeros, packed."""
    packer = zlib.compressobj(9)
    size = int(np.prod([int(n) for n in shape]))
    found, block = packer.compress(matrix(name, shape, size)), bytes(1 << 20)
    for left in range(size, 0, -len(block)):
        found += packer.compress(block[:left])
    found += packer.flush()
    return pack("<2I", 15, len(found)) + found


def ico(images: list[bytes], size: int = 0) -> bytes:
    head, at = pack("<HHH", 0, 1, len(images)), 6 + 16 * len(images)
    for image in images:
        head += pack("<BBBBHHII", size, size, 0, 0, 1, 32, len(image), at)
    return head + b"".join(images[:1])


def icns(kinds: Iterable[tuple[bytes, bytes]]) -> bytes:
    body = b"".join(kind + pack(">I", 8 + len(data)) + data for kind, data in kinds)
    return b"icns" + pack(">I", 8 + len(body)) + body


def webp_frames(count: int, side: int) -> bytes:
    images = [Image.new("RGB", (side, side), (i % 256, 0, 0)) for i in range(2)]
    stream = io.BytesIO()
    images[0].save(stream, "WEBP", save_all=True, append_images=images[1:], lossless=True)
    data = stream.getvalue()
    at = data.index(b"ANMF", data.index(b"ANMF") + 4)
    body = data[12:at] + data[at:] * (count - 1)
    return b"RIFF" + pack("<I", 4 + len(body)) + b"WEBP" + body


def progressive(scans: int, side: int) -> bytes:
    """A JPEG that refines its zeros again and again."""
    stream = io.BytesIO()
    Image.new("L", (side, side)).save(stream, "JPEG", progressive=True)
    data = stream.getvalue()
    last = data.rindex(b"\xff\xda")
    return data[:last] + data[last:-2] * scans + data[-2:]


def npy(shape: str, descr: str = "|u1", size: int = 0) -> bytes:
    head = f"{{'descr': {descr!r}, 'fortran_order': False, 'shape': {shape}, }}".encode()
    head += b" " * (-(len(head) + 11) % 64) + b"\n"
    return b"\x93NUMPY\x01\0" + pack("<H", len(head)) + head + bytes(size)


def zipped(name: str, megabytes: int) -> bytes:
    stream = io.BytesIO()
    with (
        zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive,
        archive.open(name, "w", force_zip64=True) as member,
    ):
        for _ in range(megabytes):
            member.write(bytes(1 << 20))
    return stream.getvalue()


def psd(layers: int) -> bytes:
    record = pack(">4iH", 0, 0, 1, 1, 0) + b"8BIMnorm" + bytes(4) + pack(">I", 0)
    section = pack(">H", min(layers, 32767)) + record * min(layers, 32767)
    block = pack(">I", len(section)) + section
    head = b"8BPS" + pack(">H6xHIIHH", 1, 3, 1, 1, 8, 3) + pack(">II", 0, 0)
    return head + pack(">I", len(block)) + block + pack(">H", 0) + bytes(3)


def mpo(pictures: int) -> bytes:
    stream = io.BytesIO()
    first = Image.new("RGB", (1, 1))
    first.save(stream, "MPO", save_all=True, append_images=[first] * (pictures - 1))
    return stream.getvalue()


# Files.

MADE: dict[str, Callable[[], bytes]] = {
    "PNG: 16384 x 16385 pixels.png": lambda: png([png_chunk(b"IDAT", zeros(800))], 16384, 16385),
    "PNG: zTXt, many.png": lambda: png(
        [png_chunk(b"zTXt", b"a%d\0\0" % i + zeros(1)) for i in range(600)] + [DOT]
    ),
    "PNG: zTXt, one.png": lambda: png([png_chunk(b"zTXt", b"a\0\0" + zeros(900)), DOT]),
    "PNG: iTXt, many.png": lambda: png(
        [png_chunk(b"iTXt", b"a%d\0\1\0\0\0" % i + zeros(1)) for i in range(60)] + [DOT]
    ),
    "PNG: iCCP.png": lambda: png([png_chunk(b"iCCP", b"a\0\0" + zeros(900)), DOT]),
    "PNG: tEXt, many.png": lambda: png(
        [png_chunk(b"tEXt", b"%d\0x" % i) for i in range(50_000)] + [DOT]
    ),
    "PNG: chunks, many.png": lambda: png([png_chunk(b"abCd", b"")] * 80_000 + [DOT]),
    "PNG: IDAT, many.png": lambda: png([png_chunk(b"IDAT", b"")] * 80_000 + [DOT]),
    "PNG: more pixels than declared.png": lambda: png([png_chunk(b"IDAT", zeros(900))]),
    "animated PNG: tRNS and frames.png": lambda: apng(png_chunk(b"tRNS", b"\0" * 6) * 8000, 9000),
    "animated PNG: PLTE, long.png": lambda: apng(
        png_chunk(b"PLTE", bytes(768 * 256)), 9000, color=3, samples=1
    ),
    "animated PNG: frames.png": lambda: apng(b"", 10_000),
    "animated PNG: one hidden picture.png": lambda: png(
        [png_chunk(b"acTL", pack(">II", 1, 0)), DOT]
    ),
    "GIF: palettes of frames.gif": lambda: gif(
        gif_frame(np.random.default_rng(i).bytes(768)) for i in range(1250)
    ),
    "GIF: frames.gif": lambda: gif([gif_frame()] * 60_000),
    "GIF: frames of no clear code.gif": lambda: gif([gif_frame(bytes(6))] * 40_000, 2, 2),
    "GIF: comments.gif": lambda: gif([b"!\xfe\x01x\0"] * 190_000 + [gif_frame()]),
    "GIF: comments before frames.gif": lambda: gif([b"!\xfe\x01x\0" + gif_frame()] * 40_000),
    "GIF: application blocks.gif": lambda: gif([b"!\xff\x01x\0"] * 190_000 + [gif_frame()]),
    "GIF: a frame far out.gif": lambda: gif([gif_frame(bytes(6), left=65_534)]),
    "GIF: two frames far out.gif": lambda: gif([gif_frame(bytes(6), left=65_534)] * 2),
    "GIF: a large screen.gif": lambda: gif([gif_frame(bytes(6))], 16_384, 16_385),
    "TIFF: pages.tif": lambda: tiff_pages(160_000),
    "TIFF: pages in a circle.tif": lambda: tiff_pages(2, circle=True),
    "TIFF: tags.tif": lambda: tiff_tags(80_000),
    "TIFF: strips at one place.tif": lambda: tiff_strips(100_000),
    "TIFF: a tile of 2^28.tif": lambda: tiff_tile(1 << 14),
    "TIFF: a tag of all bytes.tif": lambda: tiff_long_tag(),
    "ICO: entries.ico": lambda: ico([saved("PNG")] * 60_000),
    "ICO: a large PNG.ico": lambda: ico([png([png_chunk(b"IDAT", zeros(780))], 16384, 16385)]),
    "ICNS: elements.icns": lambda: icns(
        [(b"ic07", saved("PNG", (128, 128)))] + [(b"abcd", b"")] * 99_000
    ),
    "ICNS: a large PNG.icns": lambda: icns(
        [(b"ic07", png([png_chunk(b"IDAT", zeros(780))], 16384, 16385))]
    ),
    "MPO: pictures.mpo": lambda: mpo(1000),
    "PSD: layers.psd": lambda: psd(30_000),
    "WebP: frames of 1.webp": lambda: webp_frames(14_000, 1),
    "WebP: frames of 2^20.webp": lambda: webp_frames(2_000, 1024),
    "JPEG: scans.jpg": lambda: progressive(20_000, 1024),
    "MATLAB: variables.mat": lambda: mat(
        matrix(b"a%05d" % i, (1, 1), 1) + bytes(8) for i in range(12_000)
    ),
    "MATLAB: packed variables.mat": lambda: mat(
        packed_matrix(b"a%05d" % i, (1, 1)) for i in range(12_000)
    ),
    "MATLAB: one packed.mat": lambda: mat([packed_matrix(b"a", (30_000, 30_000))]),
    "MATLAB: a long map.mat": lambda: mat(
        [packed_matrix(b"a", (8, 8)), packed_matrix(b"map", (1 << 28, 3))]
    ),
    "MATLAB: elements of nothing.mat": lambda: mat([pack("<2I", 14, 0)] * 120_000),
    "NumPy: shape of nothing.npy": lambda: npy("(1099511627776, 0)"),
    "NumPy: items of nothing.npy": lambda: npy("(1099511627776, 1099511627776)", "|V0"),
    "NumPy: brackets.npy": lambda: npy("(" * 9000),
    "NumPy: many dimensions.npy": lambda: npy("(" + "1, " * 60 + ")", size=1),
    "zip: a gigabyte of zeros.zip": lambda: zipped("a.npy", 1000),
}
PALETTES: dict[str, Callable[[], bytes]] = {
    "palette: lines.gpl": lambda: b"GIMP Palette\n" + b"#\n" * 450_000,
    "palette: colours.gpl": lambda: b"GIMP Palette\n" + b"1 2 3\n" * 150_000,
    "palette: blanks.hex": lambda: b" " * 999_999,
    "palette: one line.txt": lambda: b"a" * 999_999,
    "palette: blocks.ase": lambda: (
        b"ASEF\0\1\0\0" + pack(">I", 160_000) + pack(">HI", 2, 0) * 160_000
    ),
    "palette: swatches.aco": lambda: pack(">HH", 1, 65_535) + bytes(10 * 65_535),
    "palette: chunks.pal": lambda: (
        b"RIFF" + pack("<I", 900_004) + b"PAL " + b"abcd\0\0\0\0" * 112_500
    ),
    "palette: JASC.pal": lambda: b"JASC-PAL\r\n0100\r\n65536\r\n" + b"1 2 3\r\n" * 130_000,
}


def tiff_pages(count: int, circle: bool = False) -> bytes:
    first = [*tiff_start(1, 1, 1, 1, 1), (273, 4, 1, 4), (279, 4, 1, 1)]
    at = 8 + 2 + 12 * len(first) + 4
    pages = [pack("<HI", 0, at + 6 * (i + 1)) for i in range(count - 1)]
    pages.append(pack("<HI", 0, at if circle else 0))
    return tiff(first, b"".join(pages), at)


def tiff_tags(count: int) -> bytes:
    own = [*tiff_start(1, 1, 1, 1, 1), (273, 4, 1, 4), (279, 4, 1, 1)]
    return tiff([*own, *((700 + i % 60_000, 4, 1, 7) for i in range(min(count, 65_000)))])


def tiff_strips(count: int) -> bytes:
    own = tiff_start(1, count, count, 1, 1)
    at = 8 + 2 + 12 * (len(own) + 2) + 4
    lists = pack("<I", 8) * count + pack("<I", 1) * count
    return tiff([*own, (273, 4, count, at), (279, 4, count, at + 4 * count)], lists)


def tiff_tile(side: int) -> bytes:
    data = zeros(side * side >> 20)
    own = [e for e in tiff_start(1, 1, 1, 8, 1) if e[0] != 278]
    at = 8 + 2 + 12 * (len(own) + 4) + 4
    own += [(322, 4, 1, side), (323, 4, 1, side), (324, 4, 1, at), (325, 4, 1, len(data))]
    return tiff(own, data)


def tiff_long_tag() -> bytes:
    """Many tags whose values are the same long stretch of the file."""
    own = [*tiff_start(1, 1, 1, 1, 1), (273, 4, 1, 4), (279, 4, 1, 1)]
    tags = 20_000
    at = 8 + 2 + 12 * (len(own) + tags) + 4
    stretch = bytes(700_000)
    return tiff([*own, *((1000 + i, 7, len(stretch), at) for i in range(tags))], stretch)


# Runs.


def cost(folder: Path, name: str, is_palette: bool) -> tuple[float, int, str]:
    """Processor seconds and bytes that it takes to encode a file, and what is told of it."""
    words = ["encode", f"zip://a.npy::{name}" if name.endswith(".zip") else name]
    if is_palette:
        words = ["encode", "dot.png", "--palette", name]

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_AS, (4 << 30, 4 << 30))
        resource.setrlimit(resource.RLIMIT_CPU, (STOP, STOP))

    # A process of its own, so that what it takes is told of it alone.
    program = (
        "import resource, subprocess, sys; run = subprocess.run(sys.argv[1:], stderr=-1);"
        "used = resource.getrusage(resource.RUSAGE_CHILDREN);"
        "print(used.ru_utime + used.ru_stime, used.ru_maxrss * 1024, run.returncode);"
        "print(run.stderr.decode(errors='replace'))"
    )
    command = [sys.executable, "-m", "kmcodec", *words, "-o", "out.kmc", "-f"]
    run = subprocess.run(
        [sys.executable, "-c", program, *command],
        cwd=folder, stdout=subprocess.PIPE, check=True, text=True, preexec_fn=limit,
    )  # fmt: skip
    first, *told = run.stdout.splitlines()
    seconds, memory, code = first.split()
    words = [line for line in told if line.strip()] or ["-"]
    return float(seconds), int(memory), f"{code}: {words[-1][:90]}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default="", metavar="WORD", help="files with it in their name")
    options = parser.parse_args()
    worst = False
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        (folder / "dot.png").write_bytes(saved("PNG"))
        usual, space, _ = cost(folder, "dot.png", False)
        print(f"beside {usual:.1f} s and {space / 1e6:.0f} MB for a file of one pixel:\n")
        print(f"| file | kB | s | MB | exit code, message |\n{'|---' * 5}|", flush=True)
        for name, make in {**MADE, **PALETTES}.items():
            if options.only not in name:
                continue
            path = folder / name.replace(": ", "-").replace(" ", "_")
            path.write_bytes(make())
            size = path.stat().st_size
            seconds, memory, told = cost(folder, path.name, name in PALETTES)
            bad = seconds - usual > SECONDS or memory - space > BYTES
            worst |= bad
            figures = f"{size / 1e3:.0f} | {seconds - usual:.1f} | {(memory - space) / 1e6:.0f}"
            print(f"| {name} | {figures} | {told} |{' <---' * bad}", flush=True)
            path.unlink()
    sys.exit(int(worst))


if __name__ == "__main__":
    main()
