"""Accepting: a list at a time, each item by itself, durable before it is acknowledged (F-1, Z-12)."""

import asyncio
import json

import pytest
from sqlalchemy import select
from zidimail.v1 import email_service_pb2 as pb

from server.db.database import Database
from server.db.tables.emails import email_contents, emails, idempotency_keys, recipients
from server.db.tables.events import events
from server.db.tables.queue import delivery_queue
from server.db.writer import Writer
from server.emails import idempotency
from server.emails.draft import draft
from server.emails.faults import (
    DomainNotAllowed,
    DomainNotVerified,
    IdempotencyKeyReused,
    InvalidIdempotencyKey,
)
from server.faults import ValidationFailed
from server.ids import new_id
from server.wire.caller import KeyCaller
from tests.harness.rows import stored
from tests.store.accepting import CALLER, OTHER, Accepting, send_request

EVERY_TABLE = (emails, email_contents, recipients, delivery_queue, events)


@pytest.fixture
async def accepting(database: Database, writer: Writer) -> Accepting:
    accepting = Accepting(database, writer)
    await accepting.add_organisation(CALLER)
    await accepting.add_organisation(OTHER)
    await accepting.verify(CALLER, "mail.example.com")
    return accepting


async def test_an_accepted_email_has_all_its_rows(accepting: Accepting) -> None:
    (result,) = await accepting.results(
        send_request(cc=["bob@example.net"], bcc=["eve@Example.ORG"], html="<p>Hi", headers={"X-A": "b"})
    )
    database = accepting.database
    [email] = await stored(database, select(emails))
    [content] = await stored(database, select(email_contents))
    people = await stored(database, select(recipients).order_by(recipients.c.no))
    queue = await stored(database, select(delivery_queue).order_by(delivery_queue.c.no))
    [event] = await stored(database, select(events))
    assert (email.id, email.org_id, email.status) == (result.id, CALLER.org_id, "queued")
    assert (content.html, content.text, json.loads(content.headers)) == ("<p>Hi", "Hi.", {"X-A": "b"})
    assert [(row.kind, row.address) for row in people] == [
        ("to", "ada@example.net"),
        ("cc", "bob@example.net"),
        ("bcc", "eve@example.org"),
    ]
    assert [(row.no, row.site, row.lease_until) for row in queue] == [
        (1, "example.net", None),
        (2, "example.net", None),
        (3, "example.org", None),
    ]
    assert (event.type, event.email_id) == ("email.sent", result.id)


async def test_invalid_item_fails_alone(accepting: Accepting) -> None:
    good, invalid, unverified, last = await accepting.results(
        send_request(),
        send_request(subject=""),
        send_request(**{"from": "a@else.example.com"}),
        send_request(),
    )
    assert isinstance(invalid, ValidationFailed)
    assert isinstance(unverified, DomainNotVerified)
    assert unverified.metadata == {"domain": "else.example.com"}
    assert good.id < last.id
    assert [await accepting.count(table) for table in EVERY_TABLE] == [2] * 5


async def test_a_strict_batch_is_all_or_nothing(accepting: Accepting) -> None:
    good, bad = await accepting.results(
        send_request(), send_request(**{"from": "a@else.example.com"}), strict=True
    )
    assert isinstance(good, pb.SendEmailResponse)
    assert isinstance(bad, DomainNotVerified)
    assert [await accepting.count(table) for table in EVERY_TABLE] == [0] * 5


async def test_a_domain_counts_for_its_own_organisation_only(accepting: Accepting) -> None:
    (result,) = await accepting.results(send_request(), caller=OTHER)
    assert isinstance(result, DomainNotVerified)


async def test_a_subdomain_of_a_verified_domain_is_not_verified(accepting: Accepting) -> None:
    (result,) = await accepting.results(send_request(**{"from": "a@sub.mail.example.com"}))
    assert isinstance(result, DomainNotVerified)


async def test_same_idempotency_key_and_email_gets_the_first_answer(accepting: Accepting) -> None:
    (first,) = await accepting.results(send_request(idempotency_key="k"))
    (second,) = await accepting.results(send_request(idempotency_key="k"))
    assert (second.id, first.replayed, second.replayed) == (first.id, False, True)
    assert await accepting.count(emails) == 1


async def test_same_idempotency_key_with_another_email_is_a_conflict(accepting: Accepting) -> None:
    await accepting.send(send_request(idempotency_key="k"))
    (second,) = await accepting.results(send_request(idempotency_key="k", subject="Other"))
    assert isinstance(second, IdempotencyKeyReused)
    assert await accepting.count(emails) == 1


