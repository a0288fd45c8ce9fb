"""Fuzz a target: python tests/fuzz/run.py TARGET [SECONDS] [--sanitize] [--corpus FOLDER].

Needs clang with its runtime (Debian: clang, libclang-rt-14-dev), and atheris beside kmcodec's
build requirements. The kernels are built with coverage in a copy of the tree, which is kept and
used again while their sources are as they were. `--sanitize` adds AddressSanitizer and
UndefinedBehaviorSanitizer; `--built` takes the copy as the last run left it, so that several runs
can share it. What is found is written to `tests/fuzz/findings`, ready to be minimised
(`-minimize_crash=1`) and moved to `tests/regressions/TARGET`. Further options go to libFuzzer.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import zlib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
HERE = ROOT / "tests" / "fuzz"
COVERAGE = "-fsanitize=fuzzer-no-link -g -fno-omit-frame-pointer"
SANITIZERS = ",address,undefined -fno-sanitize-recover=undefined"
# Files in the manner of the format; the other targets take bytes of another meaning.
FILES = ("decode", "inspect", "pillow")
MOST_BYTES = {"decode": 400, "inspect": 400, "pillow": 400, "palette": 1000, "round_trip": 200}


def main() -> None:
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    options.add_argument("target")
    options.add_argument("seconds", nargs="?", type=int, default=30)
    options.add_argument("--sanitize", action="store_true")
    options.add_argument("--built", action="store_true", help="use the last copy as it is")
    options.add_argument("--corpus", type=Path, help="kept from run to run; else a new one")
    given, further = options.parse_known_args()
    tree = built(given.sanitize, given.built)
    findings = HERE / "findings"
    findings.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        corpus = given.corpus or Path(folder)
        corpus.mkdir(parents=True, exist_ok=True)
        seed(given.target, corpus)
        command = [
            *(sys.executable, str(tree / "tests" / "fuzz" / "fuzz.py"), given.target),
            *(f"-max_total_time={given.seconds}", f"-max_len={MOST_BYTES.get(given.target, 32)}"),
            *("-timeout=20", "-rss_limit_mb=4000", "-print_final_stats=1"),
            *(f"-dict={HERE / 'kmc.dict'}", f"-artifact_prefix={findings}/{given.target}-"),
            *(*further, str(corpus)),
        ]
        sys.exit(
            subprocess.run(command, env=environment(given.target, given.sanitize, tree)).returncode
        )


def built(sanitize: bool, as_it_is: bool) -> Path:
    """A copy of the tree with instrumented kernels; with `as_it_is`, several runs can share it."""
    flags = COVERAGE
    if sanitize:
        flags = flags.replace("-link", "-link" + SANITIZERS)
    sources = sorted(
        path for path in (ROOT / "kmcodec").rglob("*") if path.suffix in (".pyx", ".pxi", ".h")
    )
    sources += [HERE / "driver.pxi", HERE / "build_drivers.py"]
    crc = zlib.crc32(flags.encode())
    for source in sources:
        crc = zlib.crc32(source.read_bytes(), crc)
    tree = Path(tempfile.gettempdir()) / f"kmcodec-fuzz-{os.getuid()}-{crc:08x}"
    ready = tree / "ready"
    if as_it_is:
        assert ready.exists(), "not built: run once without --built"
        return tree
    leave_out = shutil.ignore_patterns("*.so", ".git", ".venv", "build", "findings", "__pycache__")
    shutil.copytree(ROOT, tree, ignore=leave_out, dirs_exist_ok=True)
    if not ready.exists():
        clang = {**os.environ, "CC": "clang", "LDSHARED": "clang -shared"}
        clang |= {"CFLAGS": f"-O1 {flags}", "KMC_OPTIMIZATION": "-O1"}
        for script in ("setup.py", "tests/fuzz/build_drivers.py"):
            build = [sys.executable, script, "--quiet", "build_ext", "--inplace"]
            subprocess.run([*build, f"-j{os.cpu_count()}"], cwd=tree, env=clang, check=True)
        # setup.py lets a kernel fail to build; here it must be there.
        for kernel in ("additive/_strip", "context/_default", "context/_max", "labels/_map"):
            (module,) = (tree / "kmcodec/coding").glob(f"{kernel}.*.so")
            assert b"__sanitizer_cov" in module.read_bytes()
        ready.touch()
    return tree


def seed(target: str, corpus: Path) -> None:
    """Where fuzzing starts: past findings, and for files the vectors of the specification."""
    folders = [ROOT / "tests" / "regressions" / target]
    if target in FILES:
        folders += [ROOT / "spec" / "vectors" / kind for kind in ("good", "bad")]
    for folder in folders:
        for path in folder.glob("*"):
            if path.suffix != ".json" and path.stat().st_size <= 1024:
                shutil.copy(path, corpus / f"{folder.name}-{path.name}")


def environment(target: str, sanitize: bool, tree: Path) -> dict[str, str]:
    """What a target runs in: the runtime of atheris must be there before Python is."""
    import atheris

    runtime = "asan_with_fuzzer.so" if sanitize else "ubsan_with_fuzzer.so"
    preloaded = [Path(atheris.path()) / runtime]
    if target in FILES:
        # libFuzzer looks for a custom mutator as it is loaded.
        preloaded += Path(atheris.__file__).parent.glob("custom_mutator.*.so")
    return {
        **os.environ,
        "LD_PRELOAD": " ".join(map(str, preloaded)),
        "PYTHONPATH": str(tree),
        # Python and NumPy keep memory until they end: leaks are not looked for.
        "ASAN_OPTIONS": "detect_leaks=0:allocator_may_return_null=1",
    }


if __name__ == "__main__":
    main()
