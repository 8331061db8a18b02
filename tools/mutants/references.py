"""The lines whose tests can notice a change of a line.

A test that runs a statement of a function can notice its change. What a module or class defines runs at
import, in every test: there the lines of the functions that use its name count.
"""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
_MAX_STEPS = 4
Lines = dict[str, set[int]]


class References:
    """The names of a tree's product."""

    def __init__(self, root: Path, files: list[str]) -> None:
        self._root = root
        self._files = files
        self.tree = cache(lambda path: ast.parse((root / path).read_text()))
        self._text = cache(lambda path: (root / path).read_text())

    def lines(self, path: str, line: int) -> Lines:
        """The lines by file; all of the file if nothing uses the name that it defines."""
        found: Lines = {}
        self._add(found, path, line, set(), _MAX_STEPS)
        return found or {path: set(range(1, self._text(path).count("\n") + 2))}

    def _add(self, found: Lines, path: str, line: int, seen: set[tuple[str, str]], steps: int) -> None:
        around = list(_around(self.tree(path), line))
        functions = [node for node in around if isinstance(node, _FUNCTIONS)]
        if functions and line >= functions[-1].body[0].lineno:
            found.setdefault(path, set()).update(_own_lines(around[-1]))
            return
        if functions:
            inside = functions[-1]
            found.setdefault(path, set()).update(range(inside.body[0].lineno, (inside.end_lineno or 0) + 1))
            return
        names = {name for node in around for name in _names(node)}
        for name in names:
            if (path, name) in seen or not steps:
                continue
            seen.add((path, name))
            for user, number in self._uses(path, name):
                if (user, number) != (path, line):
                    self._add(found, user, number, seen, steps - 1)

    def _uses(self, path: str, name: str) -> Iterator[tuple[str, int]]:
        """The files and lines that use a name of this module."""
        module = Path(path).stem if Path(path).stem != "__init__" else Path(path).parent.name
        for user in self._files:
            text = self._text(user)
            if name not in text or (user != path and module not in text):
                continue
            for node in ast.walk(self.tree(user)):
                is_use = isinstance(node, ast.Name) and node.id == name and isinstance(node.ctx, ast.Load)
                is_use |= isinstance(node, ast.Attribute) and node.attr == name
                if is_use and isinstance(node, ast.expr):
                    yield user, node.lineno


def _around(tree: ast.AST, line: int) -> Iterator[ast.stmt]:
    """The statements that hold a line, the outermost first."""
    for node in ast.iter_child_nodes(tree):
        first = min([getattr(node, "lineno", 0), *(d.lineno for d in getattr(node, "decorator_list", []))])
        is_around = first <= line <= (getattr(node, "end_lineno", 0) or 0)
        if isinstance(node, ast.stmt) and is_around:
            yield node
            yield from _around(node, line)
        elif not hasattr(node, "lineno") or is_around:
            yield from _around(node, line)


def _own_lines(node: ast.stmt) -> range:
    """The lines of a statement without those of its body."""
    body = getattr(node, "body", None)
    last = body[0].lineno - 1 if isinstance(body, list) and body else node.end_lineno or node.lineno
    return range(node.lineno, max(last, node.lineno) + 1)


def _names(node: ast.stmt) -> Iterator[str]:
    match node:
        case ast.Assign(targets=targets):
            yield from (
                name.id for target in targets for name in ast.walk(target) if isinstance(name, ast.Name)
            )
        case ast.AnnAssign(target=ast.Name(id=name)) | ast.ClassDef(name=name):
            yield name
