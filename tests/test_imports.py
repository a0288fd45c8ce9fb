"""What importing costs, and who may import whom."""

from __future__ import annotations

import ast
import subprocess
import sys

import pytest
from conftest import ROOT

PACKAGE = ROOT / "kmcodec"

# From the ground up: a module may import those of its own row and of the rows before it.
FLOORS = [
    {"_version", "errors", "interrupts"},
    {
        "frozen",
        "names",
        "image",
        "pixels",
        "palette_order",
        "atomic",
        "parallel",
        "streams",
        "strips",
        "urls",
        "viewer",
    },
    {"label_text", "label_images"},
    {"container", "coding", "quantization", "metrics", "options"},
    {"formats"},
    {"quantizer", "assembly"},
    {"rate_distortion"},
    {"reader"},
    {"salvage"},
    {"encoder", "decoder"},
    {"rows"},
    {"animation", "files", "inspection", "hexdump"},
    {"arrays"},
    {"sources"},
    {"targets"},
    {"pillow_plugin", "sweep", "plots"},
    {"batch"},
    {"cli", "__init__", "__main__"},
]
FLOOR = {name: level for level, names in enumerate(FLOORS) for name in names}


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
        ),  # extras
        "typing_extensions",  # for type checkers
    }
    found = {m.split(".")[0] for path in PACKAGE.rglob("*.py") for m in imports_of(path)}
    assert found <= allowed
