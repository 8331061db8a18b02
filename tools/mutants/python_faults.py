"""Faults in Python: Cosmic Ray's operators, and dropped statements, which it does not have.

Cosmic Ray 8 supplies the operators alone. Its runner runs one command for all faults, in the tree itself.
mutmut 3 fits less: it changes nothing outside functions, where our SQL is, and switches faults in one process
by a variable, so that servers started as processes would run the wrapped code of all faults at once.
"""

import ast
from collections import Counter
from collections.abc import Iterator

from cosmic_ray.ast import ast_nodes, get_ast
from cosmic_ray.mutating import mutate_code
from cosmic_ray.operators.operator import Operator
from cosmic_ray.operators.provider import OperatorProvider

from tools.mutants.faults import Fault, spliced

# These need arguments, or fail at the import of the module for any program.
_LEFT_OUT = {"VariableReplacer", "VariableInserter", "RemoveDecorator"}
_LOGS = {"log", "_log", "logger", "_logger"}
_DROPPED = (ast.Expr, ast.Raise, ast.AugAssign, ast.Delete)


def _operators() -> dict[str, Operator]:
    provider = OperatorProvider()
    return {name: provider[name]() for name in provider if name not in _LEFT_OUT}


OPERATORS = _operators()


def python_faults(path: str, text: str) -> Iterator[Fault]:
    """The faults of one file, none in annotations, type aliases and what is logged."""
    tree = ast.parse(text)
    unread = _unread(tree)
    yield from _dropped_statements(path, text, tree, unread)
    counts: Counter[str] = Counter()
    for node in ast_nodes(get_ast(text)):
        for name, operator in OPERATORS.items():
            for start, _ in operator.mutation_positions(node):
                occurrence, counts[name] = counts[name], counts[name] + 1
                if start[0] in unread:
                    continue
                yield Fault(path, start[0], name, lambda o=operator, n=occurrence: mutate_code(text, o, n))  # type: ignore[misc]


def _dropped_statements(path: str, text: str, tree: ast.AST, unread: set[int]) -> Iterator[Fault]:
    source = text.encode()
    starts = line_starts(source)
    for node in ast.walk(tree):
        is_kept = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant | ast.Yield)
        if not isinstance(node, _DROPPED) or is_kept or node.lineno in unread:
            continue
        start, end = span(starts, node)
        yield Fault(path, node.lineno, "DropStatement", spliced(source, start, end, "pass"))


def _unread(tree: ast.AST) -> set[int]:
    """The lines of annotations, type aliases and calls that log."""
    found: set[int] = set()
    for node in ast.walk(tree):
        parts: list[ast.AST | None] = []
        match node:
            case ast.arg(annotation=annotation) | ast.AnnAssign(annotation=annotation, value=None):
                parts = [annotation]
            case ast.FunctionDef(returns=returns) | ast.AsyncFunctionDef(returns=returns):
                parts = [returns]
            case ast.Assign(value=ast.BinOp(op=ast.BitOr())):
                parts = [node]
            case ast.Call(func=ast.Attribute(value=ast.Name(id=name))) if name in _LOGS:
                parts = [node]
        for part in parts:
            if isinstance(part, ast.expr | ast.stmt):
                found |= set(range(part.lineno, (part.end_lineno or part.lineno) + 1))
    return found


def line_starts(source: bytes) -> list[int]:
    """The offset of each line, the first line's at 1."""
    starts = [0, 0]
    for line in source.splitlines(keepends=True):
        starts.append(starts[-1] + len(line))
    return starts


def span(starts: list[int], node: ast.stmt | ast.expr) -> tuple[int, int]:
    """The offsets between which the text of a node is."""
    last, column = node.end_lineno or node.lineno, node.end_col_offset or 0
    return starts[node.lineno] + node.col_offset, starts[last] + column
