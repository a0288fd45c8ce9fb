"""What fuzzing and reading once found, and the fuzzers' own targets, without a fuzzer."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import pytest
from conftest import ROOT, VECTORS

FUZZ = ROOT / "tests" / "fuzz"
REGRESSIONS = ROOT / "tests" / "regressions"
FOUND = sorted(path for path in REGRESSIONS.glob("*/*") if path.is_file())


def load(name):
    spec = importlib.util.spec_from_file_location(f"fuzz_{name}", FUZZ / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


targets = load("targets")
mutator = load("mutator")


@pytest.fixture(autouse=True)
def needs_kernels(request):
    path = request.node.callspec.params.get("path") if hasattr(request.node, "callspec") else None
    if path and path.parent.name.startswith("kernel") and not targets.MODELS:
        pytest.skip("no compiled kernels")


@pytest.mark.parametrize("path", FOUND, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_what_was_found_is_not_found_again(path: Path):
    targets.TARGETS[path.parent.name](path.read_bytes())


def test_every_folder_of_findings_is_that_of_a_target():
    assert FOUND
    assert {path.name for path in REGRESSIONS.iterdir() if path.is_dir()} <= set(targets.TARGETS)


def test_the_mutator_takes_good_files_apart_and_puts_them_together_again():
    small = [p for p in (VECTORS / "good").glob("*.kmc") if p.stat().st_size < 1024]
    for path in small:
        data = path.read_bytes()
        parts = mutator.split(data)
        if parts.strip_count <= 64:
            assert mutator.join(parts) == data, path.name


@pytest.mark.parametrize("name", ["decode", "inspect", "pillow"])
def test_mutated_vectors_end_as_documented(name):
    small = sorted(p for p in (VECTORS / "good").glob("*.kmc") if p.stat().st_size < 300)

    def flip(data, most):
        changed = bytearray(data or b"\0")
        changed[len(changed) // 2] ^= 1 << len(changed) % 8
        return bytes(changed)[:most]

    for seed in range(300):
        data = small[seed % len(small)].read_bytes()
        targets.TARGETS[name](mutator.mutated(data, 400, seed, flip))


def test_the_mutator_takes_scene_tables_that_are_cut_anywhere():
    path = VECTORS / "good" / "scenes-example.kmc"
    parts = mutator.split(path.read_bytes())
    (whole,) = parts.scenes
    table = parts.table
    for end in range(len(table) + 1):
        parts.table = table[:end]
        assert parts.scenes in ([], [whole])
        parts.table = table + table[:end]
        assert parts.scenes[0] == whole


def test_bytes_of_all_sorts_make_a_round_trip():
    for seed in range(25):
        targets.round_trip(bytes((seed * 37 + i * i) % 251 for i in range(30 + seed)))
