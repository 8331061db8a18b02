"""Exports and erasures of one organisation begin one after the other: two transactions in a given order."""

import pytest

from server.db.writer import Writer
from server.ids import new_id
from server.privacy import erasure_store, export_store
from server.privacy.erasure_store import ErasureRow
from server.privacy.export_store import KEPT_MS, ExportRow
from server.privacy.sections import SECTIONS
from tests.delivery.queued import add_org
from tests.harness.clock import START_MS
from tests.harness.interleaving import Pair

ORG = new_id()


@pytest.fixture
def database_url(postgres_url: str) -> str:
    """Of PostgreSQL only: on SQLite one connection writes, and nothing is locked."""
    return postgres_url


async def test_two_requests_make_one_export(writer: Writer, pair: Pair) -> None:
    await writer.run(add_org, ORG)
    rows = [
        ExportRow(
            *(ORG, new_id(), new_id(), SECTIONS[0].name, "", 0, 0, 0, START_MS, START_MS, None),
            expires_at=START_MS + KEPT_MS,
        )
        for _ in range(2)
    ]
    first, second = pair
    first.run(export_store.begin, rows[0])
    beginning = second.begin(export_store.begin, rows[1])
    assert second.waits(beginning)
    first.commit()
    assert second.result(beginning).id == rows[0].id


async def test_two_requests_make_one_erasure(writer: Writer, pair: Pair) -> None:
    """With one key of the organisation: the address has one stand-in."""
    await writer.run(add_org, ORG)
    rows = [
        ErasureRow(*(ORG, new_id(), "", b"", new_id(), "emails", "", 0, 0, 0, 0, START_MS, START_MS, None))
        for _ in range(2)
    ]
    first, second = pair
    made = first.run(erasure_store.begin, rows[0], "ada@receiver.test")
    beginning = second.begin(erasure_store.begin, rows[1], "ada@receiver.test")
    assert second.waits(beginning)
    first.commit()
    assert second.result(beginning) == made
