"""What importing costs, and who may import whom."""

from __future__ import annotations

import ast
import re
import subprocess
import sys

import pytest
from conftest import ROOT

PACKAGE = ROOT / "kmcodec"
CONTRIBUTING = ROOT / "CONTRIBUTING.md"


def floors():
    """The lines of the map in CONTRIBUTING.md, from the ground up."""
    block = re.search(r"## Where things are\n\n```\n(.*?)```", CONTRIBUTING.read_text(), re.S)[1]
    lines = [line for line in block.splitlines() if not line.startswith(" ")]
    return [re.split(r",\s*", line.split("  ")[0]) for line in reversed(lines)]


FLOOR = {name: level for level, names in enumerate(floors()) for name in names}


def test_the_map_shows_each_room_once():
    rooms = {path.stem for path in PACKAGE.glob("*.py")}
    rooms |= {path.parent.name for path in PACKAGE.glob("*/__init__.py")}
    assert sorted(name for names in floors() for name in names) == sorted(rooms)


def imports_of(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


def part(module):
    return module.split(".")[1] if "." in module else "__init__"


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("*.py")), ids=lambda p: p.stem)
def test_no_import_runs_back_up(path):
    relative = path.relative_to(PACKAGE)
    own = relative.parts[0].removesuffix(".py")
    for module in imports_of(path):
        if module.split(".")[0] == "kmcodec":
            other = part(module)
            assert FLOOR[other] <= FLOOR[own], f"{relative} imports {module}"
            if {own, other} == {"quantization", "coding"}:
                raise AssertionError("quantization and coding do not know each other")


@pytest.mark.parametrize("command", ["import kmcodec", "from kmcodec.cli.app import kmc"])
def test_nothing_heavy_is_imported_at_start(command):
    code = f"import sys; {command}; print(*sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)
    heavy = {
        "asyncio",
        "scipy",
        "matplotlib",
        "dask",
        "skimage",
        "zarr",
        "numcodecs",
        "distributed",
    }
    heavy |= {"click"} if "cli" not in command else set()
    assert not heavy & set(run.stdout.split())


def test_runtime_dependencies_are_the_five_and_no_others():
    allowed = set(sys.stdlib_module_names) | {
        *("kmcodec", "numpy", "scipy", "PIL", "click", "construct"),
        *(
            "matplotlib",
            "mpl_toolkits",
            "pyvips",
            "numcodecs",
            "zarr",
            "dask",
            "distributed",
            "fsspec",
            "tifffile",
            "watchfiles",
        ),  # extras
        "typing_extensions",  # for type checkers
    }
    found = {m.split(".")[0] for path in PACKAGE.rglob("*.py") for m in imports_of(path)}
    assert found <= allowed
