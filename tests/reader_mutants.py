"""Faults for the second reader, one at a time, and what vectors notice.

    python tests/reader_mutants.py

tries each mutant, which takes hours, prints those that read all vectors as if nothing were wrong,
and then how many were caught in each file. A mutant is one change of the syntax tree of the reader
in spec: a constant that is one more or one less, a bound that is missing, another comparison or
operator, a condition that is turned round, an initial weight that is one more. What only writes,
or only words a message, is left alone. `--record` keeps the names of the vectors that notice what
no quick one does, for the test, which tries a sample on those and on quick ones.
"""

from __future__ import annotations

import argparse
import ast
import json
import multiprocessing
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import CodeType
from typing import Any

SPEC = Path(__file__).resolve().parent.parent / "spec"
NOTICED = Path(__file__).parent / "reader_mutants_noticed.json"
EQUIVALENT = Path(__file__).parent / "reader_mutants_equivalent.json"
CODER = ("read_context_parts", "read_context")
# The files that decode strips and palettes.
PAYLOADS = (*CODER, "read_additive", "read_labels", "read_palette")
FILES = (*PAYLOADS, "read_input", "read_frames", "read_label_table", "read_ramp", "read_kmc")
# What only writes, tells or compares, and is no part of a reader.
TOOLS = {
    *("encode", "Encoder.end", "Encoder.decide", "Encoder.shift", "LONG"),
    *("pam", "differences", "check", "main", "Scene.facts", "Frames.facts"),
}
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
WEIGHTS = re.compile(r"\s*(-?\d+\s+)+-?\d+\s*")


@dataclass(frozen=True)
class Mutant:
    file: str
    node: int  # its number in the walk over the tree
    change: str
    name: str

    @property
    def function(self) -> str:
        return self.name.split(": ")[1]


@cache
def parsed(file: str) -> ast.Module:
    return ast.parse((SPEC / f"{file}.py").read_text("utf-8"))


def changes(node: ast.AST) -> Iterator[str]:
    match node:
        case ast.Constant(value=int() as value) if not isinstance(value, bool):
            yield "+1"
            if value > 0:
                yield "-1"
        case ast.Constant(value=str() as value) if WEIGHTS.fullmatch(value):
            yield from (f"weight {number}" for number in range(len(value.split())))
        case ast.Compare(ops=ops):
            yield from (f"compared {at}" for at, op in enumerate(ops) if type(op) in COMPARED)
        case ast.BinOp(op=op) if type(op) in COMPUTED:
            yield "computed"
        case ast.BoolOp():
            yield "and/or"
        case ast.IfExp() | ast.If():
            yield "turned"
        case ast.Call(func=ast.Name(id=name), args=args) if len(args) == BOUNDS.get(name):
            yield from ("no bounds",) if name == "clamp" else ("first only", "second only")


def children(node: ast.AST) -> Iterator[ast.AST]:
    """Yield those that say what the reader does, and not only how it words a refusal."""
    if isinstance(node, ast.JoinedStr | ast.Raise | ast.Import | ast.ImportFrom):
        return
    if isinstance(node, ast.AnnAssign):
        yield from [node.value] if node.value else []
        return
    called = node.func.id if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) else ""
    if called == "check_crc":
        yield from node.args[:2]  # type: ignore[attr-defined]
    elif called != "refuse":
        annotations = {id(getattr(node, name, None)) for name in ("annotation", "returns")}
        yield from (c for c in ast.iter_child_nodes(node) if id(c) not in annotations)


def mutants() -> Iterator[Mutant]:
    """Name each by its function and its source, so that names outlive other changes."""
    for file in FILES:
        tree, seen = parsed(file), Counter[str]()
        numbers = {id(node): number for number, node in enumerate(ast.walk(tree))}
        stack: list[tuple[ast.AST, ast.AST, str]] = [(tree, tree, "")]
        while stack:
            node, statement, where = stack.pop()
            if isinstance(node, ast.FunctionDef | ast.ClassDef):
                where = f"{where}.{node.name}" if where else node.name
            if isinstance(node, ast.stmt):
                statement = node
            target = node.targets[0] if isinstance(node, ast.Assign) else None
            if ast.unparse(node).startswith("if __name__ =="):
                continue
            if where in TOOLS or (isinstance(target, ast.Name) and target.id in TOOLS):
                continue
            for change in changes(node):
                text = ast.unparse(statement if isinstance(node, ast.expr) else node)
                text = text.split("\n")[0][:90]
                name = f"{file}: {where}: {ast.unparse(node)[:60]!r} {change} in {text}"
                name = " ".join(name.split())
                seen[name] += 1
                if seen[name] > 1:
                    name += f" ({seen[name]})"
                yield Mutant(file, numbers[id(node)], change, name)
            within = [(child, statement, where) for child in children(node)]
            stack += reversed(within)


