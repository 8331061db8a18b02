"""States and the delivery queue are written by their owners only: read from all SQL of the server."""

import ast
import importlib
import pkgutil
import re
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

import server
from server.db.statements import Change, Statement

ROOT = Path(server.__file__).parent
STATES = {"emails", "recipients"}
QUEUE = "delivery_queue"
# `INSERT` writes a status whatever its columns are; `UPDATE` does if it sets one.
WRITES_STATE = re.compile(
    r"\bINSERT\s+(OR\s+\w+\s+)?INTO\s+\"?(emails|recipients)\b"
    r"|\bUPDATE\s+\"?(emails|recipients)\b[^;]*\bSET\b(?:(?!\bWHERE\b).)*\bstatus\s*=",
    re.IGNORECASE | re.DOTALL,
)
STATE_OWNER = {"server.emails.transitions"}
QUEUE_OWNERS = {"server.queue.overview", "server.queue.statements", "server.queue.store"}


def modules() -> Iterator[ModuleType]:
    """Every module of the server, but the migrations, which describe tables of their own time."""
    for found in pkgutil.walk_packages([str(ROOT)], "server."):
        if not found.name.startswith("server.db.migrations") and not found.name.endswith("__main__"):
            yield importlib.import_module(found.name)


def texts(module: ModuleType) -> Iterator[str]:
    """The SQL of the module's statements, and its string literals, joined as they are in the source."""
    for value in vars(module).values():
        if isinstance(value, Statement | Change):
            yield value.of("sqlite")
            yield value.of("postgresql")
    yield from literals(source_of(module))


def source_of(module: ModuleType) -> str:
    assert module.__file__ is not None
    return Path(module.__file__).read_text()


def literals(source: str) -> Iterator[str]:
    """String literals apart from docstrings; of an f-string the parts that are written out."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            node.value.value = ""  # a docstring
        elif isinstance(node, ast.JoinedStr):
            yield "".join(str(part.value) for part in node.values if isinstance(part, ast.Constant))
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def core_writes(source: str) -> Iterator[str]:
    """The Core statements that write a state: `insert`, `BulkInsert`, or `update` with `status`."""
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Call):
            continue
        if called(node) in {"insert", "BulkInsert"} and table_of(node) in STATES:
            yield ast.unparse(node)
        elif called(node) == "values" and any(
            called(inner) == "update" and table_of(inner) in STATES
            for inner in ast.walk(node.func)
            if isinstance(inner, ast.Call)
        ):
            named = {keyword.arg for keyword in node.keywords}
            if node.args or None in named or "status" in named:
                yield ast.unparse(node)


def called(call: ast.Call) -> str:
    """The last part of the name of what is called."""
    return ast.unparse(call.func).rpartition(".")[2]


def table_of(call: ast.Call) -> str:
    """The last part of the name of the first argument."""
    return ast.unparse(call.args[0]).rpartition(".")[2] if call.args else ""


def test_nothing_but_transitions_writes_the_state_of_an_email_or_recipient() -> None:
    by_text = {m.__name__ for m in modules() if any(WRITES_STATE.search(text) for text in texts(m))}
    by_core = {m.__name__ for m in modules() if list(core_writes(source_of(m)))}
    assert by_text == STATE_OWNER
    assert by_core == STATE_OWNER


def test_nothing_but_the_queue_names_its_table() -> None:
    naming = {m.__name__ for m in modules() if any(re.search(rf"\b{QUEUE}\b", text) for text in texts(m))}
    assert naming - {"server.db.tables.queue"} <= QUEUE_OWNERS
    using = {m.__name__ for m in modules() if re.search(rf"\b(import .*{QUEUE}|\.{QUEUE})\b", source_of(m))}
    assert using == {"server.queue.store"}


@pytest.mark.parametrize(
    "text",
    [
        "UPDATE emails SET status = :status WHERE id = :id",
        'update "recipients" set attempts = 1,\n status=:status where no = 1',
        "INSERT INTO recipients (no) VALUES (1)",
        "INSERT OR REPLACE INTO emails (id) VALUES (1)",
    ],
)
def test_a_text_that_writes_a_state_is_found(text: str) -> None:
    assert WRITES_STATE.search(text)


@pytest.mark.parametrize(
    "text",
    [
        "UPDATE emails SET scheduled_at = :at WHERE status = 'scheduled'",
        "UPDATE webhooks SET status = :status",
        "INSERT INTO email_tags (tag) VALUES ('a')",
        "SELECT status FROM emails",
    ],
)
def test_other_texts_are_not_found(text: str) -> None:
    assert not WRITES_STATE.search(text)


@pytest.mark.parametrize(
    ("source", "count"),
    [
        ("update(emails).where(a).values(status='x')", 1),
        ("update(tables.recipients).values({'status': 'x'})", 1),
        ("update(emails).values(**columns)", 1),
        ("insert(emails)", 1),
        ("BulkInsert(recipients)", 1),
        ("update(emails).values(scheduled_at=1)", 0),
        ("update(domains).values(status='x')", 0),
        ("select(emails.c.status)", 0),
    ],
)
def test_core_statements_that_write_a_state_are_found(source: str, count: int) -> None:
    assert len(list(core_writes(source))) == count
