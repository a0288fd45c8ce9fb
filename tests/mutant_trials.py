"""What vectors notice of a fault in the second reader: see reader_mutants.py.

A fault in a coder is tried on the payloads of the vectors, one in palettes on the coded palettes,
one in the rest on whole files, of which payloads that were seen before are not decoded again. The
additive coder uses parts of the context coder, and the label coder parts of both: their payloads
are tried on these, too. A fault is caught where a good vector is read wrongly or not at all, where
a bad one is read, or where anything but a refusal is raised. It is not caught by another reason to
refuse, as nobody but this reader states its reasons; but large files are to be refused as too
large.
"""

from __future__ import annotations

import itertools
import json
import resource
import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial
from types import ModuleType
from typing import Any

import numpy as np
from reader_mutants import CODER, FILES, PAYLOADS, SPEC, Mutant, compiled

from kmcodec import KmcFormatError
from kmcodec.coding import coding_by_number

VECTORS = SPEC / "vectors"
QUICK = 60  # milliseconds: what takes longer is late, but for a few
AT_ONCE = 5  # milliseconds: what takes no longer is tried first
TELLING = "-busy-"  # takes long, but notices most of what the quick ones do not
DENIED = {  # all of their pixels are in runs that are denied
    "good/additive-limit-run-denied-fast",
    "good/additive-limit-run-denied-fastest",
    "good/context-limit-run-probability",
}
# By coding: milliseconds a pixel, and the least width of rows that are runs.
SPEED = {2: (0.3, 16), 3: (0.5, 32), 4: (2, 64), 5: (0.12, 16), 6: (0.2, 8)}
STRIPS = ("read_context", "read_additive", "read_labels")
USED = {  # the coders that use parts of a file
    "read_additive": ("read_additive", "read_labels"),
    "read_labels": ("read_labels",),
    **dict.fromkeys(CODER, STRIPS),
}
MEMORY = 4 * 2**30
Rows = list[list[int]]


@dataclass(frozen=True)
class Result:
    by: str  # the vector that noticed, or ""
    late: bool = False  # was it none of those that are tried on all faults?
    endless: bool = False


@dataclass(frozen=True)
class Trial:
    """`work` is a guess of how many milliseconds it takes, the same on each machine.

    Trials are sorted by `turn`. A telling one ends at the first wrong row, so that it takes long
    only for a fault that it does not notice: it comes before the many that are merely quick. But
    one of the other coder tells little.
    """

    vector: str
    work: float
    wrong: Callable[[dict[str, Any]], bool]
    own: bool = True  # is it of the coder that has the fault?

    @property
    def late(self) -> bool:
        """Say whether only the faults that this is known to notice are tried on it."""
        return self.work > QUICK and TELLING not in self.vector

    @property
    def turn(self) -> tuple[bool, bool, float]:
        early = self.work <= AT_ONCE or (self.own and TELLING in self.vector)
        return self.late, not early, self.work


def load(mutant: Mutant | None, files: tuple[str, ...] = FILES) -> dict[str, Any]:
    """Load these files of the reader anew, as they are or with a fault."""
    if str(SPEC) not in sys.path:
        sys.path.append(str(SPEC))
    modules: dict[str, Any] = {}
    for file in files:
        module = modules[file] = sys.modules[file] = ModuleType(file)
        module.__file__ = str(SPEC / f"{file}.py")
        exec(compiled(file, mutant if mutant and mutant.file == file else None), vars(module))
    return modules


@cache
def true_reader() -> dict[str, Any]:
    return load(None)


@cache
def truth(function: str, *arguments: Any) -> Any:
    """Return what is decoded, or None if it is refused; of strips by the package, being quicker."""
    reader = true_reader()
    if function == "read_palette":
        try:
            return reader[function].decode(*arguments)
        except reader["read_context_parts"].BadPayload:
            return None
    payload, rows, width, palette, coding = arguments
    method = coding_by_number(coding)
    assert method is not None
    try:
        found = method.decode(payload, rows, width, np.array(palette, np.uint8))
    except KmcFormatError:
        return None
    return found.tolist()


def strip_differs(
    coder_name: str, arguments: tuple[Any, ...], modules: dict[str, Any], whole: bool
) -> bool:
    """Decode row by row, and stop at the first that is wrong."""
    payload, rows, width, palette, coding = arguments
    expected = truth(coder_name, *arguments)
    reader, bad = modules[coder_name], modules["read_context_parts"].BadPayload
    entries = list(palette)
    try:
        if whole or len(entries) == 1 or expected is None or coder_name == "read_labels":
            return bool(reader.decode(payload, rows, width, entries, coding) != expected)
        coder, tree = reader.Decoder(payload), reader.Tree(entries)
        model = reader.Model(coder, tree, rows, width, coding)
        for y, row in enumerate(expected):
            model.code_row(y, None)
            if model.indices(y) != row:
                return True
        coder.end()
    except bad:
        return expected is not None
    return False


def palette_differs(arguments: tuple[Any, ...], modules: dict[str, Any]) -> bool:
    expected = truth("read_palette", *arguments)
    try:
        return bool(modules["read_palette"].decode(*arguments) != expected)
    except modules["read_context_parts"].BadPayload:
        return expected is not None


def file_differs(
    vector: str, data: bytes, expected: dict[str, Any] | None, modules: dict[str, Any]
) -> bool:
    large = vector.startswith("large/")
    reader, refused = modules["read_kmc"], modules["read_input"].Refused
    try:
        image = reader.read(data)
    except refused as error:
        return expected is not None or (large and "too large" not in str(error))
    return expected is None or bool(true_reader()["read_kmc"].differences(image, expected))


