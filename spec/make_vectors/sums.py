"""The list of all vectors with their hashes, `vectors/SHA256SUMS`, as `sha256sum` writes it."""

from __future__ import annotations

import hashlib
from pathlib import Path

NAME = "SHA256SUMS"


def hashes_of(vectors: Path) -> dict[str, str]:
    """Return the SHA-256 of each file in the folders of vectors, by its path there."""
    paths = {path.relative_to(vectors).as_posix(): path for path in vectors.glob("*/*")}
    return {name: hashlib.sha256(paths[name].read_bytes()).hexdigest() for name in sorted(paths)}


def listed(vectors: Path) -> dict[str, str]:
    """Return what the list holds; nothing if there is none."""
    if not (vectors / NAME).exists():
        return {}
    pairs = [line.split("  ", 1) for line in (vectors / NAME).read_text("ascii").splitlines()]
    return {path: digest for digest, path in pairs}


def changed(vectors: Path) -> list[str]:
    """Return the vectors whose bytes are not those of the list."""
    found, wanted = hashes_of(vectors), listed(vectors)
    return [path for path in found.keys() & wanted.keys() if found[path] != wanted[path]]


def write(vectors: Path) -> None:
    """List the vectors that are there now."""
    lines = [f"{digest}  {path}\n" for path, digest in hashes_of(vectors).items()]
    (vectors / NAME).write_bytes("".join(lines).encode("ascii"))
