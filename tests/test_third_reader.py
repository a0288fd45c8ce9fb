"""The decoder for browsers, web/decoder, and what pages use of it, web/page, under Node.

Their tests are in *.test.js beside them.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess

import pytest
from conftest import ROOT, SAMPLES
from PIL import Image

import kmcodec
from kmcodec.coding import COMPILED

WEB = ROOT / "web"
NODE = shutil.which("node")
OLDEST = 18
HASHES = """
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { read } from './decoder/kmc.js';
for (const path of process.argv.slice(1)) {
  const words = Uint16Array.from(read(new Uint8Array(readFileSync(path))).indices);
  console.log(createHash('sha256').update(words).digest('hex'));
}
"""

pytestmark = pytest.mark.skipif(
    NODE is None and os.environ.get("KMC_REQUIRE_BROWSER") != "1", reason="there is no Node"
)


def run(*args: str) -> subprocess.CompletedProcess[str]:
    assert NODE is not None
    return subprocess.run(
        [NODE, *args], capture_output=True, text=True, timeout=120, check=False, cwd=WEB
    )


@pytest.fixture(scope="module", autouse=True)
def recent_node() -> None:
    version = run("--version").stdout
    found = re.match(r"v(\d+)\.", version)
    assert found is not None
    if int(found[1]) < OLDEST:
        pytest.skip(f"Node {version.strip()} is older than {OLDEST}")


@pytest.mark.parametrize(("folder", "least"), [("decoder", 400), ("page", 100)])
def test_the_tests_in_javascript_pass(folder, least) -> None:
    result = run("--test", *map(str, sorted((WEB / folder).glob("*.test.js"))))
    assert result.returncode == 0, result.stdout[-4000:] + result.stderr
    passed = re.search(r"^\S+ pass (\d+)$", result.stdout, re.MULTILINE)
    assert passed is not None
    assert int(passed[1]) > least


@pytest.mark.skipif(not COMPILED, reason="takes minutes without the compiled kernels")
def test_images_larger_than_any_vector(tmp_path) -> None:
    """In these the count of decisions outgrows the last change of the rate, tables fill up."""
    paths, expected = [], []
    for name, effort in (("grey", "default"), ("screenshot", "max")):
        with Image.open(SAMPLES / f"{name}.png") as source:
            image = kmcodec.quantize(source, 256)
        paths.append(str(tmp_path / f"{name}-{effort}.kmc"))
        kmcodec.write(paths[-1], image, effort=effort)
        expected.append(hashlib.sha256(image.indices.astype("<u2").tobytes()).hexdigest())
    result = run("--input-type=module", "-e", HASHES, "--", *paths)
    assert result.stdout.split() == expected, result.stderr
