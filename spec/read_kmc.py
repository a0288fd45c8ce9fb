#!/usr/bin/env python3
"""The second reader of KMC 1 files, written from kmc-1.md alone, to be read beside it.

"Section" in a comment is a section of that text. Python standard library only, and beside this
file read_input.py, read_frames.py, read_label_table.py, read_classes.py, read_palette.py,
read_ramp.py, and for coding 2 to 6 read_additive.py, read_context.py and read_labels.py.

    python3 read_kmc.py FILE                 print what the file says about itself
    python3 read_kmc.py FILE -o OUT.pam      write the first frame as netpbm PAM
    python3 read_kmc.py --check VECTORS      read good vectors, refuse bad and large ones
"""

from __future__ import annotations

import argparse
import hashlib
import json
import struct
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

sys.path.append(str(Path(__file__).resolve().parent))  # it need not be there already
import read_additive
import read_classes
import read_context
import read_label_table
import read_labels
import read_palette
from read_frames import MAX_SIDE, Frames, Scene, read_frames
from read_input import Input, Refused, check_crc, inflate, refuse
from read_ramp import ramp

SIGNATURE = bytes.fromhex("8B4B4D430D0A1A0A")  # section 3
MAX_DATA = 2**24  # section 7, the data of one section
MAX_SECTIONS = 1024  # section 7, KEND not counted
MAX_METADATA = 2**27  # a limit of this reader: the data of all sections together
CODERS = {  # sections 6.4 to 6.6, by coding
    2: read_additive,
    3: read_context,
    4: read_context,
    5: read_additive,
    6: read_labels,
}
PACKED = (2, 5, 6)  # those that may not code a payload after the byte FFh
KNOWN = {b"iccp": "icc", b"exif": "exif", b"xmpp": "xmp", b"text": "text"}  # section 7
KNOWN |= {b"labl": "labels"}  # section 7.1
KNOWN |= {b"clas": "classes", b"tiff": "tiff"}  # classes.md
PARSED = {b"labl": read_label_table.read_labels, **read_classes.READ}


@dataclass
class Image:
    """Everything a file says; `indices` is a list of rows, those of one frame after another."""

    width: int
    height: int
    channels: int
    coding: int
    rows_per_strip: int
    frames: Frames | None = None
    palette: list[tuple[int, ...]] = field(default_factory=list)
    indices: list[list[int]] = field(default_factory=list)
    metadata: dict[str, Any] = field(
        default_factory=lambda: {"icc": None, "exif": None, "xmp": None, "text": {}}
    )


def read(data: bytes, max_pixels: int = 2**28) -> Image:
    """Return the image in `data`, or raise Refused; takes about 8 bytes a pixel, 70 a row."""
    source = Input(data)
    try:
        image, first, flags = read_header(source)
        if image.width * image.height > max_pixels:
            refuse("header", 12, f"too large: {image.width} x {image.height} pixels")
        scenes = [first]
        if flags & 8:  # section 4.3
            first.palette = ramp(first.entries)
        else:
            read_entries(source, image, first)
        image.palette = first.palette
        if flags & 4:
            size = image.width, image.height
            image.frames = read_frames(source, first, size, image.coding, max_pixels)
            scenes = image.frames.scenes
            for scene in scenes[1:]:  # section 4.2
                read_entries(source, image, scene)
        read_strips(source, image, scenes)
        if flags & 1:
            read_sections(source, image)
    except (MemoryError, OverflowError):
        refuse("image", source.at, "not enough memory")
    if source.left():  # section 2
        refuse("end", source.at, f"{source.left()} bytes after the last part")
    return image


