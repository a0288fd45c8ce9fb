"""The npm package: packed, installed into an empty project, and on pages that are built with it.

It needs npm, and in `KMC_NODE_PATH` a `node_modules` folder with vite, esbuild and typescript.
"""

from __future__ import annotations

import io
import json
import os
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from browser import GOOD, as_rgba, opened
from conftest import ROOT, SAMPLES
from PIL import Image
from web_site import served

import kmcodec
from kmcodec.sources.images import read_source

TOOLS = Path(os.environ.get("KMC_NODE_PATH", "."), ".bin").resolve()
MISSING = [name for name in ("vite", "esbuild", "tsc") if not (TOOLS / name).exists()]
if shutil.which("npm") is None:
    MISSING.append("npm")

pytestmark = pytest.mark.skipif(
    bool(MISSING) and os.environ.get("KMC_REQUIRE_BROWSER") != "1",
    reason=f"KMC_NODE_PATH lacks {', '.join(MISSING)}",
)

MAIN = """
import 'kmcodec/image';
import { decodeInWorker } from 'kmcodec';

const answer = await fetch('bird.kmc');
const pixels = await decodeInWorker(await answer.arrayBuffer());
const canvas = document.querySelector('canvas');
[canvas.width, canvas.height] = [pixels.width, pixels.height];
canvas.getContext('2d').putImageData(pixels, 0, 0);
document.title = 'drawn';
"""
HEAD = '<!doctype html><link rel="icon" href="data:,"><title>-</title>'
BODY = '<kmc-image src="bird.kmc" alt="A robin"></kmc-image><canvas id="canvas"></canvas>'
IMPORTS = {"kmcodec": "/node_modules/kmcodec/index.js"}
IMPORTS["kmcodec/image"] = "/node_modules/kmcodec/image.js"
PAGES = {
    "index.html": f'{BODY}<script type="module" src="main.js"></script>',  # that vite builds
    "public/esbuild.html": f'{BODY}<script type="module" src="esbuild/main.js"></script>',
    "public/modules.html": f'<script type="importmap">{json.dumps({"imports": IMPORTS})}</script>'
    f'{BODY}<script type="module" src="main.js"></script>',
    "public/script.html": f'{BODY}<script src="/node_modules/kmcodec/kmc-image.js"></script>',
}
TYPED = """
import { decode, decodeFrames, decodeInWorker, KmcError, read, toPNG } from 'kmcodec';
import { KmcImage } from 'kmcodec/image';

export async function use(bytes: Uint8Array, signal: AbortSignal): Promise<number> {
  const pixels: ImageData = decode(bytes.buffer, { frame: 1, maxPixels: 10 });
  const later: ImageData = await decodeInWorker(bytes, { signal });
  const { durations, frame } = decodeFrames(bytes);
  const stored: boolean = !read(bytes).header.isRamp;
  const picture: KmcImage = document.createElement('kmc-image');
  picture.loading = 'lazy';
  const url: string = URL.createObjectURL(await toPNG(read(bytes), { still: true }));
  try {
    await picture.decode();
  } catch (error) {
    if (error instanceof KmcError) return error.offset;
  }
  // @ts-expect-error
  decode('bird.kmc');
  const sizes = [frame(0).width, pixels.width, later.width, url.length, Number(stored)];
  return sizes.reduce((sum, size) => sum + size, durations[0] ?? 0);
}
"""
IN_NODE = """
import 'kmcodec/image'; // defines nothing here, and fails nothing
import { decode } from 'kmcodec';
import { readFileSync } from 'node:fs';
const toBytes = ({ buffer, byteOffset, byteLength }) => Buffer.from(buffer, byteOffset, byteLength);
const { data, width, height } = decode(readFileSync(process.argv[1]));
process.stdout.write(Buffer.concat([Uint32Array.of(width, height), data].map(toBytes)));
"""


def run(*command, cwd, text=True):
    found = shutil.which(command[0], path=os.pathsep.join([str(TOOLS), os.environ["PATH"]]))
    environment = {**os.environ, "PATH": os.pathsep.join([str(TOOLS), os.environ["PATH"]])}
    result = subprocess.run(
        [found, *map(str, command[1:])],
        cwd=cwd,
        env={**environment, "npm_config_update_notifier": "false"},
        capture_output=True,
        text=text,
        timeout=120,
        check=False,
    )
    assert result.returncode == 0, f"{result.stdout}\n{result.stderr}"
    return result.stdout


