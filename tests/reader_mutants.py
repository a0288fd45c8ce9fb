"""Faults for the second reader of the context coder, one at a time, and what vectors notice.

    python tests/reader_mutants.py [EVERY]

tries each mutant (or one of EVERY) and prints those that read all vectors as if nothing were
wrong. A mutant is one change of the syntax tree of spec/read_context.py or of its parts: a
constant that is one more or one less, a bound that is missing, another comparison or operator,
a condition that is turned round.
"""

from __future__ import annotations

import ast
import copy
import json
import multiprocessing
import signal
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

SPEC = Path(__file__).resolve().parent.parent / "spec"
GOOD = SPEC / "vectors" / "good"
FILES = ("read_context_parts", "read_context")
# What only writes, and names of methods that do so.
WRITERS = {"encode", "Encoder.end", "Encoder.decide", "Encoder.shift"}
COMPARED = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
}
COMPUTED = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.LShift: ast.RShift,
    ast.RShift: ast.LShift,
    ast.BitAnd: ast.BitOr,
    ast.BitOr: ast.BitXor,
    ast.BitXor: ast.BitOr,
}
BOUNDS = {"clamp": 3, "min": 2, "max": 2}
# Mutants that no file can tell from the reader itself, by name, and why.
EQUIVALENT: dict[str, str] = json.loads(
    (Path(__file__).parent / "reader_mutants_equivalent.json").read_text("utf-8")
)


@dataclass(frozen=True)
class Mutant:
    file: str
    node: int  # its number in the walk over the tree
    change: str
    name: str


@dataclass(frozen=True)
class Strip:
    """A payload of a vector, and the indices that the vector's file gives for it."""

    vector: str
    payload: bytes
    rows: list[list[int]]
    palette: list[tuple[int, ...]]
    coding: int


def source(file: str) -> str:
    return (SPEC / f"{file}.py").read_text("utf-8")


def changes(node: ast.AST) -> Iterator[str]:
    match node:
        case ast.Constant(value=int() as value) if not isinstance(value, bool):
            yield "+1"
            if value > 0:
                yield "-1"
        case ast.Compare(ops=[op]) if type(op) in COMPARED:
            yield "compared"
        case ast.BinOp(op=op) if type(op) in COMPUTED:
            yield "computed"
        case ast.BoolOp():
            yield "and/or"
        case ast.IfExp() | ast.If():
            yield "turned"
        case ast.Call(func=ast.Name(id=name), args=args) if len(args) == BOUNDS.get(name):
            yield from ("no bounds",) if name == "clamp" else ("first only", "second only")


def mutants() -> Iterator[Mutant]:
    """Name each by its function and its source, so that names outlive other changes."""
    seen: dict[str, int] = {}
    for file in FILES:
        tree = ast.parse(source(file))
        numbers = {id(node): number for number, node in enumerate(ast.walk(tree))}

        def visit(node: ast.AST, parents: tuple[ast.AST, ...], where: str) -> Iterator[Mutant]:
            if isinstance(node, ast.FunctionDef | ast.ClassDef):
                where = f"{where}.{node.name}" if where else node.name
                if where in WRITERS:
                    return
            if isinstance(node, ast.JoinedStr | ast.Raise | ast.Import | ast.ImportFrom):
                return
            for change in changes(node):
                outer = next((p for p in reversed(parents) if isinstance(p, ast.stmt)), node)
                if isinstance(outer, ast.FunctionDef | ast.ClassDef):
                    outer = node
                text = ast.unparse(node if isinstance(node, ast.stmt) else outer).split("\n")[0]
                name = f"{where}: {ast.unparse(node)[:60]!r} {change} in {text[:90]}"
                name = name.replace("\n", " ")
                seen[name] = seen.get(name, 0) + 1
                if seen[name] > 1:
                    name += f" ({seen[name]})"
                yield Mutant(file, numbers[id(node)], change, name)  # noqa: B023
            for child in ast.iter_child_nodes(node):
                yield from visit(child, (*parents, node), where)

        yield from visit(tree, (), "")