@cache
def files() -> list[tuple[str, bytes, dict[str, Any] | None]]:
    found: list[tuple[str, bytes, dict[str, Any] | None]] = []
    for path in sorted(VECTORS.glob("*/*.kmc")):
        expected = None
        if path.parent.name == "good":
            expected = json.loads(path.with_suffix(".json").read_text("utf-8"))
        found.append((f"{path.parent.name}/{path.stem}", path.read_bytes(), expected))
    return found


@cache
def calls() -> dict[str, list[tuple[str, tuple[Any, ...]]]]:
    """Return what is to be decoded in all vectors, without the work of decoding strips."""
    modules = load(None)
    names = (*STRIPS, "read_palette")
    found: dict[str, list[tuple[str, tuple[Any, ...]]]] = {name: [] for name in names}
    vector = ""

    def strip(name: str, *arguments: Any) -> Rows:
        payload, rows, width, palette, coding = arguments
        found[name].append((vector, (payload, rows, width, tuple(palette), coding)))
        return [[0] * width] * rows

    def palette(data: bytes, entries: int, channels: int) -> Any:
        found["read_palette"].append((vector, (data, entries, channels)))
        return decode_palette(data, entries, channels)

    decode_palette = modules["read_palette"].decode
    for name in STRIPS:
        getattr(modules["read_kmc"], name).decode = partial(strip, name)
    modules["read_kmc"].read_palette.decode = palette
    for vector, data, _ in files():  # noqa: B007 - the functions above take it
        try:
            modules["read_kmc"].read(data)
        except modules["read_input"].Refused:
            continue
    return found


def milliseconds(arguments: tuple[Any, ...]) -> float:
    """Guess how long the reader takes for a strip: for its palette and pixels not in runs."""
    payload, rows, width, palette, coding = arguments
    name = true_reader()["read_kmc"].CODERS[coding].__name__
    found: Rows = truth(name, *arguments) or [[0] * width] * rows
    flat = sum(a == b and min(b) == max(b) for a, b in itertools.pairwise(found))
    speed, least = SPEED[coding]
    pixels = width * (rows - flat) if width >= least else width * rows
    return len(palette) / 20 + flat / 10 + pixels * speed + len(payload) / 100


@cache
def trials(file: str, whole: bool) -> list[Trial]:
    """Return what may notice a fault in the file, in the order in which it is tried."""
    found = []
    for name in STRIPS:
        for vector, arguments in calls()[name] if name in USED.get(file, ()) else ():
            work = milliseconds(arguments) if vector not in DENIED else 5000

            def strip(modules: Any, name: str = name, arguments: Any = arguments) -> bool:
                return strip_differs(name, arguments, modules, whole)

            own = name == ("read_context" if file in CODER else file)
            found.append(Trial(vector, work, strip, own))
    if file in ("read_context_parts", "read_palette"):
        for vector, arguments in calls()["read_palette"]:

            def palette_trial(modules: Any, arguments: Any = arguments) -> bool:
                return palette_differs(arguments, modules)

            found.append(Trial(vector, len(arguments[0]) / 2, palette_trial))
    if file not in PAYLOADS:
        for vector, data, expected in files():

            def whole_file(modules: Any, what: Any = (vector, data, expected)) -> bool:
                return file_differs(*what, modules)

            found.append(Trial(vector, len(data) / 100, whole_file))
    return sorted(found, key=lambda trial: trial.turn)


def reader_with(mutant: Mutant) -> dict[str, Any]:
    if mutant.file in PAYLOADS:
        return load(mutant, PAYLOADS)
    modules = load(None, PAYLOADS)

    def remembered(function: str) -> Callable[..., Any]:
        def decode(*arguments: Any) -> Any:
            frozen = [tuple(a) if isinstance(a, list) else a for a in arguments]
            found = truth(function, *frozen)
            if found is None:
                raise modules["read_context_parts"].BadPayload("as before")
            return found

        return decode

    for function in (*STRIPS, "read_palette"):
        modules[function].decode = remembered(function)
    return {**modules, **load(mutant, ("read_input", "read_frames", "read_kmc"))}


class Endless(Exception):  # noqa: N818 - not an error of the reader
    pass


def stop(*_: object) -> None:
    raise Endless


def prepare() -> None:
    """Make a process ready for wrong readers."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, resource.RLIM_INFINITY))
    signal.signal(signal.SIGVTALRM, stop)


def notice(task: tuple[Mutant, str, bool]) -> Result:
    """Try the vector that noticed the fault before, then all in their turn.

    What takes twenty times as long as it should, and 10 s more, does not end.
    """
    mutant, hint, only_quick = task
    calls(), true_reader()
    whole = mutant.function in ("decode", "Decoder.end")
    todo = sorted(trials(mutant.file, whole), key=lambda trial: trial.vector != hint)
    vector, late = "none: it does not load", False
    try:
        signal.setitimer(signal.ITIMER_VIRTUAL, 10)
        modules = reader_with(mutant)
        for trial in todo:
            if only_quick and trial.late and trial.vector != hint:
                continue
            vector, late = trial.vector, trial.late
            signal.setitimer(signal.ITIMER_VIRTUAL, 10 + trial.work / 50)
            if trial.wrong(modules):
                return Result(vector, late)
    except Endless:
        return Result(vector, late, endless=True)
    except Exception:  # whatever a wrong reader does, it does not read this
        return Result(vector, late)
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
    return Result("")