@cache
def nodes(file: str) -> list[Any]:
    return list(ast.walk(parsed(file)))


def fault(node: Any, mutant: Mutant) -> None:
    """Change the node, by new values of its fields only, so that `compiled` can undo it."""
    change, _, at = mutant.change.partition(" ")
    if change in ("+1", "-1"):
        node.value += int(change)
    elif change == "weight":
        words = node.value.split()
        words[int(at)] = str(int(words[int(at)]) + 1)
        node.value = " ".join(words)
    elif change == "compared":
        ops = [*node.ops]
        ops[int(at)] = COMPARED[type(ops[int(at)])]()
        node.ops = ops
    elif change == "computed":
        node.op = COMPUTED[type(node.op)]()
    elif change == "and/or":
        node.op = ast.And() if isinstance(node.op, ast.Or) else ast.Or()
    elif change == "turned":
        node.test = ast.UnaryOp(ast.Not(), node.test)
    else:  # a bound that is missing: int does nothing to an int
        kept = node.args[1 if change == "second" else 0]
        node.func, node.args = ast.Name("int", ast.Load()), [kept]


@cache
def original(file: str) -> CodeType:
    return compile(parsed(file), file, "exec")


def compiled(file: str, mutant: Mutant | None = None) -> CodeType:
    if mutant is None:
        return original(file)
    tree = parsed(file)
    node = nodes(file)[mutant.node]
    before = vars(node).copy()
    try:
        fault(node, mutant)
        return compile(ast.fix_missing_locations(tree), file, "exec")
    finally:
        vars(node).update(before)


def equivalent() -> dict[str, str]:
    """Return mutants that no file can tell from the reader itself, by name, and why."""
    found: dict[str, str] = json.loads(EQUIVALENT.read_text("utf-8"))
    return found


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Try faults in the second reader on all vectors.")
    parser.add_argument("--every", type=int, default=1, help="try only one mutant of so many")
    parser.add_argument("--start", type=int, default=0, help="which of them is the first")
    parser.add_argument("--files", nargs="+", default=FILES, help="only those of these files")
    parser.add_argument("--quick", action="store_true", help="not on vectors that take long")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--record", action="store_true", help="write what noticed late faults")
    return parser.parse_args()


def main() -> None:
    from mutant_trials import notice, prepare

    chosen = options()
    recorded: dict[str, str] = json.loads(NOTICED.read_text("utf-8"))
    wanted = [mutant for mutant in mutants() if mutant.name not in equivalent()]
    wanted = [mutant for mutant in wanted if mutant.file in chosen.files]
    wanted = wanted[chosen.start :: chosen.every]
    caught, all_of, endless = Counter[str](), Counter[str](), 0
    tasks = [(mutant, recorded.get(mutant.name, ""), chosen.quick) for mutant in wanted]
    context = multiprocessing.get_context("fork")
    with context.Pool(chosen.processes, prepare, maxtasksperchild=200) as pool:
        for mutant, result in zip(wanted, pool.imap(notice, tasks), strict=True):
            all_of[mutant.file] += 1
            caught[mutant.file] += bool(result.by)
            endless += result.endless
            if not result.by:
                print(mutant.name, flush=True)
            elif result.late:
                recorded[mutant.name] = result.by
    for file, count in all_of.items():
        print(f"{file}: {caught[file]} of {count}")
    share = 100 * caught.total() / all_of.total()
    print(f"{caught.total()} of {all_of.total()} caught: {share:.1f} %; {endless} did not end")
    if chosen.record:
        NOTICED.write_text(json.dumps(recorded, indent=1, sort_keys=True) + "\n", "utf-8")


if __name__ == "__main__":
    main()
