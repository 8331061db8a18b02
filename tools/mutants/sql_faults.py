"""Faults in SQL: a condition, a lock, an order or a limit is gone, in SQL texts and in SQLAlchemy's calls."""

import ast
import re
from collections.abc import Iterator

from tools.mutants.faults import LOCK, OWNER, Fault, spliced
from tools.mutants.python_faults import line_starts, span

_IS_SQL = re.compile(rb"\b(?:SELECT|UPDATE|DELETE FROM|INSERT INTO|WHERE|AND|ORDER BY|FOR UPDATE)\b")
_LOCKS = re.compile(
    rb"\{+postgresql:\s*FOR UPDATE[^{}]*\}+|\bSKIP LOCKED\b|\bFOR (?:NO KEY )?UPDATE\b(?: OF \w+)?"
)
_ORDER = re.compile(rb"\bORDER BY\b[^()]*?(?=\bLIMIT\b|[){\"]|\n\s*\n|$)", re.DOTALL)
_LIMIT = re.compile(rb"\bLIMIT (?::\w+|\d+|\{\w+\})")
_CONDITION = re.compile(rb"\b(?:WHERE|AND|ON(?! CONFLICT)|HAVING|WHEN)\s+")
_END = re.compile(
    rb"\b(?:AND|OR|ORDER BY|GROUP BY|LIMIT|RETURNING|UNION|JOIN|LEFT|CROSS|WHERE|HAVING|SET|FOR UPDATE|THEN"
    rb"|ELSE|END|DO UPDATE|DO NOTHING)\b|\{+(?:postgresql|sqlite):|\\n|\"\"\"|\"(?=[\s,)])"
)
_DROPPED_CALLS = {"with_for_update": LOCK, "order_by": "sql order", "limit": "sql limit"}
KINDS = {LOCK, OWNER, "sql condition", "sql order", "sql limit"}


def sql_faults(path: str, text: str) -> Iterator[Fault]:
    """The faults of one file."""
    source = text.encode()
    starts = line_starts(source)
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            yield from _dropped_calls(path, source, starts, node, node.func)
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitAnd):
            yield from _dropped_operands(path, source, starts, node)
        for items in _lists(node):
            yield from _dropped_items(path, source, starts, items)
    for node in _texts(ast.parse(text)):
        start, end = span(starts, node)
        if _IS_SQL.search(source, start, end):
            yield from _dropped_clauses(path, source, start, end)


def _texts(node: ast.AST) -> Iterator[ast.expr]:
    """The string literals that are not docstrings."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Expr) and isinstance(child.value, ast.Constant):
            continue
        if isinstance(child, ast.JoinedStr) or (
            isinstance(child, ast.Constant) and isinstance(child.value, str)
        ):
            yield child
        else:
            yield from _texts(child)


def _dropped_clauses(path: str, source: bytes, start: int, end: int) -> Iterator[Fault]:
    def fault(kind: str, begin: int, stop: int, replacement: str = "") -> Fault:
        line = source.count(b"\n", 0, begin) + 1
        return Fault(path, line, kind, spliced(source, begin, stop, replacement))

    for found in _LOCKS.finditer(source, start, end):
        yield fault(LOCK, *found.span())
        if b"SKIP LOCKED" in found[0] and found[0] != b"SKIP LOCKED":
            skip = source.index(b"SKIP LOCKED", found.start())
            yield fault(LOCK, skip, skip + len(b"SKIP LOCKED"))
    for found in _ORDER.finditer(source, start, end):
        yield fault("sql order", *found.span())
    for found in _LIMIT.finditer(source, start, end):
        yield fault("sql limit", *found.span())
    for found in _CONDITION.finditer(source, start, end):
        stop = _condition_end(source, found.end(), end)
        condition = source[found.end() : stop].rstrip()
        if condition and b"BETWEEN" not in condition and not condition.endswith(b"("):
            kind = OWNER if b"org_id" in condition and b"SELECT" not in condition else "sql condition"
            yield fault(kind, found.end(), found.end() + len(condition), "1 = 1")


def _condition_end(source: bytes, position: int, end: int) -> int:
    """The end of a condition: a keyword or bracket that is not within its own brackets."""
    depth = 0
    while position < end:
        if source[position : position + 1] == b"(":
            depth += 1
        elif source[position : position + 1] == b")":
            if depth == 0:
                break
            depth -= 1
        elif depth == 0 and _END.match(source, position):
            break
        position += 1
    return position


def _dropped_calls(
    path: str, source: bytes, starts: list[int], call: ast.Call, method: ast.Attribute
) -> Iterator[Fault]:
    kind = _DROPPED_CALLS.get(method.attr)
    if kind is None:
        return
    _, before = span(starts, method.value)
    _, end = span(starts, call)
    line = method.end_lineno or call.lineno
    yield Fault(path, line, kind, spliced(source, before, end, ""))
    if kind == LOCK and call.keywords:
        first, _ = span(starts, call.keywords[0].value)
        opening = source.rindex(b"(", before, first) + 1
        yield Fault(path, line, kind, spliced(source, opening, end - 1, ""))


def _lists(node: ast.AST) -> Iterator[list[ast.expr]]:
    """The lists of conditions: arguments of `where`, tuples, lists."""
    match node:
        case ast.Call(func=ast.Attribute(attr="where" | "having" | "filter"), args=args):
            yield args
        case ast.Call(func=ast.Name(id="and_"), args=args) | ast.Tuple(elts=args) | ast.List(elts=args):
            yield [arg for arg in args if _is_condition(arg)]


def _is_condition(node: ast.expr) -> bool:
    return (
        isinstance(node, ast.Compare | ast.Call)
        and ".c." in ast.unparse(node)
        and (
            isinstance(node, ast.Compare)
            or ast.unparse(node.func).endswith((".in_", ".is_", ".is_not", ".exists"))
        )
    )


def _dropped_items(path: str, source: bytes, starts: list[int], items: list[ast.expr]) -> Iterator[Fault]:
    for item in items:
        if isinstance(item, ast.Starred):
            continue
        start, end = span(starts, item)
        if comma := re.match(rb"\s*,", source[end:]):
            end += comma.end()
        yield Fault(path, item.lineno, _kind(item), spliced(source, start, end, ""))


def _dropped_operands(path: str, source: bytes, starts: list[int], node: ast.BinOp) -> Iterator[Fault]:
    if ".c." not in ast.unparse(node):
        return
    start, end = span(starts, node)
    for kept, gone in ((node.left, node.right), (node.right, node.left)):
        first, last = span(starts, kept)
        text = f"({source[first:last].decode()})"
        yield Fault(path, gone.lineno, _kind(gone), spliced(source, start, end, text))


def _kind(condition: ast.expr) -> str:
    return OWNER if "org_id" in ast.unparse(condition) else "sql condition"
