"""The log of an earlier version is migrated and keeps its order, on both engines."""

from collections.abc import Mapping

import pytest
from alembic import command
from sqlalchemy import Connection, text

from server.db.connections import Connections
from server.db.database import Database
from server.db.migrate import alembic_config, upgrade
from server.events import log
from server.events.reader import Reader
from server.events.rows import Place
from tests.harness.clock import START_MS

# Up to this version the log has one order of all organisations.
LAST_WITHOUT_UNITS = "0021"


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
