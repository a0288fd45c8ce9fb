"""Assemble the viewer, one page that works from a file, out of the modules beside this script.

    python3 web/build_viewer.py              # writes kmcodec/viewer/viewer.html, if it would change
    python3 web/build_viewer.py PAGE.html    # writes it there

setup.py does the first whenever kmcodec is built or installed, and the tests do before they start.

Browsers do not load modules from files, so each module becomes a function that is called at once,
in the order of their imports. Modules may import by name from files, and export functions, classes,
constants and names; nothing else is needed here.
"""

from __future__ import annotations

import os
import re
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
SOURCES = HERE / "viewer"
PAGE = HERE.parent / "kmcodec" / "viewer" / "viewer.html"

IMPORT = re.compile(r"^import \{([^}]*)\} from '(\./[^']*|\.\./[^']*)';\n", re.MULTILINE)
EXPORT_LIST = re.compile(r"^export \{([^}]*)\};\n", re.MULTILINE)
EXPORT = re.compile(r"^export ((?:async )?(?:function|class|const) (\w+))", re.MULTILINE)


def bundle(entry: Path, name: str, instead: dict[Path, Path] | None = None) -> str:
    """A script that makes what a module exports the members of the constant `name`.

    `instead` names modules that take the place of others.
    """
    modules: dict[Path, str] = {}  # the function of each, after those that it imports
    _add(entry.resolve(), modules, instead or {})
    parts = "\n".join(modules.values())
    return f"const {name} = (() => {{\n'use strict';\n{parts}\nreturn {_variable(entry)};\n}})();"


def _add(path: Path, modules: dict[Path, str], instead: dict[Path, Path]) -> None:
    source = path.read_text("utf-8")
    inner = [(match[1], (path.parent / match[2]).resolve()) for match in IMPORT.finditer(source)]
    inner = [(names, instead.get(other, other)) for names, other in inner]
    for _, other in inner:
        if other not in modules:
            _add(other, modules, instead)
    heads = "".join(f"const {{{names}}} = {_variable(other)};\n" for names, other in inner)
    exported = [match[2] for match in EXPORT.finditer(source)]
    for match in EXPORT_LIST.finditer(source):
        exported += [word.strip() for word in match[1].split(",") if word.strip()]
    body = EXPORT.sub(r"\1", EXPORT_LIST.sub("", IMPORT.sub("", source)))
    if re.search(r"^(?:import|export)\b", body, re.MULTILINE):
        raise SystemExit(f"{path}: an import or export in an unsupported form")
    modules[path] = (
        f"// {path.name}\nconst {_variable(path)} = (() => {{\n{heads}{body}"
        f"return {{ {', '.join(exported)} }};\n}})();"
    )


def _variable(path: Path) -> str:
    """The constant that holds what a module exports."""
    path = path.resolve()
    return "_".join(path.relative_to(HERE).with_suffix("").parts) + "_module"


def page() -> str:
    """The whole page."""
    scripts = {
        "/* style */": "".join(
            (SOURCES / name).read_text("utf-8") for name in ("page.css", "view.css")
        ).rstrip(),
        "/* decoder */": bundle(SOURCES / "work.js", "kmc"),
        "/* viewer */": bundle(SOURCES / "main.js", "viewer"),
    }
    text = (SOURCES / "page.html").read_text("utf-8")
    for place, part in scripts.items():
        if text.count(place) != 1 or re.search(r"</(script|style)|<!--", part, re.IGNORECASE):
            raise SystemExit(f"the part for {place} would end early, or has no place")
        text = text.replace(place, part)
    return text


def write(path: Path = PAGE) -> None:
    """Write the page, unless it is there as it should be; whoever reads it never sees a part."""
    made = page().encode()
    if path.is_file() and path.read_bytes() == made:
        return
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=".viewer-") as folder:
        new = Path(folder, "page")
        new.write_bytes(made)
        os.replace(new, path)


if __name__ == "__main__":
    write(*map(Path, sys.argv[1:2]))
