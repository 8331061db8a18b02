"""A second organisation whose rows have the ids of the rows that a test stores, and other content.

Triggers of the database add a twin to each row that belongs to an organisation, and note whoever changes one:
a statement without its `org_id` finds, changes or deletes the twin as well.
"""

import sqlite3
from collections.abc import Iterator

import psycopg
from sqlalchemy import BigInteger, Column, Table, Text, make_url

from server.db.schema import metadata

TWIN_ORG = "c0ffee00c0ffee00c0ffee00"
# Tables without twins. Every other one whose key has an `org_id` has them, those to come as well.
SHARED = {
    "organisations": "the organisation itself",
    "delivery_queue": "engines work for all organisations in turn",
    "webhook_calls": "so do the callers of webhooks",
    "events": "readers of the log read those of all organisations",
    "exports": "workers export for all organisations in turn",
    "export_parts": "and write these",
    "erasures": "workers erase for all organisations in turn",
    "members": "a person belongs to several organisations",
    "sessions": "and signs out of all of them",
    "health_counts": "its hours, which are keys, end for all organisations",
    "unique_recipients": "so do its months",
}
# Tables without twins in a running stack beside these.
SHARED_BY_PROGRAMS = {
    "batch_jobs": "workers run the jobs of all organisations in turn",
    "contact_list_sends": "and their sends to lists",
    "domains": "verified ones are verified again from time to time",
}
# Twins outlive what is deleted after a time, of all organisations (milliseconds).
TEN_YEARS_MS = 315_360_000_000
TEXTS = {"name", "subject", "text", "html", "description", "first_name", "last_name", "filename", "note"}
# The beginning of the texts of twins: nobody is ever shown them.
MARK = "Another's "
_NOTES = "twin_notes"


def tables_with_twins(*, running: bool = False) -> Iterator[Table]:
    """The tables with twins, in a store with or without programs that run."""
    shared = SHARED | (SHARED_BY_PROGRAMS if running else {})
    for table in metadata.sorted_tables:
        if "org_id" in table.primary_key.columns and table.name not in shared:
            yield table


def add_twins(url: str, *, running: bool = False) -> None:
    """Gives the store at `url` its triggers; the rows that it has get no twins."""
    is_sqlite = url.startswith("sqlite")
    statements = [f"CREATE TABLE {_NOTES} (note TEXT)"]
    for table in tables_with_twins(running=running):
        statements += _for_sqlite(table) if is_sqlite else _for_postgresql(table)
    if is_sqlite:
        connection = sqlite3.connect(_path(url))
        for statement in statements:
            connection.execute(statement)
        connection.commit()
        connection.close()
        return
    with psycopg.connect(_dsn(url)) as postgres:
        for statement in statements:
            postgres.execute(statement)  # type: ignore[arg-type]


def changed_twins(url: str) -> list[str]:
    """The notes of changes to rows of an organisation that no test works for."""
    query = f"SELECT DISTINCT note FROM {_NOTES} ORDER BY note"
    if url.startswith("sqlite"):
        connection = sqlite3.connect(_path(url))
        try:
            return [note for (note,) in connection.execute(query)]
        finally:
            connection.close()
    with psycopg.connect(_dsn(url)) as postgres:
        return [note for (note,) in postgres.execute(query)]  # type: ignore[arg-type]


def _path(url: str) -> str:
    path = make_url(url).database
    assert path is not None
    return path


def _dsn(url: str) -> str:
    return make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)


def _columns(table: Table) -> str:
    return ", ".join(f'"{column.name}"' for column in table.c)


def _twin(table: Table) -> str:
    return ", ".join(_value(column) for column in table.c)


def _value(column: "Column[object]") -> str:
    """The value of a twin: the same in keys, another in texts and times.

    A domain is verified by one organisation at most.
    """
    if column.name == "org_id":
        return f"'{TWIN_ORG}'"
    new = f'NEW."{column.name}"'
    if column.primary_key:
        return new
    if str(column) == "domains.verified":
        return "FALSE"
    if isinstance(column.type, BigInteger) and column.name.endswith(("_at", "_until")):
        return f"{new} + {TEN_YEARS_MS}"
    if isinstance(column.type, Text) and column.name in TEXTS:
        return f"'Another''s ' || {new}"
    return new


def _for_sqlite(table: Table) -> list[str]:
    name = table.name
    return [
        f"CREATE TRIGGER twin_add_{name} AFTER INSERT ON {name} WHEN NEW.org_id <> '{TWIN_ORG}' BEGIN"
        f" INSERT OR IGNORE INTO {name} ({_columns(table)}) VALUES ({_twin(table)}); END",
        *(
            f"CREATE TRIGGER twin_{act}_{name} AFTER {act} ON {name} WHEN OLD.org_id = '{TWIN_ORG}' BEGIN"
            f" INSERT INTO {_NOTES} VALUES ('{act} of {name}'); END"
            for act in ("UPDATE", "DELETE")
        ),
    ]


def _for_postgresql(table: Table) -> list[str]:
    name = table.name
    return [
        f"CREATE FUNCTION twin_add_{name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
        f" INSERT INTO {name} ({_columns(table)}) VALUES ({_twin(table)}) ON CONFLICT DO NOTHING;"
        " RETURN NULL; END $$",
        f"CREATE TRIGGER twin_add_{name} AFTER INSERT ON {name} FOR EACH ROW"
        f" WHEN (NEW.org_id <> '{TWIN_ORG}') EXECUTE FUNCTION twin_add_{name}()",
        f"CREATE FUNCTION twin_note_{name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
        f" INSERT INTO {_NOTES} VALUES (TG_OP || ' of {name}'); RETURN NULL; END $$",
        f"CREATE TRIGGER twin_note_{name} AFTER UPDATE OR DELETE ON {name} FOR EACH ROW"
        f" WHEN (OLD.org_id = '{TWIN_ORG}') EXECUTE FUNCTION twin_note_{name}()",
    ]
