"""Make what the npm package holds beside its sources: kmc-image.js, the element in one script.

    python3 web/build_package.py                  # writes web/kmc-image.js and web/LICENSE
    python3 web/build_package.py kmc-image.js     # writes the script there

`npm pack` does the first. A page needs no other file than the script. It is one function, so that
it can give its own source to its workers. If the command esbuild is there, it makes it shorter.
"""

from __future__ import annotations

import json
import runpy
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
PAGE = HERE / "page"


def script() -> str:
    """The script, as it can be read."""
    bundle = runpy.run_path(str(HERE / "build_viewer.py"))["bundle"]
    version = json.loads((HERE / "package.json").read_text("utf-8"))["version"]
    body = bundle(PAGE / "script.js", "script", {PAGE / "start.js": PAGE / "within.js"})
    return (
        f"/*! kmcodec {version}: <kmc-image src alt>. MIT licence. */\n"
        f"(function kmcodec(purpose) {{\n{body}\n}})();\n"
    )


def shortened(text: str) -> str:
    """The same in fewer bytes."""
    return subprocess.run(
        ["esbuild", "--minify", "--target=es2022", "--legal-comments=inline"],
        input=text,
        stdout=subprocess.PIPE,
        encoding="utf-8",
        check=True,
    ).stdout


def write(target: Path | None = None) -> None:
    """Write what the package needs, or only the script to another place."""
    text = script()
    if shutil.which("esbuild"):
        text = shortened(text)
    (target or HERE / "kmc-image.js").write_text(text, "utf-8")
    if target is None:
        shutil.copy(HERE.parent / "LICENSE", HERE)


if __name__ == "__main__":
    write(*map(Path, sys.argv[1:2]))
