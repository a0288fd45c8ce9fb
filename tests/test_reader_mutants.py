"""What the test vectors notice of a reader with one constant, bound or comparison wrong.

A sample of what `python tests/reader_mutants.py` tries.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import VECTORS
from reader_mutants import CODER, FILES, NOTICED, equivalent, mutants

SCRIPT = Path(__file__).parent / "reader_mutants.py"
NEEDED = 95  # percent
# The first fault to try, and the step to the next.
SAMPLES = {"coder": (45, 90), "additive": (0, 30), "labels": (0, 15), "rest": (0, 11)}


def files_of(what: str) -> list[str]:
    groups = {"coder": CODER, "additive": ("read_additive",), "labels": ("read_labels",)}
    rest = [file for file in FILES if not any(file in group for group in groups.values())]
    return list(groups.get(what, rest))


@pytest.mark.parametrize("what", SAMPLES)
def test_vectors_notice_faults(what: str) -> None:
    command = [sys.executable, str(SCRIPT), "--quick", "--processes", "1", "--files"]
    start, every = SAMPLES[what]
    command += [*files_of(what), "--start", str(start), "--every", str(every)]
    result = subprocess.run(
        command, capture_output=True, text=True, encoding="utf-8", timeout=600, check=False
    )
    assert result.returncode == 0, result.stderr[-2000:]
    found = re.search(r"^(\d+) of (\d+) caught", result.stdout, re.MULTILINE)
    assert found is not None, result.stdout
    caught, tried = int(found[1]), int(found[2])
    assert tried >= 20
    assert 100 * caught >= NEEDED * tried, result.stdout


def test_what_is_listed_exists() -> None:
    names = {mutant.name for mutant in mutants()}
    noticed: dict[str, str] = json.loads(NOTICED.read_text("utf-8"))
    assert equivalent().keys() <= names
    assert all(reason.endswith(".") for reason in equivalent().values())
    assert noticed.keys() <= names - equivalent().keys()
    assert all((VECTORS / f"{vector}.kmc").exists() for vector in noticed.values())
