"""No file and no function is too long to read at once."""

from __future__ import annotations

import ast

import pytest
from conftest import ROOT

FOLDERS = ("kmcodec", "tests", "spec", "web", "tools", "benchmarks", "docs")
KINDS = {".py", ".pyx", ".pxi", ".js", ".css", ".html"}
# What builds make of other files.
MADE = {"viewer.html", "kmc-image.js", "_build", "findings"}
MOST_LINES = 449
MOST_OF_A_FUNCTION = 79


def sources(folder):
    for path in sorted((ROOT / folder).rglob("*")):
        if path.suffix in KINDS and MADE.isdisjoint(path.parts):
            yield path, path.read_text("utf-8")


@pytest.mark.parametrize("folder", FOLDERS)
def test_files_are_short(folder):
    found = {str(path.relative_to(ROOT)): len(text.splitlines()) for path, text in sources(folder)}
    assert found
    assert {name: lines for name, lines in found.items() if lines > MOST_LINES} == {}


@pytest.mark.parametrize("folder", FOLDERS)
def test_functions_are_short(folder):
    """Signature and docstring count."""
    long = {}
    for path, text in sources(folder):
        if path.suffix != ".py":
            continue
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                lines = node.end_lineno - node.lineno + 1
                if lines > MOST_OF_A_FUNCTION:
                    long[f"{path.relative_to(ROOT)}: {node.name}"] = lines
    assert long == {}
