"""One target under atheris: python fuzz.py TARGET [options of libFuzzer] [CORPUS...].

`run.py` starts it, with everything that it needs.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import atheris

# Threads would only wait for each other over images so small.
os.environ["KMC_THREADS"] = "1"
sys.path.insert(0, str(Path(__file__).parent))


def main() -> None:
    name = sys.argv.pop(1)
    if name.startswith("kernel"):
        # All that matters there is compiled.
        import targets
    else:
        with atheris.instrument_imports(include=["kmcodec"]):
            import targets
    tree = Path(__file__).resolve().parent.parent.parent
    assert Path(targets.kmcodec.__file__).resolve().is_relative_to(tree), "another kmcodec"
    options = {}
    if name in ("decode", "inspect", "pillow"):
        import mutator

        options["custom_mutator"] = lambda data, most, seed: mutator.mutated(
            data, most, seed, atheris.Mutate
        )
    atheris.Setup(sys.argv, targets.TARGETS[name], **options)
    atheris.Fuzz()


main()
