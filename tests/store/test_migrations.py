"""A store of every earlier version is migrated and keeps its rows, on both engines."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import (
    Column,
    Connection,
    MetaData,
    Select,
    SmallInteger,
    Table,
    column,
    create_engine,
    insert,
    make_url,
    select,
    table,
    text,
)
from sqlalchemy.pool import NullPool

from server.db.connections import Connections
from server.db.database import Database
from server.db.migrate import alembic_config, is_current, upgrade
from server.db.schema import metadata
from server.db.tables.emails import emails
from server.db.tables.queue import delivery_queue
from server.db.tables.webhooks import webhook_calls
from server.events import log
from server.events.reader import Reader
from server.events.rows import Place
from server.ids import new_id
from tests.delivery.queued import rows_of
from tests.harness.clock import START_MS
from tests.harness.postgres import Postgres

EARLIER = [version.revision for version in ScriptDirectory.from_config(alembic_config("")).walk_revisions()][
    1:
]
ORG = new_id()
# In this version the table `outq` became `delivery_queue`.
QUEUE_RENAMED = "0003"
# Up to this version the rows of the queue have shards.
LAST_WITH_SHARDS = "0009"
# Up to this version a user belongs to one organisation.
LAST_OF_ONE_ORGANISATION = "0011"
# Up to this version webhooks have no format.
LAST_WITHOUT_FORMAT = "0003"
# Up to this version the log has one order of all organisations.
LAST_WITHOUT_UNITS = "0021"


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of a database without tables, on both engines."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'empty.db'}"
        return
    postgres: Postgres = request.getfixturevalue("postgres")
    url = postgres.create_database()
    yield url
    postgres.drop_database(url)


@pytest.fixture
def connection(empty_url: str) -> Iterator[Connection]:
    """A connection to that database."""
    url = make_url(empty_url)
    if url.get_backend_name() == "sqlite":
        url = url.set(drivername="sqlite")
    with create_engine(url, poolclass=NullPool).connect() as connection:
        yield connection


@pytest.mark.parametrize("version", EARLIER)
def test_a_store_of_an_earlier_version_is_upgraded_with_its_rows(
    empty_url: str, connection: Connection, version: str
) -> None:
    command.upgrade(alembic_config(empty_url), version)
    assert not is_current(empty_url)
    email = rows_of(ORG, ["ada@receiver.test", "bob@receiver.test"]).email
    # The first versions do not have these columns.
    del email["job_id"], email["waiting_bytes"]
    email_rows = select(*(emails.c[name] for name in (*email, "domain_id", "status")))
    call_rows = select(*(column for column in webhook_calls.c if column.name != "test"))
    connection.execute(insert(emails), email | {"domain_id": ORG, "status": "queued"})
    connection.execute(insert(webhook_calls), [call("success"), call("failed")])
    queue = delivery_queue.to_metadata(
        MetaData(), name="delivery_queue" if version >= QUEUE_RENAMED else "outq"
    )
    shard = {"shard": 1} if version <= LAST_WITH_SHARDS else {}
    if shard:
        queue.append_column(Column("shard", SmallInteger))
    rows = [queued(email["id"], no) | shard for no in (1, 2)]
    connection.execute(insert(queue), rows)
    connection.commit()
    before = [connection.execute(rows).all() for rows in (email_rows, call_rows, of(queue))]
    connection.commit()

    upgrade(empty_url)
    assert is_current(empty_url)
    queries = (email_rows, call_rows, of(delivery_queue))
    after = [connection.execute(query).all() for query in queries]
    assert after == before
    assert connection.scalars(select(emails.c.job_id)).all() == [None]
    assert len(after[-1]) == 2


def test_webhooks_of_an_earlier_version_have_the_format_of_zidimail(
    empty_url: str, connection: Connection
) -> None:
    command.upgrade(alembic_config(empty_url), LAST_WITHOUT_FORMAT)
    before = table("webhooks", *(column(name) for name in webhook()))
    connection.execute(insert(before), webhook())
    connection.commit()
    upgrade(empty_url)
    assert connection.scalars(select(column("format")).select_from(before)).all() == ["zidimail"]


def test_places_of_an_earlier_version_come_before_those_of_this_one(
    empty_url: str, connection: Connection
) -> None:
    """Also after a way back: what readers have read is not read again, and nothing is skipped."""
    command.upgrade(alembic_config(empty_url), LAST_WITHOUT_UNITS)
    orgs = [f"{number:024x}" for number in range(3)]
    for seq, org_id in enumerate([*orgs, *orgs], start=1):
        tx = 0 if connection.dialect.name == "sqlite" else 700 + seq // 2
        values = f"'{org_id}', {tx}, {seq}, '{seq:024x}', '', 'email.sent', '', 0, FALSE, {START_MS}"
        connection.execute(
            text(
                "INSERT INTO events (org_id, tx, seq, id, email_id, type, recipient, attempt, "
                f"possible_duplicate, created_at) VALUES ({values})"
            )
        )
    for reader in ("statistics", "webhooks"):
        connection.execute(text(f"INSERT INTO log_readers (reader, tx, seq) VALUES ('{reader}', {tx}, 6)"))
    connection.commit()
    upgrade(empty_url)
    database = Database(empty_url)
    writing = Connections(database.url, database.availability, read_only=False)

    def in_log(since: Mapping[int, Place]) -> list[str]:
        with writing.transaction() as tx:
            pages = log.pages(tx, since, 10)
        return sorted(entry.org_id for page in pages for entry in page.entries)

    def places() -> Mapping[int, Place]:
        with writing.transaction() as tx:
            return Reader("statistics").places(tx)

    assert in_log({}) == sorted([*orgs, *orgs])
    assert in_log(places()) == []
    with writing.transaction() as tx:
        log.append(tx, [log.Entry(org_id=orgs[0], email_id="", type="email.sent", created_at=START_MS)])
    assert in_log(places()) == [orgs[0]]
    with pytest.raises(RuntimeError, match="not read yet"):
        command.downgrade(alembic_config(empty_url), LAST_WITHOUT_UNITS)
    read = places()
    with writing.transaction() as tx:
        for page in log.pages(tx, read, 10):
            for reader in (Reader("statistics"), Reader("webhooks")):
                assert reader.move(tx, page.unit, page.start, page.to)
    writing.close()
    command.downgrade(alembic_config(empty_url), LAST_WITHOUT_UNITS)
    connection.commit()
    order = text("SELECT org_id FROM events ORDER BY tx, seq")
    assert connection.scalars(order).all() == [*orgs, *orgs, orgs[0]]
    newest = connection.execute(text("SELECT tx, seq FROM events ORDER BY tx DESC, seq DESC LIMIT 1")).all()
    assert set(connection.execute(text("SELECT tx, seq FROM log_readers")).all()) == set(newest)
    connection.commit()
    upgrade(empty_url)
    assert in_log(places()) == []
    writing.close()


def test_renamed_queue_keeps_its_storage_options(empty_url: str, connection: Connection) -> None:
    """SQLite: a table without row ids. PostgreSQL: vacuumed often, with room in each page."""
    upgrade(empty_url)
    if connection.dialect.name == "sqlite":
        sql = connection.scalar(text("SELECT sql FROM sqlite_master WHERE name = 'delivery_queue'"))
        assert sql.rstrip().endswith("WITHOUT ROWID")
        return
    options = connection.scalar(text("SELECT reloptions FROM pg_class WHERE relname = 'delivery_queue'"))
    assert "fillfactor=70" in options
    indexes = connection.scalars(text("SELECT indexname FROM pg_indexes WHERE tablename = 'delivery_queue'"))
    assert set(indexes) == {
        "pk_delivery_queue",
        "ix_delivery_queue_due",
        "ix_delivery_queue_held",
        "ix_delivery_queue_leased",
    }


def test_migrations_produce_the_schema(empty_url: str, connection: Connection) -> None:
    """A migrated store equals `server/db/schema.py`, indexes included."""
    upgrade(empty_url)
    assert compare_metadata(MigrationContext.configure(connection), metadata) == []


def test_downgrade_restores_the_previous_version(empty_url: str, connection: Connection) -> None:
    upgrade(empty_url)
    for version in EARLIER:
        command.downgrade(alembic_config(empty_url), version)
    upgrade(empty_url)
    assert compare_metadata(MigrationContext.configure(connection), metadata) == []


def queued(email_id: str, no: int) -> dict[str, object]:
    """A recipient in the queue, in the columns that every version has."""
    return {
        "org_id": ORG,
        "email_id": email_id,
        "no": no,
        "priority": 1,
        "site": "receiver.test",
        "due_at": START_MS,
        "attempts": 0,
        "crashes": 0,
        "uncertain": False,
        "lease_token": 0,
    }


def of(queue: Table) -> Select[*tuple[Any, ...]]:
    """The queue's rows with the columns that every version has."""
    return select(*(queue.c[name] for name in queued("", 0)))