def mutated(mutant: Mutant) -> ast.Module:
    tree = copy.deepcopy(parsed(mutant.file))
    node: Any = next(n for number, n in enumerate(ast.walk(tree)) if number == mutant.node)
    change = mutant.change
    if change in ("+1", "-1"):
        node.value += int(change)
    elif change == "compared":
        node.ops = [COMPARED[type(node.ops[0])]()]
    elif change == "computed":
        node.op = COMPUTED[type(node.op)]()
    elif change == "and/or":
        node.op = ast.And() if isinstance(node.op, ast.Or) else ast.Or()
    elif change == "turned":
        node.test = ast.UnaryOp(ast.Not(), node.test)
    else:  # a bound that is missing: abs(…) + 0 would do as well as the name of a function
        kept = node.args[1 if change == "second only" else 0]
        node.func, node.args = ast.Name("int", ast.Load()), [kept]
    return ast.fix_missing_locations(tree)


@cache
def parsed(file: str) -> ast.Module:
    return ast.parse(source(file))


def load(mutant: Mutant | None) -> ModuleType:
    """Load the reader, as it is or with a fault; the other half of it is loaded anew, too."""
    for file in FILES:
        module = sys.modules[file] = ModuleType(file)
        tree = mutated(mutant) if mutant and mutant.file == file else parsed(file)
        exec(compile(tree, file, "exec"), vars(module))
    return sys.modules["read_context"]


@cache
def strips(pattern: str = "context-*") -> list[Strip]:
    """Return what the context coder has to decode in all vectors, the quickest first."""
    load(None)
    sys.path.append(str(SPEC))
    import read_kmc  # type: ignore[import-not-found]

    found: list[tuple[float, Strip]] = []
    real = read_kmc.read_context.decode
    name = ""

    def decode(
        payload: bytes, rows: int, width: int, palette: list[tuple[int, ...]], coding: int
    ) -> list[list[int]]:
        start = time.process_time()
        result: list[list[int]] = real(payload, rows, width, palette, coding)
        strip = Strip(name, payload, result, palette, coding)
        found.append((time.process_time() - start, strip))
        return result

    read_kmc.read_context.decode = decode
    for path in sorted(GOOD.glob(f"{pattern}.kmc")):
        name = path.stem
        image = read_kmc.read(path.read_bytes())
        expected = json.loads(path.with_suffix(".json").read_text("utf-8"))
        assert read_kmc.differences(image, expected) == []
    read_kmc.read_context.decode = real
    return [strip for _, strip in sorted(found, key=lambda pair: pair[0])]


def differs(reader: Any, strip: Strip) -> bool:
    """Decode row by row, and stop at the first that is wrong."""
    if len(strip.palette) == 1:
        found = reader.decode(strip.payload, len(strip.rows), len(strip.rows[0]), strip.palette, 2)
        return bool(found != strip.rows)
    coder, tree = reader.Decoder(strip.payload), reader.Tree(strip.palette)
    model = reader.Model(coder, tree, len(strip.rows), len(strip.rows[0]), strip.coding)
    for y, row in enumerate(strip.rows):
        model.code_row(y, None)
        if [tree.entry_of[symbol] for symbol in model.rows[y]] != row:
            return True
    coder.end()
    return False


def stop(*_: object) -> None:
    raise TimeoutError


def killer(mutant: Mutant) -> str:
    """Return the first vector that notices the fault, or nothing."""
    signal.signal(signal.SIGALRM, stop)
    vector = "none: it does not load"
    try:
        signal.alarm(300)
        reader = load(mutant)
        for strip in strips():
            vector = strip.vector
            if differs(reader, strip):
                return vector
    except Exception:  # whatever a wrong reader does, it does not read this
        return vector
    finally:
        signal.alarm(0)
    return ""


def survivors(wanted: list[Mutant], processes: int = 2) -> list[Mutant]:
    strips()
    with multiprocessing.get_context("fork").Pool(processes) as pool:
        left = []
        for mutant, vector in zip(wanted, pool.imap(killer, wanted), strict=True):
            if not vector:
                left.append(mutant)
                print(mutant.name, flush=True)
        return left


def main() -> None:
    every = int(sys.argv[1]) if len(sys.argv) > 1 else 1
    wanted = [mutant for mutant in mutants() if mutant.name not in EQUIVALENT][::every]
    left = survivors(wanted)
    caught = len(wanted) - len(left)
    print(f"{caught} of {len(wanted)} caught: {100 * caught / len(wanted):.1f} %")


if __name__ == "__main__":
    main()
