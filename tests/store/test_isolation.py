"""Whatever goes wrong with one item of a batch is its fault alone."""

import asyncio
from typing import Any, cast

import pytest
from sqlalchemy import select
from zidimail.v1 import email_service_pb2 as pb

from server.db.database import Database
from server.db.tables.emails import emails
from server.db.writer import Writer
from server.emails.batch import Batch
from server.emails.draft import Draft, draft
from server.emails.judging import judged
from server.faults import Fault, Internal
from tests.harness.rows import stored
from tests.store.accepting import CALLER, Accepting, send_request

# No store can hold half a character.
HALF = "\ud800"


@pytest.fixture
async def accepting(database: Database, writer: Writer) -> Accepting:
    accepting = Accepting(database, writer)
    await accepting.add_organisation(CALLER)
    await accepting.verify(CALLER, "mail.example.com")
    return accepting


def drafts(accepting: Accepting, *subjects: str) -> list[Draft | Fault]:
    """Drafts with these subjects, which no rule has checked."""
    made: list[Draft | Fault] = []
    for subject in subjects:
        item = draft(send_request(), CALLER, accepting.clock.now_ms())
        assert isinstance(item, Draft)
        item.email["subject"] = subject
        made.append(item)
    return made


@pytest.mark.parametrize("key", [None, "k-1"])
async def test_item_that_cannot_be_stored_fails_alone(accepting: Accepting, key: str | None) -> None:
    items = drafts(accepting, "first", HALF, "last")
    answer = await accepting.accept(Batch(CALLER.org_id, items, strict=False, idempotency_key=key))
    assert not isinstance(answer, Fault | pb.BatchSendEmailsResponse)
    first, wrong, last = answer
    assert isinstance(wrong, Internal)
    assert isinstance(first, pb.SendEmailResponse)
    assert isinstance(last, pb.SendEmailResponse)
    rows = await stored(accepting.database, select(emails).order_by(emails.c.id))
    assert [row.subject for row in rows] == ["first", "last"]
    assert (await accepting.used()).day_count == 2


async def test_item_that_cannot_be_stored_harms_no_other_call(accepting: Accepting) -> None:
    batches = [
        Batch(CALLER.org_id, drafts(accepting, subject), strict=True) for subject in ("one", HALF, "two")
    ]
    outcomes = await asyncio.gather(*map(accepting.accept, batches), return_exceptions=True)
    assert [isinstance(outcome, Exception) for outcome in outcomes] == [False, True, False]


async def test_strict_batch_with_such_an_item_stores_nothing(accepting: Accepting) -> None:
    items = drafts(accepting, "first", HALF)
    with pytest.raises(UnicodeEncodeError):
        await accepting.accept(Batch(CALLER.org_id, items, strict=True))
    assert await accepting.count(emails) == 0


def test_error_while_an_item_is_judged_is_its_fault() -> None:
    nonsense = cast(Any, object())
    assert isinstance(judged(nonsense, CALLER, 0), Internal)
