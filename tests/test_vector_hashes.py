"""No vector changes unnoticed: spec/vectors/SHA256SUMS lists each with its hash."""

from __future__ import annotations

import hashlib
import runpy
import shutil
import subprocess
import sys

import pytest
from conftest import ROOT, VECTORS

LIST = VECTORS / "SHA256SUMS"
FOLDERS = {"good", "bad", "classes", "large"}


def listed():
    pairs = [line.split("  ", 1) for line in LIST.read_text("ascii").splitlines()]
    return {path: digest for digest, path in pairs}


def test_vectors_are_those_of_the_list():
    """None is changed, missing or unlisted, and none lies where nobody looks."""
    found = {
        path.relative_to(VECTORS).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in VECTORS.rglob("*")
        if path.is_file() and path.parent != VECTORS
    }
    assert {path.partition("/")[0] for path in found} == FOLDERS
    assert found == listed()
    assert len(LIST.read_text("ascii").splitlines()) == len(found)


@pytest.mark.skipif(shutil.which("sha256sum") is None, reason="no sha256sum")
def test_sha256sum_checks_the_list():
    command = ["sha256sum", "--check", "--strict", "--quiet", LIST.name]
    run = subprocess.run(command, cwd=VECTORS, capture_output=True, text=True, check=False)
    assert (run.returncode, run.stdout, run.stderr) == (0, "", "")


def test_the_script_lists_what_is_there(tmp_path):
    write = runpy.run_path(str(ROOT / "spec" / "make_vectors" / "sums.py"))["write"]
    for name in ("good/b.kmc", "good/b.json", "bad/a.kmc"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(name.encode())
    write(tmp_path)
    lines = [
        f"{hashlib.sha256(name.encode()).hexdigest()}  {name}\n"
        for name in ("bad/a.kmc", "good/b.json", "good/b.kmc")
    ]
    assert (tmp_path / LIST.name).read_text("ascii") == "".join(lines)


def test_the_script_refuses_to_list_a_changed_vector(tmp_path):
    spec = tmp_path / "spec"
    shutil.copytree(ROOT / "spec", spec, ignore=shutil.ignore_patterns("__pycache__"))
    vector = spec / "vectors" / "good" / "example.kmc"
    vector.write_bytes(vector.read_bytes() + b"\0")
    command = [sys.executable, "-B", str(spec / "make_vectors"), "--add"]
    run = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert run.returncode == 1
    assert run.stderr == "good/example.kmc is not as SHA256SUMS lists it; nothing was written\n"
    assert (spec / "vectors" / LIST.name).read_bytes() == LIST.read_bytes()
