"""The decoder for browsers, spec/js, under Node; its tests are in spec/js/kmc.test.js."""

from __future__ import annotations

import os
import re
import shutil
import subprocess

import pytest
from conftest import ROOT

SCRIPTS = ROOT / "spec" / "js"
NODE = shutil.which("node")
OLDEST = 18

pytestmark = pytest.mark.skipif(
    NODE is None and os.environ.get("KMC_REQUIRE_BROWSER") != "1", reason="there is no Node"
)


def run(*args: str) -> subprocess.CompletedProcess[str]:
    assert NODE is not None
    return subprocess.run(
        [NODE, *args], capture_output=True, text=True, timeout=120, check=False, cwd=SCRIPTS
    )


@pytest.fixture(scope="module", autouse=True)
def recent_node() -> None:
    version = run("--version").stdout
    found = re.match(r"v(\d+)\.", version)
    assert found is not None
    if int(found[1]) < OLDEST:
        pytest.skip(f"Node {version.strip()} is older than {OLDEST}")


def test_the_tests_of_the_decoder_pass() -> None:
    result = run("--test", "--test-reporter=tap", "kmc.test.js")
    failed = re.findall(r"^\s*not ok.*", result.stdout, re.MULTILINE)
    assert not failed, result.stdout[-4000:] + result.stderr
    assert result.returncode == 0, result.stdout[-4000:] + result.stderr
    passed = re.search(r"^# pass (\d+)$", result.stdout, re.MULTILINE)
    assert passed is not None
    assert int(passed[1]) > 400