def webhook() -> dict[str, object]:
    """An enabled webhook."""
    return {
        "org_id": ORG,
        "id": ORG,
        "url": "https://hooks.example.com/",
        "events": '["email.sent"]',
        "secret": b"sealed",
        "status": "enabled",
        "disabled_reason": "",
        "since_tx": 0,
        "since_seq": 0,
        "created_at": START_MS,
    }


def call(status: str) -> dict[str, object]:
    """A call of a webhook."""
    return {
        "org_id": ORG,
        "webhook_id": ORG,
        "event_id": new_id(),
        "type": "email.sent",
        "body": b"{}",
        "status": status,
        "attempts": 1,
        "earlier_attempts": 0,
        "lease_token": 1,
        "happened_at": START_MS,
        "created_at": START_MS,
    }


def test_users_of_one_address_become_one_owner_of_all_their_organisations(
    empty_url: str, connection: Connection
) -> None:
    """The newest of them stays, so that the password which was printed last works."""
    command.upgrade(alembic_config(empty_url), LAST_OF_ONE_ORGANISATION)
    first, second, other = (f"{number:024x}" for number in (1, 2, 3))
    rows = [
        (f"{10:024x}", first, "Ada@example.com", "old", 1_000),
        (f"{20:024x}", second, "ada@example.com", "new", 2_000),
        (f"{30:024x}", other, "bob@example.com", "bob", 3_000),
    ]
    columns = "org_id, id, email, password_hash, created_at"
    for row in rows:
        values = ", ".join(repr(value) for value in row)
        connection.execute(text(f"INSERT INTO users ({columns}) VALUES ({values})"))
    for org_id, user_id, *_ in rows:
        values = f"'{org_id}', '{user_id}', '{user_id}', 0, 9000"
        connection.execute(
            text(f"INSERT INTO sessions (org_id, id, user_id, created_at, expires_at) VALUES ({values})")
        )
    connection.commit()

    upgrade(empty_url)
    query = text("SELECT id, email, password_hash FROM users ORDER BY id")
    assert list(map(tuple, connection.execute(query))) == [
        (second, "ada@example.com", "new"),
        (other, "bob@example.com", "bob"),
    ]
    query = text("SELECT org_id, user_id, role FROM members ORDER BY org_id")
    assert list(map(tuple, connection.execute(query))) == [
        (rows[0][0], second, "owner"),
        (rows[1][0], second, "owner"),
        (rows[2][0], other, "owner"),
    ]
    assert connection.scalars(text("SELECT user_id FROM sessions ORDER BY user_id")).all() == [second, other]