@pytest.fixture(scope="module")
def packed(tmp_path_factory):
    """What `npm pack` says, of a copy of the sources, and its file."""
    folder = tmp_path_factory.mktemp("tree")
    left_out = shutil.ignore_patterns("kmc-image.js", "LICENSE", "node_modules", "*.tgz")
    shutil.copytree(ROOT / "web", folder / "web", ignore=left_out)
    shutil.copy(ROOT / "LICENSE", folder)
    (told,) = json.loads(run("npm", "pack", "--json", "--silent", cwd=folder / "web"))
    return told, folder / "web" / told["filename"]


@pytest.fixture(scope="module")
def project(tmp_path_factory, packed):
    """An empty project with the package in it, and nothing else from npm."""
    folder = tmp_path_factory.mktemp("project")
    (folder / "package.json").write_text('{"private": true, "type": "module"}')
    run("npm", "install", "--offline", "--no-audit", "--no-fund", packed[1], cwd=folder)
    return folder


def test_it_has_the_version_of_the_package_for_python(packed):
    assert packed[0]["version"] == kmcodec.__version__, "set it in web/package.json, too"
    assert packed[0]["name"] == "kmcodec"


def test_it_holds_the_modules_their_types_and_one_script(packed):
    names = {file["path"] for file in packed[0]["files"]}
    modules = {str(path.relative_to(ROOT / "web")) for path in (ROOT / "web").rglob("*.js")}
    expected = {name for name in modules if not name.startswith(("viewer/", "node_modules/"))}
    expected = {name for name in expected if not name.endswith(".test.js")}
    others = {"LICENSE", "README.md", "package.json", "index.d.ts", "image.d.ts", "kmc-image.js"}
    assert names == expected | others
    assert packed[0]["size"] < 120_000


def test_it_needs_nothing_else(project):
    installed = [path.name for path in (project / "node_modules").iterdir()]
    assert [name for name in installed if not name.startswith(".")] == ["kmcodec"]


def test_node_decodes(project):
    path = GOOD / "deflate-rgba.kmc"
    out = run("node", "--input-type=module", "-e", IN_NODE, path, cwd=project, text=False)
    width, height = np.frombuffer(out[:8], "<u4")
    pixels = np.frombuffer(out[8:], np.uint8).reshape(height, width, 4)
    np.testing.assert_array_equal(pixels, as_rgba(kmcodec.decode(path.read_bytes())))


def test_the_types_are_right(project):
    (project / "typed.ts").write_text(TYPED)
    for resolution in ("bundler", "nodenext"):
        kind = "esnext" if resolution == "bundler" else "nodenext"
        modules = ("--module", kind, "--moduleResolution", resolution)
        language = ("--strict", "--target", "es2022", "--lib", "es2022,dom")
        run("tsc", "--noEmit", *language, *modules, "typed.ts", cwd=project)


@pytest.fixture(scope="module")
def built(project):
    """A folder to be served, with four pages: two of them built, two that need no building."""
    public = project / "public"
    public.mkdir()
    (project / "main.js").write_text(MAIN)
    (public / "main.js").write_text(MAIN)
    for name, text in PAGES.items():
        (project / name).write_text(HEAD + text)
    kmcodec.write(public / "bird.kmc", read_source(SAMPLES / "bird_small.mat").pixels, 16)
    worker = "worker=node_modules/kmcodec/page/worker.js"
    run("esbuild", "main.js", worker, "--bundle", "--minify", "--format=esm",
        "--outdir=public/esbuild", cwd=project)  # fmt: skip
    run("vite", "build", "--logLevel", "error", cwd=project)
    shutil.copytree(project / "node_modules" / "kmcodec", project / "dist/node_modules/kmcodec")
    return project / "dist"


def test_pages_show_what_kmc_decodes(built, kmc, tmp_path):
    assert kmc("decode", built / "bird.kmc", "-o", "bird.png").returncode == 0
    with Image.open(tmp_path / "bird.png") as image:
        expected = np.asarray(image.convert("RGBA"))
    with served(built) as site, opened(tmp_path / "browser") as page:
        for name in ("index", "esbuild", "modules", "script"):
            page.driver.get(f"{site.address()}{name}.html")
            page.wait("return document.querySelector('kmc-image').complete")
            if name != "script":  # the canvas beside it moves it
                page.wait("return document.title === 'drawn'")
            box = page.find("kmc-image")
            assert box.size == {"width": 128, "height": 128}, name
            shot = Image.open(io.BytesIO(box.screenshot_as_png)).convert("RGBA")
            np.testing.assert_array_equal(np.asarray(shot), expected, name)
            if name != "script":
                np.testing.assert_array_equal(page.canvas("canvas"), expected, name)
        said = [entry["message"] for entry in page.driver.get_log("browser")]
        assert said == []  # also that no worker started