def read_header(source: Input) -> tuple[Image, Scene, int]:  # section 3, in its order
    start = source.data[:8]
    if not SIGNATURE.startswith(start):  # as far as there are bytes
        if start[:4] == SIGNATURE[:4]:
            refuse("signature", 4, "line ends most likely converted by a transfer in text mode")
        refuse("signature", 0, f"{start.hex(' ')} found, {SIGNATURE.hex(' ')} expected")
    head = source.take(28, "header")
    version, coding, channels, flags = head[8:12]
    width, height, entries_less_1, rows_per_strip, crc = struct.unpack("<IIHHI", head[12:])
    check_crc(crc, head[:24], "header CRC", 24)
    if version != 1:
        refuse("header", 8, f"version {version} is not supported, only 1")
    if coding > 6:
        refuse("header", 9, f"coding {coding} is not supported, only 0 to 6")
    if not 1 <= channels <= 4:
        refuse("header", 10, f"{channels} channels are not supported, only 1 to 4")
    if flags > 15 or (flags & 2 and coding < 2) or (flags & 8 and flags & 6):
        refuse("header", 11, f"flags {flags:08b} are not supported with coding {coding}")
    for at, name, side in (12, "width", width), (16, "height", height):
        if not 1 <= side <= MAX_SIDE:
            refuse("header", at, f"{name} {side} is not 1 to {MAX_SIDE}")
    if flags & 8 and channels != (1 if entries_less_1 < 256 else 3):  # section 4.3
        refuse("header", 10, f"{channels} channels, but the ramp of {entries_less_1 + 1} entries")
    first = Scene(1, False, entries_less_1 + 1, bool(flags & 2))
    return Image(width, height, channels, coding, rows_per_strip), first, flags


def read_entries(source: Input, image: Image, scene: Scene) -> None:  # section 4
    at, size, plain = source.at, image.channels, scene.entries * image.channels
    length, field_size = plain, 1 if plain <= 256 else 2 if plain <= 65536 else 4
    if scene.coded:
        length = int.from_bytes(source.take(field_size, "palette length"), "little")
        if length >= plain:
            refuse("palette", at, f"{length} bytes coded, less than {plain} expected")
    samples, end = source.take(length, "palette"), source.at
    check_crc(source.u32("palette CRC"), source.data[at:end], "palette CRC", end)
    if not scene.coded:
        scene.palette = [tuple(samples[i : i + size]) for i in range(0, length, size)]
        return
    try:
        scene.palette = read_palette.decode(samples, scene.entries, size)
    except read_context.BadPayload as wrong:
        refuse("palette", at, str(wrong))


