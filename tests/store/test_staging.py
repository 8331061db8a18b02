"""Large contents are stored in small transactions before their emails are accepted (C-2: a bad item fails
alone), and nothing of them stays that no email has."""

import os
from collections.abc import Sequence

import pytest
from sqlalchemy import select
from zidimail.v1 import email_service_pb2 as pb

from server.db.database import Database
from server.db.tables.emails import attachment_parts, email_contents, emails, staged_contents
from server.db.writer import Writer
from server.emails.batch import Answer, Batch
from server.emails.draft import Draft, draft
from server.emails.parts import PART
from server.emails.prospects import Prospects
from server.emails.staging import LIFETIME_MS, STAGED_BYTES, Staging
from server.faults import Fault, Unavailable
from tests.harness.rows import own_values
from tests.store.accepting import CALLER, DOMAIN, Accepting, send_request

LARGE = os.urandom(3 * PART + 1)
TABLES = (attachment_parts, email_contents, emails, staged_contents)


class Staged(Accepting):
    """Accepts what was staged before."""

    def __init__(self, database: Database, writer: Writer) -> None:
        super().__init__(database, writer)
        self.staging = Staging(writer, self.clock, Prospects(database, self.clock))

    async def accept(self, batch: Batch) -> Answer | Fault:
        async with self.staging.staged(batch):
            return await super().accept(batch)

    async def rows(self) -> list[int]:
        """The numbers of rows in `TABLES`."""
        return [await self.count(table) for table in TABLES]


@pytest.fixture
async def staged(database: Database, writer: Writer) -> Staged:
    staged = Staged(database, writer)
    await staged.add_organisation(CALLER)
    await staged.verify(CALLER, DOMAIN)
    return staged


def large(content: bytes = LARGE, **fields: object) -> pb.SendEmailRequest:
    """A request to send a file."""
    return send_request(attachments=[pb.NewAttachment(filename="a.bin", content=content)], **fields)


def batch(requests: Sequence[pb.SendEmailRequest], now_ms: int, *, strict: bool = False) -> Batch:
    items = [draft(request, CALLER, now_ms) for request in requests]
    return Batch(CALLER.org_id, items, strict=strict)


async def test_contents_are_stored_before_their_email_and_stay_with_it(staged: Staged) -> None:
    made = batch([large()], staged.clock.now_ms())
    async with staged.staging.staged(made):
        assert await staged.rows() == [4, 1, 0, 1]
        await staged.acceptor.accept(made)
    assert await staged.rows() == [4, 1, 1, 0]
    parts = await staged.database.read(
        own_values, bytes, select(attachment_parts.c.content).order_by(attachment_parts.c.part)
    )
    assert b"".join(parts) == LARGE


async def test_many_small_contents_of_a_batch_are_staged_too(staged: Staged) -> None:
    """As many bytes, in a hundred bodies and files."""
    text = "x" * (STAGED_BYTES // 60)
    requests = [send_request(text=text) if number % 2 else large(b"y" * 20_000) for number in range(100)]
    made = batch(requests, staged.clock.now_ms())
    async with staged.staging.staged(made):
        assert await staged.rows() == [50, 100, 0, 100]
        await staged.acceptor.accept(made)
    assert await staged.rows() == [50, 100, 100, 0]


async def test_contents_of_refused_emails_are_not_stored(staged: Staged) -> None:
    """Of a batch whose second email may not be sent: the first one's are stored, if it can go alone."""
    requests = [large(), large(**{"from": "a@elsewhere.example"})]
    now_ms = staged.clock.now_ms()
    for strict, first, after in ((True, [0, 0, 0, 0], [0, 0, 0, 0]), (False, [4, 1, 0, 1], [4, 1, 1, 0])):
        made = batch(requests, now_ms, strict=strict)
        async with staged.staging.staged(made):
            assert await staged.rows() == first
            await staged.acceptor.accept(made)
        assert await staged.rows() == after


async def test_contents_that_no_email_came_to_are_deleted(staged: Staged) -> None:
    made = batch([large()], staged.clock.now_ms())
    with pytest.raises(ZeroDivisionError):
        async with staged.staging.staged(made):
            raise ZeroDivisionError
    assert await staged.rows() == [0, 0, 0, 0]


async def test_contents_of_a_repeated_send_are_not_stored_again(staged: Staged) -> None:
    first, again = [await staged.results(large(idempotency_key="k")) for _ in range(2)]
    assert again[0].id == first[0].id
    assert await staged.rows() == [4, 1, 1, 0]


async def test_contents_that_nobody_gets_are_deleted(staged: Staged) -> None:
    await staged.suppress("ada@example.net")
    made = batch([large()], staged.clock.now_ms())
    made.records_suppressed = True
    async with staged.staging.staged(made):
        await staged.acceptor.accept(made)
    assert await staged.rows() == [0, 1, 1, 0]


async def test_contents_of_a_call_that_died_are_swept_after_an_hour(
    staged: Staged, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = batch([large()], staged.clock.now_ms())
    async with staged.staging.staged(made):
        staged.clock.advance(LIFETIME_MS / 1000)
        assert not await staged.staging.sweep()
        assert await staged.rows() == [4, 1, 0, 1]
        staged.clock.advance(1)
        while await staged.staging.sweep():
            pass
        assert await staged.rows() == [0, 0, 0, 0]
        # The call was not dead, only late: without its contents the email must not be accepted.
        with pytest.raises(Unavailable):
            await staged.acceptor.accept(made)
    assert await staged.rows() == [0, 0, 0, 0]


async def test_a_piece_holds_about_a_megabyte(staged: Staged, monkeypatch: pytest.MonkeyPatch) -> None:
    """A transaction does not grow with the email."""
    sizes: list[int] = []
    submit = staged.writer.submit

    async def counted(act, items):  # type: ignore[no-untyped-def]
        sizes.extend(
            sum(len(part["content"]) for part in item.parts) for item in items if hasattr(item, "parts")
        )
        return await submit(act, items)

    monkeypatch.setattr(staged.writer, "submit", counted)
    made = batch([large(LARGE * 4)], staged.clock.now_ms())
    assert isinstance(made.items[0], Draft)
    async with staged.staging.staged(made):
        pass
    assert sum(sizes) == len(LARGE) * 4
    assert max(sizes) == PART