async def test_idempotency_key_is_scoped_to_its_organisation(accepting: Accepting) -> None:
    await accepting.verify(OTHER, "other.example.com")
    (first,) = await accepting.results(send_request(idempotency_key="k"))
    (second,) = await accepting.results(
        send_request(idempotency_key="k", **{"from": "a@other.example.com"}), caller=OTHER
    )
    assert first.id != second.id


async def test_refused_email_does_not_consume_its_idempotency_key(accepting: Accepting) -> None:
    await accepting.send(send_request(idempotency_key="k", **{"from": "a@later.example.com"}))
    await accepting.verify(CALLER, "later.example.com")
    (second,) = await accepting.results(send_request(idempotency_key="k", **{"from": "a@later.example.com"}))
    assert isinstance(second, pb.SendEmailResponse)
    assert not second.replayed


async def test_idempotency_key_twice_in_one_batch_sends_once(accepting: Accepting) -> None:
    first, second, other = await accepting.results(
        send_request(idempotency_key="k"),
        send_request(idempotency_key="k"),
        send_request(idempotency_key="k", subject="Other"),
    )
    assert (second.id, second.replayed) == (first.id, True)
    assert isinstance(other, IdempotencyKeyReused)
    assert await accepting.count(emails) == 1


async def test_64_concurrent_sends_with_one_idempotency_key_make_one_email(accepting: Accepting) -> None:
    answers = await asyncio.gather(*(accepting.results(send_request(idempotency_key="k")) for _ in range(64)))
    assert len({answer[0].id for answer in answers}) == 1
    assert sum(not answer[0].replayed for answer in answers) == 1
    assert await accepting.count(emails) == 1


async def test_two_servers_with_one_key_send_one_email(database: Database, writer: Writer) -> None:
    """On PostgreSQL the second server is a second writer; on SQLite there is one writer by design."""
    if database.is_sqlite:
        servers = [Accepting(database, writer)]
        others: list[Writer] = []
    else:
        others = [Writer(database)]
        others[0].start()
        servers = [Accepting(database, writer), Accepting(database, others[0])]
    await servers[0].add_organisation(CALLER)
    await servers[0].verify(CALLER, "mail.example.com")
    for attempt in range(10):
        request = send_request(idempotency_key=f"k{attempt}")
        answers = await asyncio.gather(*(server.results(request) for server in servers * 4))
        assert len({answer[0].id for answer in answers}) == 1
    assert await servers[0].count(emails) == 10
    for other in others:
        await other.close()


async def test_idempotency_key_expires_after_24_hours(accepting: Accepting, writer: Writer) -> None:
    (first,) = await accepting.results(send_request(idempotency_key="k"))
    accepting.clock.advance(24 * 3600 - 1)
    (same,) = await accepting.results(send_request(idempotency_key="k"))
    accepting.clock.advance(1)
    (fresh,) = await accepting.results(send_request(idempotency_key="k", subject="Other"))
    assert same.id == first.id
    assert fresh.id != first.id
    accepting.clock.advance(24 * 3600)
    assert await accepting.count(idempotency_keys) == 1
    await writer.run(idempotency.sweep, accepting.clock.now_ms())
    assert await accepting.count(idempotency_keys) == 0


async def test_idempotency_key_of_a_batch_replays_the_whole_answer(accepting: Accepting) -> None:
    requests = [send_request(), send_request(subject="")]
    first = await accepting.results(*requests, key="k")
    second = await accepting.send(*requests, key="k")
    third = await accepting.send(send_request(), key="k")
    assert isinstance(second, pb.BatchSendEmailsResponse)
    assert second.replayed
    assert second.results[0].sent.id == first[0].id
    assert second.results[1].WhichOneof("outcome") == "error"
    assert isinstance(third, IdempotencyKeyReused)
    assert await accepting.count(emails) == 1


async def test_invalid_idempotency_key_is_refused() -> None:
    for key in ("", "k" * 257, "ä"):
        assert isinstance(draft(send_request(idempotency_key=key), CALLER, 0), InvalidIdempotencyKey)


@pytest.mark.parametrize("is_batch", [False, True], ids=["send", "batch"])
async def test_idempotent_replay_shows_a_bound_key_no_send_of_another_domain(
    accepting: Accepting, is_batch: bool
) -> None:
    """C-90: also if it knows the idempotency key and the whole request."""
    bound = KeyCaller(CALLER.org_id, new_id(), "full", allowed_domains=frozenset({"else.example.com"}))
    results = [
        await accepting.send(send_request(), key="k", caller=caller)
        if is_batch
        else (await accepting.results(send_request(idempotency_key="k"), caller=caller))[0]
        for caller in (CALLER, CALLER, bound)
    ]
    assert results[1].replayed
    assert isinstance(results[2], DomainNotAllowed)