def read_strips(source: Input, image: Image, scenes: list[Scene]) -> None:  # section 5
    rows = image.rows_per_strip or image.height
    strips = -(-image.height // rows)
    if strips * len(scenes) * 8 > source.left():
        problem = f"{strips} strips for each of {len(scenes)} scenes, {source.left()} bytes left"
        refuse("strips", source.at, f"truncated: {problem}")
    for at, scene in enumerate(scenes):
        sheets: list[list[list[int]]] = [[] for _ in range(scene.frames)]
        for strip in range(strips):
            here = min(rows, image.height - strip * rows)
            read_strip(source, image, scene, at * strips + strip, here, sheets)
        image.indices += [row for sheet in sheets for row in sheet]


def read_strip(
    source: Input, image: Image, scene: Scene, number: int, rows: int, sheets: list[list[list[int]]]
) -> None:
    part, at = f"strip {number}", source.at
    length, crc = source.u32(part), source.u32(part)
    payload = source.take(length, part)
    check_crc(crc, struct.pack("<II", number, length) + payload, part, at + 4)
    width, lines = image.width * scene.frames, rows
    if scene.interleaved:
        width, lines = image.width, rows * scene.frames
    decoded = decode_strip(payload, lines, width, image.coding, scene.palette, part, at + 8)
    pieces = [row[x : x + image.width] for row in decoded for x in range(0, width, image.width)]
    for frame, sheet in enumerate(sheets):
        sheet += pieces[frame :: len(sheets)]


def decode_strip(
    payload: bytes,
    rows: int,
    width: int,
    coding: int,
    palette: list[tuple[int, ...]],
    part: str,
    at: int,
) -> list[list[int]]:
    if coding in PACKED and payload[:1] == b"\xff" and len(palette) > 1:
        payload, coding = payload[1:], 0  # section 3 of additive.md, 2 of labels.md
    if coding > 1:
        decode = CODERS[coding].decode
        try:
            return decode(payload, rows, width, palette, coding)
        except read_context.BadPayload as wrong:
            refuse(part, at, str(wrong))
    bits = (len(palette) - 1).bit_length()  # section 6: the smallest b with 2^b >= K
    if coding == 1:  # section 6.3
        bits = next(n for n in (0, 1, 2, 4, 8, 16) if n >= bits)
    stride = (width * bits + 7) // 8
    packed = inflate(payload, rows * stride, part, at) if coding == 1 else payload
    if len(packed) != rows * stride:
        refuse(part, at, f"{len(packed)} bytes of packed rows, {rows * stride} expected")
    if bits == 0:
        return [[0] * width for _ in range(rows)]
    spare = (1 << (stride * 8 - width * bits)) - 1
    lines = [packed[i : i + stride] for i in range(0, len(packed), stride)]
    result = [unpack(line, width, bits) for line in lines]
    largest, padded = max(map(max, result)), any(line[-1] & spare for line in lines)
    if largest >= len(palette) or padded:  # section 6.6
        refuse(part, at, "a pad bit is 1" if padded else f"index {largest} is not in the palette")
    return result


def unpack(line: bytes, width: int, bits: int) -> list[int]:  # section 6.1
    """Eight indices of `bits` bits fill `bits` bytes: take the row in such groups."""
    line += bytes(-len(line) % bits)
    shifts = [bits * place for place in range(7, -1, -1)]
    mask = (1 << bits) - 1
    groups = [int.from_bytes(line[i : i + bits], "big") for i in range(0, len(line), bits)]
    return [group >> shift & mask for group in groups for shift in shifts][:width]


def read_sections(source: Input, image: Image) -> None:  # section 7
    kind, total, count = b"", 0, 0
    while kind != b"KEND":
        at = source.at
        kind = source.take(4, "section type")
        if not kind.isalpha():  # of bytes: A-Z and a-z only
            refuse("section", at, f"type {kind.hex(' ')} is not four letters")
        part = f"section {kind.decode()}"
        length = source.u32(part)
        payload = source.take(length, part)
        check_crc(source.u32(part), source.data[at : at + 8 + length], part, at + 8 + length)
        if kind[:1].isupper() and (kind != b"KEND" or length):
            refuse(part, at, "a required section that is not known, or a KEND with a payload")
        count += kind != b"KEND"
        if count > MAX_SECTIONS:
            refuse(part, at, f"more than {MAX_SECTIONS} sections")
        if kind not in KNOWN:
            continue  # KEND, or an optional section that is not known
        name, data = KNOWN[kind], section_data(payload, part, at + 8)
        total += len(data)
        if total > MAX_METADATA:
            refuse(part, at, f"too large: more than {MAX_METADATA} bytes of metadata")
        if name == "text":
            keep_text(image.metadata[name], data, part, at)
        elif image.metadata.get(name) is not None:
            refuse(part, at, "a second one")
        else:
            parse = PARSED.get(kind)
            image.metadata[name] = parse(data, part, at) if parse else data


def section_data(payload: bytes, part: str, at: int) -> bytes:
    if payload[:1] not in (b"\0", b"\1"):
        refuse(part, at, f"storage {payload[:1].hex() or 'missing'}, 00 or 01 expected")
    data = payload[1:] if payload[0] == 0 else inflate(payload[1:], MAX_DATA, part, at + 1)
    if not 1 <= len(data) <= MAX_DATA:
        refuse(part, at + 1, f"{len(data)} bytes of data, 1 to {MAX_DATA} expected")
    return data


def keep_text(texts: dict[str, str], data: bytes, part: str, at: int) -> None:
    before, zero, after = data.partition(b"\0")
    try:
        keyword, text = before.decode(), after.decode()
    except UnicodeDecodeError as error:
        refuse(part, at, f"not valid UTF-8: {error.reason}")
    if not zero or not 1 <= len(before) <= 79:
        refuse(part, at, "no keyword of 1 to 79 bytes with a zero byte after it")
    if any(c < " " or "\x7f" <= c <= "\x9f" for c in keyword):
        refuse(part, at, f"control character in keyword {keyword!a}")
    if keyword in texts:
        refuse(part, at, f"a second text with keyword {keyword!a}")
    texts[keyword] = text


def pam(image: Image) -> bytes:  # from here on, the command line: the format is all above
    head = f"P7\nWIDTH {image.width}\nHEIGHT {image.height}\nDEPTH {image.channels}\n"
    kind = ("GRAYSCALE", "GRAYSCALE_ALPHA", "RGB", "RGB_ALPHA")[image.channels - 1]
    head += f"MAXVAL 255\nTUPLTYPE {kind}\nENDHDR\n"
    entries, shown = [bytes(entry) for entry in image.palette], image.indices[: image.height]
    return head.encode() + b"".join(entries[i] for row in shown for i in row)


def differences(image: Image, expected: dict[str, Any]) -> list[str]:
    flat = b"".join(struct.pack(f"<{len(row)}H", *row) for row in image.indices)
    palette = b"".join(map(bytes, image.palette))
    meta = {k: v.hex() if isinstance(v, bytes) else v for k, v in image.metadata.items()}
    if told := meta.get("labels"):
        ids = read_label_table.labels_of(told, image.palette, image.indices)
        listed = {"values": told["values"], "ids": ids}
        meta["labels"] = told | {k: v and list(map(str, v)) for k, v in listed.items()}
    frames = image.frames and image.frames.facts()
    found: dict[str, Any] = {**vars(image), "frames": frames, "metadata": meta}
    found["palette"] = palette.hex()
    for name, content in ("palette", palette), ("indices", flat):
        if name not in expected:
            del found[name]
            found[f"{name}_sha256"] = hashlib.sha256(content).hexdigest()
    return [f"{name} differs" for name in found if found[name] != expected.get(name)]


def check(folder: Path) -> int:
    counts, wrong = {"good": 0, "bad": 0, "classes": 0, "large": 0}, 0
    for kind in counts:
        listed = {file.stem: file for file in (folder / kind).glob("*.json")}
        if kind != "good":
            listed = json.loads((folder / kind / "reasons.json").read_text("utf-8"))
        files = {file.stem: file for file in (folder / kind).glob("*.kmc")}
        for name in sorted(listed.keys() ^ files.keys()):
            print(f"{kind}/{name}: WRONG, not paired with a .json file or a reason")
            wrong += 1
        for name in sorted(listed.keys() & files.keys()):
            try:
                image, faults = read(files[name].read_bytes()), ["to be refused"]
                if kind == "good":
                    faults = differences(image, json.loads(listed[name].read_text("utf-8")))
                print(f"{kind}/{name}: read" + "".join(f", WRONG: {fault}" for fault in faults))
            except Refused as refused:
                faults = ["refused"] if kind == "good" else []
                print(f"{kind}/{name}: {'WRONG, ' if faults else ''}refused: {refused}")
            counts[kind], wrong = counts[kind] + (not faults), wrong + len(faults)
    print(f"{counts['good']} good read, {counts['bad']} bad refused")
    return 1 if wrong or 0 in counts.values() else 0


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("file", type=Path, help="the .kmc file; with --check, a folder")
    parser.add_argument("-o", dest="output", type=Path, help="write the first frame as PAM")
    parser.add_argument("--check", action="store_true", help="try all vectors in the folder")
    options = parser.parse_args()
    try:
        if options.check:
            sys.exit(check(options.file))
        image = read(options.file.read_bytes())
        print(f"{image.width} x {image.height} pixels, {len(image.palette)} entries")
        print(f"channels {image.channels}, coding {image.coding}", end=", ")
        print(f"rows per strip {image.rows_per_strip}")
        if image.frames:
            print(f"frames {image.frames.count}, scenes {len(image.frames.scenes)}")
        print("metadata:", ", ".join(k for k, v in image.metadata.items() if v) or "none")
        if options.output:
            options.output.write_bytes(pam(image))
    except (Refused, OSError) as error:
        sys.exit(f"{options.file}: {error}")


if __name__ == "__main__":
    main()
