"""The Kaitai description, spec/kmc.ksy, against the test vectors."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

SPEC = Path(__file__).resolve().parent.parent / "spec"


def test_kaitai_description() -> None:
    """Run check_ksy.js, if KMC_NODE_PATH names the node_modules folder with its packages."""
    folder = os.environ.get("KMC_NODE_PATH")
    if not folder:
        pytest.skip("KMC_NODE_PATH is not set: see spec/check_ksy.js for what it should be")
    node = shutil.which("node")
    assert node, "KMC_NODE_PATH is set but there is no node"
    good = list((SPEC / "vectors" / "good").glob("*.kmc"))
    result = subprocess.run(
        [node, str(SPEC / "check_ksy.js")],
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=300,
        check=False,
        env={**os.environ, "NODE_PATH": folder},
    )
    assert result.returncode == 0, result.stdout[-2000:] + result.stderr
    assert result.stdout.splitlines()[-1] == f"{len(good)} vectors parsed"
