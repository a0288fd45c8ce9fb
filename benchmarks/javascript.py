"""Milliseconds to decode with the decoder for browsers, in Node, and with kmcodec in one thread.

    python benchmarks/javascript.py maps/*.png
    python benchmarks/javascript.py maps/*.png --chromium
    python benchmarks/javascript.py maps/*.png --decoder web/decoder OTHER/web/decoder

An argument is an image of mode P or a .kmc file; nothing is quantised. Several decoders, such as
that of another checkout, take turns in one process and must give the same indices. The best of the
repeats counts; kmcodec is timed before and after each of them. Chromium decodes each image in a
page of its own; its first time is that of a page that has decoded nothing before.
"""

from __future__ import annotations

import argparse
import base64
import json
import os
import re
import runpy
import subprocess
import tempfile
import time
from pathlib import Path

# Before kmcodec is loaded.
os.environ["KMC_THREADS"] = "1"

from index_size import read_map
from needs import need

import kmcodec

ROOT = Path(__file__).resolve().parent.parent


def main() -> None:
    """Print the table."""
    need(command="node")
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("images", nargs="+", help="mode P, or .kmc")
    parser.add_argument("--effort", nargs="+", default=["fastest", "fast", "default", "max"])
    parser.add_argument(
        "--decoder", nargs="+", type=Path, metavar="FOLDER", default=[ROOT / "web" / "decoder"]
    )
    parser.add_argument("--chromium", action="store_true", help="also in a browser")
    parser.add_argument("--repeats", type=int, default=5, help="of which the fastest counts")
    options = parser.parse_args()
    if options.chromium:
        need(command="chromium")
    heads = [f"decoder {number}" for number in range(1, len(options.decoder) + 1)]
    heads += [f"{head} / kmcodec" for head in heads]
    if options.chromium:
        heads += ["Chromium", "its first"]
    print("| ms | kmcodec | " + " | ".join(heads) + " |\n|---|" + "---:|" * (1 + len(heads)))
    for path in options.images:
        for effort in options.effort:
            data = kmcodec.encode(read_map(path), coding="context", effort=effort)
            own, others = milliseconds(data, options.decoder, options.repeats)
            cells = [f"{value:.0f}" for value in (own, *others)]
            cells += [f"{other / own:.1f}" for other in others]
            if options.chromium:
                cells += [f"{value:.0f}" for value in in_chromium(data, options.repeats)]
            print(f"| {Path(path).name}, {effort} | " + " | ".join(cells) + " |", flush=True)


def milliseconds(data: bytes, decoders: list[Path], repeats: int) -> tuple[float, list[float]]:
    """Milliseconds of kmcodec, and of each decoder in JavaScript."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "image.kmc"
        file.write_bytes(data)
        script = ROOT / "benchmarks" / "javascript.mjs"
        modules = [decoder / "kmc.js" for decoder in decoders]
        before = own_milliseconds(data, repeats)
        found = subprocess.run(
            ["node", script, str(repeats), file, *modules],
            stdout=subprocess.PIPE,
            check=True,
        )
        return min(before, own_milliseconds(data, repeats)), json.loads(found.stdout)


def in_chromium(data: bytes, repeats: int) -> tuple[float, float]:
    """Milliseconds of the decoder in a page: the best time, and the first."""
    bundle = runpy.run_path(str(ROOT / "web" / "build_viewer.py"))["bundle"]
    decoder = bundle(ROOT / "web" / "decoder" / "kmc.js", "kmc")
    page = f"""<body><script>{decoder}
        const text = atob("{base64.b64encode(data).decode()}");
        const data = Uint8Array.from(text, (c) => c.charCodeAt(0));
        const times = [];
        for (let i = 0; i < {max(2, repeats)}; i += 1) {{
          const begun = performance.now();
          kmc.read(data);
          times.push(performance.now() - begun);
        }}
        document.body.textContent = JSON.stringify({{ times }});
        </script>"""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "page.html").write_text(page)
        shown = subprocess.run(
            [
                *("chromium", "--headless", "--no-sandbox", "--disable-gpu", "--dump-dom"),
                *(f"--user-data-dir={folder}/profile", f"file://{folder}/page.html"),
            ],
            capture_output=True,
            text=True,
            check=True,
        )
    times = json.loads(re.findall(r"{.*}", shown.stdout)[-1])["times"]
    return min(times), times[0]


def own_milliseconds(data: bytes, repeats: int) -> float:
    """Milliseconds of kmcodec in one thread."""
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        kmcodec.decode_indexed(data)
        times.append(1000 * (time.perf_counter() - start))
    return min(times)


if __name__ == "__main__":
    main()
