"""A docstring with a section of parameters lists exactly those that there are."""

from __future__ import annotations

import ast
import inspect
import re

import pytest
from conftest import ROOT

MODULES = sorted((ROOT / "kmcodec").rglob("*.py"))
SECTION = re.compile(r"^Parameters\n-+\n(.*?)(?=^\w[\w ]*\n-+$|\Z)", re.MULTILINE | re.DOTALL)
# "a, b : int", "*args", "**options", or names alone.
ENTRY = re.compile(r"^(\*{0,2}\w+(?:, \*{0,2}\w+)*)(?: :.*)?$")
# They describe what they add to click's class, and how others fill them in.
LEFT_OUT = {"Command", "Decision"}


def documented(node):
    """The names in the section, None for a line that is no entry; None without the section."""
    section = SECTION.search(inspect.cleandoc(ast.get_docstring(node) or ""))
    if section is None:
        return None
    names = []
    for line in section[1].splitlines():
        if line and line[0] != " ":
            entry = ENTRY.match(line)
            names += [name.lstrip("*") for name in entry[1].split(", ")] if entry else [None]
    return names


def taken(node):
    """The parameters of a function, or of a class: those of its initialiser, or its fields."""
    if isinstance(node, ast.ClassDef):
        own = [each for each in node.body if isinstance(each, ast.FunctionDef)]
        initialisers = [each for each in own if each.name == "__init__"]
        if not initialisers:
            return [each.target.id for each in node.body if isinstance(each, ast.AnnAssign)]
        (node,) = initialisers
    given = node.args
    names = [*given.posonlyargs, *given.args, given.vararg, *given.kwonlyargs, given.kwarg]
    return [each.arg for each in names if each and each.arg not in ("self", "cls")]


def faults(text):
    """Names of functions and classes, and what is documented too much or too little."""
    found = {}
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)) and node.name not in LEFT_OUT:
            names = documented(node)
            if names is not None and set(names) != set(taken(node)):
                found[node.name] = set(names) ^ set(taken(node))
    return found


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_parameters_are_documented(path):
    assert faults(path.read_text("utf-8")) == {}


def test_faults_are_found():
    start = 'def f(a, b):\n    """F.\n\n    Parameters\n    ----------\n    a : int\n'
    text = start + '        {}b : int\n    """'
    assert faults(text.replace("        {}b", "    b")) == {}
    assert faults(text.format("")) == {"f": {"b"}}
    assert faults(text.replace("        {}b", "    c")) == {"f": {"b", "c"}}
