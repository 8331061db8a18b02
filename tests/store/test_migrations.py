"""A store of every earlier version is migrated and keeps its rows, on both engines."""

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
    insert,
    select,
    table,
    text,
)

from server.db.migrate import alembic_config, is_current, upgrade
from server.db.schema import metadata
from server.db.tables.emails import emails
from server.db.tables.queue import delivery_queue
from server.db.tables.webhooks import webhook_calls
from server.ids import new_id
from tests.delivery.queued import rows_of
from tests.harness.clock import START_MS

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
