"""Make the test vectors of KMC 1 in the folder `vectors` beside this one.

    python3 spec/make_vectors            write the vectors; refuses to overwrite any file
    python3 spec/make_vectors --add      write only those that are missing, and the reasons
    python3 spec/make_vectors --force    write them all again
    ... --without NAME ...               but not these good ones, to save time

The vectors are golden: they were made once, looked at and committed. Do not make them again
to get a test to pass, and never make them with code of the package. vectors/SHA256SUMS lists the
hash of each; `--add` stops if a listed vector has changed. A vector that was deleted, or a list
that was, is made anew.

This script shares nothing with any reader, but for the payloads of coding 2 to 6 (coders.py): these
come from the encoders in ../read_additive.py, ../read_context.py and ../read_labels.py, which were
written from additive.md, context.md and labels.md alone, as part of the second reader. So for these
payloads the second reader proves little by reading them; the package, which has no part in them,
does. Coded palettes come from coded_palettes.py, which shares nothing with ../read_palette.py.
Another build of zlib may compress differently, so even the same script may give other bytes (which
are as valid); `--force` is for changes of the format only.

Python standard library only.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import sums
from bad_additive import bad_additive, bad_additive_packed, bad_additive_strips
from bad_coded import bad_coded_bytes, bad_coded_crc, bad_coded_flags, bad_coded_lengths
from bad_context import bad_context, bad_context_strips
from bad_indices import bad_deflate, bad_indices, bad_packed, bad_pads
from bad_label_sections import bad_label_fields, bad_label_numbers, bad_label_tables
from bad_labels import bad_labels, bad_labels_forms, bad_labels_symbols
from bad_layout import bad_crc, bad_header, bad_transfer, large
from bad_scenes import (
    bad_scene_ends,
    bad_scene_indices,
    bad_scene_palettes,
    bad_scene_strips,
    bad_scene_tables,
    bad_scenes_coded,
    large_scenes,
)
from bad_sections import bad_frames, bad_icc, bad_known, bad_texts, bad_types
from classes import bad_classes, good_classes
from frames import bad_frame_tables, good_frames, large_frames
from good import LEFT_OUT, good_bits, good_codings, good_shapes
from good_additive import (
    good_additive,
    good_additive_busy,
    good_additive_most,
    good_additive_palettes,
    good_additive_runs,
    good_additive_shapes,
    good_additive_tables,
)
from good_additive_strange import (
    good_additive_cut,
    good_additive_ends,
    good_additive_limits,
    good_additive_packed,
    good_additive_policies,
    good_additive_tags,
)
from good_bounds import good_bounds_max, good_bounds_runs, good_bounds_tables, good_bounds_weights
from good_busy import good_busy
from good_coded import good_coded, good_coded_cut, good_coded_palettes, good_coded_sizes
from good_coding import good_palettes, good_streams
from good_context import (
    good_context,
    good_context_cut,
    good_context_palettes,
    good_context_runs,
    good_context_sections,
    good_context_shapes,
    good_context_strange,
)
from good_labels import (
    good_labels,
    good_labels_busy,
    good_labels_runs,
    good_labels_shapes,
    good_labels_slices,
)
from good_labels_strange import (
    good_labels_cut,
    good_labels_ends,
    good_labels_limits,
    good_labels_packed,
    good_labels_willed,
)
from good_limits import good_limits_counts, good_limits_runs, good_limits_tables
from good_sections import good_sections
from label_sections import (
    good_label_dtypes,
    good_label_palettes,
    good_label_sections,
    good_label_shapes,
    good_label_tables,
    good_label_unfit,
)
from parts import Bad, Good
from ramps import bad_ramps, good_ramps
from scenes import good_scenes, good_scenes_palettes, good_scenes_tables

GOOD: list[Callable[[], Iterator[Good]]] = [
    good_codings,
    good_bits,
    good_shapes,
    good_palettes,
    good_streams,
    good_sections,
    good_context,
    good_context_runs,
    good_context_shapes,
    good_context_palettes,
    good_context_sections,
    good_context_cut,
    good_context_strange,
    good_limits_tables,
    good_limits_runs,
    good_limits_counts,
    good_bounds_tables,
    good_bounds_runs,
    good_bounds_weights,
    good_bounds_max,
    good_busy,
    good_additive,
    good_additive_most,
    good_additive_runs,
    good_additive_shapes,
    good_additive_palettes,
    good_additive_busy,
    good_additive_tables,
    good_additive_policies,
    good_additive_limits,
    good_additive_ends,
    good_additive_tags,
    good_additive_packed,
    good_additive_cut,
    good_labels,
    good_labels_runs,
    good_labels_shapes,
    good_labels_slices,
    good_labels_busy,
    good_labels_willed,
    good_labels_limits,
    good_labels_ends,
    good_labels_packed,
    good_labels_cut,
    good_coded,
    good_coded_sizes,
    good_coded_cut,
    good_coded_palettes,
    good_frames,
    good_scenes,
    good_scenes_palettes,
    good_scenes_tables,
    good_classes,
    good_label_sections,
    good_label_dtypes,
    good_label_tables,
    good_label_palettes,
    good_label_shapes,
    good_label_unfit,
    good_ramps,
]
REFUSED: dict[str, list[Callable[[], Iterator[Bad]]]] = {
    "bad": [
        bad_transfer,
        bad_crc,
        bad_header,
        bad_ramps,
        bad_packed,
        bad_indices,
        bad_pads,
        bad_deflate,
        bad_types,
        bad_frames,
        bad_icc,
        bad_known,
        bad_texts,
        bad_label_fields,
        bad_label_numbers,
        bad_label_tables,
        bad_additive,
        bad_additive_packed,
        bad_additive_strips,
        bad_context,
        bad_context_strips,
        bad_labels,
        bad_labels_forms,
        bad_labels_symbols,
        bad_coded_flags,
        bad_coded_lengths,
        bad_coded_crc,
        bad_coded_bytes,
        bad_frame_tables,
        bad_scene_tables,
        bad_scene_palettes,
        bad_scenes_coded,
        bad_scene_strips,
        bad_scene_indices,
        bad_scene_ends,
    ],
    "classes": [bad_classes],
    "large": [large, large_frames, large_scenes],
}


def as_json(expected: dict[str, Any]) -> str:
    """Format one member a line, and the rows of indices one a line."""
    lines = []
    for key, value in expected.items():
        member = json.dumps(value)
        if key == "indices":
            member = "[\n  " + ",\n  ".join(json.dumps(row) for row in value) + "\n ]"
        lines.append(f" {json.dumps(key)}: {member}")
    return "{\n" + ",\n".join(lines) + "\n}\n"


def all_files() -> dict[str, bytes]:
    """Return every file by its path in the folder of vectors."""
    files: dict[str, bytes] = {}

    def add(path: str, data: bytes) -> None:
        if path in files:
            raise ValueError(f"two vectors have the name {path}")
        files[path] = data

    for make in GOOD:
        for name, data, expected in make():
            if name in LEFT_OUT:
                continue
            add(f"good/{name}.kmc", data)
            add(f"good/{name}.json", as_json(expected).encode())
    for folder, makers in REFUSED.items():
        reasons = {}
        for make_bad in makers:
            for name, reason, data in make_bad():
                add(f"{folder}/{name}.kmc", data)
                reasons[name] = reason
        add(f"{folder}/reasons.json", (json.dumps(reasons, indent=1) + "\n").encode())
    return files


def main() -> None:
    parser = argparse.ArgumentParser(description="Make the test vectors of KMC 1.")
    how = parser.add_mutually_exclusive_group()
    how.add_argument("--force", action="store_true", help="overwrite vectors that exist")
    how.add_argument("--add", action="store_true", help="write only the missing ones")
    parser.add_argument("--without", nargs="+", default=[], help="good ones to leave out")
    options = parser.parse_args()
    LEFT_OUT.update(options.without)
    root = Path(__file__).resolve().parent.parent / "vectors"
    present = {path.relative_to(root).as_posix() for path in root.glob("*/*")}
    if present and not (options.add or options.force):
        sys.exit(f"{len(present)} files exist (the first: {min(present)}); nothing was written")
    if options.add and (changed := sums.changed(root)):
        sys.exit(f"{min(changed)} is not as {sums.NAME} lists it; nothing was written")
    files = all_files()
    if options.add:
        kept = {path for path in present if not path.endswith("/reasons.json")}
        files = {path: data for path, data in files.items() if path not in kept}
    for path, data in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(data)
    sums.write(root)
    vectors = [path for path in files if path.endswith(".kmc")]
    kinds = ("good", *REFUSED)
    counts = [sum(path.startswith(f"{kind}/") for path in vectors) for kind in kinds]
    total = sum(map(len, files.values()))
    listed = ", ".join(f"{n} {kind}" for n, kind in zip(counts, kinds, strict=True))
    print(f"{listed}: {total} bytes")


if __name__ == "__main__":
    main()
